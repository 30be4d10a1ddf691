"""`Executor`: makes the pictures of a job, finishes only what was paid for, or stops it after a cancel.

Safe to run again from the start, in another process, at any point: what was posted is in the journal, and what was made
is not made again.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from handlers.jobs.durations import Durations
from handlers.jobs.journal import StoreJournal
from handlers.jobs.making import Check, Maker, Making, May, Onlooker, OnProgress, everything
from handlers.jobs.outcome import JobOutcome, StepOutcome, failure_of
from handlers.jobs.plan import plan_of
from handlers.jobs.together import together
from handlers.jobs.worker_leases import Confirmed, certainly
from handlers.plan import Plan, Step
from handlers.store.base import Job, Part, PartState, Store
from providers.attempts import Attempt, Outcome
from providers.base import Cancelled
from providers.codes import known_code
from providers.deadlines import Now, Sleep, utc_now
from providers.errors import LikenessError
from providers.journal import Record, Stage
from providers.submission import Routes

OnPlan = Callable[[Plan], None]

CANCEL_ASKED = "cancel_asked"
"""The code of a part that was running when it was cancelled: it may be charged."""
CANCEL_SECONDS = 8.0
"""How long a provider may take to answer a cancel."""


def _paid(step: Step, attempt: int, record: Record | None) -> bool:
    """For a job resumed by hand: what was paid for and the steps that follow it, but no new first request."""
    return (bool(step.awaited) and attempt == 0) or (record is not None and record.stage is not Stage.REFUSED)


class Executor:
    """Makes jobs. Pictures are saved under `output_dir`, a folder per job.

    `checks` and `makers`: those that plans name. `durations`: where it is noted how long requests took.
    """

    def __init__(
        self,
        *,
        store: Store,
        router: Routes,
        output_dir: Path,
        sleep: Sleep = asyncio.sleep,
        clock: Now = utc_now,
        confirmed: Confirmed = certainly,
        checks: Mapping[str, Check] | None = None,
        makers: Mapping[str, Maker] | None = None,
        durations: Durations | None = None,
    ) -> None:
        self._durations = durations or Durations()
        self._store = store
        self._router = router
        self._output = output_dir
        self._sleep = sleep
        self._clock = clock
        self._confirmed = confirmed
        self._checks = checks or {}
        self._makers = makers or {}

    def folder(self, job_id: str) -> Path:
        """Where the pictures of a job are saved."""
        return self._output / job_id

    async def make(
        self,
        job: Job,
        on_progress: OnProgress | None = None,
        *,
        only_paid: bool = False,
        on_plan: OnPlan | None = None,
        onlooker: Onlooker | None = None,
        now: Now | None = None,
        fresh: bool = False,
    ) -> JobOutcome:
        """Everything a job asks for. `only_paid`: finish what was paid for, but post no first request. `now`: compared
        with the deadline, instead of the clock. `fresh`: nothing of it was begun before. `onlooker`: None where nobody
        would see an unfinished picture.

        Raises nothing of the error tree: what went wrong is in the steps.
        """
        may = _paid if only_paid else everything
        return await self._make(job, on_progress, may, on_plan, now, onlooker=onlooker, fresh=fresh)

    async def stop(self, job: Job) -> JobOutcome:
        """After the person's cancel: tell every provider that has a request of this job, and keep what is already
        made."""
        parts = await self._store.parts(job.id)
        outcomes = dict(zip((p.key for p in parts), await together([self._stop_part(p) for p in parts]), strict=True))

        def made(_step: Step, _attempt: int, record: Record | None) -> bool:
            if record is None:
                return False
            return record.stage is Stage.MADE or outcomes.get(record.key) is Cancelled.TOO_LATE

        kept = await self._make(await self._fresh(job), None, made)
        steps = tuple(replace(step, fault=None, wakes_after=None) for step in kept.steps)
        free = {part.key for part in parts if part.charge is not None and not part.charge.money}
        maybe = any(
            outcome in (Cancelled.ASKED, Cancelled.UNSUPPORTED) for key, outcome in outcomes.items() if key not in free
        )
        return JobOutcome(steps=steps, cancelled=True, maybe_charged=maybe)

    async def _fresh(self, job: Job) -> Job:
        return await self._store.job(job.id) or job

    async def _stop_part(self, part: Part) -> Cancelled | None:
        """What cancelling one part achieved; None if there was nothing to cancel. The same when asked again."""
        if part.state in (PartState.SUBMITTING, PartState.UNCERTAIN) or part.error_code == CANCEL_ASKED:
            return Cancelled.ASKED
        if part.state is not PartState.ACCEPTED or part.submission is None:
            return None
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                outcome = await self._router.provider(part.provider).cancel(part.submission)
        except (LikenessError, TimeoutError):
            outcome = Cancelled.ASKED
        if outcome is not Cancelled.TOO_LATE:
            code = "cancelled" if outcome is Cancelled.NOT_STARTED else CANCEL_ASKED
            ended = Attempt(provider=part.provider, outcome=Outcome.FAILED, code=known_code(code))
            tried = (*part.tried, ended)
            await self._store.end_part(part.key, PartState.FAILED, error_code=code, tried=tried)
        return outcome

    async def _make(
        self,
        job: Job,
        on_progress: OnProgress | None,
        may: May,
        on_plan: OnPlan | None = None,
        now: Now | None = None,
        *,
        onlooker: Onlooker | None = None,
        fresh: bool = False,
    ) -> JobOutcome:
        try:
            plan = await self._plan(job)
        except LikenessError as error:
            fault = failure_of(error)
            return JobOutcome(steps=tuple(StepOutcome(wanted=shot.count, fault=fault) for shot in job.order.shots))
        if on_plan is not None:
            on_plan(plan)
        making = Making(
            job=job,
            plan=plan,
            journal=StoreJournal(self._store, job.id, self._confirmed, fresh=fresh),
            router=self._router,
            into=self.folder(job.id),
            sleep=self._sleep,
            clock=now or self._clock,
            on_progress=on_progress,
            onlooker=onlooker,
            may=may,
            checks=self._checks,
            makers=self._makers,
            durations=self._durations if fresh else None,
        )
        return await making.all()

    async def _plan(self, job: Job) -> Plan:
        """The job's steps; committed before its first request."""
        if job.plan is not None:
            return job.plan
        plan = self.planned(job)
        await self._store.update_job(job.id, plan=plan)
        return plan

    def planned(self, job: Job) -> Plan:
        """The steps of a job that has none yet. Raises AskPerson if no provider can do it."""
        return plan_of(job.order, self._router, job_id=job.id, sizes=job.pieces)
