"""What is not a whole photo of a sensible size is refused with one word that says why; nothing hangs or explodes."""

import io
import os
import socket
import struct
import tempfile
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from providers.errors import AskPerson
from providers.media.accept import accept
from tests.providers.media.pictures import (
    P3,
    encoded,
    exif,
    grey_rows,
    noise,
    png_chunk,
    png_claiming,
    profile,
    scene,
)

BROKEN = {"photo_truncated", "photo_unreadable"}


def refused(source: Path | bytes, into: Path, max_bytes: int = 20 * 1024 * 1024) -> AskPerson:
    with pytest.raises(AskPerson) as caught:
        accept(source, into=into / "kept", max_bytes=max_bytes)
    assert caught.value.text_key == f"error.{caught.value.code}"
    assert not (into / "kept").exists()
    return caught.value


def outcome_of(data: bytes, into: Path) -> Path | str:
    """The accepted file, or the code it was refused with."""
    try:
        return accept(data, into=into).path
    except AskPerson as error:
        return error.code


def zip_file() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("photo.jpg", encoded(scene(), "JPEG"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n", id="a line"),
        pytest.param("你好".encode(), id="text"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", id="SVG"),
        pytest.param(b"<?xml version='1.0'?><!DOCTYPE svg><svg/>", id="XML"),
        pytest.param(b"%PDF-1.7\n1 0 obj\n", id="PDF"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", id="EPS, which would start a program"),
        pytest.param(b"<!DOCTYPE html><html>" + encoded(scene(), "JPEG"), id="HTML before a JPEG"),
        pytest.param(zip_file(), id="ZIP"),
        pytest.param(b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + b"\0" * 99, id="MP4"),
        pytest.param(b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + b"\0" * 99, id="QuickTime"),
        pytest.param(b"\x1aE\xdf\xa3" + b"\0" * 99, id="WebM"),
        pytest.param(b"RIFF\x24\0\0\0AVI LIST" + b"\0" * 99, id="AVI"),
        pytest.param(b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 99, id="WAV"),
        pytest.param(encoded(scene(), "PPM"), id="PPM"),
        pytest.param(encoded(scene(), "TGA")[:-26] + b"\0", id="TGA without its footer and of another length"),
        pytest.param(b"\0\0\x02\0\x01\0" + b"\0" * 99, id="a cursor"),
        pytest.param(b"8BPS\0\x01" + b"\0" * 99, id="PSD"),
        pytest.param(b"BM for short", id="text that begins like a BMP"),
    ],
)
def test_what_is_no_photo_is_refused_even_when_it_is_called_one(data: bytes, tmp_path: Path) -> None:
    named = tmp_path / "photo.jpg"
    named.write_bytes(data)
    assert refused(named, tmp_path).code == "not_a_photo"
    assert refused(data, tmp_path).code == "not_a_photo"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIF", "AVIF"])
def test_the_right_beginning_followed_by_rubbish_is_unreadable(kind: str, tmp_path: Path) -> None:
    data = encoded(scene(), kind)[:32] + b"rubbish " * 500
    assert refused(data, tmp_path).code in BROKEN


def test_a_file_above_the_limit_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    big = tmp_path / "big.jpg"
    with big.open("wb") as file:
        file.write(encoded(scene(), "JPEG"))
        file.truncate(5 * 1024**4)  # sparse: five terabytes on no disk space
    error = refused(big, tmp_path)
    assert (error.code, error.params) == ("photo_too_large_file", {"max_mb": 20})
    assert refused(b"\xff\xd8\xff" + bytes(2000), tmp_path, max_bytes=2000).code == "photo_too_large_file"


def test_a_file_of_exactly_the_limit_is_accepted(tmp_path: Path) -> None:
    data = encoded(scene(), "JPEG")
    assert accept(data, into=tmp_path, max_bytes=len(data)).width == 96
    assert refused(data, tmp_path, max_bytes=len(data) - 1).code == "photo_too_large_file"


@pytest.mark.parametrize("size", [(31, 200), (200, 31), (1, 1), (9000, 40)])
def test_a_photo_with_a_side_below_32_pixels_is_refused(size: tuple[int, int], tmp_path: Path) -> None:
    error = refused(encoded(scene().resize(size), "PNG"), tmp_path)
    assert (error.code, error.params) == ("photo_too_small", {"min_side": 32})


def webp_claiming(width: int, height: int) -> bytes:
    sizes = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<II", 10, 2) + sizes + b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bmp_claiming(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(99)


def gif_claiming(width: int, height: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0x80, 0, 0)
        + bytes(6)
        + b","
        + struct.pack("<HHHHB", 0, 0, width, height, 0)
        + b"\x02\x02\x4c\x01\0;"
    )


def tiff_claiming(*entries: tuple[int, int]) -> bytes:
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries))
    return b"II\x2a\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + bytes(64)


