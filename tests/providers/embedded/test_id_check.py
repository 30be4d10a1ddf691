"""A finished ID photo is checked against its rule, mended where nothing has to be invented, and told where not."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from providers.base import PictureFile, Request
from providers.embedded.id_check import Fault, eyes_are_open, id_report, mended
from providers.embedded.id_photo import id_photo
from providers.embedded.id_presets import presets
from providers.finishing import Finisher
from providers.media.pixels import Picture, pixels
from providers.offers import Tier
from providers.people.face import EYELIDS
from providers.people.find import find_faces
from providers.people.inspector import Inspector
from providers.task import IdPhoto, Operation, Parameters, Task
from tests.providers.photos import needs_models, shipped, turned
from tests.waiting import LONG

pytestmark = needs_models
WHITE = (255, 255, 255)
TWO_INCH = presets()["cn_2inch"]


@pytest.fixture(scope="module")
def good(officer: Picture) -> Picture:
    return id_photo(officer, find_faces(officer), WHITE, preset=TWO_INCH)


def test_another_background_an_uneven_one_and_a_shadow_are_found(good: Picture) -> None:
    assert Fault.BACKGROUND_COLOUR in id_report(good, TWO_INCH, (67, 142, 219)).faults
    slope = np.linspace(1.0, 0.75, good.shape[1])[None, :, None]
    assert Fault.BACKGROUND_UNEVEN in id_report(pixels(good * slope), TWO_INCH, WHITE).faults


def test_a_tilted_a_shifted_and_a_far_head_are_found_and_mended(good: Picture) -> None:
    tilted = turned(good, 8)
    assert Fault.NOT_LEVEL in id_report(tilted, TWO_INCH, WHITE).faults
    margin = np.full((good.shape[0], 160, 3), 255, np.uint8)
    shifted = np.concatenate([margin, good], 1)
    faults = id_report(shifted, TWO_INCH, WHITE).faults
    assert {Fault.NOT_CENTRED, Fault.PIXELS} <= set(faults)
    made, report = mended(shifted, TWO_INCH, WHITE)
    assert made.shape == (TWO_INCH.pixels[1], TWO_INCH.pixels[0], 3)
    assert report.faults == ()


def test_a_service_picture_gets_its_even_background_and_its_size(officer: Picture) -> None:
    """As a service returns it: another size, a wall behind."""
    us = presets()["us"]
    made, report = mended(officer, us, WHITE)
    assert made.shape[:2] == (600, 600)
    assert report.faults == ()


def test_what_cannot_be_mended_is_told_and_nothing_is_changed() -> None:
    cup = pixels(cv2.resize(shipped("coffee.png"), (413, 531)))
    made, report = mended(cup, TWO_INCH, WHITE)
    assert report.faults == (Fault.NO_FACE,)
    assert made is cup


def test_open_eyes_are_told_from_closed_ones(astronaut: Picture, officer: Picture) -> None:
    for photo in (astronaut, officer):
        assert eyes_are_open(find_faces(photo)[0])
    face = find_faces(astronaut)[0]
    assert face.mesh is not None
    points = list(face.mesh)
    for upper, lower in (lids for pairs in EYELIDS for lids in pairs):
        x, _, z = points[upper]
        points[upper] = (x, points[lower][1] - 0.5, z)
    assert not eyes_are_open(replace(face, mesh=tuple(points)))


async def test_an_id_photo_of_a_service_is_finished_here_and_what_is_left_is_told(
    tmp_path: Path, officer: Picture
) -> None:
    """As a service returns it: its own size, a wall behind; once with nobody in it, which nothing can mend."""
    inspector = Inspector(patience=LONG, patience_with_results=LONG)
    finisher = Finisher(inspector)
    task = Task(
        operation=Operation.PORTRAIT,
        style="id_photo_white",
        parameters=Parameters(id_photo=IdPhoto(size="us", paper="6inch")),
        photos=1,
    )
    alone = replace(task, parameters=Parameters(id_photo=IdPhoto(size="us")))
    try:
        (sheet,) = await finisher.finished(_served(tmp_path, officer), _asked(task, tmp_path), Tier.SERVICE)
        (photo,) = await finisher.finished(_served(tmp_path, officer), _asked(alone, tmp_path), Tier.SERVICE)
        (cup,) = await finisher.finished(_served(tmp_path, shipped("coffee.png")), _asked(task, tmp_path), Tier.SERVICE)
        (own,) = await finisher.finished(_served(tmp_path, officer), _asked(task, tmp_path), Tier.LOCAL)
    finally:
        await finisher.aclose()
    assert (photo.width, photo.height, photo.remarks) == (600, 600, ())
    assert photo.size_bytes <= 240_000
    with Image.open(photo.path) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=1)
    assert sheet.remarks == ()
    assert {sheet.width, sheet.height} == {1800, 1200}
    assert (cup.remarks, cup.path.name) == ((Fault.NO_FACE.value,), "served.png"), "as it was served"
    assert own.remarks == (), "what is made here was looked at where it was made"


def _asked(task: Task, folder: Path) -> Request:
    return Request(key="k", task=task, prompt="-", photos=(folder / "me.png",))


def _served(folder: Path, rgb: Picture) -> list[PictureFile]:
    path = folder / "served.png"
    Image.fromarray(rgb).save(path)
    return [
        PictureFile(
            path=path,
            width=rgb.shape[1],
            height=rgb.shape[0],
            size_bytes=path.stat().st_size,
            mime="image/png",
            provider="fal",
            request_id="r",
        )
    ]
