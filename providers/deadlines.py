"""One moment by which a whole request must be done: checked before each step, and enforced while awaiting something.

The clock is read again every few seconds, so that a machine that slept, or a clock that a test turned, ends the
wait too.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

Now = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]

LOOK_SECONDS = 5.0
"""The longest wait between two looks at the clock."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def is_over(deadline: datetime | None, now: Now = utc_now) -> bool:
    return deadline is not None and now() >= deadline


def steady_now(now: Now, steady: Callable[[], float]) -> Now:
    """The time of day as it is at this moment, and from then on by `steady`, seconds that only grow: a clock of the
    machine that is set meanwhile ends no deadline and makes no duration absurd."""
    begun, since = now(), steady()
    return lambda: begun + timedelta(seconds=steady() - since)


@asynccontextmanager
async def until(
    deadline: datetime | None, now: Now = utc_now, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[asyncio.Timeout]:
    """A time-out at the deadline; none where there is none. Raises TimeoutError."""
    if deadline is None:
        async with asyncio.timeout(None) as timeout:
            yield timeout
        return
    # The watch is awaited outside of the time-out: one that fires while we leave must not be taken for one inside.
    watch: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(None) as timeout:
            watch = asyncio.create_task(_watch(deadline, timeout, now, sleep))
            yield timeout
    finally:
        if watch is not None:
            watch.cancel()


async def _watch(deadline: datetime, timeout: asyncio.Timeout, now: Now, sleep: Sleep) -> None:
    while (left := (deadline - now()).total_seconds()) > 0:
        await sleep(min(left, LOOK_SECONDS))
        await asyncio.sleep(0)  # whatever `sleep` is, others get their turn
    with suppress(RuntimeError):  # it was left in this very moment
        timeout.reschedule(asyncio.get_running_loop().time())
