"""Price lists are data with a source and a date, and a figure that nobody published says that it is an estimate."""

import pytest

from providers.offers import PRICES, prices

LISTS = sorted(path.stem for path in PRICES.glob("*.toml"))
GUESSED = ("no published figure", "not found", "estimate", "at another reseller", "same model at", "rounded up")


@pytest.mark.parametrize("service", LISTS)
def test_every_price_says_where_it_is_from_and_when_it_was_looked_at(service: str) -> None:
    for name, price in prices(service).items():
        assert price.source, name
        assert price.as_of is not None, name
        assert price.one.amount > 0, name


@pytest.mark.parametrize("service", LISTS)
def test_what_is_guessed_is_marked_and_nothing_else(service: str) -> None:
    for name, price in prices(service).items():
        assert price.estimate or not any(word in price.source for word in GUESSED), name
    assert not all(price.estimate for price in prices(service).values()), service
