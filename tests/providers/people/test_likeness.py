"""How alike faces are: the own before others, a clear miss told, no score without the network."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from providers.embedded.looks import LOOKS
from providers.media.pixels import Picture, pixels
from providers.people.find import find_faces
from providers.people.inspector import Inspector
from providers.people.likeness import Compared, Likeness, compared, is_known, ranked
from providers.people.model_files import LIKENESS, are_there
from tests.providers.photos import shipped
from tests.waiting import LONG

needs_descriptor = pytest.mark.skipif(
    not are_there(LIKENESS), reason="the descriptor's files are not there: `likeness models fetch face_descriptor`"
)


@needs_descriptor
def test_ones_own_pictures_rank_before_those_of_another(astronaut: Picture, officer: Picture) -> None:
    results = [
        officer,
        np.asarray(LOOKS["vintage"](astronaut, find_faces(astronaut), 0)),
        astronaut[:, ::-1].copy(),
        pixels(cv2.GaussianBlur(astronaut, (0, 0), 1.5)),
        shipped("coffee.png"),
    ]
    found = compared([astronaut], results)
    assert found is not None
    order = ranked(found)
    assert set(order[:3]) == {1, 2, 3}
    assert order[3:] == (0, 4)
    assert [found[i].likeness for i in order[3:]] == [Likeness.MISS, Likeness.NO_FACE]
    assert all(found[i].likeness is Likeness.ALIKE for i in order[:3])


@needs_descriptor
def test_the_same_picture_has_no_distance_and_any_of_several_photos_may_be_the_likest(
    astronaut: Picture, officer: Picture
) -> None:
    found = compared([officer, astronaut], [astronaut])
    assert found is not None
    assert found[0].distance == pytest.approx(0, abs=1e-3)


@needs_descriptor
def test_without_a_face_in_the_photo_nothing_is_said(astronaut: Picture) -> None:
    assert compared([shipped("coffee.png")], [astronaut]) is None


@needs_descriptor
async def test_results_are_compared_off_the_event_loop(tmp_path: Path, astronaut: Picture, officer: Picture) -> None:
    for name, rgb in (("me", astronaut), ("other", officer)):
        Image.fromarray(rgb).save(tmp_path / f"{name}.png")
    inspector = Inspector(patience=LONG, patience_with_results=LONG)
    try:
        found = await inspector.compare([tmp_path / "me.png"], [tmp_path / "other.png", tmp_path / "me.png"])
    finally:
        await inspector.aclose()
    assert found is not None
    assert [one.likeness for one in found] == ["miss", "alike"]


async def test_where_likeness_cannot_be_told_no_process_is_started_for_it(tmp_path: Path) -> None:
    inspector = Inspector(compares=lambda: False)
    try:
        assert await inspector.compare([tmp_path / "me.png"], [tmp_path / "made.png"]) is None
        assert inspector.worker.pid is None
    finally:
        await inspector.aclose()


def test_without_the_network_no_score_is_made_up(astronaut: Picture) -> None:
    if not is_known():
        assert compared([astronaut], [astronaut]) is None


def test_results_without_a_face_come_last_in_their_own_order() -> None:
    none = Compared(likeness=Likeness.NO_FACE)
    near, far = (Compared(likeness=Likeness.ALIKE, distance=d) for d in (0.2, 0.4))
    assert ranked((none, far, none, near)) == (3, 1, 0, 2)