def jpeg_claiming(width: int, height: int, *, progressive: bool = False) -> bytes:
    data = encoded(scene(), "JPEG", progressive=progressive)
    at = data.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png_claiming(60_000, 60_000), id="PNG of 3600 megapixels"),
        pytest.param(
            png_claiming(9_000, 8_000, grey_rows(9_000, 8_000)), id="PNG whose 72 megapixels are really there"
        ),
        pytest.param(webp_claiming(16_383, 16_383), id="WebP"),
        pytest.param(bmp_claiming(30_000, 30_000), id="BMP"),
        pytest.param(bmp_claiming(10_000, 10_000), id="BMP between Pillow's warning and its error"),
        pytest.param(gif_claiming(65_535, 65_535), id="GIF"),
        pytest.param(tiff_claiming((256, 70_000), (257, 70_000), (258, 8), (259, 1), (262, 1), (273, 8)), id="TIFF"),
        pytest.param(jpeg_claiming(65_000, 65_000), id="JPEG"),
        pytest.param(jpeg_claiming(10_000, 7_000, progressive=True), id="progressive JPEG, which is held in full"),
    ],
)
def test_a_decompression_bomb_is_refused_before_it_is_decoded(data: bytes, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        started = time.process_time()
        error = refused(data, tmp_path)
        assert time.process_time() - started < 2
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert (error.code, error.params) == ("photo_too_many_pixels", {"max_mp": 64})


@pytest.mark.parametrize("compression", ["tiff_ccitt", "group3", "group4"])
def test_a_fax_is_no_photo_and_writes_nothing_to_the_log(
    compression: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(encoded(noise(200, 400).convert("1"), "TIFF", compression=compression))
    data[1000:2000] = bytes(1000)
    assert refused(bytes(data), tmp_path).code == "photo_unreadable"
    assert capfd.readouterr().err == ""


def test_a_tiff_whose_tiles_are_bombs_is_refused(tmp_path: Path) -> None:
    entries = ((256, 64), (257, 64), (258, 8), (259, 8), (262, 1), (277, 1), (322, 60_000), (323, 60_000))
    data = tiff_claiming(*entries, (324, 8), (325, 60))
    assert refused(data, tmp_path).code == "photo_too_many_pixels"


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_png_with_a_bomb_among_its_texts_or_profiles_is_refused(kind: bytes, tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(100_000_000), 9)
    head = b"name\0\0" if kind != b"iTXt" else b"name\0\x01\0\0\0"
    data = png_claiming(64, 64, grey_rows(64, 64), png_chunk(kind, head + bomb))
    tracemalloc.start()
    try:
        code = refused(data, tmp_path).code
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()
    assert code == "photo_unreadable"


def test_a_deflate_bomb_behind_a_small_size_makes_only_the_small_picture(tmp_path: Path) -> None:
    photo = accept(png_claiming(64, 64, zlib.compress(bytes(100_000_000), 9)), into=tmp_path)
    assert (photo.width, photo.height) == (64, 64)


def test_a_jpeg_of_thousands_of_scans_is_refused(tmp_path: Path) -> None:
    data = encoded(scene(640, 640), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    last_scan = data[at:-2]
    assert refused(data[:-2] + last_scan * 5_000 + b"\xff\xd9", tmp_path).code == "photo_unreadable"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_photo_that_was_cut_off_is_never_half_accepted(kind: str, part: float, tmp_path: Path) -> None:
    data = encoded(noise(160, 120), kind)
    code = refused(data[: int(len(data) * part)], tmp_path).code
    assert code == "photo_truncated" if kind in ("JPEG", "PNG", "WEBP", "HEIF", "AVIF") else code in BROKEN


JPEG = encoded(noise(64, 64), "JPEG", exif=exif())
PNG = encoded(noise(64, 64), "PNG", exif=exif(), icc_profile=profile(P3, b"P3"))
WEBP = encoded(noise(64, 64), "WEBP", lossless=True)


@given(data=st.sampled_from([JPEG, PNG, WEBP]), part=st.floats(0, 0.98))
@settings(max_examples=150, deadline=None)
def test_wherever_a_photo_is_cut_it_is_refused(data: bytes, part: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        refused(data[: int(len(data) * part)], Path(folder))


SAMPLES = [encoded(scene(), kind) for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIF", "AVIF")]


@given(
    data=st.sampled_from(SAMPLES),
    blows=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6),
)
@settings(max_examples=300, deadline=None)
def test_damage_anywhere_is_accepted_or_refused_and_never_anything_else(
    data: bytes, blows: list[tuple[float, bytes]]
) -> None:
    damaged = bytearray(data)
    for place, blow in blows:
        at = int(place * (len(damaged) - len(blow)))
        damaged[at : at + len(blow)] = blow
    with tempfile.TemporaryDirectory() as folder:
        outcome = outcome_of(bytes(damaged), Path(folder))
        if isinstance(outcome, str):
            assert outcome in BROKEN | {"not_a_photo", "photo_too_small", "photo_too_many_pixels"}
        else:
            with Image.open(outcome) as image:
                image.load()


@given(head=st.sampled_from([b"", *(sample[:16] for sample in SAMPLES)]), tail=st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_random_bytes_are_refused_and_never_anything_else(head: bytes, tail: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        refused(head + tail, Path(folder))


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    for name in ("none.jpg", "no/folder.jpg", "x" * 5000, "nul\0name"):
        assert refused(tmp_path / name, tmp_path).code == "file_not_found"


def test_links_folders_pipes_sockets_and_devices_are_no_files(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encoded(scene(), "JPEG"))
    link, pipe, dangling = tmp_path / "link.jpg", tmp_path / "pipe.jpg", tmp_path / "dangling.jpg"
    link.symlink_to(photo)
    dangling.symlink_to(tmp_path / "nowhere")
    os.mkfifo(pipe)
    with tempfile.TemporaryDirectory(dir="/tmp") as short, socket.socket(socket.AF_UNIX) as listening:
        address = Path(short) / "s.jpg"
        listening.bind(str(address))
        for path in (link, dangling, pipe, tmp_path, address, Path("/dev/zero"), Path("/dev/null")):
            assert refused(path, tmp_path).code == "not_a_file"


def test_a_file_that_states_no_size_is_counted_while_it_is_read(tmp_path: Path) -> None:
    assert refused(Path("/proc/self/maps"), tmp_path, max_bytes=100).code == "photo_too_large_file"
    assert refused(Path("/proc/self/maps"), tmp_path).code == "not_a_photo"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_nobody_may_read_is_said_to_be_unreadable(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encoded(scene(), "JPEG"))
    photo.chmod(0)
    assert refused(photo, tmp_path).code == "file_not_readable"


def test_pillow_is_never_told_to_make_up_what_is_missing() -> None:
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
