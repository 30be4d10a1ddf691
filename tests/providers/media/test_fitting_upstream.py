"""What is too large for a service is made to fit, and a mask always has the photo's size."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from providers.errors import AskPerson
from providers.media.accept import accept
from providers.media.upstream import data_uri, prepare, prepare_mask
from tests.providers.media.pictures import P3, close, encoded, exif, noise, profile, quarters, scene, stored_as


def file(folder: Path, data: bytes) -> Path:
    path = folder / "source"
    path.write_bytes(data)
    return path


def texts() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", "a person's words")
    return info


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_fits_goes_as_it_is(kind: str, tmp_path: Path) -> None:
    path = file(tmp_path, encoded(scene(), kind))
    assert prepare(path, into=tmp_path / "small") == path
    assert not (tmp_path / "small").exists()
    head, _, payload = data_uri(path).partition(",")
    assert head == f"data:image/{kind.lower()};base64"
    assert base64.b64decode(payload, validate=True) == path.read_bytes()


def test_a_picture_with_too_many_bytes_loses_quality_before_it_loses_pixels(tmp_path: Path) -> None:
    path = file(tmp_path, encoded(noise(800, 600), "PNG"))
    gently = prepare(path, max_bytes=900_000)
    assert gently.stat().st_size <= 900_000
    assert size_of(gently) == (800, 600)
    hard = prepare(path, max_bytes=60_000)
    assert hard.stat().st_size <= 60_000
    assert size_of(hard)[0] < 800
    assert abs(size_of(hard)[0] / size_of(hard)[1] - 4 / 3) < 0.03


@pytest.mark.parametrize("max_bytes", [3_000, 20_000, 100_000, 400_000])
@pytest.mark.parametrize("bands", [3, 4])
def test_every_limit_is_kept(max_bytes: int, bands: int, tmp_path: Path) -> None:
    path = file(tmp_path, encoded(noise(700, 500, bands), "PNG"))
    uri = data_uri(path, max_bytes=max_bytes)
    assert uri.startswith(f"data:image/{'png' if bands == 4 else 'jpeg'};base64,")
    assert 0 < len(base64.b64decode(uri.partition(",")[2])) <= max_bytes


def test_a_picture_with_too_long_a_side_is_reduced(tmp_path: Path) -> None:
    path = file(tmp_path, encoded(scene(900, 600), "PNG"))
    small = prepare(path, into=tmp_path / "small", max_side=300)
    assert small.parent == tmp_path / "small"
    assert size_of(small) == (300, 200)


@pytest.mark.parametrize(
    "data",
    [
        encoded(stored_as(scene(), 6), "JPEG", exif=exif(6)),
        encoded(scene(), "PNG", exif=exif(1)),
        encoded(scene(), "JPEG", icc_profile=profile(P3, b"P3")),
        encoded(scene(), "JPEG", comment=b"a prompt"),
        encoded(scene(), "PNG", pnginfo=texts()),
        encoded(scene().convert("CMYK"), "JPEG"),
        encoded(scene(), "BMP"),
        encoded(scene(), "GIF"),
        encoded(scene(), "HEIF"),
        encoded(scene(), "PNG", save_all=True, append_images=[scene().convert("L").convert("RGB")]),
    ],
)
def test_what_a_service_might_show_differently_is_never_sent_as_it_is(data: bytes, tmp_path: Path) -> None:
    uri = data_uri(file(tmp_path, data))
    sent = base64.b64decode(uri.partition(",")[2])
    assert uri.startswith("data:image/jpeg;base64,")
    with Image.open(io.BytesIO(sent)) as image:
        assert image.size == (96, 64)
        assert not image.getexif()
        assert close(quarters(image), quarters(scene()), 70)


def test_what_was_accepted_always_goes_as_it_is(tmp_path: Path) -> None:
    for data in (encoded(scene(), "HEIF"), encoded(noise(300, 200, 4), "PNG")):
        photo = accept(data, into=tmp_path)
        assert prepare(photo.path) == photo.path


def test_what_is_no_picture_cannot_be_prepared(tmp_path: Path) -> None:
    for call in (prepare, data_uri):
        with pytest.raises(AskPerson) as caught:
            call(file(tmp_path, b"<html>"))
        assert caught.value.code == "not_a_photo"
        with pytest.raises(AskPerson) as caught:
            call(tmp_path / "none.jpg")
        assert caught.value.code == "file_not_found"


def drawn(width: int, height: int) -> Image.Image:
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).rectangle((0, 0, width // 2 - 1, height - 1), fill=255)
    return mask


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
@pytest.mark.parametrize("size", [(96, 64), (192, 128), (48, 32)])
def test_a_mask_becomes_a_grey_png_of_the_photos_size(kind: str, size: tuple[int, int], tmp_path: Path) -> None:
    photo = accept(encoded(scene(), "JPEG"), into=tmp_path).path
    made = prepare_mask(encoded(drawn(*size), kind), photo=photo, into=tmp_path)
    with Image.open(made) as mask:
        assert (mask.format, mask.mode, mask.size) == ("PNG", "L", (96, 64))
        assert close(mask.getpixel((10, 30)), 255, 8)
        assert close(mask.getpixel((80, 30)), 0, 8)


def test_white_strokes_on_nothing_are_a_mask(tmp_path: Path) -> None:
    photo = accept(encoded(scene(), "JPEG"), into=tmp_path).path
    strokes = Image.new("RGBA", (96, 64), (255, 255, 255, 0))
    strokes.paste((255, 255, 255, 255), (0, 0, 20, 64))
    source = file(tmp_path, encoded(strokes, "PNG"))
    with Image.open(prepare_mask(source, photo=photo, into=tmp_path)) as mask:
        assert [mask.getpixel((5, 5)), mask.getpixel((60, 5))] == [255, 0]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(drawn(96, 96), "PNG"), id="another shape"),
        pytest.param(encoded(Image.new("L", (96, 64), 0), "PNG"), id="nothing marked"),
        pytest.param(encoded(drawn(96, 64), "PNG")[:-40], id="cut off"),
        pytest.param(b"<svg/>", id="no picture"),
    ],
)
def test_a_mask_that_fits_nothing_is_refused(data: bytes, tmp_path: Path) -> None:
    photo = accept(encoded(scene(), "JPEG"), into=tmp_path).path
    with pytest.raises(AskPerson) as caught:
        prepare_mask(data, photo=photo, into=tmp_path)
    assert caught.value.code == "bad_mask"
