"""How tests wait: for a condition, never for a time."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LONG = 300.0
"""Seconds that pass in no test, however busy its machine: a limit that only ends what would hang for ever."""


async def until(what: Callable[[], Any], *, every: float = 0.01) -> Any:
    """What it gives, or its coroutine, once that is true: for conditions that tell nobody (another thread's, another
    process's, the database's)."""
    async with asyncio.timeout(LONG):
        while True:
            found = what()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(every)


@dataclass
class TurnedClock:
    """Seconds that only waiting moves: every pause is kept, and nobody waits for it."""

    at: float = 100.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)
