"""From words to typed parameters: what intent reads is what providers get, and what the machine itself can do."""

import tomllib
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from handlers.dialogue.interpretation import order_from
from handlers.jobs.parameters import parameters_of
from handlers.jobs.plan import task_for
from handlers.order import Order
from intent import parse
from providers.embedded.adjust import Step, is_known
from providers.embedded.id_presets import presets
from providers.embedded.looks import FILTERS
from providers.embedded.offers import ADJUSTMENTS, EDITS, offers
from providers.embedded.print_sheet import PAPERS
from providers.task import Adjustment, IdPhoto


def order(words: str) -> Order:
    return order_from(parse(words, photos=1), (Path("me.jpg"),), "en")


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        ("再亮一点", (("brightness", "up"),)),
        ("make it brighter", (("brightness", "up"),)),
        ("暗一点", (("brightness", "down"),)),
        ("warmer", (("warmth", "up"),)),
        ("less contrast", (("contrast", "down"),)),
        ("flip it", (("flip", "horizontal"),)),
        ("rotate left", (("rotate", "left"),)),
    ],
)
def test_a_simple_change_reaches_this_machine_as_such(words: str, steps: tuple[tuple[str, str], ...]) -> None:
    task = task_for(order(words), shot=0)
    assert tuple((step.kind, step.direction) for step in task.parameters.adjustments) == steps
    assert offers().reason_not(task) is None


def test_what_is_no_simple_change_is_still_refused() -> None:
    assert offers().reason_not(task_for(order("turn the car red"), shot=0)) is not None


def test_an_id_photo_keeps_its_size_from_the_words_to_the_task() -> None:
    made = order("US visa photo")
    again = Order.model_validate_json(made.model_dump_json())
    assert task_for(again, shot=0).parameters.id_photo == IdPhoto(size="us")


def test_every_size_and_paper_that_words_name_can_be_made() -> None:
    table = tomllib.loads(files("intent.lexicon").joinpath("id_photos.toml").read_text("utf-8"))
    assert set(table["sizes"]) | (set(table["countries"]) - {"cn"}) | {"cn_visa", "cn_passport"} == set(presets())
    assert set(table["papers"]) == set(PAPERS)


def test_what_is_offered_is_what_is_known() -> None:
    assert all(is_known(Step(kind=kind)) for kind in ADJUSTMENTS)


def test_margins_in_pixels_are_handed_on_and_others_left_to_who_knows_the_size() -> None:
    found = parameters_of("extend", "extend 300 px to the left").outpaint
    assert found is not None
    assert (found.left, found.right) == (300, 0)
    assert parameters_of("extend", "extend 20% to the left").outpaint is None


def test_degrees_come_through() -> None:
    (step,) = parameters_of("edit", "rotate right by 7 degrees").adjustments
    assert step == replace(Adjustment(kind="rotate"), direction="right", degrees=7.0)


def test_every_filter_change_and_tone_that_words_name_is_one_that_this_machine_makes() -> None:
    lexicon = tomllib.loads(Path("intent/lexicon/parameters.toml").read_text("utf-8"))
    assert set(lexicon["filters"]) == set(FILTERS)
    assert set(lexicon["changes"]) <= EDITS | {"upscale"}
    assert set(lexicon["tones"]) <= {"sepia", "cool", "hand", "rose"}
