"""Everybody's messages in order, nobody's wait for another's: one short-lived task for each person in a chat.

The parts of an album come one by one, in any order, with no sign which is the last, and other things may come in
between. They are gathered until no further part came for a moment, or the person went on with words; then they are one
message.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.channels.telegram.inbound.updates import Post, Tap
from bot.channels.telegram.outbound.limits import Clock

log = logging.getLogger(__name__)

ALBUM_PAUSE = 1.5
"""Seconds after the last part; 0.6 to 2.5 are seen in running bots."""
ALBUM_LONGEST = 10.0


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Something a person sent, as it lies in the inbox under `key`. `chat` is the chat's name."""

    key: str
    chat: str
    heard: Post | Tap

    @property
    def without_photo(self) -> bool:
        return not (isinstance(self.heard, Post) and self.heard.photos)

    @property
    def album(self) -> str | None:
        return self.heard.album if isinstance(self.heard, Post) and self.heard.edited is None else None


Handle = Callable[[tuple[Waiting, ...]], Awaitable[None]]


class _Line:
    """What one person sent and what is not handled yet."""

    def __init__(self) -> None:
        self.waiting: deque[Waiting] = deque()
        self.came = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class People:
    """`handle` is given one message: one `Waiting`, or all parts of an album in the order they were sent."""

    def __init__(
        self, handle: Handle, clock: Clock, *, album_pause: float = ALBUM_PAUSE, album_longest: float = ALBUM_LONGEST
    ) -> None:
        self._handle = handle
        self._clock = clock
        self._pause = album_pause
        self._longest = album_longest
        self._lines: dict[tuple[str, str], _Line] = {}
        self._stopping = False

    def put(self, waiting: Waiting) -> None:
        key = (waiting.chat, waiting.heard.person)
        line = self._lines.setdefault(key, _Line())
        line.waiting.append(waiting)
        line.came.set()
        if line.task is None:
            line.task = asyncio.create_task(self._work(key, line))

    def tasks(self) -> "set[asyncio.Task[None]]":
        """What is going on now."""
        return {line.task for line in self._lines.values() if line.task is not None}

    async def stop(self, seconds: float) -> None:
        """Finish what has begun, within so many seconds; what was not begun stays in the inbox."""
        self._stopping = True
        tasks = self.tasks()
        for line in self._lines.values():
            line.came.set()
        late = (await asyncio.wait(tasks, timeout=seconds))[1] if tasks else set()
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _work(self, key: tuple[str, str], line: _Line) -> None:
        try:
            while line.waiting and not self._stopping:
                message = await self._next(line)
                if message:
                    await self._handle(message)
        finally:
            del self._lines[key]

    async def _next(self, line: _Line) -> tuple[Waiting, ...]:
        first = line.waiting.popleft()
        if first.album is None:
            return (first,)
        parts = [first]
        begun = last = self._clock.now()
        while True:
            if came := [waiting for waiting in line.waiting if waiting.album == first.album]:
                last = self._clock.now()
                parts += came
                line.waiting = deque(waiting for waiting in line.waiting if waiting.album != first.album)
            left = min(last + self._pause, begun + self._longest) - self._clock.now()
            if left <= 0 or any(waiting.without_photo for waiting in line.waiting):
                break
            if self._stopping:
                return ()  # further parts may come after the next start
            await self._more(line, left)
        return tuple(sorted(parts, key=lambda part: part.heard.message))

    async def _more(self, line: _Line, seconds: float) -> None:
        """Wait for the next thing of this person, no longer than so many seconds."""
        line.came.clear()
        came = asyncio.ensure_future(line.came.wait())
        pause = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({came, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (came, pause):
                task.cancel()
            await asyncio.gather(came, pause, return_exceptions=True)
