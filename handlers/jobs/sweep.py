"""The sweep: jobs committed but never started, lost with their worker, or broken; and results that turn up late."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

from handlers.jobs.engine import Engine, Standing
from handlers.jobs.engine_runs import workflow_id_of
from handlers.jobs.plan import first_candidate
from handlers.jobs.reopening import NotResumable, Reopening
from handlers.jobs.statuses import Statuses
from handlers.jobs.trainings import Trainings
from handlers.store.base import ENDED, Job, JobState, PartState, Store
from providers.offers import Tier
from providers.router import Router

log = logging.getLogger(__name__)

LATE_IDS = timedelta(hours=6)
"""How long after a job's end the id of one of its requests may still turn up."""
RUNS_BY_ITSELF = 3
"""How often a job whose run broke (a bug of ours) is taken up again before it is given up."""

LIVE = tuple(state for state in JobState if state not in ENDED)


class Sweep:
    """Safe to run in any number of processes: whoever takes a job up does so in one conditional write."""

    def __init__(
        self,
        *,
        store: Store,
        router: Router,
        engine: Engine,
        statuses: Statuses,
        trainings: Trainings,
        reopening: Reopening,
        enqueue: Callable[[str], Awaitable[None]],
        take_up: Callable[[str, int, str | None], Awaitable[None]],
        give_up: Callable[[Job], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._router = router
        self._engine = engine
        self._statuses = statuses
        self._trainings = trainings
        self._reopening = reopening
        self._enqueue, self._take_up, self._give_up = enqueue, take_up, give_up
        self._clock = clock

    async def sweep(self) -> None:
        """Start what was committed but is not on the queue, take up again what broke, fetch what turned up late."""
        await self.collect_late()
        await self._trainings.clear()
        jobs = {workflow_id_of(job.id, job.run): job for job in await self._store.jobs(states=LIVE, limit=10_000)}
        standings = await self._engine.standings({each: job.chat.channel for each, job in jobs.items()})
        for workflow_id, job in jobs.items():
            standing, queue = standings.get(workflow_id, (None, None))
            match standing:
                case None if not self._quoted_for_another(job):
                    await self._enqueue(job.id)
                case None | Standing.UNSERVED:
                    await self._statuses.unserved(job)
                case Standing.GOING if job.cancel_asked:
                    await self._engine.runs.wake(job.id, job.run)
                case Standing.STRANDED:
                    await self._take_up(job.id, job.run, queue)
                    await self._engine.runs.cancel(job.id, job.run)
                case Standing.ENDED | Standing.BROKEN:
                    await self._take_up_broken(job)

    def _quoted_for_another(self, job: Job) -> bool:
        """Whether its price was for a service that this process does not have: it would make it itself, for free."""
        first = first_candidate(job.order, self._router, job_id=job.id)
        return first is not None and bool(job.estimate) and first.provider.tier is Tier.LOCAL

    async def collect_late(self) -> None:
        """A request whose outcome was unknown when its job ended, and whose id was written down afterwards: by a
        process that was frozen in the POST, or that had no database. It is paid for, so it is fetched and delivered."""
        since = self._clock() - LATE_IDS
        for job in await self._store.jobs(states=(JobState.UNCERTAIN,), limit=200):
            if job.finished is None or job.finished < since:
                continue
            parts = await self._store.parts(job.id)
            if any(p.state is PartState.ACCEPTED and p.updated and p.updated > job.finished for p in parts):
                log.warning("a paid request turned up after its job had ended, and is fetched: job=%s", job.id)
                with suppress(NotResumable):
                    await self._reopening.collect_again(job)

    async def _take_up_broken(self, job: Job) -> None:
        still = await self._store.job(job.id)
        if still is None or still.run != job.run or still.state in ENDED:
            return
        log.error("a run of a job broke: job=%s run=%d", job.id, job.run)
        if await self._engine.runs.times_broken(job.id) <= RUNS_BY_ITSELF:
            # A new run of the same job: what the person asked for (a cancel, the first posts) still applies.
            await self._take_up(job.id, job.run, None)
            return
        await self._give_up(still)
