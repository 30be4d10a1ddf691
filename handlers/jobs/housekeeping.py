"""Retention: old rows of the store, runs of the engine, and the files that no row names any more."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers.jobs.engine import Engine
from handlers.jobs.files import JobFiles
from handlers.store.base import Store

log = logging.getLogger(__name__)

RUNS_KEPT = timedelta(days=1)
"""How long the engine's rows of ended runs are kept: they name jobs, also of people who were forgotten meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Housekeeping:
    """`retention`: how long people's data is kept."""

    store: Store
    engine: Engine
    files: JobFiles
    retention: timedelta
    clock: Callable[[], datetime]

    async def expire(self) -> None:
        """Delete what ended long ago: our rows, dbos's rows, and the files they named."""
        before = self.clock() - self.retention
        files = await self.store.expire(before=before)
        left_over = await self.store.unnamed(await self.files.old_photos(before))
        await self.files.discard([*files, *left_over])
        runs = await self.engine.runs.forget_ended(before=max(before, self.clock() - RUNS_KEPT))
        if files or runs:
            log.info("expired: files=%d runs=%d", len(files), runs)
