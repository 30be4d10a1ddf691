"""The time of day that all workers agree on: the database's, counted on between two readings by what only passes.

A job's deadline is written by one process and read by others. Were it the machine's own time of day, a clock that is
set, or wrong, on one machine would end jobs of another before their time, or let them go on for ever.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from handlers.store.base import StoreError

log = logging.getLogger(__name__)

READ_SECONDS = 60.0
"""Between two readings: what only passes may run a little fast or slow, and stands while a machine is suspended."""


class SharedClock:
    """`moment`: the database's time of day. `steady`: seconds that only grow. Set it once before it is asked."""

    def __init__(self, moment: Callable[[], Awaitable[datetime]], steady: Callable[[], float] = time.monotonic) -> None:
        self._moment = moment
        self._steady = steady
        self._read: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        """Raises RuntimeError if it was never set."""
        if self._read is None:
            raise RuntimeError("the clock was not set")
        moment, at = self._read
        return moment + timedelta(seconds=self._steady() - at)

    async def set(self) -> None:
        """Raises StoreError; then it goes on as it did."""
        asked = self._steady()
        moment = await self._moment()
        self._read = moment, (asked + self._steady()) / 2

    async def keep_set(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Until it is cancelled."""
        while True:
            await sleep(READ_SECONDS)
            try:
                await self.set()
            except StoreError as error:
                log.debug("the time of day was not read: %s", type(error).__name__)
