"""`Money`: an exact amount in one currency. Never a float in between, never two currencies added up.

A value for programs: how it is written for a person (`$0.15`, `15 美分`) is decided in `handlers`.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import total_ordering
from typing import Self

USD = "USD"
CREDITS = "credits"
"""What a billing proxy counts in; its worth in dollars is not known to us."""


@total_ordering
@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """`amount` in `currency`: an ISO 4217 code, or `credits`.

    Arithmetic and comparison only within one currency: ValueError otherwise. Zero of any currency is still of that
    currency. Equality is of both fields; `0.150` equals `0.15`.
    """

    amount: Decimal
    currency: str = USD

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError("an amount of money is a Decimal")
        if not self.amount.is_finite():
            raise ValueError("an amount of money is finite")
        if not self.currency:
            raise ValueError("money has a currency")

    @classmethod
    def of(cls, amount: Decimal | str | int | float, currency: str = USD) -> Self:
        """From text or a number that a service told; a float is read as it is printed (`0.15`, not its binary value).

        Raises ValueError for what is no finite number.
        """
        try:
            return cls(amount=amount if isinstance(amount, Decimal) else Decimal(str(amount)), currency=currency)
        except InvalidOperation:
            raise ValueError("no amount of money") from None

    @classmethod
    def usd(cls, amount: Decimal | str | int | float) -> Self:
        """Dollars: `Money.usd("0.15")`."""
        return cls.of(amount)

    @classmethod
    def zero(cls, currency: str = USD) -> Self:
        return cls(amount=Decimal(0), currency=currency)

    def __add__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def __mul__(self, times: int | Decimal) -> "Money":
        """`times`: a number of pictures, or a share as a Decimal; never a float."""
        if isinstance(times, bool) or not isinstance(times, int | Decimal):
            return NotImplemented
        return Money(amount=self.amount * times, currency=self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> "Money":
        return Money(amount=-self.amount, currency=self.currency)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.amount < self._same(other)

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency}"

    def rounded(self, places: int = 4) -> "Money":
        """To so many decimal places, halves away from zero."""
        return Money(amount=self.amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), currency=self.currency)

    def as_number(self) -> float:
        """The amount for JSON and for gauges. Nothing is reckoned with it."""
        return float(self.amount)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} are not added up or compared")
        return other.amount


def total(amounts: "list[Money] | tuple[Money, ...]", currency: str = USD) -> Money:
    """Their sum; zero in `currency` where there are none. Raises ValueError for a mixture of currencies."""
    found = list(amounts)
    whole = Money.zero(found[0].currency if found else currency)
    for amount in found:
        whole += amount
    return whole
