"""Faces by the networks: found however the photo lies, and only where there is one."""

import cv2
import numpy as np
import pytest

from providers.media.pixels import Picture, pixels
from providers.people.face import Face
from providers.people.find import find_faces, find_people
from providers.people.matting import by_network
from tests.providers.photos import needs_models, shipped, turned

pytestmark = needs_models


def test_a_face_comes_with_its_points_its_pose_and_its_quality(astronaut: Picture) -> None:
    (face,) = find_faces(astronaut)
    assert face.centre == pytest.approx((204, 118), abs=15)
    assert face.mesh is not None
    assert len(face.mesh) == 468
    assert face.points is not None
    assert len(face.points) == 6
    assert (face.roll, face.yaw) == pytest.approx((3, 0), abs=8)
    assert face.sharpness is not None
    assert face.light is not None
    assert 60 < face.light < 90
    assert face.chin[1] > face.points[3][1] > face.between_eyes[1]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_on_its_side_or_on_its_head_still_shows_its_face(astronaut: Picture, quarters: int) -> None:
    (face,) = find_faces(np.rot90(astronaut, -quarters).copy())
    assert abs((face.roll - 90 * quarters + 180) % 360 - 180) < 12


@pytest.mark.parametrize("degrees", [-30, -12, 20])
def test_a_head_that_leans_is_found_and_how_far_it_leans(astronaut: Picture, degrees: int) -> None:
    upright = find_faces(astronaut)[0].roll
    (face,) = find_faces(turned(astronaut, degrees))
    assert face.roll - upright == pytest.approx(degrees, abs=5)


def _tiny(rgb: Picture) -> Picture:
    return pixels(cv2.resize(rgb, None, fx=0.15, fy=0.15, interpolation=cv2.INTER_AREA))


def _squeezed(rgb: Picture) -> Picture:
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 8])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return pixels(decoded)[..., ::-1].copy()


@pytest.mark.parametrize(
    "spoilt",
    [_tiny, _squeezed, lambda rgb: pixels(rgb * 0.15), lambda rgb: pixels(cv2.GaussianBlur(rgb, (0, 0), 4))],
)
@pytest.mark.parametrize("who", ["astronaut", "officer"])
def test_small_dark_blurred_and_squeezed_faces_are_found(
    request: pytest.FixtureRequest, who: str, spoilt: object
) -> None:
    photo: Picture = request.getfixturevalue(who)
    assert len(find_faces(spoilt(photo))) == 1  # type: ignore[operator]


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "rocket.jpg", "brick.png", "coins.png", "text.png"])
def test_a_cat_a_cup_and_a_page_are_no_faces(name: str) -> None:
    assert find_faces(shipped(name)) == ()
    assert find_people(shipped(name)).cutout is None


def test_a_blurred_face_is_less_sharp_than_a_sharp_one(officer: Picture) -> None:
    sharp, blurred = (find_faces(one)[0].sharpness for one in (officer, pixels(cv2.GaussianBlur(officer, (0, 0), 3))))
    assert sharp is not None
    assert blurred is not None
    assert sharp > 2 * blurred


def test_small_faces_of_a_group_are_found_in_tiles(astronaut: Picture, officer: Picture) -> None:
    wall = np.full((420, 120, 3), 170, np.uint8)
    row = np.concatenate([astronaut, wall, officer, wall] * 3, 1)
    small = pixels(cv2.resize(row, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA))
    assert len(find_faces(small)) == 6


def test_a_turned_and_scaled_face_keeps_its_measures(astronaut: Picture) -> None:
    face = find_faces(astronaut)[0]
    half_turned = face.placed(cv2.getRotationMatrix2D((0.0, 0.0), -40.0, 0.5))
    assert half_turned.unit == pytest.approx(face.unit / 2)
    assert half_turned.width == pytest.approx(face.width / 2)
    assert half_turned.roll == pytest.approx(face.roll + 40)


def test_of_two_people_one_can_be_cut_out_without_the_other(astronaut: Picture, officer: Picture) -> None:
    both = np.concatenate([astronaut, officer], 1)
    faces = find_faces(both)
    left: Face = min(faces, key=lambda face: face.x)
    alpha = by_network(both, faces, left).alpha
    assert alpha[120, 205] > 0.9
    assert alpha[:, 520:].max() < 0.1
    assert by_network(both, faces).alpha[150, 555] > 0.9
