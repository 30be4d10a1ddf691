"""A file whose pixels may stay as they are is put together anew around them: nothing else of it is left."""

import io
import re
import struct
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from providers.errors import AskPerson, MadeNothing
from providers.media.accept import accept
from providers.media.integrity import jpeg_is_sound, png_is_sound
from providers.media.save import save_picture
from providers.media.strip import Malformed, stripped
from tests.providers.media.pictures import (
    SECRET,
    SRGB,
    close,
    encoded,
    exif,
    noise,
    png_chunk,
    profile,
    quarters,
    scene,
)

JPEGS = {
    "baseline": encoded(scene(), "JPEG", quality=90),
    "progressive": encoded(scene(), "JPEG", quality=90, progressive=True),
    "restart markers": encoded(scene(), "JPEG", quality=90, restart_marker_blocks=3),
    "4:4:4": encoded(scene(), "JPEG", quality=95, subsampling=0),
    "4:2:2": encoded(scene(), "JPEG", quality=90, subsampling=1),
    "tables of its own": encoded(scene(), "JPEG", quality=90, optimize=True),
    "odd sides": encoded(scene(101, 67), "JPEG", quality=90),
}


def decoded(source: Path | bytes) -> bytes:
    with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as image:
        image.load()
        return image.mode.encode() + image.tobytes()


def shown(source: Path | bytes) -> Image.Image:
    with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as image:
        image.load()
        return image


def saved(data: bytes, into: Path) -> Path:
    return save_picture(data, into=into, stem="p", provider="fal", request_id="r").path


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def put_in(data: bytes, piece: bytes, *, before: bytes) -> bytes:
    at = data.index(before)
    return data[:at] + piece + data[at:]


def ends_of_scans(data: bytes) -> list[int]:
    """Where the coded pixels of each scan end."""
    found = []
    for scan in re.finditer(rb"\xff\xda", data):
        begin = scan.start() + 2 + int.from_bytes(data[scan.start() + 2 : scan.start() + 4], "big")
        end = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]").search(data, begin)
        assert end is not None
        found.append(end.start())
    return found


@pytest.mark.parametrize("kind", JPEGS)
def test_an_ordinary_jpeg_loses_no_quality_and_everything_said_about_it(kind: str, tmp_path: Path) -> None:
    said = segment(0xE1, exif()) + segment(0xED, SECRET) + segment(0xFE, SECRET)
    data = put_in(JPEGS[kind], said, before=b"\xff\xdb") + SECRET
    for path in (accept(data, into=tmp_path).path, saved(data, tmp_path)):
        assert SECRET not in path.read_bytes()
        assert decoded(path) == decoded(JPEGS[kind])
        assert path.stat().st_size <= len(JPEGS[kind])


@pytest.mark.parametrize("kind", JPEGS)
def test_what_was_put_together_anew_stays_the_same_for_ever(kind: str, tmp_path: Path) -> None:
    first = accept(JPEGS[kind], into=tmp_path)
    assert accept(first.path, into=tmp_path).path == first.path


def test_an_srgb_profile_is_dropped_and_the_pixels_stay(tmp_path: Path) -> None:
    data = encoded(scene(), "JPEG", icc_profile=profile(SRGB, b"sRGB IEC61966-2.1 " + SECRET))
    photo = accept(data, into=tmp_path)
    assert SECRET not in photo.path.read_bytes()
    assert decoded(photo.path) == decoded(data)


@pytest.mark.parametrize("kind", ["baseline", "progressive", "restart markers"])
def test_bytes_hidden_behind_the_pixels_of_any_scan_do_not_survive(kind: str, tmp_path: Path) -> None:
    data = JPEGS[kind]
    ends = ends_of_scans(data)
    assert (len(ends) > 1) == (kind == "progressive")
    for end in ends:
        hiding = data[:end] + SECRET + data[end:]
        for path in (accept(hiding, into=tmp_path).path, saved(hiding, tmp_path)):
            assert SECRET not in path.read_bytes()
            assert close(quarters(shown(path)), quarters(scene()), 12)


