"""ID photos: exact colour, right proportions, level, whole."""

import numpy as np
import pytest

from providers.embedded.id_photo import COLOURS, id_photo
from providers.errors import AskPerson
from providers.media.pixels import Picture
from providers.people.face import Face
from providers.people.find import find_faces
from tests.providers.photos import turned


@pytest.fixture(scope="module")
def blue(astronaut: Picture, faces: tuple[Face, ...]) -> Picture:
    return id_photo(astronaut, faces, COLOURS["id_photo_blue"])


def _person(made: Picture, style: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(np.abs(made.astype(int) - COLOURS[style]).max(-1) > 12)


def test_it_is_three_to_four_and_at_least_600_by_800(blue: Picture) -> None:
    height, width = blue.shape[:2]
    assert width / height == pytest.approx(0.75)
    assert (width, height) >= (600, 800)


@pytest.mark.parametrize("style", COLOURS)
def test_the_background_is_exactly_the_colour(astronaut: Picture, faces: tuple[Face, ...], style: str) -> None:
    made = id_photo(astronaut, faces, COLOURS[style])
    for corner in (made[:60, :60], made[:60, -60:], made[300:360, :20]):
        assert (corner == np.array(COLOURS[style], np.uint8)).all()


def test_the_head_has_its_share_and_there_is_air_above_it(blue: Picture) -> None:
    height, width = blue.shape[:2]
    rows = np.flatnonzero(_person(blue, "id_photo_blue")[:, width // 3 : 2 * width // 3].sum(1) > 14)
    crown = rows[0] / height
    assert 0.06 < crown < 0.18
    (face,) = find_faces(blue)
    chin = face.chin[1] / height
    assert 0.55 < chin - crown < 0.72


def test_the_face_is_in_the_middle_and_level(blue: Picture) -> None:
    (face,) = find_faces(blue)
    assert face.eyes is not None
    height, width = blue.shape[:2]
    assert abs(face.between_eyes[0] / width - 0.5) < 0.04
    assert abs(face.roll) < 3
    assert 0.33 < face.between_eyes[1] / height < 0.52


def test_the_body_reaches_the_lower_edge(blue: Picture) -> None:
    assert _person(blue, "id_photo_blue")[-2].mean() > 0.6


def test_a_tilted_photo_is_levelled(astronaut: Picture) -> None:
    tilted = turned(astronaut, 12)
    made = id_photo(tilted, find_faces(tilted), COLOURS["id_photo_white"])
    assert abs(find_faces(made)[0].roll) < 4


def test_further_takes_differ_and_keep_the_colour(astronaut: Picture, faces: tuple[Face, ...], blue: Picture) -> None:
    other = id_photo(astronaut, faces, COLOURS["id_photo_blue"], take=1)
    assert (other != blue).any()
    assert (other[:40, :40] == np.array(COLOURS["id_photo_blue"], np.uint8)).all()


def test_without_a_face_there_is_no_id_photo(coffee: Picture) -> None:
    with pytest.raises(AskPerson) as refused:
        id_photo(coffee, (), COLOURS["id_photo_white"])
    assert refused.value.code == "no_face"


def test_a_cut_off_head_is_asked_about_and_nothing_is_invented(astronaut: Picture) -> None:
    close = astronaut[45:230, 120:300].copy()
    found = find_faces(close)
    assert found
    with pytest.raises(AskPerson) as refused:
        id_photo(close, found, COLOURS["id_photo_white"])
    assert refused.value.code in ("id_photo_room", "background_unclear")
