"""What an order would take: told to the person before anything is paid."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What an order would take. `usd` for all its pictures; `seconds` until the last is there.

    `basic` is true where the embedded provider would do all of it: free, on this machine.
    """

    usd: float
    seconds: float
    basic: bool = False