UNUSED_TABLE = b"\x03" + (SECRET * 3)[:64]
UNUSED_CODES = b"\x13" + bytes([0] * 7 + [len(SECRET)] + [0] * 8) + SECRET


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(segment(0xDB, UNUSED_TABLE), id="a quantisation table nothing uses"),
        pytest.param(segment(0xC4, UNUSED_CODES), id="codes nothing uses"),
        pytest.param(segment(0xDC, SECRET), id="the number of lines"),
        pytest.param(segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET), id="what follows Adobe's word"),
        pytest.param(segment(0xEE, SECRET), id="somebody else's APP14"),
        pytest.param(segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\x03\x01" + SECRET[:9]), id="a thumbnail"),
        pytest.param(segment(0xE0, b"JFXX\0" + SECRET), id="another thumbnail"),
        pytest.param(segment(0xE0, SECRET), id="somebody else's APP0"),
        pytest.param(segment(0xEB, SECRET), id="provenance"),
    ],
)
@pytest.mark.parametrize("kind", ["baseline", "progressive"])
def test_bytes_hidden_between_the_parts_of_a_jpeg_do_not_survive(kind: str, piece: bytes, tmp_path: Path) -> None:
    data = put_in(JPEGS[kind], piece, before=b"\xff\xda")
    assert SECRET[:9] in data
    for path in (accept(data, into=tmp_path).path, saved(data, tmp_path)):
        assert SECRET[:9] not in path.read_bytes()
        assert close(quarters(shown(path)), quarters(scene()), 12)


def test_a_restart_interval_said_a_thousand_times_is_said_once(tmp_path: Path) -> None:
    said = b"".join(segment(0xDD, struct.pack(">H", number)) for number in range(1000)) + segment(0xDD, b"\0\0")
    data = put_in(JPEGS["baseline"], said, before=b"\xff\xda")
    photo = accept(data, into=tmp_path)
    assert photo.path.read_bytes().count(b"\xff\xdd") == 1
    assert decoded(photo.path) == decoded(JPEGS["baseline"])


@pytest.mark.parametrize(
    ("picture", "options"),
    [
        pytest.param(scene(), {"keep_rgb": True}, id="red, green and blue as they are"),
        pytest.param(scene().convert("CMYK"), {}, id="inks"),
        pytest.param(scene().convert("L").convert("RGB").convert("L"), {}, id="grey"),
    ],
)
def test_a_jpeg_not_every_program_reads_alike_is_decoded_and_written_anew(
    picture: Image.Image, options: dict[str, bool], tmp_path: Path
) -> None:
    data = encoded(picture, "JPEG", quality=95, **options)
    kept = shown(accept(data, into=tmp_path).path)
    assert (kept.mode, kept.info["jfif"]) == ("RGB", 257)
    assert b"Adobe" not in encoded(kept, "JPEG")
    assert close(quarters(kept), quarters(picture), 14)


def test_colours_named_by_adobe_alone_stay_the_same(tmp_path: Path) -> None:
    plain = JPEGS["baseline"]
    head = segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")
    data = plain[:2] + head + plain[2 + 18 :]
    assert plain[2:4] == b"\xff\xe0"
    assert decoded(accept(data, into=tmp_path).path) == decoded(plain)


def test_a_photo_cut_off_and_then_closed_is_not_kept_as_it_is(tmp_path: Path) -> None:
    whole = encoded(noise(160, 120), "JPEG")
    for part in (0.3, 0.6, 0.9):
        cut = whole[: int(len(whole) * part)] + b"\xff\xd9"
        assert not jpeg_is_sound(cut)
        kept = shown(accept(cut, into=tmp_path).path)
        assert kept.size == (160, 120)


@pytest.mark.parametrize("sampling", [0x31, 0x34, 0x20, 0x00, 0xFF])
def test_a_sampling_that_has_no_name_is_not_sound(sampling: int) -> None:
    data = bytearray(JPEGS["baseline"])
    data[data.index(b"\xff\xc0") + 11] = sampling
    assert not jpeg_is_sound(bytes(data))


