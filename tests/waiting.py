"""How tests wait: for a condition, never for a time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

LONG = 300.0
"""Seconds that pass in no test, however busy its machine: a limit that only ends what would hang for ever."""

T = TypeVar("T")


async def until(what: Callable[[], T | Awaitable[T]], *, every: float = 0.01) -> T:
    """What it gives, once that is true. For conditions that tell nobody: in another thread, process or database."""
    async with asyncio.timeout(LONG):
        while True:
            found: Any = what()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found  # type: ignore[no-any-return]  # a T
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
