"""Sheets by words in both languages, with their whole price; and what is neither offered nor made of children."""

from pathlib import Path

import pytest

from handlers.jobs.plan import quoted
from providers.fake import FakeProvider
from providers.router import Router
from tests.world import Person, names, offered, said

VIEWS = ("front", "three_quarter", "side", "back", "full_body")


def person(tmp_path: Path, usd: str = "0.15") -> Person:
    return Person(tmp_path, quote=quoted(Router([FakeProvider(name="fal", usd=usd)])))


@pytest.mark.parametrize("text", ["角色设定图", "character sheet"])
async def test_a_character_sheet_is_one_job_whose_whole_price_is_said(tmp_path: Path, text: str) -> None:
    ann = person(tmp_path)
    told = said(await ann.sends(text, "me.jpg"))
    order = (await ann.job()).order
    assert (order.sheet, order.count, names(order)) == (VIEWS, 6, ["me.jpg"])
    assert "0.75" in told
    assert "1.05" in told  # where both checked views have to be made again


@pytest.mark.parametrize(
    ("text", "count"), [("表情包", 9), ("表情图", 7), ("expression sheet", 7), ("expression sheet, happy and sad", 2)]
)
async def test_an_expression_sheet_has_the_expressions_asked_for(tmp_path: Path, text: str, count: int) -> None:
    ann = person(tmp_path, usd="0.01")
    await ann.sends(text, "me.jpg")
    assert len((await ann.job()).order.sheet) == count


async def test_a_dear_one_is_asked_about_first(tmp_path: Path) -> None:
    ann = person(tmp_path, usd="0.5")
    asked = await ann.sends("角色设定图", "me.jpg")
    assert offered(asked) == ["confirm:yes", "confirm:no"]
    assert "2.50" in said(asked)
    await ann.taps("confirm:yes")
    assert (await ann.job()).order.sheet == VIEWS


async def test_several_photos_are_of_one_person(tmp_path: Path) -> None:
    ann = person(tmp_path, usd="0.01")
    await ann.sends("character sheet", "a.jpg", "b.jpg")
    assert names((await ann.job()).order) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("text", ["给我女儿做搞怪表情包", "a funny expression sheet of my son"])
async def test_a_childs_sheet_has_nothing_playful(tmp_path: Path, text: str) -> None:
    ann = person(tmp_path, usd="0.01")
    await ann.sends(text, "kid.jpg")
    assert set((await ann.job()).order.sheet).isdisjoint({"winking", "tongue_out"})


@pytest.mark.parametrize(
    "text",
    [
        "make my daughter slimmer", "给我儿子瘦脸", "my kid in a bikini on the beach", "孩子的泳装写真",
        "wedding portrait of my 12 year old", "给小朋友来一张海边约会照",
    ],
)  # fmt: skip
async def test_what_is_not_made_of_children_is_refused_in_a_sentence_and_costs_nothing(
    tmp_path: Path, text: str
) -> None:
    ann = person(tmp_path)
    told = await ann.sends(text, "kid.jpg")
    assert len(said(told).splitlines()) == 1
    refusals = ("do not make pictures like this of children", "不给孩子做", "is not made here")
    assert any(refusal in said(told) for refusal in refusals)
    assert await ann.job_count() == 0


@pytest.mark.parametrize("text", ["anime portrait of my daughter", "给宝宝来一张水彩", "make me slimmer", "我要婚纱照"])
async def test_the_rest_is_made(tmp_path: Path, text: str) -> None:
    ann = person(tmp_path)
    await ann.sends(text, "kid.jpg")
    assert await ann.job_count() == 1


async def test_styles_that_do_not_fit_are_not_offered_until_other_photos_come(tmp_path: Path) -> None:
    ann = person(tmp_path)
    await ann.sends("这是我女儿", "kid.jpg")
    shown = offered(await ann.taps("group:social"))
    assert "style:casual" in shown
    assert not [choice for choice in shown if choice.startswith("style:dating")]
    assert "action:slim" not in offered(await ann.taps("edits"))
    assert "不给孩子做" in said(await ann.taps("style:dating_beach"))
    await ann.sends("", "me.jpg")
    assert "style:dating_beach" in offered(await ann.taps("group:social"))
