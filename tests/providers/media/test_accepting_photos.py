"""Whatever a person's photo is, what is kept is upright, sRGB and says nothing about them."""

import asyncio
import hashlib
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from providers.media.accept import FINISHED_BYTES, MAX_SIDE, AcceptedPhoto, accept, accept_photo
from tests.providers.media import pictures
from tests.providers.media.pictures import ADOBE, P3, SECRET, as_srgb, close, encoded, exif, quarters, scene

FORMATS = ["JPEG", "MPO", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIF", "AVIF"]


def opened(photo: AcceptedPhoto) -> Image.Image:
    with Image.open(photo.path) as image:
        image.load()
        return image


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_accepted_by_its_content_whatever_its_name(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "holiday.txt"
    source.write_bytes(encoded(scene(), kind))
    photo = accept(source, into=tmp_path / "kept")
    assert (photo.width, photo.height, photo.mime) == (96, 64, "image/jpeg")
    assert photo.source_size == (96, 64)
    assert close(quarters(opened(photo)), quarters(scene()), 12)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_upright_whichever_way_the_camera_was_held(kind: str, orientation: int, tmp_path: Path) -> None:
    data = encoded(pictures.stored_as(scene(), orientation), kind, exif=exif(orientation))
    photo = accept(data, into=tmp_path)
    assert (photo.width, photo.height) == photo.source_size == (96, 64)
    assert close(quarters(opened(photo)), quarters(scene()), 12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_iphone_photo_is_upright_whichever_way_it_was_held(orientation: int, tmp_path: Path) -> None:
    data = encoded(pictures.stored_as(scene(), orientation), "HEIF", exif=exif(orientation))
    photo = accept(data, into=tmp_path)
    assert (photo.width, photo.height) == photo.source_size == (96, 64)
    assert close(quarters(opened(photo)), quarters(scene()), 12)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_no_place_and_no_name_is_left_in_the_file(kind: str, tmp_path: Path) -> None:
    options: dict[str, object] = {"exif": exif()}
    if kind in ("JPEG", "WEBP", "PNG", "AVIF"):
        options["xmp"] = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    if kind == "JPEG":
        options["comment"] = SECRET
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("parameters", SECRET.decode())
        info.add_itxt("owner", SECRET.decode(), zip=True)
        options["pnginfo"] = info
        del options["xmp"]
    data = encoded(scene(), kind, **options)
    assert SECRET in data
    photo = accept(data, into=tmp_path)
    kept = photo.path.read_bytes()
    assert SECRET not in kept
    assert b"Exif" not in kept
    assert b"eXIf" not in kept
    with Image.open(photo.path) as image:
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_transparent_png_stays_transparent_and_loses_its_texts(tmp_path: Path) -> None:
    picture = scene().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", SECRET.decode())
    photo = accept(encoded(picture, "PNG", pnginfo=info, exif=exif()), into=tmp_path)
    assert (photo.mime, photo.path.suffix) == ("image/png", ".png")
    assert SECRET not in photo.path.read_bytes()
    kept = opened(photo)
    assert (kept.mode, kept.info) == ("RGBA", {})
    assert kept.tobytes() == picture.tobytes()


def test_an_alpha_channel_that_hides_nothing_is_dropped(tmp_path: Path) -> None:
    assert accept(encoded(scene().convert("RGBA"), "PNG"), into=tmp_path).mime == "image/jpeg"


@pytest.mark.parametrize(("primaries", "name"), [(P3, b"Display P3"), (ADOBE, b"Adobe RGB (1998)")])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_wide_colours_become_the_same_colours_in_srgb(
    kind: str, primaries: tuple[tuple[float, float, float], ...], name: bytes, tmp_path: Path
) -> None:
    colour = (180, 120, 90)
    options: dict[str, object] = {"quality": 95} if kind in ("JPEG", "WEBP", "AVIF", "HEIF") else {}
    data = encoded(Image.new("RGB", (64, 64), colour), kind, icc_profile=pictures.profile(primaries, name), **options)
    kept = opened(accept(data, into=tmp_path))
    expected = as_srgb(colour, primaries)
    assert not close(expected, colour, 5)
    assert close(kept.getpixel((32, 32)), expected, 4)
    assert "icc_profile" not in kept.info


def test_a_broken_colour_profile_is_passed_over(tmp_path: Path) -> None:
    photo = accept(encoded(scene(), "JPEG", icc_profile=b"not a profile" * 20), into=tmp_path)
    assert close(quarters(opened(photo)), quarters(scene()), 12)


def test_broken_exif_spoils_no_photo(tmp_path: Path) -> None:
    photo = accept(encoded(scene(), "JPEG", exif=b"Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff garbage"), into=tmp_path)
    assert close(quarters(opened(photo)), quarters(scene()), 12)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "I;16", "YCbCr", "LAB"])
def test_every_kind_of_pixel_becomes_plain_colour(mode: str, tmp_path: Path) -> None:
    grey = Image.new("L", (64, 48), 128 if mode != "1" else 255)
    if mode == "I;16":
        picture = Image.fromarray(np.full((48, 64), 128 * 257, np.uint16))
    elif mode == "LAB":
        picture = Image.merge("LAB", [Image.new("L", grey.size, v) for v in (137, 128, 128)])
    else:
        picture = grey.convert("RGB").convert(mode) if mode == "CMYK" else grey.convert(mode)
    kind = "PNG" if mode in ("1", "L", "P", "LA", "I;16") else "TIFF" if mode == "LAB" else "JPEG"
    kept = opened(accept(encoded(picture, kind), into=tmp_path))
    assert kept.mode == "RGB"
    assert close(kept.getpixel((30, 20)), [255 if mode == "1" else 128] * 3, 4)


def test_a_palette_with_one_transparent_colour_keeps_it(tmp_path: Path) -> None:
    picture = scene().quantize(8)
    first = picture.getpixel((2, 2))
    kept = opened(accept(encoded(picture, "GIF", transparency=first), into=tmp_path))
    assert kept.mode == "RGBA"
    assert [kept.getchannel("A").getpixel(point) for point in ((2, 2), (90, 60))] == [0, 255]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_of_a_moving_picture_the_first_frame_is_taken(kind: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue", "green")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert close(opened(accept(data, into=tmp_path)).getpixel((30, 30)), (255, 0, 0), 8)


def test_of_a_multi_picture_jpeg_the_first_is_taken_and_the_others_are_gone(tmp_path: Path) -> None:
    data = encoded(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (96, 64), "black")])
    photo = accept(data, into=tmp_path)
    assert close(quarters(opened(photo)), quarters(scene()), 12)
    assert photo.path.read_bytes().count(b"\xff\xd8\xff") == 1


