"""Quotes remembered for a moment."""

from pathlib import Path

import pytest

from handlers.dialogue.quote_cache import SECONDS, RecentQuotes
from handlers.order import Order, Shot
from handlers.quote import Quote
from providers.errors import AskPerson
from providers.money import Money


def order(style: str, *photos: str) -> Order:
    return Order(operation="portrait", shots=(Shot(style=style),), photos=tuple(Path(p) for p in photos))


def test_the_same_wish_of_another_person_is_quoted_once_and_asked_anew_later() -> None:
    asked: list[Order] = []
    now = 0.0

    def quote(asking: Order) -> Quote:
        asked.append(asking)
        return Quote(cost=Money.usd(len(asking.photos)), seconds=1)

    recent = RecentQuotes(quote, clock=lambda: now)
    assert recent(order("anime", "a")) == recent(order("anime", "b"))
    assert len(asked) == 1
    assert recent(order("anime", "a", "b")).cost == Money.usd(2)
    recent(order("oil_painting", "a"))
    assert len(asked) == 3
    now = SECONDS + 1
    recent(order("anime", "a"))
    assert len(asked) == 4


def test_a_refusal_is_remembered_as_a_refusal() -> None:
    asked = 0

    def quote(_: Order) -> Quote:
        nonlocal asked
        asked += 1
        raise AskPerson(code="no_provider")

    recent = RecentQuotes(quote)
    for _ in range(3):
        with pytest.raises(AskPerson, match="no_provider"):
            recent(order("anime", "a"))
    assert asked == 1
