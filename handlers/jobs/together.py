"""`together`: coroutines at the same time, none of which outlives the others' end."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


async def together(coroutines: Sequence[Coroutine[Any, Any, T]]) -> tuple[T, ...]:
    """All results in order. If one raises or we are stopped, none of the others is left running."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    if not tasks:
        return ()
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        # Cancelled once and no more: a paid POST in flight uses the time after its cancel to read the answer. (A plain
        # `gather` ends with the first task that is cancelled, while the others are still doing so.)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    broken = next((task for task in tasks if not task.cancelled() and task.exception() is not None), None)
    return tuple(task.result() for task in ([broken] if broken else tasks))
