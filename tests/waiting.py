"""How tests wait: for a condition, never for a time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

LONG = 600.0
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
