"""When the database is away (restarting, unreachable, its disk full): a reason to wait, never to give a job up."""

import asyncio
import errno
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from handlers.store.base import StoreUnavailable
from providers.sql.ledger import LedgerUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
ROOM_PAUSE = 10.0
"""Seconds between two attempts of a run that finds no room on the disk: each may download its pictures again."""
PAUSE = 0.5
"""Seconds between two attempts of a write that must not be lost."""


def is_outage(error: BaseException) -> bool:
    """Whether this error says that the database did not answer, rather than that the request was wrong."""
    away = StoreUnavailable | OperationalError | InterfaceError | PoolTimeout | ConnectionError | LedgerUnavailable
    return isinstance(error, away)


def is_full(error: BaseException) -> bool:
    """Whether the disk has no room for a file: then what is paid for waits until there is."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


class Outage:
    """Logs once that the database is away, and once that it is back."""

    def __init__(self) -> None:
        self.now = False

    def seen(self, error: BaseException) -> None:
        if not self.now:
            self.now = True
            log.warning("the database is away, so jobs wait and nothing is posted: %s", type(error).__name__)

    def over(self) -> None:
        if self.now:
            self.now = False
            log.warning("the database is back, jobs go on")


class Room:
    """Waits for room on the disk. `told(job_id)` is called each time; the log says it once."""

    def __init__(self, told: Callable[[str], Awaitable[None]], *, pause: float = ROOM_PAUSE) -> None:
        self._told = told
        self._pause = pause
        self._missing_at = -math.inf

    async def wait(self, job_id: str) -> None:
        if time.monotonic() - self._missing_at > 10 * ROOM_PAUSE:
            log.critical("no room on the disk: pictures that are paid for wait for it; free some room")
        self._missing_at = time.monotonic()
        await self._told(job_id)
        await asyncio.sleep(self._pause)

    @property
    def missing(self) -> bool:
        """Whether a job waited for room just now."""
        return time.monotonic() - self._missing_at < 3 * ROOM_PAUSE


async def written(write: Callable[[], Awaitable[T]]) -> T:
    """Do a write that records what has happened outside, however long the database is away.

    Only this process knows what it paid for or delivered, so it holds on to it until it is written.
    """
    while True:
        try:
            return await write()
        except Exception as error:
            if not is_outage(error):
                raise
        await asyncio.sleep(PAUSE)


async def answered(attempt: Callable[[], Awaitable[T]], *, within: float, sleep: Sleep = asyncio.sleep) -> T:
    """The attempt's result as soon as the database answers; its own error if that takes longer than `within` seconds.
    Logged once."""
    left = within
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_outage(error) or left <= 0:
                raise
            if left == within:
                log.warning("the database does not answer yet; waiting for it up to %.0f seconds", within)
        pause = min(1.0, left)
        left -= pause
        await sleep(pause)
