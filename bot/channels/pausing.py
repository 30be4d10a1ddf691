"""Waiting for an event, no longer than a pause lasts; the caller provides the pause, so that tests can turn its
clock."""

import asyncio
from collections.abc import Awaitable


async def happens_within(event: asyncio.Event, pause: Awaitable[object]) -> None:
    """Wait until the event is set or the pause is over, whichever comes first; both are cleaned up."""
    both = {asyncio.ensure_future(event.wait()), asyncio.ensure_future(pause)}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
