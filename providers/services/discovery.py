"""What a server of the operator's own has, queried at most every five minutes; while unreachable, every half minute.

Every request calls this, so that a server which is started later, or gets another model, is found without a restart.
"""

import asyncio
from collections.abc import Awaitable, Callable

from providers.errors import LikenessError, WaitAndRetry

KNOWN = 300.0
AWAY = 30.0
PATIENCE = 15.0
"""Seconds for all that is asked: whoever waits for it wants a picture, and others could make it."""


class Discovery:
    """`look` asks the server, keeps what it has, and says whether it is the kind of server that was looked for.

    `now`: seconds that only go forward.
    """

    def __init__(self, look: Callable[[], Awaitable[bool]], *, now: Callable[[], float] | None = None) -> None:
        self._look = look
        self._now = now or _loop_time
        self._lock = asyncio.Lock()
        self._until = float("-inf")
        self._found = False
        self._error: LikenessError | None = None

    async def __call__(self) -> bool:
        """Raises what the last query raised, TellOperator or WaitAndRetry, until it is time for another."""
        async with self._lock:
            if self._now() >= self._until:
                await self._again()
            if self._error is not None:
                raise self._error
            return self._found

    def forget(self) -> None:
        """The next call queries again."""
        self._until = float("-inf")

    async def _again(self) -> None:
        self._error = None
        try:
            async with asyncio.timeout(PATIENCE):
                self._found = await self._look()
        except TimeoutError:
            self._error = WaitAndRetry("too slow to say what it has", code="provider_unavailable")
        except LikenessError as error:
            self._error = error
        self._until = self._now() + (KNOWN if self._error is None and self._found else AWAY)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
