"""Files that are odd or heavy, and legal: taken as every viewer shows them, within a bound of memory, one at a time."""

import io
import mmap
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from providers.errors import AskPerson
from providers.media import webp_scaled, weight
from providers.media.accept import AcceptedPhoto, accept
from providers.media.colour import reduced
from providers.media.decode import decode
from providers.media.weight import LARGE_BYTES, MOST_BYTES, in_turn, weight_of
from tests.providers.media.pictures import close, encoded, noise, png_chunk, quarters, scene


def accepted(data: bytes, into: Path) -> tuple[AcceptedPhoto, Image.Image]:
    photo = accept(data, into=into)
    with Image.open(photo.path) as image:
        image.load()
        return photo, image


def refusal(data: bytes, into: Path) -> AskPerson:
    with pytest.raises(AskPerson) as caught:
        accept(data, into=into)
    return caught.value


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("offset", [0, 8, 16, 2**31, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_bigtiff_of_16_bytes_is_unreadable_wherever_it_points(order: str, offset: int, tmp_path: Path) -> None:
    head = (b"II+\0" if order == "<" else b"MM\0+") + struct.pack(order + "HH", 8, 0)
    assert refusal(head + struct.pack(order + "Q", offset), tmp_path).code in ("photo_unreadable", "photo_truncated")


def test_a_bigtiff_directory_of_any_length_is_unreadable_at_once(tmp_path: Path) -> None:
    head = b"II+\0" + struct.pack("<HHQ", 8, 0, 16)
    assert refusal(head + struct.pack("<Q", 2**64 - 1) + bytes(400), tmp_path).code == "photo_unreadable"


def with_chunk(kind: bytes, content: bytes, *, right: bool) -> bytes:
    png = encoded(scene(), "PNG")
    chunk = png_chunk(kind, content)
    return png[:33] + (chunk if right else chunk[:-4] + b"\0\0\0\0") + png[33:]


@pytest.mark.parametrize(
    ("kind", "content"),
    [(b"tEXt", b"Comment\0hello"), (b"gAMA", struct.pack(">I", 10)), (b"iCCP", b"x\0\0" + b"?" * 9)],
)
def test_a_wrong_checksum_beside_the_pixels_is_passed_over(kind: bytes, content: bytes, tmp_path: Path) -> None:
    _, image = accepted(with_chunk(kind, content, right=False), tmp_path)
    assert close(quarters(image), quarters(scene()), 12)


def test_a_wrong_checksum_of_the_size_is_none_to_pass_over(tmp_path: Path) -> None:
    png = bytearray(encoded(scene(), "PNG"))
    png[30] ^= 1
    assert refusal(bytes(png), tmp_path).code == "photo_unreadable"


@pytest.mark.parametrize("kind", ["TGA", "JPEG2000", "DIB"])
def test_formats_of_other_programs_are_taken_by_their_content(kind: str, tmp_path: Path) -> None:
    photo, image = accepted(encoded(scene(), kind), tmp_path)
    assert (photo.source_format, photo.source_size) == (kind, (96, 64))
    assert close(quarters(image), quarters(scene()), 12)


def test_a_tga_without_a_footer_is_one_by_its_exact_length(tmp_path: Path) -> None:
    data = encoded(scene(), "TGA", compression=None)
    plain = data[: 18 + 96 * 64 * 3]
    assert accepted(plain, tmp_path)[0].source_format == "TGA"
    assert refusal(plain + b"\0", tmp_path).code == "not_a_photo"


@pytest.mark.parametrize("bitmap", ["png", "bmp"])
def test_of_an_icon_the_largest_picture_is_taken(bitmap: str, tmp_path: Path) -> None:
    data = encoded(scene(256, 256), "ICO", sizes=[(16, 16), (256, 256), (48, 48)], bitmap_format=bitmap)
    photo, image = accepted(data, tmp_path)
    assert (photo.width, photo.height) == (256, 256)
    assert close(quarters(image), quarters(scene(256, 256)), 12)


def test_an_icon_that_holds_a_bomb_or_nothing_is_refused(tmp_path: Path) -> None:
    head = struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, 400, 22)
    dib = struct.pack("<IiiHHIIiiII", 40, 30_000, 60_000, 1, 32, 0, 0, 0, 0, 0, 0)
    assert refusal(head + dib + bytes(400), tmp_path).code == "not_a_photo"
    assert refusal(head, tmp_path).code == "not_a_photo"


@pytest.mark.parametrize("kind", ["TGA", "JPEG2000", "DIB", "ICO"])
@pytest.mark.parametrize("part", [0.2, 0.6, 0.95])
def test_an_odd_format_cut_off_or_damaged_is_refused_or_taken_and_never_anything_else(
    kind: str, part: float, tmp_path: Path
) -> None:
    data, refusals = encoded(scene(256, 256), kind), list[str]()
    for broken in (data[: int(part * len(data))], data[:24] + b"\xff" * 9 + data[33:]):
        try:
            accept(broken, into=tmp_path)
        except AskPerson as error:
            refusals.append(error.code)
    assert set(refusals) <= {"not_a_photo", "photo_truncated", "photo_unreadable", "photo_too_small"}


def test_what_is_reduced_in_parts_is_what_is_reduced_whole() -> None:
    image = Image.fromarray(np.tile(np.asarray(noise(410, 400, 4)), (10, 10, 1)))  # more than is reduced whole
    parts = np.asarray(reduced(image, 1000), np.int16)
    whole = np.asarray(image.resize((1000, 976), Image.Resampling.LANCZOS), np.int16)
    assert np.abs(parts - whole).max() <= 3


def test_a_large_webp_is_decoded_at_the_size_that_is_wanted() -> None:
    ramp = np.zeros((4200, 4200, 3), np.uint8)
    ramp[..., 0] = np.linspace(0, 255, 4200)
    ramp[..., 1] = np.linspace(0, 255, 4200)[:, None]
    data = encoded(Image.fromarray(ramp), "WEBP", quality=60, method=0)
    assert webp_scaled.available()
    found = decode(data, max_side=1000)
    assert (found.image.size, found.source_size, found.source_format) == ((1000, 1000), (4200, 4200), "WEBP")
    assert close(np.asarray(found.image)[::100, ::100], ramp[2::420, 2::420], 8)
    with pytest.raises(webp_scaled.CannotDecode):
        webp_scaled.decode_scaled(data[: len(data) // 2], (1000, 1000))


def claims(kind: str, **options: object) -> tuple[Image.Image, bytes]:
    data = encoded(Image.new("RGB", (400, 400)), kind, **options)
    image = Image.open(io.BytesIO(data))
    image._size = (8000, 8000)  # as if it were: nothing is decoded here
    return image, data


def test_what_cannot_be_decoded_within_the_bound_says_how_much_it_may_have() -> None:
    whole = {"PNG": 4, "AVIF": 8.5, "TIFF": 4}
    for kind, bytes_a_pixel in whole.items():
        options = {"subsampling": "4:2:0"} if kind == "AVIF" else {}
        image, data = claims(kind, **options)
        assert weight_of(image, data) / 64e6 == pytest.approx(bytes_a_pixel, rel=0.05), kind
    assert weight_of(*claims("AVIF", subsampling="4:2:0")) > MOST_BYTES


def test_all_coefficients_of_a_progressive_jpeg_count() -> None:
    for subsampling, share in ((0, 3.0), (2, 1.5)):
        image, data = claims("JPEG", progressive=True, subsampling=subsampling)
        held = weight_of(image, data, coefficients_of=(8000, 8000)) - weight_of(image, data)
        assert held == 2 * share * 64e6


def test_what_is_beyond_the_bound_is_refused_before_a_pixel_with_a_limit_of_its_own(tmp_path: Path) -> None:
    data = bytearray(encoded(Image.new("RGB", (400, 400)), "JPEG", progressive=True, subsampling=0))
    at = data.index(b"\xff\xc2") + 5
    data[at : at + 4] = struct.pack(">HH", 7990, 7990)
    error = refusal(bytes(data), tmp_path)
    assert (error.code, error.params) == ("photo_too_many_pixels", {"max_mp": 57})


def test_of_large_files_one_is_decoded_at_a_time_and_small_ones_pass() -> None:
    order: list[str] = []
    second = threading.Event()

    def another() -> None:
        second.set()
        with in_turn(LARGE_BYTES):
            order.append("second")

    with in_turn(LARGE_BYTES):
        waiting = threading.Thread(target=another)
        waiting.start()
        second.wait()
        with in_turn(LARGE_BYTES - 1):
            order.append("small")
        order.append("first")
    waiting.join()
    assert order == ["small", "first", "second"]


def test_a_palette_of_many_megapixels_in_a_few_kilobytes_is_a_photo(tmp_path: Path) -> None:
    side = 4200
    rows = zlib.compressobj(6)
    pixels = b"".join(rows.compress(b"\0" + b"\1" * side) for _ in range(side)) + rows.flush()
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        png_chunk(kind, content)
        for kind, content in (
            (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 3, 0, 0, 0)),
            (b"PLTE", bytes((9, 9, 9, 200, 30, 30))),
            (b"tRNS", b"\0"),
            (b"IDAT", pixels),
            (b"IEND", b""),
        )
    )
    assert len(data) < 40_000
    found = decode(data, max_side=512)
    assert (found.image.size, found.image.getpixel((9, 9))) == ((512, 512), (200, 30, 30))


@pytest.mark.skipif(weight._trim is None, reason="only glibc keeps what was freed")
def test_what_a_large_file_took_goes_back_to_the_system() -> None:
    def held() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

    blocks = [b"x" * 100_000 for _ in range(400)]  # small enough to lie in one heap, which its last block holds open
    pin = blocks[-1]
    del blocks
    before = held()
    with weight.in_turn(weight.LARGE_BYTES):
        pass
    assert before - held() > 20_000_000
    assert len(pin) == 100_000
