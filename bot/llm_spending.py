"""What the second reader spent today, kept in the store: a restart does not renew the day's budget."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from handlers.store.base import Values

SPACE = "second_reader"


class StoredSpending:
    """Implements `bot.llm_fallback.Spending`. Amounts in USD; days change at midnight UTC."""

    def __init__(self, store: Values, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now

    async def today(self) -> float:
        return float(await self._store.value(SPACE, self._day()) or 0)

    async def record(self, usd: float) -> None:
        """Add to the day's sum; several processes may do so at once."""
        amount = Decimal(f"{usd:.8f}")
        await self._store.change(
            SPACE,
            self._day(),
            lambda before: str(Decimal(before or 0) + amount),
            expires=self._now() + timedelta(days=2),
        )

    def _day(self) -> str:
        return self._now().date().isoformat()
