"""Answers before work: what nobody waits for this moment begins when no answer is being made."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SECONDS = 1.0
"""How long work gives way to answers at most, from the moment it could have begun."""


class ForegroundGate:
    """One for a process: its channels say when somebody waits for an answer, its background work asks.

    `seconds`: how long work gives way at most.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._answers = 0
        self._free = asyncio.Event()
        self._free.set()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While an answer is being made."""
        self._answers += 1
        self._free.clear()
        try:
            yield
        finally:
            self._answers -= 1
            if not self._answers:
                self._free.set()

    def until(self, *, patience: float = 1.0) -> float:
        """The moment, on the loop's clock, from which work that could begin now gives way no more.

        `patience`: how many times as long as other work it can wait.
        """
        return asyncio.get_running_loop().time() + patience * self._seconds

    async def wait(self, until: float | None = None) -> None:
        """Until nobody waits, at most until that moment."""
        if self._free.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self.until() if until is None else until):
                await self._free.wait()
