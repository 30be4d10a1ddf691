"""Photos and masks made to the size of a model."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from providers.errors import AskPerson
from providers.media.fitting import Room, check_enlarged, cropped, mask_to_fit, size_of, to_fit


def photo(folder: Path, size: tuple[int, int] = (320, 240), name: str = "photo.png") -> Path:
    image = Image.radial_gradient("L").resize(size).convert("RGB")
    image.save(folder / name)
    return folder / name


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
    for call in (lambda p: to_fit(p, Room(), into=tmp_path), size_of):
        with pytest.raises(AskPerson) as raised:
            call(tmp_path / "photo.png")
        assert raised.value.code == "not_a_photo"


def test_a_mask_is_scaled_with_its_photo(tmp_path: Path) -> None:
    path = photo(tmp_path, name="mask.png")
    assert size_of(mask_to_fit(path, (160, 120), into=tmp_path / "out")) == (160, 120)
    grey = mask_to_fit(path, (320, 240), into=tmp_path / "out")
    assert mask_to_fit(grey, (320, 240), into=tmp_path / "out") == grey


@pytest.mark.parametrize(
    ("ratio", "size", "first"), [("3:4", (180, 240), (70, 0)), ("16:9", (320, 180), (0, 15)), ("4:3", (320, 240), None)]
)
def test_a_photo_is_cropped_from_its_middle_and_rather_its_upper_part(
    tmp_path: Path, ratio: str, size: tuple[int, int], first: tuple[int, int] | None
) -> None:
    path = photo(tmp_path)
    found = cropped(path, ratio, into=tmp_path / "out")
    assert size_of(found) == size
    assert (found == path) is (first is None)
    with Image.open(path) as before, Image.open(found) as after:
        assert after.getpixel((0, 0)) == before.getpixel(first or (0, 0))


def test_a_photo_is_not_enlarged_to_more_than_can_be_decoded() -> None:
    check_enlarged((4000, 4000), 2)
    with pytest.raises(AskPerson) as raised:
        check_enlarged((4000, 4000), 4)
    assert raised.value.code == "photo_too_many_pixels"


@pytest.mark.parametrize(
    ("size", "room", "fitted"),
    [
        ((640, 480), Room(max_pixels=200_000), (516, 387)),  # a half leaves 77,000 of 200,000: too few
        ((640, 480), Room(max_pixels=150_000), (320, 240)),
        ((640, 480), Room(max_pixels=60_000), (282, 212)),
        ((641, 481), Room(max_pixels=150_000, step=16), (320, 240)),
        ((640, 480), Room(max_pixels=640 * 480), (640, 480)),
    ],
)
def test_a_jpeg_that_must_shrink_is_taken_at_a_half_where_that_leaves_half_of_the_pixels(
    tmp_path: Path, size: tuple[int, int], room: Room, fitted: tuple[int, int]
) -> None:
    path = tmp_path / "photo.jpg"
    Image.radial_gradient("L").resize(size).convert("RGB").save(path, quality=95)
    assert size_of(to_fit(path, room, into=tmp_path / "out")) == fitted
