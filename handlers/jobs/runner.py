"""`JobRunner`: every job from the queue to its receipt, durably.

    committed by a turn ─▶ enqueue ─▶ make (paid requests, journalled) ─▶ deliver (write-ahead rows) ─▶ receipt, ended
                              ▲                                                   │
                              └── sweep: committed, but not on the queue          └── resume, resend: a run anew

A process that dies at any point is picked up where it was; nothing is posted or shown twice by the program. Whoever
takes a job up counts one run more, in one conditional write: what an older run still tries to save is refused.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from handlers.channel import Channel
from handlers.jobs.completion import Completion
from handlers.jobs.delivery import Courier, Sleep
from handlers.jobs.durations import Durations
from handlers.jobs.engine import OUTAGE_PAUSE, Engine
from handlers.jobs.execution import Executor
from handlers.jobs.files import JobFiles
from handlers.jobs.housekeeping import Housekeeping
from handlers.jobs.live_jobs import LiveJobs
from handlers.jobs.making import Check, Maker
from handlers.jobs.outage import ROOM_PAUSE, Room
from handlers.jobs.outcome import JobOutcome
from handlers.jobs.plan import first_candidate, seconds_of
from handlers.jobs.queues import lane_of, limits_of, placement, queue_of, service_queue_of
from handlers.jobs.reopening import NotResumable, Reopening
from handlers.jobs.statuses import Statuses
from handlers.jobs.sweep import Sweep
from handlers.jobs.trainings import TURN_PAUSE, Trainings
from handlers.jobs.visible_marks import VisibleMarks
from handlers.jobs.waiting_line import EVERY as LINE_SECONDS
from handlers.jobs.waiting_line import WaitingLine
from handlers.jobs.worker_leases import since_boot
from handlers.store.base import (
    ENDED,
    Job,
    RunSuperseded,
    Store,
)
from handlers.store.sql.connections import USUAL
from handlers.store.sql.store import utc_now
from handlers.words import Words, words
from providers.media.store import FolderStore
from providers.router import Router

log = logging.getLogger(__name__)

CANCEL_SECONDS = 0.5
"""Seconds between two looks in the store for cancellations made in another process."""
SWEEP_SECONDS = 20.0
HOUSEKEEPING_SECONDS = 6 * 3600.0
MOST_TAKEOVERS = 50
"""Workers a job may lose before it is given up: one that kills each of them must not go on for ever."""

DEADLINE_SECONDS = 900.0
HOURS_DEADLINE = timedelta(days=1)
"""For jobs with a step that is known to take hours (a training)."""


class JobRunner:
    """Start and stop it with the process's lifespan, from inside the serving loop.

    `channels`: where results go, by `Chat.channel`. `worker` False: jobs are only put on the queue.
    `deadline_seconds`: for the whole of a job once its turn has come, every attempt and every service together.
    `concurrency`: jobs of one service at once in this process; most of a job is waiting. `connections`: to PostgreSQL.
    `durations`: how long requests take, for what the conversation tells before a job begins.
    `on_lost`: called when this process must end, for it cannot be a worker any more (None: it is told to; see `lost`).
    """

    def __init__(
        self,
        *,
        store: Store,
        router: Router,
        channels: Mapping[str, Channel],
        data_dir: Path,
        output_dir: Path,
        database_url: str | None = None,
        worker: bool = True,
        concurrency: int = 320,
        connections: int = USUAL,
        retention_days: int = 30,
        deadline_seconds: float = DEADLINE_SECONDS,
        marks: VisibleMarks | None = None,
        free_retry: bool = False,
        words: Words = words,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = since_boot,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_lost: Callable[[], None] | None = None,
        outage_pause: float = OUTAGE_PAUSE,
        room_pause: float = ROOM_PAUSE,
        turn_pause: float = TURN_PAUSE,
        most_takeovers: int = MOST_TAKEOVERS,
        checks: Mapping[str, Check] | None = None,
        makers: Mapping[str, Maker] | None = None,
        durations: Durations | None = None,
    ) -> None:
        self._store = store
        self._durations = durations or Durations()
        self._router = router
        self._media = store.media or FolderStore(data=data_dir, pictures=output_dir)
        self._files = JobFiles(data_dir, output_dir, self._media)
        self._worker, self._words = worker, words
        self._clock = clock
        self._whole_time = timedelta(seconds=deadline_seconds)
        self._sleep = sleep
        self._most_takeovers = most_takeovers
        executor = Executor(
            store=store,
            router=router,
            output_dir=output_dir,
            sleep=sleep,
            clock=clock,
            confirmed=self._confirmed,
            checks=checks,
            makers=makers,
            durations=self._durations,
        )
        self._courier = Courier(store, sleep=sleep, confirmed=self._confirmed)
        trainings = Trainings(store=store, router=router, clock=clock)
        self._ending = Completion(
            trainings=trainings,
            store=store,
            channels=channels,
            courier=self._courier,
            words=words,
            clock=clock,
            files=self._files,
            marks=marks or VisibleMarks(policy="off"),
            free_retry=free_retry,
            router=router,
        )
        self._statuses = Statuses(
            store=store,
            channels=channels,
            courier=self._courier,
            words=words,
            producer=router.producer,
            clock=clock,
            sleep=sleep,
        )
        self._line = WaitingLine(
            store=store,
            channels=channels,
            courier=self._courier,
            words=words,
            clock=clock,
            router=router,
            expected=self._expected,
        )
        self._live = LiveJobs(
            store=store,
            executor=executor,
            statuses=self._statuses,
            trainings=trainings,
            ending=self._ending,
            channels=channels,
            expected=self._expected,
            deadline=self._deadline,
            turn_pause=turn_pause,
            clock=clock,
            steady=steady,
        )
        self.lost = False
        self._background: list[asyncio.Task[None]] = []
        limits = limits_of(router.providers)
        self._by_person = frozenset(queue_of(name) for name, each in limits.items() if each.by_person)
        self._engine = Engine(
            data_dir=data_dir,
            follow=self._follow,
            take_up=self.take_up,
            taken_over=self._live.correct_statuses,
            room=Room(self._say_no_room, pause=room_pause),
            on_lost=on_lost or self._end,
            channels=frozenset(channels),
            services=limits,
            database_url=database_url,
            worker=worker,
            concurrency=concurrency,
            connections=connections,
            outage_pause=outage_pause,
        )

        self._reopening = Reopening(store=store, enqueue=self._requeue, deadline=self._deadline)
        sweep = Sweep(
            store=store,
            router=router,
            engine=self._engine,
            statuses=self._statuses,
            trainings=trainings,
            reopening=self._reopening,
            enqueue=self.enqueue,
            take_up=self.take_up,
            give_up=self._ending.give_up,
            clock=clock,
        )
        self.sweep, self.collect_late = sweep.sweep, sweep.collect_late
        self.expire = Housekeeping(
            store=store,
            engine=self._engine,
            files=self._files,
            retention=timedelta(days=retention_days),
            clock=clock,
        ).expire

    # --- lifespan

    def _end(self) -> None:
        self.lost = True
        os.kill(os.getpid(), signal.SIGTERM)

    async def start(self) -> None:
        """Continue what was running when the last process ended. Raises what the database raises, or OSError."""
        self._engine.storage = await self._media.identity()
        await self._engine.start()
        if self._worker:
            self._background = [
                asyncio.create_task(self._every(SWEEP_SECONDS, self.sweep), name="sweep"),
                asyncio.create_task(self._every(LINE_SECONDS, self._line.tell, asyncio.sleep), name="waiting line"),
                asyncio.create_task(self._every(HOUSEKEEPING_SECONDS, self.expire), name="housekeeping"),
                asyncio.create_task(self._watch_cancellations(), name="cancellations"),
            ]

    async def stop(self) -> None:
        """Within ten seconds; what was running continues after the next start."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._background = []
        await self._engine.stop()

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]], sleep: Sleep | None = None) -> None:
        while True:
            try:
                await work()
            except Exception as error:
                log.error("%s failed and will be retried: %s", work.__name__, type(error).__name__)
            await (sleep or self._sleep)(seconds)

    def idle(self) -> bool:
        """Whether no job is being made or delivered in this process."""
        return not self._engine.busy

    def ready(self) -> bool:
        """Whether jobs can proceed: the database answers, and there is room for pictures."""
        return not self._engine.outage.now and not self._engine.room.missing

    # --- called by the conversation and the command line

    async def enqueue(self, job_id: str) -> None:
        """Start a committed job; idempotent."""
        found = await self._store.in_line(job_id)
        if found is not None and found[0].state not in ENDED:
            await self._put_on_queue(*found)

    async def _put_on_queue(self, job: Job, before: int, *, queue: str | None = None, delay: float = 0.0) -> None:
        """`queue`: where an earlier run of it was, which is kept: another process may not have the service at all."""
        if queue is None:
            first = first_candidate(job.order, self._router, job_id=job.id)
            queue = queue_of(lane_of(first.offer, first.name) if first else None)
        place = placement(job.order, job.chat, queue=service_queue_of(queue), before=before, people=self._by_person)
        await self._engine.enqueue(job.id, job.run, place, delay=delay)

    async def _requeue(self, job: Job, *, queue: str | None = None, delay: float = 0.0) -> None:
        found = await self._store.in_line(job.id)
        await self._put_on_queue(job, found[1] if found else 0, queue=queue, delay=delay)

    async def take_up(self, job_id: str, run: int, queue: str | None = None) -> None:
        """Begin a new run in place of one that was lost with its worker, unless another process has done so already."""
        job = await self._store.begin_run(job_id, after=run)
        if job is None:
            return
        if await self._engine.runs.times_taken_up(job.id) >= self._most_takeovers:
            log.error("a job lost too many workers and is given up: job=%s", job.id)
            await self._ending.give_up(job)
            return
        await self._requeue(job, queue=queue)

    async def _confirmed(self) -> None:
        await self._engine.confirmed()

    async def cancel(self, job_id: str) -> None:
        """Stop a job whose cancellation is committed, at once if it runs here or sleeps (elsewhere within a second)."""
        if self._live.stop(job_id):
            return
        job = await self._store.job(job_id)
        if job is not None and job.state not in ENDED:
            await self._engine.runs.wake(job.id, job.run)

    async def resume(self, job_id: str) -> Job:
        """Take up an ended job whose paid request is known, without posting it again. Raises NotResumable."""
        return await self._reopening.resume(job_id)

    async def fetch(self, job_id: str) -> None:
        """Try again to fetch what is made and paid for, on the person's request. Does nothing if there is nothing to
        fetch."""
        with suppress(NotResumable):
            await self._reopening.resume(job_id)

    async def resend(self, job_id: str) -> None:
        """Deliver the pictures of an ended job once more, on the person's request. Does nothing if there are none."""
        with suppress(NotResumable):
            await self._reopening.resend(job_id)

    # --- the workflow

    async def _follow(self, job_id: str, run: int) -> None:
        try:
            job = await self._due(job_id, run)
            if job is None:
                return
            made = await self._live.make(job)
            if made.wakes_after is not None:
                await self._sleep_on(job_id, run, made.wakes_after)
            else:
                await self._deliver(job_id, run, made)
        except RunSuperseded:
            log.warning("a run was overtaken by a newer one: job=%s run=%d", job_id, run)

    async def _sleep_on(self, job_id: str, run: int, seconds: float) -> None:
        """End this run; the next one looks again. Meanwhile the job holds nothing but its rows."""
        await self._engine.confirmed()
        job = await self._store.begin_run(job_id, after=run)
        if job is None:
            return
        await self._requeue(job, delay=seconds)
        await self._statuses.asleep(job, seconds, expected=self._expected(job))

    async def _say_no_room(self, job_id: str) -> None:
        if (job := await self._store.job(job_id)) is not None:
            await self._statuses.no_room(job)

    async def _due(self, job_id: str, run: int) -> Job | None:
        """The job, if this run of it is still to be done."""
        job = await self._store.job(job_id)
        return None if job is None or job.run != run or job.state in ENDED else job

    def _deadline(self, job: Job) -> datetime:
        """From now on, not from the order on: a job may wait long for its turn, or for this program."""
        takes_hours = job.trains or (job.plan is not None and job.plan.takes_hours)
        return self._clock() + (HOURS_DEADLINE if takes_hours else self._whole_time)

    def _expected(self, job: Job) -> float:
        return seconds_of(job, self._router, self._durations.expected)

    async def _deliver(self, job_id: str, run: int, made: JobOutcome) -> None:
        """Deliver the pictures, or say why there are none, and end the job."""
        await self._engine.confirmed()
        job, parts = await asyncio.gather(self._due(job_id, run), self._store.parts(job_id))
        if job is not None:
            await self._ending.end(job, made, parts)

    async def _watch_cancellations(self) -> None:
        while True:
            try:
                if self._live.going:
                    for job_id in await self._store.cancel_asked():
                        await self.cancel(job_id)
            except Exception as error:
                log.warning("checking for cancellations failed: %s", type(error).__name__)
            await self._sleep(CANCEL_SECONDS)