def test_a_png_of_more_pixels_than_are_ever_decoded_is_not_inflated() -> None:
    small = encoded(noise(8, 8), "PNG")
    head = struct.pack(">II", 0xFFFF_FFFF, 0xFFFF_FFFF) + small[24:29]
    told = small[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + small[33:]
    assert not png_is_sound(told)  # its bytes were more than a C integer holds


def test_a_jpeg_of_more_pixels_than_are_ever_decoded_is_not_gone_through() -> None:
    small = encoded(Image.new("L", (16, 16)), "JPEG", progressive=True)
    at = small.index(b"\xff\xc2") + 5  # height and width of the frame
    told = small[:at] + struct.pack(">HH", 44_544, 44_800) + small[at + 4 :]
    begun = time.process_time()
    assert not jpeg_is_sound(told)
    assert time.process_time() - begun < 1  # 4.7 s of processor before: it pads what is missing


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_is_sound_only_with_its_last_byte(kind: str) -> None:
    data = stripped(JPEGS[kind], "JPEG")
    assert jpeg_is_sound(data)
    assert not jpeg_is_sound(data[:-2])
    for end in ends_of_scans(data):
        assert not jpeg_is_sound(data[: end - 12] + data[end:])
        assert not jpeg_is_sound(data[:end] + bytes(12) + data[end:])


NOISES = [encoded(noise(64, 64), "JPEG", **options) for options in ({}, {"progressive": True}, {"subsampling": 0})]


@given(data=st.sampled_from(NOISES), place=st.floats(0, 1), blow=st.binary(min_size=1, max_size=9))
@settings(max_examples=300, deadline=None)
def test_a_damaged_jpeg_is_kept_only_where_it_decodes_to_the_same_pixels(
    data: bytes, place: float, blow: bytes
) -> None:
    at = 3 + int(place * (len(data) - 3 - len(blow)))
    damaged = data[:at] + blow + data[at + len(blow) :]
    try:
        kept = stripped(damaged, "JPEG")
    except Malformed:
        return
    if jpeg_is_sound(kept):
        assert decoded(kept) == decoded(damaged)


def rows_of(pixels: np.ndarray) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def png_of(rows: bytes, *, size: tuple[int, int], kind: int = 2, depth: int = 8, interlaced: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, interlaced)
    packed = zlib.compress(rows)
    chunks = [(b"IHDR", head), (b"IDAT", packed[:40]), (b"IDAT", packed[40:]), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, body) for name, body in chunks)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(96, 64), (33, 7), (1, 1)])
def test_every_kind_of_png_keeps_its_very_pixels(mode: str, size: tuple[int, int], tmp_path: Path) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.arange(size[0] * size[1], dtype=np.uint16).reshape(size[::-1]) * 7)
    else:
        picture = scene(*size).convert(mode)
    data = encoded(picture, "PNG")
    assert png_is_sound(data)
    assert decoded(saved(data, tmp_path)) == decoded(data)


@pytest.mark.parametrize("size", [(96, 64), (33, 7), (5, 3), (1, 1)])
def test_an_interlaced_png_keeps_its_very_pixels(size: tuple[int, int], tmp_path: Path) -> None:
    pixels = np.asarray(noise(*size))
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = b"".join(rows_of(pixels[y::down, x::across]) for x, y, across, down in passes if pixels[y:, x:].size)
    data = png_of(rows, size=size, interlaced=1)
    kept = saved(data, tmp_path).read_bytes()
    assert kept[28] == 1  # still interlaced
    assert decoded(kept) == b"RGB" + pixels.tobytes()


PLAIN = np.asarray(scene())
PLAIN_ROWS = rows_of(PLAIN)
PLAIN_PNG = png_of(PLAIN_ROWS, size=(96, 64))


def whole(png: bytes) -> bool:
    """Whether its pixels may stay as they are."""
    try:
        return png_is_sound(stripped(png, "PNG"))
    except Malformed:
        return False


def hiding_in_the_stream() -> bytes:
    body = zlib.compress(PLAIN_ROWS) + SECRET
    chunks = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 64, 8, 2, 0, 0, 0)) + png_chunk(b"IDAT", body)
    return b"\x89PNG\r\n\x1a\n" + chunks + png_chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(hiding_in_the_stream(), id="behind the compressed stream"),
        pytest.param(
            put_in(PLAIN_PNG, png_chunk(b"IDAT", SECRET), before=b"\0\0\0\0IEND"), id="one more chunk of pixels"
        ),
        pytest.param(
            put_in(PLAIN_PNG, png_chunk(b"gAMA", b"\0\0\xb1\x8f" + SECRET), before=PLAIN_PNG[33:41]), id="gamma"
        ),
        pytest.param(
            put_in(PLAIN_PNG, png_chunk(b"PLTE", SECRET + b"!!"), before=PLAIN_PNG[33:41]), id="a palette unused"
        ),
        pytest.param(PLAIN_PNG + SECRET, id="behind the end"),
        pytest.param(PLAIN_PNG[:-12] + png_chunk(b"IEND", SECRET), id="within the end"),
        pytest.param(put_in(PLAIN_PNG, png_chunk(b"teXt", SECRET), before=PLAIN_PNG[33:41]), id="a chunk of its own"),
    ],
)
def test_bytes_hidden_in_a_png_do_not_survive(data: bytes, tmp_path: Path) -> None:
    assert SECRET in data
    path = saved(data, tmp_path)
    assert SECRET not in path.read_bytes()
    assert decoded(path) == b"RGB" + PLAIN.tobytes()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png_of(PLAIN_ROWS + bytes(50_000_000), size=(96, 64)), id="more rows than the picture has"),
        pytest.param(png_of(PLAIN_ROWS[:-1], size=(96, 64)), id="a byte less"),
        pytest.param(png_of(b"\5" + PLAIN_ROWS[1:], size=(96, 64)), id="a filter there is not"),
        pytest.param(PLAIN_PNG.replace(b"IEND\xaeB`\x82", b"IEND\xaeB`\x83"), id="a wrong sum at the end"),
        pytest.param(PLAIN_PNG[:45] + bytes([PLAIN_PNG[45] ^ 1]) + PLAIN_PNG[46:], id="a bit"),
        pytest.param(png_of(PLAIN_ROWS, size=(96, 64), kind=5), id="a kind there is not"),
        pytest.param(PLAIN_PNG[:-12], id="no end"),
    ],
)
def test_a_png_that_is_not_coded_as_it_should_be_is_not_sound(data: bytes) -> None:
    assert not whole(data)


