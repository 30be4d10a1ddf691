"""What a process keeps up to date beside its work, each at its own interval, until it is cancelled.

A round that fails is logged, and the next is tried: none of these may end because a service or the database is away.
"""

import asyncio
import logging
from datetime import UTC, datetime

from handlers.jobs.durations import Durations
from handlers.store.base import Store
from providers.media.store import MediaStore
from providers.router import Router

log = logging.getLogger(__name__)

DISCOVER_EVERY = 60.0
"""Seconds between two checks of the operator's own servers; the providers themselves ask less often."""
DURATIONS_EVERY = 60.0
"""Seconds between two times that what requests took is written down, and what other processes measured is read."""
TIDY_EVERY = 60.0
"""Seconds between two searches for unused local copies of stored files."""


async def tidying(media: MediaStore) -> None:
    """Local copies of stored files are deleted once they are no longer used."""
    while True:
        try:
            await media.tidy()
        except Exception as error:
            log.warning("deleting unused copies of stored files failed: %s", type(error).__name__)
        await asyncio.sleep(TIDY_EVERY)


async def discovering(router: Router) -> None:
    """Keeps the list of what the operator's own servers offer up to date, for menus and estimates; the start does not
    wait for it."""
    while True:
        try:
            await router.discover()
        except Exception as error:  # whatever exception one service raises, the others are still checked
            log.error("checking the servers failed: %s", type(error).__name__)
        await asyncio.sleep(DISCOVER_EVERY)


async def sharing(durations: Durations, store: Store) -> None:
    """Keeps what requests take known to every process."""
    while True:
        await share(durations, store)
        await asyncio.sleep(DURATIONS_EVERY)


async def share(durations: Durations, store: Store) -> None:
    try:
        await durations.share(store, datetime.now(UTC))
    except Exception as error:  # a database that is away: it is kept, and written down the next time
        log.warning("what requests took could not be shared: %s", type(error).__name__)
