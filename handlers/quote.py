"""What an order would take: told to the person before anything is paid."""

from dataclasses import dataclass

from providers.money import Money


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What an order would take. `cost` for all its pictures, in US dollars; `seconds` until the last is ready.

    `basic` is true if the embedded provider would do all of it: free, on this machine. `companies`: the keys of the
    companies that it would go to, in order, each once.
    """

    cost: Money
    seconds: float
    basic: bool = False
    companies: tuple[str, ...] = ()
