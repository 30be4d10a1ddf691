"""What the second reader spent today, counted in the store: a restart does not renew the day's budget."""

import logging
from decimal import Decimal

from handlers.store.base import Ledger, Limit, StoreError
from providers.sql.columns import kept

log = logging.getLogger(__name__)

SCOPE = "usd:second_reader"
_WITHOUT_LIMIT = Decimal(10**9)


class StoredSpending:
    """Implements `bot.llm_fallback.Spending`, for any number of processes. Amounts in USD; a day is UTC.

    While the store is away nothing can be reserved, so the endpoint is not asked; what cannot be given back then counts
    as spent.
    """

    def __init__(self, store: Ledger) -> None:
        self._store = store

    async def reserve(self, usd: float, most: float) -> bool:
        try:
            return await self._store.count(Limit(scope=SCOPE, amount=_amount(usd), most=_amount(most)))
        except StoreError as error:
            log.warning("second reader: its budget cannot be read: %s", type(error).__name__)
            return False

    async def give_back(self, usd: float) -> None:
        """Negative if a call cost more than the assumed maximum."""
        amount = _amount(usd)
        if not amount:
            return
        try:
            await self._store.count(Limit(scope=SCOPE, amount=-amount, most=_WITHOUT_LIMIT))
        except StoreError as error:
            log.warning("second reader: its budget cannot be corrected: %s", type(error).__name__)


def _amount(usd: float) -> Decimal:
    return kept(Decimal(str(usd)))
