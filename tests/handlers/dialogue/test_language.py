"""The language of the answers: set, by a sentence, by the page or client, as before; not by a word or an example."""

from pathlib import Path

import pytest

from handlers.dialogue.language import sentence_in
from tests.world import Person, said


@pytest.fixture
def ann(tmp_path: Path) -> Person:
    return Person(tmp_path)


async def spoken(ann: Person) -> str | None:
    return (await ann.store.session(ann.chat)).language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("帮我做成动漫", "zh"),
        ("修复这张老照片", "zh"),
        ("来两张竖版的", "zh"),
        ("动漫风格", None),
        ("水彩", None),
        ("make it anime", "en"),
        ("could you restore this", "en"),
        ("oil painting", None),
        ("anime", None),
        ("Vintage film look, vertical", None),
        ("/styles", None),
        ("👍", None),
    ],
)
def test_a_sentence_is_told_from_a_phrase_that_anybody_may_know(text: str, language: str | None) -> None:
    assert sentence_in(text) == language


async def test_an_example_that_was_tapped_does_not_turn_the_language(ann: Person) -> None:
    assert "照片" in said(await ann.sends("修复这张老照片", hint="en", offered=True))
    assert "Thanks" not in said(await ann.sends("watercolor", hint="en"))
    assert await spoken(ann) == "en"
    await ann.sends("anime", hint="en")
    assert await spoken(ann) == "en"


async def test_a_word_does_not_and_a_sentence_does(ann: Person) -> None:
    await ann.sends("anime", hint="zh")
    assert await spoken(ann) == "zh"
    await ann.sends("oil painting", "me.jpg", hint="zh")
    assert await spoken(ann) == "zh"
    await ann.sends("make it a bit warmer please", hint="zh")
    assert await spoken(ann) == "en"
    await ann.sends("水彩", hint="zh")  # the client is what it was
    assert await spoken(ann) == "en"


async def test_a_word_in_chinese_characters_is_answered_in_chinese_and_changes_nothing(ann: Person) -> None:
    assert "水彩" in said(await ann.sends("水彩风格", "me.jpg", hint="en"))
    assert await spoken(ann) == "en"
    assert "Oil painting" in said(await ann.sends("oil painting", hint="en"))
    await ann.taps("language:en")
    assert "Watercolour" in said(await ann.sends("水彩风格", hint="en"))


async def test_a_page_that_is_switched_switches_the_answers(ann: Person) -> None:
    await ann.sends("make it a bit warmer please", hint="en")
    await ann.sends("anime", hint="zh")
    assert await spoken(ann) == "zh"
    await ann.sends("anime", hint="en")
    assert await spoken(ann) == "en"


async def test_what_was_set_stays_whatever_is_said(ann: Person) -> None:
    await ann.taps("language:en")
    await ann.sends("帮我做成动漫风格，来两张", hint="zh")
    assert await spoken(ann) == "en"
