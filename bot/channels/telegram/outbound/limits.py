"""How fast the bot may write: what Telegram advises, kept for every chat and for the bot as a whole.

    a private chat   1 message a second, a few at once
    a group          20 messages a minute
    the whole bot    30 messages a second on average; more at once for as long as the server takes it

The server's own 429 outranks these: its chat rests for as long as it said. When it says so to several chats at once,
the whole bot rests, and large bursts are given up for a while. Edits count like messages.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bot.channels.telegram.outbound.whole_bot import Bucket, WholeBot

PRIVATE_RATE, PRIVATE_BURST = 1.0, 5.0
GROUP_RATE, GROUP_BURST = 20 / 60, 20.0
OVERALL_RATE, OVERALL_BURST = 30.0, 600.0
CAREFUL_RATE, CAREFUL_BURST = 24.0, 5.0
"""Together below 30 in any second."""
CAREFUL_SECONDS = 600.0
"""How long bursts stay small after the server refused several chats at once."""
AT_ONCE = 3
"""So many chats refused within `TOGETHER` seconds mean the whole bot."""
TOGETHER = 2.0
CHATS_KEPT = 10_000
LEFT, LEFT_BY_PROGRESS = 0.2, 0.6
"""How much of the whole bot's burst is left alone by what nobody would miss; by news of a job's progress, so that in a
crowd they do not take what its pictures will need some seconds later."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A monotonic clock, and how to wait on it."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Flood:
    """The turns of a process; what the whole bot may write it shares with the others that have this `folder`. Callers
    that wait for the same chat go in the order they came."""

    def __init__(self, clock: Clock, folder: Path | None = None) -> None:
        self._clock = clock
        self._whole = WholeBot(rate=OVERALL_RATE, burst=OVERALL_BURST, folder=folder)
        self._chats: OrderedDict[int, Bucket] = OrderedDict()
        self._locks: dict[int, asyncio.Lock] = {}
        self._waiting: dict[int, int] = {}
        self._refused: deque[tuple[float, int]] = deque()

    def _bucket(self, chat: int) -> Bucket:
        if chat not in self._chats:
            rate, burst = (PRIVATE_RATE, PRIVATE_BURST) if chat > 0 else (GROUP_RATE, GROUP_BURST)
            self._chats[chat] = Bucket(rate, burst)
            while len(self._chats) > CHATS_KEPT:
                self._chats.popitem(last=False)
        self._chats.move_to_end(chat)
        return self._chats[chat]

    def spare(self, chat: int, *, left: float = LEFT) -> bool:
        """Take a turn for something nobody would miss: only if there is plenty, and nobody waits. `left`: how much of
        the bot's burst stays for the rest."""
        now = self._clock.now()
        bucket = self._bucket(chat)
        if self._waiting.get(chat) or bucket.wait(now) or bucket.level < bucket.size * 0.4:
            return False
        with self._whole.bucket() as whole:
            if whole.wait(now) or whole.level < whole.size * left:
                return False
            bucket.level -= 1.0
            whole.level -= 1.0
        return True

    async def turn(self, chat: int) -> None:
        """Wait until a message to this chat is allowed, and count it."""
        self._waiting[chat] = self._waiting.get(chat, 0) + 1
        lock = self._locks.setdefault(chat, asyncio.Lock())
        try:
            async with lock:
                while (pause := self._pause(self._bucket(chat))) > 0:
                    await self._clock.sleep(pause)
        finally:
            self._waiting[chat] -= 1
            if not self._waiting[chat]:
                del self._waiting[chat], self._locks[chat]

    def _pause(self, bucket: Bucket) -> float:
        """Seconds to wait; 0 once a turn is taken."""
        now = self._clock.now()
        with self._whole.bucket() as whole:
            if (pause := max(bucket.wait(now), whole.wait(now))) <= 0:
                bucket.level -= 1.0
                whole.level -= 1.0
        return pause

    def refused(self, chat: int, retry_after: float) -> None:
        """The server said 429."""
        now = self._clock.now()
        bucket = self._bucket(chat)
        bucket.resting_until = max(bucket.resting_until, now + retry_after)
        while self._refused and self._refused[0][0] < now - TOGETHER:
            self._refused.popleft()
        self._refused.append((now, chat))
        if len({refused for _, refused in self._refused}) >= AT_ONCE:
            with self._whole.bucket() as whole:
                whole.resting_until = max(whole.resting_until, now + retry_after)
                whole.rate, whole.size = CAREFUL_RATE, CAREFUL_BURST
                whole.level = 0.0
                whole.at = max(now, whole.resting_until)
                whole.careful_until = now + CAREFUL_SECONDS
            self._refused.clear()

    def taken(self) -> None:
        """The server accepted a message: after a quiet while, bursts may be large again."""
        if not self._whole.reduced:
            return
        with self._whole.bucket() as whole:
            if self._clock.now() > whole.careful_until:
                whole.rate, whole.size = OVERALL_RATE, OVERALL_BURST

    def close(self) -> None:
        self._whole.close()