def test_a_png_of_nothing_but_empty_chunks_is_given_up_on(tmp_path: Path) -> None:
    data = put_in(PLAIN_PNG, png_chunk(b"IDAT", b"") * 150_000, before=PLAIN_PNG[33:41])
    with pytest.raises(Malformed):
        stripped(data, "PNG")


PNG = encoded(noise(40, 30), "PNG")


@given(place=st.floats(0, 1), blow=st.binary(min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_damaged_png_is_kept_only_where_its_pixels_are_untouched(place: float, blow: bytes) -> None:
    at = 8 + int(place * (len(PNG) - 8 - len(blow)))
    damaged = PNG[:at] + blow + PNG[at + len(blow) :]
    if whole(damaged):
        assert decoded(stripped(damaged, "PNG")) == decoded(PNG)


@given(data=st.sampled_from([*JPEGS.values(), PNG]), place=st.floats(0, 1), piece=st.binary(min_size=1, max_size=40))
@settings(max_examples=200, deadline=None)
def test_whatever_is_put_in_anywhere_the_file_that_comes_out_is_sound(data: bytes, place: float, piece: bytes) -> None:
    at = int(place * len(data))
    with tempfile.TemporaryDirectory() as folder:
        try:
            accepted = accept(data[:at] + piece + data[at:], into=Path(folder)).path.read_bytes()
        except AskPerson:
            accepted = None
        try:
            result = saved(data[:at] + piece + data[at:], Path(folder)).read_bytes()
        except MadeNothing:
            result = None
    for kept in (accepted, result):
        if kept is not None:
            assert (jpeg_is_sound if kept[:2] == b"\xff\xd8" else png_is_sound)(kept)


WEBP = encoded(scene(), "WEBP", lossless=True)
CLEAR = encoded(scene().convert("RGBA"), "WEBP", quality=80, exif=exif())


def webp_with(data: bytes, *chunks: bytes) -> bytes:
    body = data[8:] + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


@pytest.mark.parametrize("data", [WEBP, CLEAR])
@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([webp_chunk(b"XMP ", SECRET)], id="metadata"),
        pytest.param([webp_chunk(b"abcd", SECRET)], id="a chunk of its own"),
        pytest.param([webp_chunk(b"VP8L", SECRET)], id="a second picture"),
        pytest.param([webp_chunk(b"ALPH", SECRET)], id="transparency behind the picture"),
        pytest.param([webp_chunk(b"VP8X", SECRET)], id="a head behind the picture"),
        pytest.param([webp_chunk(b"abcd", SECRET)] * 2_000, id="a great many"),
    ],
)
def test_bytes_hidden_in_a_webp_do_not_survive(data: bytes, chunks: list[bytes], tmp_path: Path) -> None:
    try:
        path = saved(webp_with(data, *chunks) + SECRET, tmp_path)
    except MadeNothing:  # the decoder will have none of a head or a transparency in the wrong place
        assert data == CLEAR
        assert chunks[0][:4] in (b"VP8L", b"ALPH", b"VP8X")
        return
    assert SECRET not in path.read_bytes()
    assert shown(path).convert("RGB").tobytes() == shown(data).convert("RGB").tobytes()


def test_what_stands_in_the_unused_parts_of_a_webp_does_not_survive(tmp_path: Path) -> None:
    data = bytearray(CLEAR)
    assert data[12:16] == b"VP8X"
    data[21:24] = b"Ada"
    assert saved(bytes(data), tmp_path).read_bytes()[20:24] in (b"\0\0\0\0", b"\x10\0\0\0")
