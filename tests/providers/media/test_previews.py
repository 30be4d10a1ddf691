"""Small and combined versions show the whole picture, upright, within their limits."""

import io
from pathlib import Path

import pytest
from PIL import Image

from providers.errors import MadeNothing
from providers.media.preview import collage, dimensions, fit_jpeg, looks_blank, thumbnail
from tests.providers.media.pictures import close, encoded, exif, noise, quarters, scene, stored_as


def file(folder: Path, data: bytes, name: str = "picture") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    assert (image.format, image.mode) == ("JPEG", "RGB")
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_dimensions_are_those_that_are_seen(kind: str, orientation: int, tmp_path: Path) -> None:
    data = encoded(stored_as(scene(), orientation), kind, exif=exif(orientation))
    assert dimensions(file(tmp_path, data)) == (96, 64)


@pytest.mark.parametrize("colour", ["black", "white", (12, 12, 14), "red"])
def test_a_picture_of_one_colour_is_blank(colour: str | tuple[int, int, int], tmp_path: Path) -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        assert looks_blank(file(tmp_path, encoded(Image.new("RGB", (512, 512), colour), kind)))


def test_a_picture_of_something_is_not_blank(tmp_path: Path) -> None:
    night = Image.new("RGB", (1024, 1024), "black")
    night.paste((90, 80, 60), (500, 500, 560, 560))
    for picture in (scene(), night, noise(64, 64)):
        assert not looks_blank(file(tmp_path, encoded(picture, "PNG")))


def test_a_thumbnail_is_small_upright_and_never_enlarged(tmp_path: Path) -> None:
    path = file(tmp_path, encoded(stored_as(scene(960, 640), 8), "JPEG", exif=exif(8)))
    small = opened(thumbnail(path, 120))
    assert small.size == (120, 80)
    assert close(quarters(small), quarters(scene()), 12)
    assert opened(thumbnail(path, 5000)).size == (960, 640)


def test_what_is_transparent_becomes_white_in_a_jpeg(tmp_path: Path) -> None:
    path = file(tmp_path, encoded(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), "PNG"))
    for data in (thumbnail(path, 64), fit_jpeg(path, 100_000), collage([path], numbered=False)):
        image = opened(data)
        assert close(image.getpixel((image.width // 2, image.height // 2)), (255, 255, 255), 2)


@pytest.mark.parametrize("max_bytes", [2_000_000, 100_000, 10_000])
def test_a_picture_for_wechat_is_whole_and_within_the_limit(max_bytes: int, tmp_path: Path) -> None:
    path = file(tmp_path, encoded(noise(1200, 900), "PNG"))
    data = fit_jpeg(path, max_bytes)
    assert len(data) <= max_bytes
    assert data.endswith(b"\xff\xd9")
    assert abs(opened(data).width / opened(data).height - 4 / 3) < 0.03


def test_a_jpeg_that_fits_goes_as_it_is_and_a_broken_one_not_at_all(tmp_path: Path) -> None:
    data = encoded(noise(120, 90), "JPEG", quality=70)
    assert fit_jpeg(file(tmp_path, data), len(data)) == data
    assert len(fit_jpeg(file(tmp_path, data), len(data) - 1)) < len(data)
    with pytest.raises(MadeNothing):
        fit_jpeg(file(tmp_path, data[:-300]), len(data))


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 3, 2), (8, 3, 3)])
def test_a_collage_has_a_cell_for_each_picture(count: int, columns: int, rows: int, tmp_path: Path) -> None:
    colours = [(25 * i, 200 - 20 * i, 90) for i in range(count)]
    paths = [
        file(tmp_path, encoded(Image.new("RGB", (80 + 10 * i, 100), colour), "PNG"), f"{i}.png")
        for i, colour in enumerate(colours)
    ]
    sheet = opened(collage(paths))
    assert sheet.size == (columns * 652 + 12, rows * 652 + 12)
    for i, colour in enumerate(colours):
        middle = (12 + i % columns * 652 + 320, 12 + i // columns * 652 + 320)
        assert close(sheet.getpixel(middle), colour, 6)


def test_the_pictures_of_a_collage_are_numbered_differently(tmp_path: Path) -> None:
    path = file(tmp_path, encoded(Image.new("RGB", (640, 640), (90, 120, 150)), "PNG"))
    sheet = opened(collage([path, path]))
    corners = [sheet.crop((left, 12, left + 140, 152)).tobytes() for left in (12, 664)]
    plain = opened(collage([path, path], numbered=False))
    assert corners[0] != corners[1]
    assert close(plain.crop((40, 40, 152, 152)), plain.crop((692, 40, 804, 152)), 3)


def test_a_collage_of_nothing_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="nothing"):
        collage([])


def test_a_result_that_is_gone_or_broken_is_told_in_the_tree(tmp_path: Path) -> None:
    broken = file(tmp_path, encoded(noise(64, 64), "JPEG")[:-500])
    for path in (tmp_path / "none.png", broken):
        with pytest.raises(MadeNothing) as caught:
            thumbnail(path, 64)
        assert caught.value.code == "bad_picture"
    with pytest.raises(MadeNothing):
        dimensions(tmp_path / "none.png")
