"""People cut out of their photos: the outline, the soft edge, its colours, and knowing when it failed."""

import numpy as np
import pytest

from providers.embedded.backdrop import replaced, studio_portrait
from providers.errors import AskPerson
from providers.media.pixels import Picture, floats, pixels, unit_of
from providers.people.cascades import by_cascades
from providers.people.face import Face
from providers.people.find import find_faces
from providers.people.matting import Cutout, by_network, by_silhouette, closed_form, cut_out, true_colours
from providers.people.model_files import CUTTING, are_there
from providers.task import Background


@pytest.fixture(scope="module", params=["network", "silhouette"])
def person(request: pytest.FixtureRequest, astronaut: Picture, faces: tuple[Face, ...]) -> Cutout:
    if request.param == "silhouette":
        return by_silhouette(astronaut, by_cascades(astronaut))
    if not are_there(CUTTING):
        pytest.skip("the networks' files are not there: `likeness models fetch` brings them")
    return by_network(astronaut, faces)


def test_face_hair_and_suit_are_in_wall_and_flag_are_out(person: Cutout) -> None:
    assert person.clear
    assert person.alpha[110, 205] == 1  # cheek
    assert person.alpha[50, 200] > 0.95  # hair
    assert person.alpha[330, 190] == 1  # suit
    assert person.alpha[30, 60] == 0  # wall
    assert person.alpha[150, 10] == 0  # flag
    assert person.alpha[100, 370] == 0  # the model rocket


def test_the_collar_is_whole(person: Cutout) -> None:
    """The lining of the collar has the wall's colour; a cut by colour alone tears it."""
    assert person.alpha[215, 150:260].min() > 0.9


def test_the_edge_of_the_hair_is_soft_and_narrow(person: Cutout) -> None:
    soft = (person.alpha > 0.05) & (person.alpha < 0.95)
    assert 300 < soft.sum() < 9000


def test_the_edge_keeps_nothing_of_the_old_background(person: Cutout, astronaut: Picture) -> None:
    """On blue, the edge lies between hair and blue; with the old wall in it, it would be paler than both."""
    blue = np.array([67, 142, 219], np.float32) / 255
    ground = np.broadcast_to(blue, astronaut.shape).astype(np.float32)
    made = person.over(ground)
    head = np.zeros(person.alpha.shape, bool)
    head[10:120, 120:290] = True
    ring = head & (person.alpha > 0.1) & (person.alpha < 0.9)
    hair = made[head & (person.alpha > 0.98)]
    brightest = np.percentile(hair.sum(-1), 97)
    assert float((made[ring].astype(int).sum(-1) > max(brightest, 67 + 142 + 219) + 20).mean()) < 0.03


def test_colours_of_a_known_mix_are_taken_apart() -> None:
    alpha = np.tile(np.clip((np.arange(120) - 50) / 20, 0, 1), (60, 1)).astype(np.float32)
    fore, back = np.array([0.2, 0.1, 0.05]), np.array([0.9, 0.9, 0.9])
    mixed = floats(alpha[..., None] * fore + (1 - alpha[..., None]) * back)
    found = true_colours(mixed, alpha, unit=20.0)
    edge = (alpha > 0.2) & (alpha < 0.8)
    assert float(np.abs(found[edge] - fore).max()) < 0.12
    assert float(np.abs(mixed[edge] - fore).max()) > 0.5


def test_matting_follows_the_colour_edge_inside_the_band() -> None:
    picture = np.full((60, 80, 3), 0.8, np.float32)
    picture[:, 37:] = (0.1, 0.2, 0.3)
    known, fixed = np.zeros((60, 80), np.float32), np.ones((60, 80), np.float32)
    known[:, 40:] = 1
    fixed[:, 28:52] = 0
    alpha = closed_form(picture, known, fixed)
    assert float(alpha[:, :36].max()) < 0.1
    assert float(alpha[:, 38:].min()) > 0.9


def test_a_person_the_colour_of_the_wall_is_not_clear() -> None:
    rng = np.random.default_rng(1)
    wall = pixels(np.clip(rng.normal(120, 14, (400, 320, 3)), 0, 255))
    face = Face(x=110, y=90, w=100, h=100, eyes=((140, 130), (180, 130)), score=5)
    assert not cut_out(wall, (face,)).clear
    with pytest.raises(AskPerson) as refused:
        replaced(wall, (face,), Background(kind="colour", colours=((255, 0, 0),)))
    assert refused.value.code == "background_unclear"


def test_without_a_face_nobody_is_cut_out(coffee: Picture) -> None:
    with pytest.raises(AskPerson) as refused:
        replaced(coffee, find_faces(coffee), Background(kind="transparent"))
    assert refused.value.code == "no_face"


def test_cutting_away_keeps_the_size_and_gives_real_transparency(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    made = replaced(astronaut, faces, Background(kind="transparent"))
    assert made.shape == (*astronaut.shape[:2], 4)
    assert made[30, 60, 3] == 0
    assert made[110, 205, 3] == 255


@pytest.mark.parametrize(
    "background",
    [
        Background(kind="blurred"),
        Background(kind="studio"),
        Background(kind="gradient", colours=((20, 40, 90), (255, 255, 255))),
    ],
)
def test_the_person_stays_while_the_background_changes(
    astronaut: Picture, faces: tuple[Face, ...], person: Cutout, background: Background
) -> None:
    made = unit_of(replaced(astronaut, faces, background))
    before = unit_of(astronaut)
    assert float(np.abs(made - before)[person.alpha > 0.99].mean()) < 0.02
    assert float(np.abs(made - before)[person.alpha < 0.01].mean()) > 0.03


def test_a_gradient_runs_from_its_first_colour_to_its_second(astronaut: Picture, faces: tuple[Face, ...]) -> None:
    made = replaced(astronaut, faces, Background(kind="gradient", colours=((20, 40, 90), (250, 250, 250))))
    assert made[2, 2] == pytest.approx([20, 40, 90], abs=6)
    assert made[110, 370].mean() < made[200, 370].mean() < made[250, 375].mean()
    assert made[250, 375].min() > 110


def test_studio_portraits_come_in_the_ratio_asked_for_and_differ_by_take(
    astronaut: Picture, faces: tuple[Face, ...]
) -> None:
    one = studio_portrait(astronaut, faces, "professional", "3:4")
    other = studio_portrait(astronaut, faces, "professional", "3:4", take=1)
    assert one.shape == other.shape
    assert one.shape[1] / one.shape[0] == pytest.approx(0.75, abs=0.005)
    assert float(np.abs(one[20, 20].astype(int) - other[20, 20]).max()) > 15
