"""Simple changes go the way they say, by a step that is seen and bounded, on ten photos; what must stay stays."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from providers.embedded.adjust import Step, adjusted, leaning, turned_within
from providers.embedded.changes import graded
from providers.embedded.flat_ground import flat_ground
from providers.embedded.id_photo import COLOURS, id_photo
from providers.embedded.lettering import lettered
from providers.errors import AskPerson
from providers.media.pixels import Picture, floats, grey_of, lab_of, pixels
from providers.people.face import Face
from providers.people.find import find_faces
from providers.task import Lettering
from tests.providers.photos import difference, shipped, turned

NAMES = ("chelsea.png", "rocket.jpg", "brick.png", "coins.png", "page.png", "camera.png")


@pytest.fixture(scope="module")
def ten(astronaut: Picture, officer: Picture, coffee: Picture) -> list[Picture]:
    """People, a cat, things, a page, light and dark, colour and grey."""
    others = [pixels(cv2.resize(shipped(name), (300, 240), interpolation=cv2.INTER_AREA)) for name in NAMES]
    return [astronaut, officer, coffee, pixels(astronaut * 0.45), *others]


def brightness(rgb: Picture) -> float:
    return float(lab_of(rgb)[..., 0].mean())


def contrast(rgb: Picture) -> float:
    return float(lab_of(rgb)[..., 0].std())


def warmth(rgb: Picture) -> float:
    return float(lab_of(rgb)[..., 2].mean())


def saturation(rgb: Picture) -> float:
    lab = lab_of(rgb)
    return float(np.hypot(lab[..., 1], lab[..., 2]).mean())


def sharpness(rgb: Picture) -> float:
    return float(np.abs(cv2.Laplacian(floats(grey_of(rgb)), cv2.CV_32F)).mean())


# What is measured, and the least and the most that a step changes it.
MEASURES: dict[str, tuple[Callable[[Picture], float], float, float]] = {
    "brightness": (brightness, 2.0, 14.0),
    "contrast": (contrast, 0.5, 10.0),
    "warmth": (warmth, 1.0, 10.0),
    "saturation": (saturation, 0.4, 12.0),
    "sharpness": (sharpness, 0.15, 60.0),
}


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("kind", MEASURES)
def test_each_step_goes_its_way_visibly_and_not_too_far(ten: list[Picture], kind: str, direction: str) -> None:
    measure, least, most = MEASURES[kind]
    for number, photo in enumerate(ten):
        if kind == "saturation" and saturation(photo) < 3:
            continue  # a grey photo has no colour to be more or less of
        made = adjusted(photo, Step(kind=kind, direction=direction))
        change = (measure(made) - measure(photo)) * (1 if direction == "up" else -1)
        assert least < change < most, (number, change)
        assert made.shape == photo.shape


@pytest.mark.parametrize("kind", MEASURES)
def test_a_slight_step_is_smaller_and_a_strong_one_larger(astronaut: Picture, kind: str) -> None:
    steps = [difference(adjusted(astronaut, Step(kind=kind, direction="up", strength=s)), astronaut) for s in
             ("slight", None, "strong")]  # fmt: skip
    assert steps[0] < steps[1] < steps[2]


@pytest.mark.parametrize("kind", ["brightness", "contrast", "warmth", "saturation"])
def test_the_ground_of_an_id_photo_keeps_its_very_colour(
    astronaut: Picture, faces: tuple[Face, ...], kind: str
) -> None:
    blue = id_photo(astronaut, faces, COLOURS["id_photo_blue"])
    ground = (blue == COLOURS["id_photo_blue"]).all(-1)
    assert ground.mean() > 0.2
    for direction in ("up", "down"):
        made = adjusted(blue, Step(kind=kind, direction=direction))
        assert (made[ground] == COLOURS["id_photo_blue"]).all()
        assert difference(made[~ground], blue[~ground]) > 1
    for take in range(1, 8):
        assert (graded(blue, take)[ground] == COLOURS["id_photo_blue"]).all()


def test_a_photo_has_no_flat_ground(ten: list[Picture]) -> None:
    assert all(flat_ground(photo) is None for photo in ten)


def test_white_letters_stay_white(astronaut: Picture) -> None:
    written = lettered(astronaut, (), Lettering(text="HELLO", position="bottom", colour=(255, 255, 255)))
    letters = (written == 255).all(-1) & ~(astronaut == 255).all(-1)
    assert letters.sum() > 100
    for kind in ("brightness", "warmth", "contrast", "saturation"):
        for direction in ("up", "down"):
            assert adjusted(written, Step(kind=kind, direction=direction))[letters].min() >= 254


def test_flipping_twice_and_four_quarter_turns_give_the_photo_back(astronaut: Picture) -> None:
    for direction in ("horizontal", "vertical"):
        flip = Step(kind="flip", direction=direction)
        assert (adjusted(adjusted(astronaut, flip), flip) == astronaut).all()
    once = adjusted(astronaut, Step(kind="rotate", direction="right"))
    assert once.shape == (380, 420, 3)
    assert (once[0, -1] == astronaut[0, 0]).all()
    assert (adjusted(once, Step(kind="rotate", direction="left")) == astronaut).all()


def test_a_turn_by_degrees_leaves_no_empty_corner(astronaut: Picture) -> None:
    white = np.full_like(astronaut, 255)
    made = adjusted(white, Step(kind="rotate", direction="left", degrees=7))
    assert made.min() == 255
    assert made.shape[1] / made.shape[0] == pytest.approx(380 / 420, abs=0.01)
    leaned = find_faces(adjusted(astronaut, Step(kind="rotate", direction="right", degrees=10)))[0].roll
    assert leaned - find_faces(astronaut)[0].roll == pytest.approx(10, abs=4)


def test_straightening_levels_a_leaning_head_and_a_leaning_wall(astronaut: Picture) -> None:
    leaning_head = turned(astronaut, 9)
    made = adjusted(leaning_head, Step(kind="straighten"), find_faces(leaning_head))
    assert abs(find_faces(made)[0].roll) < 4
    stripes = np.full((300, 400, 3), 200, np.uint8)
    stripes[::40] = stripes[1::40] = 30
    wall = turned_within(stripes, 6)
    assert leaning(wall) == pytest.approx(6, abs=0.7)
    assert abs(leaning(adjusted(wall, Step(kind="straighten")))) < 0.7


def test_closer_keeps_the_shape_of_the_photo_and_every_head(astronaut: Picture, officer: Picture) -> None:
    both = np.concatenate([astronaut, officer], 1)
    faces = find_faces(both)
    made = adjusted(both, Step(kind="crop"), faces)
    assert made.shape[1] < both.shape[1]
    assert made.shape[1] / made.shape[0] == pytest.approx(both.shape[1] / both.shape[0], abs=0.02)
    assert len(find_faces(made)) == 2


def test_bigger_is_twice_as_large_and_smaller_half(coffee: Picture) -> None:
    assert adjusted(coffee, Step(kind="size", direction="up")).shape == (400, 600, 3)
    assert adjusted(coffee, Step(kind="size", direction="down")).shape == (100, 150, 3)


def test_what_is_no_simple_change_is_refused(coffee: Picture) -> None:
    with pytest.raises(AskPerson) as refused:
        adjusted(coffee, Step(kind="mood", direction="up"))
    assert refused.value.code == "needs_other_provider"


def test_sixteen_takes_are_sixteen_pictures(coffee: Picture) -> None:
    made = [graded(coffee, take) for take in range(16)]
    for n, one in enumerate(made):
        for other in made[n + 1 :]:
            assert difference(one, other) > 0.25
