"""The texts we send, in both languages, from `texts/zh.toml` and `texts/en.toml`.

A key is `table.name`, a text may hold `{placeholders}`. A test keeps both files in step, keys and placeholders alike.
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

from providers.money import USD, Money

Language = Literal["zh", "en"]
Param = str | int | float


_DAYS = 2
"""From this many days on, minutes are left out."""


_WITHOUT_SETTINGS = {
    "error.no_provider": "error.no_provider_here",
    "error.provider_not_configured": "error.provider_not_here",
}


def for_guests(key: str) -> str:
    """Of a sentence that names settings, the one for those who cannot set them."""
    return _WITHOUT_SETTINGS.get(key, key)


class Words(Protocol):
    """What everything that sends text is given: a language, a key, and the placeholders' values."""

    def __call__(self, language: Language, key: str, /, **params: Param) -> str: ...


@cache
def texts(language: Language) -> Mapping[str, str]:
    """Every text of one language, flat: `{"say.hello": "…"}`."""
    data = tomllib.loads((Path(__file__).parent / "texts" / f"{language}.toml").read_text("utf-8"))
    return {f"{table}.{name}": text for table, entries in data.items() for name, text in entries.items()}


class _Safe(dict[str, Param]):
    """An unfilled placeholder is empty: a missing detail never costs the person the whole sentence."""

    def __missing__(self, key: str) -> str:
        return ""


def words(language: Language, key: str, /, **params: Param) -> str:
    """The text of `key`; an unknown key of the `error` table falls back to the general sentence.

    Raises KeyError for any other unknown key: that is a bug, which the tests find.
    """
    known = texts(language)
    if key not in known and key.startswith("error."):
        key = "error.internal"
    return known[key].format_map(_Safe(params))


def money(cost: Money, language: Language) -> str:
    """`$0.15`, `3 credits`, or the word for free. Less than $0.0001 is shown as that."""
    amount = cost.amount
    if amount <= 0:
        return words(language, "unit.free")
    if cost.currency == USD:
        amount = max(amount, Decimal("0.0001"))
        return f"${amount:.2f}" if amount >= Decimal("0.01") else f"${amount:.4f}".rstrip("0")
    said = f"{amount.normalize():f}"
    return words(language, "unit.one_credit") if said == "1" else words(language, "unit.credits", amount=said)


def size_in_words(size: tuple[int, int]) -> str:
    """Width and height in pixels, `4096×2731`."""
    return "×".join(map(str, size))


def estimated(cost: Money, language: Language) -> str:
    """An amount that no service reported: it says that it is from the price list."""
    amount = money(cost, language)
    return words(language, "unit.by_list", amount=amount) if cost.amount > 0 else amount


def seconds(value: float, language: Language) -> str:
    """A duration as people say it: `25 s`, `2 min 30 s`, `2 min`, `3 h 20 min`, `4 days`."""
    whole = max(1, round(value))
    if whole >= _DAYS * 86400:
        return words(language, "unit.days", n=round(whole / 86400))
    if whole >= 5400:
        hours, minutes = divmod(round(whole / 60), 60)
        key = "unit.hours" if minutes else "unit.whole_hours"
        return words(language, key, h=hours, m=minutes)
    if whole < 90:
        return words(language, "unit.seconds", n=whole)
    if whole % 60 == 0:
        return words(language, "unit.whole_minutes", m=whole // 60)
    return words(language, "unit.minutes", m=whole // 60, s=whole % 60)