def test_web_page_code_hidden_in_a_jpeg_does_not_survive(tmp_path: Path) -> None:
    data = encoded(scene(), "JPEG", comment=b"<html><script>alert(1)</script>") + b"<html>PK\x03\x04</html>"
    photo = accept(data, into=tmp_path)
    assert b"script" not in photo.path.read_bytes()
    assert b"html" not in photo.path.read_bytes()


def test_the_file_is_named_by_its_content_private_and_written_once(tmp_path: Path) -> None:
    data = encoded(scene(), "PNG")
    first, second = accept(data, into=tmp_path / "a"), accept(data, into=tmp_path / "a")
    assert first == second
    assert list((tmp_path / "a").iterdir()) == [first.path]
    content = first.path.read_bytes()
    assert first.path.stem == first.sha256 == hashlib.sha256(content).hexdigest()
    assert first.size_bytes == len(content)
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_what_was_accepted_is_accepted_again_unchanged_in_size_and_shape(tmp_path: Path) -> None:
    first = accept(encoded(scene(), "JPEG"), into=tmp_path)
    again = accept(first.path, into=tmp_path)
    assert (again.width, again.height, again.mime) == (first.width, first.height, first.mime)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "HEIF"])
def test_a_huge_photo_is_reduced_to_4096_pixels(kind: str, tmp_path: Path) -> None:
    photo = accept(encoded(scene(6144, 600), kind), into=tmp_path)
    assert (photo.width, photo.height) == (MAX_SIDE, 400)
    assert photo.source_size == (6144, 600)
    assert close(quarters(opened(photo)), quarters(scene()), 12)


def test_a_huge_photo_taken_sideways_keeps_its_shape(tmp_path: Path) -> None:
    data = encoded(pictures.stored_as(scene(6144, 600), 6), "JPEG", exif=exif(6))
    photo = accept(data, into=tmp_path)
    assert (photo.width, photo.height, photo.source_size) == (MAX_SIDE, 400, (6144, 600))


def test_a_108_megapixel_jpeg_is_accepted(tmp_path: Path) -> None:
    data = encoded(Image.new("RGB", (12000, 9000), (90, 120, 150)), "JPEG", quality=50)
    photo = accept(data, into=tmp_path)
    assert (photo.width, photo.height) == (MAX_SIDE, 3072)


@pytest.mark.parametrize("bands", [3, 4])
def test_what_cannot_be_made_small_still_fits_ten_megabytes(bands: int, tmp_path: Path) -> None:
    width, height = (2400, 2000) if bands == 3 else (1920, 1600)
    data = encoded(pictures.noise(width, height, bands), "PNG", compress_level=1)
    assert len(data) > FINISHED_BYTES
    photo = accept(data, into=tmp_path)
    assert photo.size_bytes <= FINISHED_BYTES
    assert photo.mime == ("image/jpeg" if bands == 3 else "image/png")
    assert abs(photo.width / photo.height - 1.2) < 0.01


async def test_many_photos_at_once_are_accepted_off_the_loop(tmp_path: Path) -> None:
    colours = [(20 * i, 100, 200) for i in range(10)]
    datas = [encoded(Image.new("RGB", (64, 64), colour), "PNG") for colour in colours]
    photos = await asyncio.gather(*(accept_photo(data, into=tmp_path) for data in datas))
    for photo, colour in zip(photos, colours, strict=True):
        assert close(opened(photo).getpixel((9, 9)), colour, 4)


def test_bytes_and_file_give_the_same_photo(tmp_path: Path) -> None:
    data = encoded(scene(), "WEBP")
    (tmp_path / "a.webp").write_bytes(data)
    assert accept(tmp_path / "a.webp", into=tmp_path) == accept(data, into=tmp_path)
