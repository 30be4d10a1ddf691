"""What the second reader spent today, kept in the store: a restart does not renew the day's budget."""

from collections.abc import Callable
from datetime import UTC, datetime

from handlers.store.base import Store

SPACE = "second_reader"
TRIES = 20


class StoredSpending:
    """Implements `bot.llm_fallback.Spending`. Amounts in USD; days change at midnight UTC."""

    def __init__(self, store: Store, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now

    async def today(self) -> float:
        return float(await self._store.value(SPACE, self._day()) or 0)

    async def record(self, usd: float) -> None:
        """Add to the day's sum; several processes may do so at once."""
        for _ in range(TRIES):
            before = await self._store.value(SPACE, self._day())
            if before is None:
                if await self._store.add_value(SPACE, self._day(), f"{usd:.8f}"):
                    return
            elif await self._store.set_value(SPACE, self._day(), f"{float(before) + usd:.8f}", expected=before):
                return

    def _day(self) -> str:
        return self._now().date().isoformat()
