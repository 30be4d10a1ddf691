"""How far a picture grows on which side."""

import pytest

from providers.media.canvas import Sides
from providers.outpainting import sides_of
from providers.task import Operation, Outpaint, Parameters, Task


def task(ratio: str | None = None, **sides: int) -> Task:
    asked = Outpaint(**sides) if sides else None
    return Task(
        operation=Operation.OUTPAINT, aspect_ratio=ratio, photos=1, parameters=Parameters(outpaint=asked)
    )  # fmt: skip


def test_sides_that_are_named_are_taken_as_they_are() -> None:
    assert sides_of(task("1:1", left=300, bottom=7), (400, 300)) == Sides(left=300, bottom=7)


@pytest.mark.parametrize(
    ("ratio", "size", "sides"),
    [
        ("16:9", (900, 900), Sides(left=350, right=350)),
        ("9:16", (900, 900), Sides(top=420, bottom=280)),
        ("1:1", (400, 300), Sides(top=60, bottom=40)),
        ("16:9", (100, 4000), Sides(left=2000, right=2000)),
    ],
)
def test_a_ratio_is_reached_with_the_least_and_more_air_above(ratio: str, size: tuple[int, int], sides: Sides) -> None:
    assert sides_of(task(ratio), size) == sides


@pytest.mark.parametrize("ratio", [None, "4:3"])
def test_without_sides_or_with_the_ratio_it_has_a_photo_grows_by_a_quarter_all_around(ratio: str | None) -> None:
    assert sides_of(task(ratio), (400, 300)) == Sides(left=100, right=100, top=75, bottom=75)
