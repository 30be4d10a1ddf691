"""What people complain of in public about other bots, played here."""

from pathlib import Path

import pytest
from PIL import Image

from handlers.jobs.plan import quoted
from handlers.store.base import JobState
from handlers.words import words
from intent import parse
from providers.embedded.provider import EmbeddedProvider
from providers.router import Router
from tests.world import Person, accept_really, offered, said


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


async def test_a_bigtiff_of_16_bytes_is_a_sentence_in_the_chat_and_holds_up_nothing(tmp_path: Path) -> None:
    ann = Person(tmp_path, accept=accept_really)
    ann.inbox.mkdir()
    (ann.inbox / "b.tif").write_bytes(b"II+\0\x08\0\0\0\x10" + bytes(7))
    Image.new("RGB", (640, 480), "gray").save(ann.inbox / "me.png")
    assert said(await ann.sends("anime", "b.tif")).startswith("I cannot read this file as a photo")
    assert await ann.job_count() == 0
    await ann.sends("", "me.png")
    assert await ann.job_count() == 1


@pytest.mark.parametrize(
    ("text", "prompt", "ratio"),
    [
        ("/imagine a red fox in snow --ar 16:9 --v 6", "a red fox in snow", "16:9"),
        ("/imagine prompt: draw a red fox", "draw a red fox", None),
        ("/画 一只猫", "一只猫", None),
    ],
)
async def test_what_another_bot_was_told_is_understood(ann: Person, text: str, prompt: str, ratio: str | None) -> None:
    replies = await ann.sends(text)
    if offered(replies):
        await ann.taps("reading:0")
    order = (await ann.job()).order
    assert (order.operation, order.aspect_ratio) == ("create", ratio)
    assert order.shots[0].prompt in (prompt, f"{prompt} {ratio}", prompt.removeprefix("draw "))


@pytest.mark.parametrize(
    "text",
    ["**anime**", "<b>anime</b> **style**", "`anime`", "anime https://example.com/me.jpg", "~~anime~~"],
)
async def test_marks_tags_and_addresses_are_no_wish(ann: Person, text: str) -> None:
    await ann.sends(text, "me.jpg")
    (shot,) = (await ann.job()).order.shots
    assert (shot.style, shot.scene) == ("anime", None)


@pytest.mark.parametrize("text", ["add text https://x.example/sale", "加上文字 https://x.example/sale"])
def test_letters_to_be_written_keep_every_mark(text: str) -> None:
    lettering = parse(text, photos=1).parameters.lettering
    assert lettering is not None
    assert lettering.text == "https://x.example/sale"


async def test_trying_again_keeps_the_model_the_shape_and_the_number(ann: Person) -> None:
    await ann.sends("anime, best quality, widescreen, two of them", "me.jpg")
    failed = await ann.job()
    await ann.store.update_job(failed.id, state=JobState.FAILED)
    await ann.taps(f"retry:{failed.id}")
    again = await ann.job()
    assert again.id != failed.id
    assert (again.order.model, again.order.aspect_ratio, again.order.count) == ("gpt", "16:9", 2)


async def test_a_result_made_again_offers_all_that_the_first_one_did(ann: Person) -> None:
    await ann.sends("anime", "me.jpg")
    first = await ann.gets_result("one.png")
    await ann.taps(f"again:{first.id}")
    second = await ann.gets_result("two.png")
    for verb in ("again", "variations", "upscale", "edit"):
        assert said(await ann.taps(f"{verb}:{second.id}")) != words("en", "say.nothing_open")


async def test_a_button_of_a_picture_long_forgotten_is_answered_and_begins_nothing(ann: Person) -> None:
    assert said(await ann.taps("again:0123456789abcdef0123")) == words("en", "say.nothing_open")
    assert await ann.job_count() == 0


async def test_a_picture_of_words_where_nobody_makes_them_is_said_and_not_excused(tmp_path: Path) -> None:
    ann = Person(tmp_path, quote=quoted(Router([EmbeddedProvider(tmp_path / "spool")])))
    assert said(await ann.sends("画一张猫的图片")) == words("zh", "error.no_provider_here")


async def test_one_word_of_another_language_changes_no_answer_to_come(ann: Person) -> None:
    assert "水彩" in said(await ann.sends("把这张做成水彩风格", "me.jpg"))
    await ann.sends("ok")
    assert "动漫" in said(await ann.sends("anime"))
