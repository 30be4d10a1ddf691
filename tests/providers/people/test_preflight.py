"""Photos judged before money is spent: what is wrong is named, what is good is not; albums sorted."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from handlers.words import texts
from providers.embedded.id_check import Fault
from providers.media.pixels import Picture, pixels
from providers.people.find import find_faces
from providers.people.inspector import Advice, Inspector, references
from providers.people.preflight import Finding, check, check_file, is_page
from tests.providers.photos import needs_models, shipped
from tests.waiting import LONG

pytestmark = needs_models


def large(photo: Picture) -> Picture:
    return pixels(cv2.resize(photo, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


def test_good_photos_pass(astronaut: Picture, officer: Picture) -> None:
    for photo in (large(astronaut), officer):
        verdict = check(photo)
        assert verdict.good, verdict
        assert verdict.faces == 1
        assert verdict.score > 0.5


SPOILT: dict[Finding, Callable[[Picture], Picture]] = {
    Finding.SMALL: lambda rgb: pixels(cv2.resize(rgb, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)),
    Finding.BLURRED: lambda rgb: pixels(cv2.GaussianBlur(rgb, (0, 0), 6)),
    Finding.DARK: lambda rgb: pixels(rgb * 0.15),
    Finding.BRIGHT: lambda rgb: pixels(np.clip(rgb.astype(float) * 0.15 + 225, 0, 255)),
    Finding.CUT_OFF: lambda rgb: rgb[:, 400:].copy(),
}


@pytest.mark.parametrize("finding", SPOILT)
def test_what_is_wrong_is_found(astronaut: Picture, finding: Finding) -> None:
    assert finding in check(SPOILT[finding](large(astronaut))).findings


def test_dark_glasses_hide_the_eyes(officer: Picture) -> None:
    face = find_faces(officer)[0]
    worn = officer.copy()
    for side in (-0.5, 0.5):
        x, y = face.along(side, 0.05)
        cv2.ellipse(
            worn, (round(x), round(y)), (round(0.42 * face.unit), round(0.32 * face.unit)), 0, 0, 360, (9, 9, 12), -1
        )
    assert Finding.EYES_HIDDEN in check(worn).findings
    assert Finding.EYES_HIDDEN not in check(officer).findings


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "brick.png"])
def test_where_nobody_is_that_is_said(name: str) -> None:
    assert check(shipped(name)).findings == (Finding.NO_FACE,)


def test_a_page_of_text_is_told_from_a_photo(astronaut: Picture) -> None:
    assert check(shipped("page.png")).findings == (Finding.SCREENSHOT,)
    assert not is_page(astronaut)
    assert not is_page(shipped("coffee.png"))


def test_how_a_photo_is_set_upright_is_told(astronaut: Picture) -> None:
    for quarters in (0, 1, 2, 3):
        assert check(np.rot90(large(astronaut), -quarters).copy()).quarters == quarters


def test_sizes_are_those_of_the_photo_however_large_it_is(tmp_path: Path, officer: Picture) -> None:
    path = tmp_path / "large.jpg"
    Image.fromarray(officer).resize((358 * 8, 420 * 8)).save(path)
    assert check_file(path).width == pytest.approx(8 * check(officer).width, rel=0.05)


def test_every_finding_and_every_fault_has_its_sentence_in_both_languages() -> None:
    for language in ("zh", "en"):
        for finding in Finding:
            assert f"say.photo_{finding}" in texts(language)
        for fault in Fault:
            assert fault.text_key in texts(language)


@pytest_asyncio.fixture
async def inspector() -> AsyncIterator[Inspector]:
    inspector = Inspector(patience=LONG, patience_with_results=LONG)
    yield inspector
    await inspector.aclose()


async def test_an_album_gives_its_best_references_without_twins(
    inspector: Inspector, tmp_path: Path, astronaut: Picture, officer: Picture
) -> None:
    photos = {
        "cat": shipped("chelsea.png"),
        "tiny": SPOILT[Finding.SMALL](large(astronaut)),
        "good": large(officer),
        "twin": pixels(np.clip(large(officer).astype(float) * 1.05, 0, 255)),
    }
    for name, rgb in photos.items():
        Image.fromarray(rgb).save(tmp_path / f"{name}.png")
    album = await inspector.check_all([tmp_path / f"{name}.png" for name in photos])
    chosen = [list(photos)[i] for i in references(album)]
    assert len(chosen) == 2
    assert chosen[0] in ("good", "twin")
    assert chosen[1] == "tiny"


async def test_the_advice_comes_with_its_sentence_and_its_numbers(
    inspector: Inspector, tmp_path: Path, astronaut: Picture
) -> None:
    path = tmp_path / "far.png"
    Image.fromarray(SPOILT[Finding.SMALL](large(astronaut))).save(path)
    advice = await inspector.check(path)
    assert advice is not None
    assert advice.text_key == "say.photo_small"
    sentence = texts("en")[advice.text_key].format(width=advice.width, wanted=advice.wanted)
    assert f"{advice.width} px wide, 200 is better" in sentence


async def test_a_file_that_is_gone_is_no_advice_and_no_fault(inspector: Inspector, tmp_path: Path) -> None:
    assert await inspector.check(tmp_path / "gone.png") is None


def test_references_of_nothing_are_none() -> None:
    nobody = Advice(
        finding="no_face", findings=("no_face",), faces=0, width=0, wanted=200, quarters=0, score=0.0, fingerprint=0
    )
    assert references([]) == ()
    assert references([None, nobody]) == ()
