"""The floor: faces found with the cascades OpenCV ships."""

import cv2
import numpy as np
import pytest

from providers.media.pixels import Picture, pixels
from providers.people.cascades import by_cascades
from providers.people.face import Face
from tests.providers.photos import turned


@pytest.fixture(scope="module")
def hers(astronaut: Picture) -> Face:
    (face,) = by_cascades(astronaut)
    return face


def test_the_face_is_found_with_level_eyes_where_it_is(hers: Face) -> None:
    face = hers
    x, y = face.centre
    assert 190 < x < 220
    assert 100 < y < 135
    assert face.eyes is not None
    assert face.eyes[0][0] < x < face.eyes[1][0]
    assert abs(face.roll) < 6


def test_glasses_and_a_cap_hide_no_face(officer: Picture) -> None:
    assert len(by_cascades(officer)) == 1


def test_a_cup_is_no_face(coffee: Picture) -> None:
    assert by_cascades(coffee) == ()


@pytest.mark.parametrize("degrees", [-20, 12])
def test_a_head_that_leans_is_found_and_how_far_it_leans(astronaut: Picture, hers: Face, degrees: int) -> None:
    (face,) = by_cascades(turned(astronaut, degrees))
    assert face.roll - hers.roll == pytest.approx(degrees, abs=6)


def test_a_dark_photo_still_shows_its_face(astronaut: Picture) -> None:
    assert len(by_cascades(pixels(astronaut * 0.3))) == 1


def test_two_people_are_two_faces_the_larger_first(astronaut: Picture, officer: Picture) -> None:
    both = np.concatenate([astronaut, officer], 1)
    first, second = by_cascades(both)
    assert first.w > second.w
    assert first.x > 380 > second.x


def test_a_large_photo_gives_the_same_face_in_its_own_pixels(astronaut: Picture, hers: Face) -> None:
    small, (large,) = hers, by_cascades(pixels(cv2.resize(astronaut, None, fx=3, fy=3)))
    assert large.centre == pytest.approx([3 * v for v in small.centre], abs=25)
    assert large.unit == pytest.approx(3 * small.unit, rel=0.15)


def test_points_of_a_leaning_head_lean_with_it() -> None:
    face = Face(x=0, y=0, w=100, h=100, roll=90)
    right, up = face.along(1, 0), face.along(0, -1)
    assert right[0] == pytest.approx(face.along(0, 0)[0])
    assert right[1] > face.along(0, 0)[1]
    assert up[0] > face.along(0, 0)[0]
