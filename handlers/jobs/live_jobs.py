"""`LiveJobs`: the jobs being made in this process, each until it is made, stopped by its person, or let go of."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from handlers.channel import Channel, ShowsSteps
from handlers.jobs.completion import Completion
from handlers.jobs.execution import Executor
from handlers.jobs.outcome import JobOutcome
from handlers.jobs.statuses import LiveJob, Statuses
from handlers.jobs.trainings import Trainings
from handlers.store.base import ENDED, Job, JobState, Store
from providers.deadlines import steady_now
from providers.errors import LikenessError


@dataclass(frozen=True, kw_only=True)
class LiveJobs:
    """`expected`: how many seconds a job is likely to take. `deadline`: of a job that begins now. `turn_pause`: seconds
    until a training whose turn has not come asks again. `steady`: seconds, whatever the clock is set to."""

    store: Store
    executor: Executor
    statuses: Statuses
    trainings: Trainings
    ending: Completion
    channels: Mapping[str, Channel]
    expected: Callable[[Job], float]
    deadline: Callable[[Job], datetime]
    turn_pause: float
    clock: Callable[[], datetime]
    steady: Callable[[], float]
    _live: dict[str, LiveJob] = field(default_factory=dict, init=False)
    _let_go: dict[str, Job] = field(default_factory=dict, init=False)
    """Those that were in progress when this worker had to let go of them."""

    def stop(self, job_id: str) -> bool:
        """Whether it is being made here; if so, it is stopped at once."""
        if (live := self._live.get(job_id)) is None:
            return False
        live.cancel.set()
        return True

    @property
    def going(self) -> bool:
        """Whether any is being made."""
        return bool(self._live)

    async def make(self, job: Job) -> JobOutcome:
        """Its pictures, or why there are none."""
        whole = job.state is JobState.NEW
        if whole or job.deadline is None:
            job = await self._begin(job)
        if job.trains and not job.cancel_asked and not await self.trainings.takes_turn(job):
            return JobOutcome(steps=(), wakes_after=self.turn_pause)
        live = LiveJob(job=job, expected=self.expected(job), now=steady_now(self.clock, self.steady))
        self._live[job.id] = live
        if job.cancel_asked:
            live.cancel.set()
        telling = asyncio.create_task(self.statuses.tell(job, live))
        try:
            made = await self._make_or_stop(job, live, fresh=whole)
            if job.trains:
                await self.trainings.note(job)
            return replace(made, took=live.elapsed, waited=live.waited) if whole else made
        except asyncio.CancelledError:
            self._let_go[job.id] = job
            raise
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            self._live.pop(job.id, None)

    async def _begin(self, job: Job) -> Job:
        changes: dict[str, object] = {"state": JobState.RUNNING, "deadline": self.deadline(job)}
        if job.plan is None:
            with suppress(LikenessError):  # why it cannot be made is said where it is made
                changes["plan"] = self.executor.planned(job)
        return await self.store.update_job(job.id, **changes)

    async def _make_or_stop(self, job: Job, live: LiveJob, *, fresh: bool) -> JobOutcome:
        making = asyncio.create_task(
            self.executor.make(
                job,
                live.on_progress,
                only_paid=job.by_hand,
                on_plan=live.on_plan,
                onlooker=live.saw if isinstance(self.channels.get(job.chat.channel), ShowsSteps) else None,
                now=live.now,
                fresh=fresh,
            )
        )
        cancelled = asyncio.create_task(live.cancel.wait())
        try:
            await asyncio.wait({making, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if making.done():
                return making.result()
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            return await self.executor.stop(job)
        finally:
            for task in (making, cancelled):
                task.cancel()
            await asyncio.gather(making, cancelled, return_exceptions=True)

    async def correct_statuses(self) -> None:
        """Our jobs were taken over while we were frozen: correct a status that we showed after their end."""
        let_go = list(self._let_go.values())
        self._let_go.clear()
        for job in let_go:
            channel, now = self.channels.get(job.chat.channel), await self.store.job(job.id)
            if channel is not None and (now is None or now.state in ENDED):
                await self.ending.settle_again(channel, now or job, forgotten=now is None)
