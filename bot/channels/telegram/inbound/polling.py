"""Which of an installation's processes polls: of two getUpdates at once Telegram answers one with an error.

The processes share a row of the store, "HOLDER COUNT". Its holder polls, and renews it by counting on. The others look
at it: who has seen it unchanged for `LEASE` seconds replaces exactly what it saw, in one conditional write, and polls.
Each measures with its own clock, which is compared with nobody's. By then the holder has stopped: it polls for `TRUST`
seconds after a renewal was begun, no longer. A holder that died on this machine is known by its life mark at once.

Where to go on is for Telegram to know: what the holder before did not confirm comes again, and is in the inbox already.
An offset in the row would be wrong when Telegram starts to count anew, as it does after a quiet week.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.channels.life_marks import LifeMark
from bot.channels.telegram.inbound.update_source import Take, UpdateSource
from bot.channels.telegram.outbound.limits import Clock
from handlers.store.base import Values

log = logging.getLogger(__name__)

SPACE = "telegram.poller"
LEASE = 10.0
TRUST = 7.0
RENEW = 2.0
LOOK = 1.0
"""Seconds between two looks of a process that waits."""
STOP = 1.0
"""How long a process that stops waits for Telegram, and for the store."""


class PollingLease:
    """One process's view of the lease. `key`: the bot's id; `folder`: where the life marks of this machine are."""

    def __init__(self, store: Values, *, key: str, folder: Path, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._holder = secrets.token_hex(8)
        self._mark = LifeMark(folder, self._holder)
        self._count = 0
        self._seen: str | None = None
        self._since = 0.0
        self._trusted_until = 0.0
        self._said: str | None = None

    @property
    def held(self) -> bool:
        """Whether nobody else can poll by now."""
        return self._clock.now() < self._trusted_until

    async def while_held(self, poll: Callable[[], Awaitable[None]]) -> None:
        """Run `poll` whenever this process holds the lease, and cancel it before another can; until cancelled."""
        await asyncio.to_thread(self._mark.set)
        while True:
            while not await self._tried(self._take):
                await self._clock.sleep(LOOK)
            self._say("this process polls Telegram")
            await self._hold(poll)

    async def give_back(self) -> None:
        """Another may poll at once. Not while `while_held` runs."""
        self._trusted_until = 0.0
        owing = not await self._tried(self._let_go)
        await asyncio.to_thread(self._mark.clear, owing=owing)

    async def _let_go(self) -> bool:
        async with asyncio.timeout(STOP):
            await self._store.change(SPACE, self._key, lambda held: None if self._mine(held) else held)
        return True

    # --- taking it

    async def _take(self) -> bool:
        seen = await self._store.value(SPACE, self._key)
        if seen != self._seen or seen is None:
            self._seen, self._since = seen, self._clock.now()
        dead = () if seen is None or self._mine(seen) else await asyncio.to_thread(self._mark.dead)
        if not self._is_free(seen, dead):
            self._say("another process polls Telegram; this one takes over when it stops")
            return False
        if not await self._write(lambda held: held == seen):
            return False
        await asyncio.to_thread(self._mark.bury, dead)
        return True

    def _is_free(self, seen: str | None, dead: tuple[str, ...]) -> bool:
        if seen is None or self._mine(seen) or seen.partition(" ")[0] in dead:
            return True
        return self._clock.now() - self._since >= LEASE

    def _mine(self, held: str | None) -> bool:
        return held is not None and held.partition(" ")[0] == self._holder

    async def _write(self, allowed: Callable[[str | None], bool]) -> bool:
        """Take or renew; trusted from before the write, so for less long than the others wait."""
        begun = self._clock.now()
        self._count += 1
        new = f"{self._holder} {self._count}"
        if await self._store.change(SPACE, self._key, lambda held: new if allowed(held) else held) != new:
            return False
        self._trusted_until = begun + TRUST
        return True

    async def _tried(self, what: Callable[[], Awaitable[bool]]) -> bool:
        """False also where the store is away: it is tried again, or the lease lapses."""
        try:
            return await what()
        except Exception as error:
            self._say(f"who polls Telegram cannot be settled and is retried: {type(error).__name__}", logging.WARNING)
            return False

    def _say(self, what: str, level: int = logging.INFO) -> None:
        if what != self._said:
            log.log(level, "%s", what)
        self._said = what

    # --- holding it

    async def _hold(self, poll: Callable[[], Awaitable[None]]) -> None:
        polling = asyncio.ensure_future(poll())
        tasks = [polling, asyncio.create_task(self._renewing()), asyncio.create_task(self._lapsing())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if polling.done():
                polling.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _renewing(self) -> None:
        """Ends when another process has the lease, or by `_lapsing`."""
        while True:
            await self._clock.sleep(RENEW)
            try:
                if not await self._write(self._mine):
                    self._trusted_until = 0.0
                    return
            except Exception as error:  # the store is away: tried again until the lease lapses
                log.debug("the lease was not renewed: %s", type(error).__name__)

    async def _lapsing(self) -> None:
        while (left := self._trusted_until - self._clock.now()) > 0:
            await self._clock.sleep(left)


class Polling:
    """The source, polled by one process at a time."""

    def __init__(self, source: UpdateSource, lease: PollingLease) -> None:
        self._source = source
        self._lease = lease

    async def run(self, take: Take) -> None:
        """Until cancelled; then call `stop`."""
        await self._lease.while_held(lambda: self._source.poll(take))

    async def stop(self) -> None:
        """Confirm what was taken, and let another process poll."""
        try:
            async with asyncio.timeout(STOP):
                if self._lease.held:
                    await self._source.confirm()
        except TimeoutError:
            log.debug("the last updates were not confirmed in time")
        await self._lease.give_back()
