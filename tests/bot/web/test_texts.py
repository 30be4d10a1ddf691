"""The page's words: both languages in step, every key used, every used key there."""

import json
import re
from collections.abc import Iterable
from string import Formatter

import pytest

from bot.channels.web.texts import WORDS, word
from handlers.dialogue.face_words import face_words
from handlers.message import Language
from intent import parse

ALL: dict[str, dict[str, str]] = json.loads(WORDS.read_text("utf-8"))
SOURCES = [*WORDS.parent.glob("*.js"), *WORDS.parent.glob("*.html"), *WORDS.parents[1].rglob("*.py")]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def used() -> str:
    return "\n".join(source.read_text("utf-8") for source in SOURCES)


def test_both_languages_hold_the_same_keys_in_the_same_order() -> None:
    assert list(ALL["en"]) == list(ALL["zh"])


def test_both_languages_have_the_same_placeholders_and_no_empty_text() -> None:
    for key, text in ALL["en"].items():
        assert placeholders(text) == placeholders(ALL["zh"][key]), key
        assert text.strip(), key
        assert ALL["zh"][key].strip(), key


def test_chinese_is_chinese_and_english_is_english_where_they_are_not_meant_to_mix() -> None:
    mixed = {"page.language", "viewer.size", "viewer.position", "roles.and"} | {
        k for k in ALL["en"] if k.startswith("welcome.example")
    }
    names = {"page.title", "message.bot"}
    for key in ALL["en"].keys() - mixed - names:
        assert not re.search(r"[\u4e00-\u9fff]", ALL["en"][key]), key
        assert re.search(r"[\u4e00-\u9fff]", ALL["zh"][key]), key


def test_every_word_is_used_and_every_used_word_is_there() -> None:
    text = used()
    built = ("error.", "welcome.example")  # put together from a code or a number
    for key in ALL["en"]:
        assert key.startswith(built) or f'"{key}"' in text, f"nobody says {key}"
    for key in re.findall(r'(?:\bt\(|data-t(?:-\w+)?=)"([a-z]+\.[a-z_0-9]+)"', text):
        assert key in ALL["en"], key


def test_every_refusal_of_the_api_has_its_sentence() -> None:
    codes = set(re.findall(r'(?:Refused\(\d+, |error_answer\(\d+, )"(\w+)"', used()))
    assert {"empty", "no_session", "photo_too_large"} <= codes
    for language in ("en", "zh"):
        for code in codes:
            assert f"error.{code}" in ALL[language], code


def test_a_word_that_is_not_there_is_a_mistake_in_the_program() -> None:
    with pytest.raises(KeyError):
        word("en", "error.nobody_wrote_this")
    assert word("zh", "error.too_many_photos", n=8) == "一条消息最多带 8 张照片。"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("photos", [2, 3])
def test_what_the_page_says_the_last_picture_is_for_is_understood(language: Language, photos: int) -> None:
    style = parse(word(language, "roles.say_style"), photos=photos)
    assert (style.action, style.decision) == ("transfer_style", "act")
    assert face_words(word(language, "roles.say_template")).wish == "template"


def contrast(one: str, two: str) -> float:
    """WCAG 2.2 contrast of two colours `#rrggbb`."""

    def light(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def palettes() -> Iterable[dict[str, str]]:
    css = (WORDS.parent / "theme.css").read_text("utf-8")
    blocks = re.findall(r":root[^{}]*\{([^{}]*--paper[^{}]*)\}", css)
    light, wished, chosen = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks)
    assert wished == chosen, "dark by the system's wish and dark by choice are the same"
    yield light
    yield light | wished


def test_words_can_be_read_by_everyone_in_the_light_and_in_the_dark() -> None:
    for colours in palettes():
        for ink in ("ink", "soft", "lamp"):
            for ground in ("paper", "sheet"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        for ink in ("ink", "soft"):
            assert contrast(colours[ink], colours["slip"]) >= 4.5, (ink, "slip")
        assert contrast(colours["lamp-ink"], colours["lamp"]) >= 4.5
        assert contrast(colours["edge"], colours["paper"]) >= 3  # the outline of a button
        assert contrast(colours["edge"], colours["sheet"]) >= 3
