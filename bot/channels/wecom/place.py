"""Which process has the bot's one connection: a second one would be kicked, and kick back, for ever.

The place is a value that expires. Its holder renews it; another process takes it once it has expired, or at once if the
holder was a process of this machine that is dead.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from bot.channels.life_marks import LifeMark
from handlers.store.base import Values

log = logging.getLogger(__name__)

SPACE = "wecom.place"
Sleep = Callable[[float], Awaitable[None]]


class Place:
    """`life`: seconds for which a silent holder is considered alive. `look`: between two looks of those who wait."""

    def __init__(
        self,
        *,
        store: Values,
        bot_id: str,
        folder: Path,
        clock: Callable[[], datetime],
        sleep: Sleep = asyncio.sleep,
        life: float = 15.0,
        look: float = 1.0,
    ) -> None:
        self._store = store
        self._key = bot_id
        self._clock = clock
        self._sleep = sleep
        self._life = life
        self._look = look
        self.owner = f"wecom-line-{secrets.token_hex(8)}"
        self._mark = LifeMark(folder, self.owner)
        self._beat = 0

    async def hold(self) -> None:
        """Wait until the place is ours."""
        await asyncio.to_thread(self._mark.set)
        said = False
        while True:
            try:
                if await self._take():
                    return
            except Exception as error:  # the store is away
                log.warning("WeCom: asking for the connection's place failed: %s", type(error).__name__)
            if not said:
                log.info("WeCom: another process has the connection; this one stands by")
            said = True
            await self._sleep(self._look)

    async def _take(self) -> bool:
        dead = await asyncio.to_thread(self._mark.dead)
        mine, ends = self._value(""), self._clock() + timedelta(seconds=self._life)

        def take(held: str | None) -> str | None:
            free = held is None or held.partition("|")[0] in dead
            return mine if free else held

        return await self._store.change(SPACE, self._key, take, expires=ends) == mine

    async def keep(self, problem: Callable[[], str | None]) -> None:
        """Renew it until it is lost. `problem`: the connection's state, for anybody who asks about the bot."""
        last = self._clock()
        while True:
            await self._sleep(self._life / 3)
            try:
                if not await self._renew(problem() or ""):
                    return
                last = self._clock()
            except Exception as error:
                if (self._clock() - last).total_seconds() >= self._life:
                    log.warning("WeCom: renewing the connection's place failed: %s", type(error).__name__)
                    return

    async def _renew(self, problem: str) -> bool:
        self._beat += 1
        mine, ends = self._value(problem), self._clock() + timedelta(seconds=self._life)

        def renewed(held: str | None) -> str | None:
            return mine if held is not None and held.partition("|")[0] == self.owner else held

        return await self._store.change(SPACE, self._key, renewed, expires=ends) == mine

    def _value(self, problem: str) -> str:
        return f"{self.owner}|{self._beat}|{problem}"

    async def told(self) -> str | None:
        """What its holder last said about the connection, empty if all is well; None if nobody holds it."""
        held = await self._store.value(SPACE, self._key)
        return None if held is None else held.split("|", 2)[2]

    async def release(self) -> None:
        """Anybody may take it at once."""

        def released(held: str | None) -> str | None:
            return None if held is not None and held.partition("|")[0] == self.owner else held

        try:
            await self._store.change(SPACE, self._key, released)
        except Exception as error:
            log.warning("WeCom: releasing the connection's place failed: %s", type(error).__name__)
        await asyncio.to_thread(self._mark.clear)
