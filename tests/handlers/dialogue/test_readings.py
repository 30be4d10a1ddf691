"""What people tap where they were asked: counted by kind, and their words kept only where that was turned on."""

from pathlib import Path

import pytest

from handlers.dialogue.readings import review
from handlers.order import Order
from handlers.quote import Quote
from providers.errors import AskPerson
from providers.money import Money
from tests.world import Person, offered

UNCLEAR = "make it fun"


async def test_what_was_tapped_is_counted_by_kind_and_no_word_is_kept(tmp_path: Path) -> None:
    ann = Person(tmp_path)
    for photo in ("a.jpg", "b.jpg"):
        assert "reading:1" in offered(await ann.sends(UNCLEAR, photo))
        await ann.taps("reading:1")
    found = await review(ann.store, messages=True)
    assert [row["times"] for row in found["picked"]] == [2]
    assert found["picked"][0]["first"] != found["picked"][0]["meant"]
    assert UNCLEAR not in str(found)


async def test_where_it_is_turned_on_the_words_are_kept_with_the_answer_until_forgotten(tmp_path: Path) -> None:
    ann = Person(tmp_path, keep_messages=True)
    await ann.sends(UNCLEAR, "a.jpg")
    await ann.sends("1")
    (row,) = (await review(ann.store, messages=True))["messages"]
    assert (row["text"], row["meant"]) == (UNCLEAR, row["offered"][0])
    assert (await review(ann.store, messages=False))["messages"] == []
    await ann.taps("forget:yes")
    found = await review(ann.store, messages=True)
    assert (len(found["picked"]), found["messages"]) == (1, [])


async def test_which_of_several_pictures_is_no_reading(tmp_path: Path) -> None:
    ann = Person(tmp_path)
    await ann.sends("动漫风格 三张", "me.jpg")
    await ann.gets_result("a.png", "b.png", "c.png")
    await ann.sends("再亮一点")
    await ann.taps("reading:1")
    assert (await review(ann.store, messages=True))["picked"] == []


@pytest.mark.parametrize(("text", "count"), [("variations", 3), ("give me two variations", 2), ("来几个变体", 3)])
async def test_typed_variations_are_what_the_button_makes(tmp_path: Path, text: str, count: int) -> None:
    def nobody_varies(order: Order) -> Quote:
        if any(edit.action == "variations" for shot in order.shots for edit in shot.edits):
            raise AskPerson("nobody", code="no_provider", params={"could": "fal"})
        return Quote(cost=Money.zero(), seconds=2, basic=True)

    ann = Person(tmp_path, quote=nobody_varies)
    await ann.sends("anime", "me.jpg")
    await ann.gets_result("anime.png")
    await ann.sends(text)
    order = (await ann.job()).order
    assert (order.shots[0].style, order.count, order.take) == ("anime", count, 1)
