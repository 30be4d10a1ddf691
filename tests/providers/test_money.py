"""Money is exact, and of one currency."""

from dataclasses import FrozenInstanceError
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.money import CREDITS, Money, total

cents = st.decimals(min_value=-10_000, max_value=10_000, places=6, allow_nan=False, allow_infinity=False)


def test_ten_times_a_dime_is_a_dollar() -> None:
    assert total([Money.usd("0.1")] * 10) == Money.usd(1) == Money.usd("0.1") * 10 == 10 * Money.usd("0.10")


def test_a_float_is_read_as_it_is_printed() -> None:
    assert Money.usd(0.15) == Money.usd("0.15")


def test_dollars_and_credits_are_never_mixed() -> None:
    for mixed in (
        lambda: Money.usd(1) + Money.of(1, CREDITS),
        lambda: Money.usd(1) - Money.of(1, CREDITS),
        lambda: Money.usd(1) < Money.of(2, CREDITS),
        lambda: total([Money.usd(1), Money.of(1, CREDITS)]),
    ):
        with pytest.raises(ValueError, match="USD and credits"):
            mixed()
    assert Money.usd(1) != Money.of(1, CREDITS)


def test_an_amount_is_an_exact_and_finite_number() -> None:
    with pytest.raises(TypeError):
        Money(amount=0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Money.usd(1) * 0.5  # type: ignore[operator]
    with pytest.raises(TypeError):
        Money.usd(1) + 1  # type: ignore[operator]
    for wrong in ("nan", "inf", "a lot"):
        with pytest.raises(ValueError, match="amount"):
            Money.usd(wrong)
    with pytest.raises(ValueError, match="currency"):
        Money.of(1, "")


def test_money_does_not_change_and_can_be_a_key() -> None:
    with pytest.raises(FrozenInstanceError):
        Money.usd(1).amount = Decimal(2)  # type: ignore[misc]
    assert {Money.usd("0.150"): "a"}[Money.usd("0.15")] == "a"


def test_money_is_written_without_an_exponent() -> None:
    assert [str(Money.usd(text)) for text in ("0.15", "100", "0.000001", "1E+3")] == [
        "0.15 USD",
        "100 USD",
        "0.000001 USD",
        "1000 USD",
    ]


def test_halves_are_rounded_away_from_zero() -> None:
    assert Money.usd("0.00015").rounded(4) == Money.usd("0.0002")
    assert Money.usd("-0.00015").rounded(4) == Money.usd("-0.0002")
    assert Money.usd("0.139").rounded(2).as_number() == 0.14


def test_nothing_is_false_and_something_is_true() -> None:
    assert not Money.zero()
    assert Money.usd("0.0001")
    assert total([]) == Money.zero()
    assert total([], currency=CREDITS).currency == CREDITS


@given(st.lists(cents, max_size=8), st.lists(cents, max_size=8))
def test_a_sum_does_not_depend_on_the_order(some: list[Decimal], more: list[Decimal]) -> None:
    one = [Money.of(c) for c in [*some, *more]]
    other = [Money.of(c) for c in [*more, *some]]
    assert total(one) == total(other) == total(one[: len(some)]) + total(one[len(some) :])


@given(cents, cents)
def test_money_is_ordered_as_its_amounts_are(one: Decimal, other: Decimal) -> None:
    assert (Money.of(one) < Money.of(other)) == (one < other)
    assert (Money.of(one) >= Money.of(other)) == (one >= other)
    assert Money.of(one) - Money.of(other) == -(Money.of(other) - Money.of(one))
