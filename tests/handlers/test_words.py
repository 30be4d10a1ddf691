"""What is said in numbers, and what is suggested: the words are data, these are the promises in them."""

import json
import re
from pathlib import Path

import pytest

from handlers.describe import describe
from handlers.dialogue.interpretation import order_from
from handlers.jobs.plan import quote
from handlers.order import Order, Shot
from handlers.words import Language, money, seconds, texts
from intent import parse
from providers.embedded.provider import EmbeddedProvider
from providers.money import Money
from providers.router import Router

README = re.findall("“(.+?)”", (Path(__file__).parents[2] / "README.md").read_text("utf-8"))
PAGE = json.loads((Path(__file__).parents[2] / "bot" / "channels" / "web" / "static" / "words.json").read_text("utf-8"))


def suggested(language: Language) -> list[str]:
    """The wishes a newcomer is shown, in quotes or as examples to tap."""
    quoted = [w for key in ("say.hello", "telegram.description") for w in re.findall("“(.+?)”", texts(language)[key])]
    quoted += README[:4] if language == "en" else []
    return quoted + [text for key, text in PAGE[language].items() if key.startswith("welcome.example")]


@pytest.mark.parametrize("wish", suggested("zh") + suggested("en"))
def test_what_a_newcomer_is_shown_works_with_nothing_set_up_and_in_full(tmp_path: Path, wish: str) -> None:
    order = order_from(parse(wish, photos=1), (tmp_path / "me.jpg",), "en")
    assert quote(order, Router([EmbeddedProvider(tmp_path)])).basic
    assert not any(shot.scene for shot in order.shots)  # else "only the style itself is done" is said


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (0.2, "1 s", "1 秒"),
        (89.4, "89 s", "89 秒"),
        (119.9, "2 min", "2 分钟"),
        (120, "2 min", "2 分钟"),
        (150, "2 min 30 s", "2 分 30 秒"),
        (5399, "89 min 59 s", "89 分 59 秒"),
        (7200, "2 h", "2 小时"),
        (11_999, "3 h 20 min", "3 小时 20 分"),
        (57_600 * 60 + 12, "40 days", "40 天"),
    ],
)
def test_durations_are_said_as_people_say_them(value: float, en: str, zh: str) -> None:
    assert (seconds(value, "en"), seconds(value, "zh")) == (en, zh)


@pytest.mark.parametrize(
    ("amount", "currency", "en", "zh"),
    [
        (0, "USD", "free", "免费"),
        (0.15, "USD", "$0.15", "$0.15"),
        (0.004, "USD", "$0.004", "$0.004"),
        (0.00001, "USD", "$0.0001", "$0.0001"),
        (1, "credits", "1 credit", "1 点"),
        (12.5, "credits", "12.5 credits", "12.5 点"),
    ],
)
def test_money_is_never_an_empty_sum_nor_one_credits(amount: float, currency: str, en: str, zh: str) -> None:
    cost = Money.of(amount, currency)
    assert (money(cost, "en"), money(cost, "zh")) == (en, zh)


def test_a_series_is_told_by_its_pictures_and_its_number_once() -> None:
    order = Order(operation="series", shots=(Shot(style="anime"), Shot(style="oil_painting")))
    assert describe(order, "zh") == "动漫风格、油画风格"
    assert describe(order, "en") == "Anime, Oil painting"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_words_of_every_channel_say_that_an_ai_makes_the_pictures(language: Language) -> None:
    """Telegram and WeChat say hello, WeCom and its customer service in words of their own, the page at its top, and
    whoever comes by an invitation is welcomed."""
    first = ("say.hello", "wecom.greeting", "wecom_kf.welcome", "access.welcome", "telegram.description")
    said = [texts(language)[key] for key in first]
    said += [PAGE[language][key] for key in ("welcome.lead", "welcome.lead_touch")]
    assert all("AI" in text for text in said)
