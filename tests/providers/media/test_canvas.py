"""Photos made to the size of a model, larger canvases with masks, and results put back into the photo."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from providers.errors import AskPerson, MadeNothing
from providers.media.canvas import OVERLAP, Room, Sides, extended, mask_to_fit, put_back, size_of, to_fit


def photo(folder: Path, size: tuple[int, int] = (320, 240), name: str = "photo.png") -> Path:
    image = Image.radial_gradient("L").resize(size).convert("RGB")
    image.save(folder / name)
    return folder / name


def pixel(path: Path, x: int, y: int) -> object:
    with Image.open(path) as image:
        return image.getpixel((x, y))


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 2).map(lambda n: n * 8))
def test_a_size_keeps_to_the_limits_and_the_step(width: int, height: int, step: int) -> None:
    room = Room(max_pixels=1024 * 1024, max_side=1536, step=step)
    across, down = room.size_for(width, height)
    assert across % step == 0
    assert down % step == 0
    assert max(across, down) <= 1536
    assert across * down <= 1024 * 1024 or min(across, down) == step


def test_a_photo_that_fits_is_left_as_it_is(tmp_path: Path) -> None:
    path = photo(tmp_path)
    assert to_fit(path, Room(max_side=320, step=8), into=tmp_path / "out") == path


@pytest.mark.parametrize(
    ("room", "size"),
    [
        (Room(max_pixels=320 * 240 // 4), (160, 120)),
        (Room(max_side=100), (100, 75)),
        (Room(min_side=480), (640, 480)),
        (Room(step=64), (320, 192)),
        (Room(min_pixels=4 * 320 * 240), (640, 480)),
    ],
)
def test_a_photo_is_made_to_fit_in_its_own_shape(tmp_path: Path, room: Room, size: tuple[int, int]) -> None:
    assert size_of(to_fit(photo(tmp_path), room, into=tmp_path / "out")) == size


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"no picture")
    for call in (lambda p: to_fit(p, Room(), into=tmp_path), size_of, lambda p: extended(p, Sides(), into=tmp_path)):
        with pytest.raises(AskPerson):
            call(tmp_path / "photo.png")


def test_a_canvas_is_larger_by_the_sides_and_its_mask_white_only_there(tmp_path: Path) -> None:
    path = photo(tmp_path)
    canvas = extended(path, Sides(left=100, top=50), into=tmp_path / "out")
    assert canvas.size == size_of(canvas.picture) == size_of(canvas.mask) == (420, 290)
    assert pixel(canvas.picture, 100 + 160, 50 + 120) == pixel(path, 160, 120)
    assert [pixel(canvas.mask, x, 170) for x in (0, 99)] == [255, 255]
    assert 0 < int(str(pixel(canvas.mask, 105, 170))) < 255
    assert [pixel(canvas.mask, x, 200) for x in (100 + OVERLAP, 419)] == [0, 0]


def test_a_canvas_too_large_for_anyone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AskPerson) as raised:
        extended(photo(tmp_path, (4000, 4000)), Sides(left=20_000), into=tmp_path)
    assert raised.value.code == "photo_too_many_pixels"


def test_what_was_made_is_put_back_only_where_the_mask_is_white(tmp_path: Path) -> None:
    path = photo(tmp_path)
    mask = Image.new("L", (320, 240), 0)
    mask.paste(255, (0, 0, 160, 240))
    mask.save(tmp_path / "mask.png")
    Image.new("RGB", (160, 120), "red").save(tmp_path / "made.png")
    (tmp_path / "whole.png").write_bytes(
        put_back((tmp_path / "made.png").read_bytes(), photo=path, mask=tmp_path / "mask.png")
    )
    assert size_of(tmp_path / "whole.png") == (320, 240)
    assert pixel(tmp_path / "whole.png", 10, 10) == (255, 0, 0)
    assert pixel(tmp_path / "whole.png", 300, 10) == pixel(path, 300, 10)
    with pytest.raises(MadeNothing) as raised:
        put_back(b"junk", photo=path, mask=tmp_path / "mask.png")
    assert raised.value.code == "bad_picture"


def test_a_mask_is_scaled_with_its_photo(tmp_path: Path) -> None:
    path = photo(tmp_path, name="mask.png")
    assert size_of(mask_to_fit(path, (160, 120), into=tmp_path / "out")) == (160, 120)
    grey = mask_to_fit(path, (320, 240), into=tmp_path / "out")
    assert mask_to_fit(grey, (320, 240), into=tmp_path / "out") == grey
