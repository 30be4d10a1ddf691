"""How often something was refused: counted by day and kind, and by nobody's name."""

from decimal import Decimal

from handlers.store.base import Limit
from providers.moderation.offence import Offence

_MOST = Decimal(10**9)


def refusal_scope(offence: Offence) -> str:
    """The counter of a kind of refusal."""
    return f"refused:{offence.value}"


def refusal_counted(offence: Offence) -> Limit:
    return Limit(scope=refusal_scope(offence), amount=Decimal(1), most=_MOST)
