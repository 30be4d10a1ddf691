"""What people complain of in public about other bots, played here."""

from pathlib import Path

import pytest

from tests.world import Person, offered, said


@pytest.fixture
def ann(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.mark.parametrize("text", ["how much for anime?", "动漫风格多少钱", "anime, is it free?"])
async def test_a_question_for_the_price_is_answered_and_begins_nothing(ann: Person, text: str) -> None:
    asked = await ann.sends(text, "me.jpg")
    assert (offered(asked), "$0.15" in said(asked), await ann.job_count()) == (["confirm:yes", "confirm:no"], True, 0)
    await ann.sends("ok")
    shot = (await ann.job()).order.shots[0]
    assert (shot.style, shot.scene) == ("anime", None)


@pytest.mark.parametrize("text", ["no wait, watercolor instead", "oops, watercolor", "等等，水彩"])
async def test_taking_something_back_is_no_part_of_the_new_wish(ann: Person, text: str) -> None:
    await ann.sends("anime", "me.jpg")
    await ann.sends(text)
    shot = (await ann.job()).order.shots[0]
    assert (shot.style, shot.scene) == ("watercolor", None)


async def test_a_photo_that_could_not_be_read_stops_nothing_that_comes_after_it(ann: Person) -> None:
    await ann.sends("anime", "broken.jpg")
    assert "send a photo" in said(await ann.sends("hello?"))
    await ann.sends("watercolor", "good.jpg")
    assert (await ann.job()).order.shots[0].style == "watercolor"


async def test_a_button_works_again_and_again(ann: Person) -> None:
    await ann.sends("anime", "me.jpg")
    done = await ann.gets_result("one.png")
    for _ in range(3):
        await ann.taps(f"upscale:{done.id}")
    assert await ann.job_count() == 4


@pytest.mark.parametrize("text", ["Draw a cat like Louis Wain", "draw me a lighthouse"])
async def test_a_picture_from_words_alone_is_begun_and_said(ann: Person, text: str) -> None:
    assert "Picture from words" in said(await ann.sends(text))


@pytest.mark.parametrize("text", ["👍", "???", "...", "2", "who is this?"])
async def test_what_is_no_wish_beside_a_photo_is_answered_by_what_can_be_made(ann: Person, text: str) -> None:
    assert offered(await ann.sends(text, "me.jpg"))
    assert await ann.job_count() == 0


async def test_a_wish_said_twice_before_its_photo_is_one(ann: Person) -> None:
    await ann.sends("anime please")
    await ann.sends("anime please")
    await ann.sends("", "me.jpg")
    assert await ann.job_count() == 1
