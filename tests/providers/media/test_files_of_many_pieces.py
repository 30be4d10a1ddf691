"""A small file can be millions of pieces, or one piece gone over a thousand times: both are refused before the work.

Each of these kept the program busy for between two seconds and minutes.
"""

import struct
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from providers.errors import AskPerson, MadeNothing
from providers.media.accept import accept
from providers.media.decode import Undecodable, decode, inspect
from providers.media.save import save_picture
from providers.media.structure_limits import MAX_PIECES, jpeg_scans, too_many_pieces
from tests.providers.media.pictures import encoded, exif, png_chunk, scene

JPEG, PNG, GIF = (encoded(scene(), kind) for kind in ("JPEG", "PNG", "GIF"))
MANY = 30_000


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def in_jpeg(piece: bytes) -> bytes:
    return JPEG[:20] + piece + JPEG[20:]


def in_png(piece: bytes) -> bytes:
    return PNG[:33] + piece + PNG[33:]


def in_gif(piece: bytes) -> bytes:
    at = 13 + (3 << (GIF[10] & 7) + 1)
    return GIF[:at] + piece + GIF[at:]


def tiff_of_strips(count: int, *, big: bool) -> bytes:
    """Grey, 64 pixels wide, a strip a row."""
    tags = [(256, 64, 1), (257, count, 1), (258, 8, 1), (259, 1, 1), (262, 1, 1), (273, 400, count), (277, 1, 1)]
    tags += [(278, 1, 1), (279, 400 + 4 * count, count)]
    entry = "<HHQQ" if big else "<HHII"
    table = b"".join(struct.pack(entry, tag, 4, many, value) for tag, value, many in tags)
    head = b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, len(tags)) if big else b"II*\0\x08\0\0\0" + struct.pack("<H", 9)
    offsets = struct.pack("<I", 8) * count + struct.pack("<I", 64) * count
    return (head + table + bytes(8)).ljust(400, b"\0") + offsets


