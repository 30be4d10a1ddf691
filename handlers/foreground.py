"""Replies before background work: work that nobody is waiting for yields while a reply is being computed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SECONDS = 1.0
"""How long background work yields at most, from the moment it could have begun."""


class ForegroundGate:
    """One per process: its channels report when somebody waits for a reply, its background work asks.

    `seconds`: how long background work yields at most.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._answers = 0
        self._free = asyncio.Event()
        self._free.set()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Hold while a reply is being computed."""
        self._answers += 1
        self._free.clear()
        try:
            yield
        finally:
            self._answers -= 1
            if not self._answers:
                self._free.set()

    def until(self, *, patience: float = 1.0) -> float:
        """The moment, on the loop's clock, from which work that could begin now no longer yields.

        `patience`: how many times as long as other work it can wait.
        """
        return asyncio.get_running_loop().time() + patience * self._seconds

    async def wait(self, until: float | None = None) -> None:
        """Wait until no reply is pending, at most until that moment."""
        if self._free.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self.until() if until is None else until):
                await self._free.wait()
