"""Of several photos a picture of each, or one of all of them; and which photos a message speaks of."""

from pathlib import Path

import pytest

from handlers.order import Order
from handlers.quote import Quote
from handlers.words import words
from providers.errors import AskPerson
from providers.money import Money
from tests.world import Person, names, offered, said

ALBUM = ("a.jpg", "b.jpg", "c.jpg")


@pytest.fixture
def ann(tmp_path: Path) -> Person:
    return Person(tmp_path)


def of_each(order: Order) -> list[tuple[int | None, int]]:
    return [(shot.photo, shot.count) for shot in order.shots]


@pytest.mark.parametrize(
    "text",
    ["turn these 3 photos into oil paintings", "每张都做成油画", "分别做成油画", "全部变成油画", "三张都做成油画"],
)
async def test_a_picture_of_each_where_the_words_say_so(ann: Person, text: str) -> None:
    replies = await ann.sends(text, *ALBUM)
    order = (await ann.job()).order
    assert (order.shots[0].style, of_each(order)) == ("oil_painting", [(0, 1), (1, 1), (2, 1)])
    assert "$0.45" in said(replies)


@pytest.mark.parametrize("text", ["put them all together in one anime picture", "三张合成一张动漫"])
async def test_one_picture_of_all_where_the_words_say_so(ann: Person, text: str) -> None:
    await ann.sends(text, *ALBUM)
    if await ann.job_count() == 0:
        await ann.taps("reading:0")
    order = (await ann.job()).order
    assert (order.count, order.shots[0].photo, names(order)) == (1, None, list(ALBUM))


@pytest.mark.parametrize("text", ["anime style please", "3 anime pictures", "LinkedIn headshot"])
async def test_nobody_is_fused_unasked(ann: Person, text: str) -> None:
    replies = await ann.sends(text, *ALBUM)
    assert of_each((await ann.job()).order) == [(0, 1), (1, 1), (2, 1)]
    assert "each of 3 photos" in said(replies)


async def test_where_the_number_fits_neither_or_a_change_fits_both_it_is_asked(ann: Person) -> None:
    replies = await ann.sends("anime style, two pictures", *ALBUM)
    assert offered(replies) == ["reading:0", "reading:1"]
    assert offered(await ann.sends("add sunglasses", "d.jpg", "e.jpg")) == ["reading:0", "reading:1"]
    assert offered(await ann.sends("wedding photo", "her.jpg", "him.jpg")) == ["reading:0", "reading:1"]
    assert await ann.job_count() == 0


async def test_each_or_together_says_what_either_costs(ann: Person) -> None:
    replies = await ann.sends("add sunglasses", *ALBUM)
    assert [c.label for c in replies[0].choices] == [
        "One of each (3, $0.45 at list price)",
        "All together (1 picture, $0.15 at list price)",
    ]


@pytest.mark.parametrize(
    ("answer", "each"),
    [("1", True), ("each of them", True), ("每张各一张", True), ("together", False), ("2", False), ("合在一起", False)],
)
async def test_each_or_together_is_answered_by_number_and_in_words(ann: Person, answer: str, each: bool) -> None:
    await ann.sends("anime style, two pictures", *ALBUM)
    await ann.sends(answer)
    order = (await ann.job()).order
    assert of_each(order) == ([(0, 1), (1, 1), (2, 1)] if each else [(None, 2)])


async def test_a_family_photo_is_of_all_and_a_restoration_of_each_without_a_question(ann: Person) -> None:
    await ann.sends("family photo", *ALBUM)
    assert (await ann.job()).order.shots[0].photo is None
    await ann.sends("一张和宠物的合照", "me.jpg", "cat.jpg")
    assert (await ann.job()).order.shots[0].photo is None
    await ann.sends("restore these", "d.jpg", "e.jpg")
    assert of_each((await ann.job()).order) == [(0, 1), (1, 1)]


async def test_two_of_each_are_two_of_each_and_no_more_than_the_most(ann: Person) -> None:
    await ann.sends("每张都做两版动漫风格", *ALBUM)
    assert of_each((await ann.job()).order) == [(0, 2), (1, 2), (2, 2)]
    replies = await ann.sends("每张都做四版动漫风格", *(f"{n}.jpg" for n in range(3)))
    assert of_each((await ann.job()).order) == [(0, 4), (1, 4)]
    assert "12 张；一次最多做 8 张" in said(replies)


async def test_together_is_not_quietly_made_of_each_where_nobody_can(tmp_path: Path) -> None:
    def one_at_a_time(order: Order) -> Quote:
        if len(order.photos) > 1 and order.shots[0].photo is None:
            raise AskPerson("nobody", code="no_provider", params={"could": "fal"})
        return Quote(cost=Money.zero(), seconds=2, basic=True)

    ann = Person(tmp_path, quote=one_at_a_time)
    assert said(await ann.sends("三张合成一张动漫合影", *ALBUM)) == words("zh", "error.no_provider_here")
    assert await ann.job_count() == 0


async def test_all_of_a_results_pictures_are_changed_each_by_itself(ann: Person) -> None:
    await ann.sends("动漫风格 三张", "me.jpg")
    await ann.gets_result("a.png", "b.png", "c.png")
    replies = await ann.sends("给他戴上墨镜")
    await ann.taps(offered(replies)[-1])
    assert of_each((await ann.job()).order) == [(0, 1), (1, 1), (2, 1)]


async def test_each_said_before_the_photos_holds_for_them(ann: Person) -> None:
    await ann.sends("turn each of these into oil paintings")
    await ann.sends("", *ALBUM)
    assert of_each((await ann.job()).order) == [(0, 1), (1, 1), (2, 1)]


async def test_a_photo_with_a_wish_of_its_own_is_alone(ann: Person) -> None:
    await ann.sends("", "left.jpg")  # a menu was shown and nothing picked
    await ann.sends("watercolor portrait", "me.jpg")
    assert names((await ann.job()).order) == ["me.jpg"]


async def test_photos_laid_one_after_another_and_words_about_several_are_meant_all(ann: Person) -> None:
    await ann.sends("", "a.jpg")
    await ann.sends("both of them as watercolors", "b.jpg")
    order = (await ann.job()).order
    assert (names(order), of_each(order)) == (["a.jpg", "b.jpg"], [(0, 1), (1, 1)])


@pytest.mark.parametrize("first", ["约会照", "anime style, 8 pictures", "add some text to it"])
async def test_a_photo_that_was_asked_about_and_left_joins_no_other(tmp_path: Path, first: str) -> None:
    ann = Person(tmp_path, quote=lambda order: Quote(cost=Money.usd("0.5") * order.count, seconds=25))
    await ann.sends(first, "left.jpg")
    assert await ann.job_count() == 0
    await ann.sends("", "me.jpg")
    await ann.sends("watercolor portrait")
    assert names((await ann.job()).order) == ["me.jpg"]


async def test_a_photo_that_was_asked_about_still_waits_for_other_words(ann: Person) -> None:
    await ann.sends("约会照", "me.jpg")
    await ann.sends("做成动漫风格")
    assert names((await ann.job()).order) == ["me.jpg"]