def tiff_of_tags(count: int) -> bytes:
    tags = b"".join(struct.pack("<HHII", 300 + number, 4, 1, number) for number in range(count))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + tags + bytes(4)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(in_jpeg(b"\xff" * MANY), id="JPEG, padding"),
        pytest.param(in_jpeg(bytes(MANY)), id="JPEG, what is no marker"),
        pytest.param(in_jpeg(b"\xff\0" * MANY), id="JPEG, coded pixels without a scan"),
        pytest.param(in_jpeg(segment(0xFE, b"") * MANY), id="JPEG, comments"),
        pytest.param(in_jpeg(segment(0xE1, b"") * MANY), id="JPEG, metadata"),
        pytest.param(in_jpeg(segment(0xDD, b"\0\0") * MANY), id="JPEG, restart intervals"),
        pytest.param(in_jpeg(segment(0xF0, bytes(2 * MANY))), id="JPEG, an extension that decoders do not skip"),
        pytest.param(in_png(png_chunk(b"tEXt", b"") * MANY), id="PNG, texts"),
        pytest.param(in_png(png_chunk(b"abCd", b"") * MANY), id="PNG, chunks of no known kind"),
        pytest.param(in_png(png_chunk(b"IDAT", b"") * MANY), id="PNG, pixels"),
        pytest.param(in_gif(b"\x21\xf9\x04\0\0\0\0\0" * MANY), id="GIF, extensions"),
        pytest.param(in_gif(b"\x21\xfe" + b"\1a" * MANY + b"\0"), id="GIF, a comment in bits"),
        pytest.param(in_gif(bytes(MANY)), id="GIF, what is no block"),
        pytest.param(tiff_of_strips(MANY, big=False), id="TIFF, strips"),
        pytest.param(tiff_of_strips(MANY, big=True), id="BigTIFF, strips"),
        pytest.param(tiff_of_tags(MANY), id="TIFF, tags"),
    ],
)
def test_a_file_of_too_many_pieces_is_refused_unopened(data: bytes, tmp_path: Path) -> None:
    for look in (decode, inspect):
        with pytest.raises(Undecodable) as refused:
            look(data)
        assert refused.value.code == "photo_unreadable"
    with pytest.raises(AskPerson):
        accept(data, into=tmp_path)
    with pytest.raises(MadeNothing):
        save_picture(data, into=tmp_path, stem="a", provider="fal", request_id="r")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(in_jpeg(segment(0xE2, bytes(100)) * 500), id="JPEG, a large profile in parts"),
        pytest.param(in_png(png_chunk(b"tEXt", b"k\0v") * 500), id="PNG, 500 texts"),
        pytest.param(in_gif(b"\x21\xff\x0bXMP DataXMP" + b"\xff" + bytes(255) + b"\0"), id="GIF, metadata"),
        pytest.param(
            encoded(scene(40, 4000), "TIFF", compression="tiff_lzw", strip_size=120), id="TIFF, a strip a row"
        ),
    ],
)
def test_a_file_of_many_pieces_as_programs_write_them_is_taken(data: bytes, tmp_path: Path) -> None:
    assert accept(data, into=tmp_path).width in (96, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP"])
def test_a_head_that_is_cut_off_anywhere_is_the_decoders_to_judge(kind: str) -> None:
    data = encoded(scene(), kind)
    for end in range(min(len(data), 900)):
        assert not too_many_pieces(data[:end], kind)


def with_scans(size: tuple[int, int], scans: int, between: bytes = b"") -> bytes:
    data = encoded(Image.new("RGB", size, (90, 90, 90)), "JPEG", quality=30, progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + (between + last) * (scans - jpeg_scans(data)) + b"\xff\xd9"


@pytest.mark.parametrize("between", [b"", b"\0", b"\xff" * 9, b"\xff\0\xff\xd0", segment(0xFE, b"\xff\xda" * 9)])
def test_every_scan_is_counted_whatever_stands_between_them(between: bytes) -> None:
    assert jpeg_scans(with_scans((64, 64), 50, between)) == 50


def test_scans_of_thumbnails_are_not_counted() -> None:
    thumbnail = encoded(scene(), "JPEG", progressive=True)
    assert jpeg_scans(in_jpeg(segment(0xE1, exif() + thumbnail)) + thumbnail) == 1


def test_scans_too_many_to_tell_are_as_many_as_can_be() -> None:
    assert jpeg_scans(JPEG[:-2] + segment(0xFE, b"") * MANY + JPEG[-2:]) == MAX_PIECES


def test_many_scans_of_a_large_picture_are_refused_and_of_a_small_one_decoded(tmp_path: Path) -> None:
    assert accept(with_scans((640, 480), 60), into=tmp_path).width == 640
    with pytest.raises(AskPerson) as refused:
        accept(with_scans((6000, 5000), 60), into=tmp_path)
    assert refused.value.code == "photo_unreadable"


def test_a_jpeg_with_a_scan_for_each_colour_is_held_whole_and_may_not_be_huge(tmp_path: Path) -> None:
    grey = encoded(Image.new("L", (10_000, 7_000), 90), "JPEG", quality=30)
    frame, codes, scan = (grey.index(marker) for marker in (b"\xff\xc0", b"\xff\xc4", b"\xff\xda"))
    coloured = segment(0xC0, struct.pack(">BHHB", 8, 7_000, 10_000, 3) + b"\1\x11\0\2\x11\0\3\x11\0")
    pixels = grey[scan + 10 : -2]
    scans = b"".join(segment(0xDA, bytes((1, place, 0, 0, 63, 0))) + pixels for place in (1, 2, 3))
    with pytest.raises(AskPerson) as refused:
        accept(grey[:frame] + coloured + grey[codes:scan] + scans + b"\xff\xd9", into=tmp_path)
    assert refused.value.code == "photo_too_many_pixels"


@pytest.mark.parametrize("lossless", [False, True])
def test_a_webp_that_claims_to_be_huge_is_refused_before_there_is_memory_for_it(lossless: bool) -> None:
    data = bytearray(encoded(scene(), "WEBP", lossless=lossless))
    if lossless:
        data[21:25] = struct.pack("<I", 16_382 | 16_382 << 14)
    else:
        data[26:30] = struct.pack("<HH", 16_383, 16_383)
    with pytest.raises(Undecodable) as refused:
        inspect(bytes(data))
    assert refused.value.code == "photo_too_many_pixels"


def test_restart_markers_nobody_asked_for_are_not_kept(tmp_path: Path) -> None:
    data = JPEG[:-2] + b"\xff\xd0\xff\xd1" * 1000 + JPEG[-2:]
    assert b"\xff\xd0" not in accept(data, into=tmp_path).path.read_bytes()


def test_padding_behind_the_pixels_is_not_kept(tmp_path: Path) -> None:
    photo = accept(JPEG[:-2] + b"\xff" * 5000 + JPEG[-2:], into=tmp_path)
    assert photo.path.read_bytes() == accept(JPEG, into=tmp_path).path.read_bytes()


def test_deep_greys_are_converted_in_bands_that_do_not_show(tmp_path: Path) -> None:
    ramp = Image.linear_gradient("L").resize((1500, 1400)).convert("F")
    grey = accept(encoded(ramp, "TIFF"), into=tmp_path)
    with Image.open(grey.path) as kept:
        column = [kept.getpixel((700, y)) for y in range(0, 1400, 7)]
    values = [pixel[0] for pixel in column if isinstance(pixel, tuple)]
    assert all(later - earlier in (-1, 0, 1, 2, 3) for earlier, later in pairwise(values))
    assert values[0] < 4
    assert values[-1] > 250


def test_the_zlib_of_a_png_may_be_of_any_level(tmp_path: Path) -> None:
    for level in (0, 1, 9):
        rows = zlib.compress(b"".join(b"\0" + bytes(96 * 3) for _ in range(64)), level)
        head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 64, 8, 2, 0, 0, 0))
        data = b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
        saved = save_picture(data, into=tmp_path, stem="a", provider="fal", request_id="r")
        assert saved.path.read_bytes() == data
