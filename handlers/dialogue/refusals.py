"""How often something was refused: counted by day and kind, without names."""

from decimal import Decimal

from handlers.store.accounting import BUDGET_EXCEEDED
from handlers.store.base import Limit
from providers.moderation.offence import Offence

_MOST = Decimal(10**9)
BRAKES = tuple((kind, whose) for kind in ("budget", "pictures") for whose in ("bot", "chat", "person", "address"))
"""What may have been used up, and whose it was."""


def refusal_scope(offence: Offence) -> str:
    """The counter of a kind of refusal."""
    return f"refused:{offence.value}"


def refusal_counted(offence: Offence) -> Limit:
    return Limit(scope=refusal_scope(offence), amount=Decimal(1), most=_MOST)


def brake_scope(kind: str, whose: str) -> str:
    """The counter of wishes that this brake refused."""
    return f"braked:{kind}:{whose}"


def brake_of(limit: Limit) -> tuple[str, str] | None:
    """Which of the brakes a limit is; None for others (too fast, pressed twice, a group's own)."""
    kind = "budget" if limit.code == BUDGET_EXCEEDED else "pictures" if limit.pictures else ""
    return (kind, limit.whose) if (kind, limit.whose) in BRAKES else None


def braked_counted(limit: Limit) -> tuple[Limit, ...]:
    """To be counted with the turn that a limit was reached in."""
    brake = brake_of(limit)
    return () if brake is None else (Limit(scope=brake_scope(*brake), amount=Decimal(1), most=_MOST),)
