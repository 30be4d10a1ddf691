"""The durable engine under the jobs: dbos, set up so that nothing is lost and nothing is done twice.

Only its public interface is used. Deviations from its defaults, and why:

* every job waits on one of dbos's queues (`queues.py`), so that its limits and priorities apply; the queues are polled
  quickly while there is something to do and slowly otherwise (a round costs some 1 ms of CPU);
* every start of a worker is an executor with a name of its own and a lease (`worker_leases.py`). dbos can take over a
  dead executor's workflows only by a private call (`_recover_pending_workflows`), because the public
  `resume_workflows` would also seize what another has taken over meanwhile. So a dead worker's job gets a new run, one
  conditional write in our own rows, and each run is a workflow of its own: the old one is cancelled, however late;
* one constant application version: a hash of the source would strand running jobs at every release;
* JSON in its tables, not pickle; 16 threads, not one per job; SQLite with a write-ahead log that is not synced at every
  commit: a power failure loses only which of the last runs began and ended, and our own rows tell that, too;
* no steps: what must not be repeated has a row of ours before and after it (`making.py`, `delivery.py`), and
  a run begun again from the start finds those; recording it a second time cost as much as all our rows together;
* its log lines go through ours (`engine_log.py`).

One engine per process: dbos is a singleton.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, EnqueueOptions, WorkflowStatus

from handlers.jobs.abilities import Abilities, storage_of, who_can
from handlers.jobs.engine_database import EngineDatabase
from handlers.jobs.engine_log import tame_log
from handlers.jobs.engine_runs import BROKEN, GOING, PENDING, EngineRuns, job_and_run, workflow_id_of
from handlers.jobs.outage import Outage, Room, is_full, is_outage
from handlers.jobs.polling import Polling
from handlers.jobs.queues import Limits, Placement, Queue, first_queue_of, queues
from handlers.jobs.worker_leases import HEARTBEAT, LeaseLost, WorkerLease, keeper
from handlers.store.sql.connections import USUAL
from providers.media.files import make_folder
from providers.tracing import about, span

log = logging.getLogger(__name__)

WORKFLOW = "job"
RESCUE_SECONDS = 0.8
"""Seconds between two looks for dead workers."""
STOP_SECONDS = 7.0
"""What running workflows may take to let go, out of the ten seconds that stopping may take."""
OUTAGE_PAUSE = 0.5
"""Seconds between attempts of a run while the database is away."""

Follow = Callable[[str, int], Awaitable[None]]
T = TypeVar("T")


class Standing(Enum):
    """The engine's view of a run."""

    GOING = "going"
    ENDED = "ended"
    BROKEN = "broken"
    """Ended with an error of ours."""
    STRANDED = "stranded"
    """No living worker would take it, but one could: it was queued for another version or profile."""
    UNSERVED = "unserved"
    """Waits for a service, a channel or folders that no living worker has."""


@dataclass
class _Here:
    """The engine of this process, for the workflow function, which dbos finds by its name."""

    engine: "Engine | None" = None


_HERE = _Here()


@DBOS.workflow(name=WORKFLOW)
async def _job(job_id: str, run: int) -> None:
    engine = _HERE.engine
    if engine is None:
        raise asyncio.CancelledError  # between a stop and the end of dbos's threads: left for the next start
    await engine.run(job_id, run)


@dataclass(kw_only=True)
class Engine:
    """`follow(job_id, run)` does a job; begun again from the start after a crash, it continues where it was.

    `take_up(job_id, run, queue)` is called for a run that was lost with its worker; several processes may call it for
    one run. `taken_over()` is called after this worker was declared dead (frozen for a while) and has let go of its
    jobs. `services`: those this process can ask, with their limits. `worker` False: jobs are queued for other
    processes, none runs here. `on_lost` is called when this process cannot continue and must end.
    """

    data_dir: Path
    follow: Follow
    take_up: Callable[[str, int, str | None], Awaitable[None]]
    taken_over: Callable[[], Awaitable[None]]
    on_lost: Callable[[], None]
    services: Mapping[str, Limits] = field(default_factory=dict)
    channels: frozenset[str] = frozenset()
    storage: str = ""
    database_url: str | None = None
    worker: bool = True
    concurrency: int = 320
    connections: int = USUAL
    room: Room
    outage_pause: float = OUTAGE_PAUSE
    outage: Outage = field(default_factory=Outage)
    runs: EngineRuns = field(init=False)
    _lease: WorkerLease = field(init=False)
    _lease_thread: ThreadPoolExecutor = field(init=False)
    _threads: ThreadPoolExecutor = field(init=False)
    _client: DBOSClient = field(init=False)
    _tasks: "list[asyncio.Task[None]]" = field(default_factory=list, init=False)
    _running: "set[asyncio.Task[Any]]" = field(default_factory=set, init=False)
    _started: bool = field(default=False, init=False)
    _stopping: bool = field(default=False, init=False)
    _database: EngineDatabase = field(init=False)
    _polling: Polling = field(init=False)

    @cached_property
    def _queues(self) -> dict[str, Queue]:
        return queues(self.services, concurrency=self.concurrency)

    # --- start and stop

    async def start(self) -> None:
        """Raises what the database raises if it is away."""
        make_folder(self.data_dir)
        tame_log()
        self._lease_thread = ThreadPoolExecutor(1, thread_name_prefix="lease")
        self._database = EngineDatabase.of(self.data_dir, self.database_url, self.connections)
        self._threads = ThreadPoolExecutor(self._database.connections.client, thread_name_prefix="engine")
        self._lease = WorkerLease(keeper(self._database.url, self.data_dir / "workers"))
        self._started = True
        self._stopping = False
        # Before the launch: a queue registered after it is found only a second later.
        self._client = await self._call(lambda: self._database.open(self._queues, worker=self.worker))
        self.runs = EngineRuns(client=self._client, call=self._call)
        self._polling = Polling(client=self._client, queues=self._queues)
        await self._on_lease(self._lease.prepare)
        if self.worker:
            await self._launch()
            self._tasks = [
                asyncio.create_task(self._keep_lease(), name="lease"),
                asyncio.create_task(self._rescue_for_ever(), name="rescue of dead workers' jobs"),
                asyncio.create_task(self._slow_down_for_ever(), name="polling"),
            ]

    async def _launch(self) -> None:
        """Become a worker, under a new name."""
        name = await self._on_lease(lambda: self._lease.take(self.abilities.as_json()))
        _HERE.engine = self
        DBOS(config=self._database.config(name, self.abilities.profile))
        DBOS.listen_queues(list(self._queues))
        # On the serving loop's own thread, so that workflows run on that loop; it takes some 50 ms.
        DBOS.launch()
        tame_log()
        can = (",".join(sorted(self.channels)), ",".join(sorted(self.services)))
        log.info("worker started: name=%s channels=%s services=%s at_once=%d", name, *can, self.concurrency)

    @property
    def abilities(self) -> Abilities:
        """Of this process if it is a worker; of one with its settings if it is none."""
        return Abilities(channels=self.channels, queues=frozenset(self._queues), storage=self.storage)

    async def workers(self) -> list[Abilities]:
        """What the living workers can do."""
        return [Abilities.of_json(worker.abilities) for worker in await self._on_lease(self._lease.alive)]

    async def stop(self) -> None:
        """Let go of running jobs, which continue at the next start, and end dbos's threads."""
        self._stopping = True
        if not self._started:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._leave()
        await self._on_lease(self._lease.close)
        if hasattr(self, "_client"):
            await self._call(self._client.destroy)
        self._database.close()
        self._lease_thread.shutdown()
        self._threads.shutdown()
        self._started = False

    async def _leave(self) -> None:
        """Stop being a worker."""
        if _HERE.engine is not self:
            return
        await self._let_go()
        # Not on this thread: dbos waits for threads that wait for this loop.
        await self._on_lease(DBOS.destroy)
        await self._let_go()
        await self._on_lease(self._lease.release)
        _HERE.engine = None
        # dbos had installed its own executor, now closed: what stops after us may still need one.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="default"))

    async def _let_go(self) -> None:
        for task in self._running:
            task.cancel()
        if self._running:
            _, slow = await asyncio.wait(set(self._running), timeout=STOP_SECONDS)
            for task in slow:
                task.cancel()

    def _on_lease(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._lease_thread, work)

    def _call(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._threads, work)

    # --- jobs

    @property
    def busy(self) -> bool:
        return bool(self._running)

    async def run(self, job_id: str, run: int) -> None:
        """The body of the workflow. While the database is away, a run waits and is begun again from its start."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._running.add(task)
        try:
            while True:
                if self._stopping:
                    raise asyncio.CancelledError
                await self.confirmed()
                try:
                    with about(job=job_id), span("job", job=job_id, run=run):
                        return await self.follow(job_id, run)
                except Exception as error:
                    if is_full(error):
                        await self.room.wait(job_id)
                        continue
                    if not is_outage(error):
                        raise
                    log.info("a run is waiting for the database: job=%s %s", job_id, type(error).__name__)
                await asyncio.sleep(self.outage_pause)
        finally:
            self._running.discard(task)

    async def confirmed(self) -> None:
        """Return once the lease is certainly this worker's at this moment; wait while in doubt.

        Call it before anything that cannot be taken back: a paid request, a delivery, a status. If the lease is lost,
        the run that waits here is cancelled.
        """
        while self.worker and not self._lease.fresh():  # noqa: ASYNC110  # a lease gets stale by time alone
            await asyncio.sleep(0.05)

    async def enqueue(self, job_id: str, run: int, place: Placement, *, delay: float = 0.0) -> None:
        """Put a run of a job on its queue, for whoever has room. Idempotent. `delay`: seconds from now.

        It goes to workers of this process's own profile if those can do it; otherwise to the first that can, or to one
        still to come: a picture that could not be delivered is not paid for.
        """
        can = self.abilities
        if not can.can(place.queue, place.channel, self.storage):
            needed = replace(can, channels=can.channels | {place.channel})
            can = who_can(await self.workers(), place.queue, place.channel, self.storage) or needed
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": place.queue,
            "workflow_id": workflow_id_of(job_id, run),
            "app_version": can.profile,
            "priority": place.priority,
        }
        first = first_queue_of(place.queue)
        # With room for only one job, the chats take turns.
        if place.first and self.concurrency > 1 and first in can.queues and not delay:
            options["queue_name"] = first
        else:
            options["queue_partition_key"] = place.partition
        if delay > 0:
            options["delay_seconds"] = delay
        await self._call(lambda: self._enqueue(options, job_id, run))

    def _enqueue(self, options: EnqueueOptions, job_id: str, run: int) -> None:
        self._client.enqueue(options, job_id, run)
        self._polling.came(options["queue_name"], in_progress=len(self._running))

    async def standings(self, channels: Mapping[str, str]) -> dict[str, tuple[Standing, str | None]]:
        """The states of those of these runs (ids, with the channel each is for) that the engine knows, and their
        queues."""
        wanted = list(channels)
        workers = await self.workers()
        found: dict[str, tuple[Standing, str | None]] = {}
        executors: set[str] = set()
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            for status in await self.runs.of(some):
                standing = self._standing(status, channels[status.workflow_id], workers)
                found[status.workflow_id] = standing, status.queue_name
                if status.status == PENDING and status.executor_id:
                    executors.add(status.executor_id)
        await self._on_lease(lambda: self._lease.announce_dead(executors))
        return found

    def _standing(self, status: WorkflowStatus, channel: str, workers: Sequence[Abilities]) -> Standing:
        if status.status not in GOING:
            return Standing.BROKEN if status.status == BROKEN else Standing.ENDED
        queue, profile = status.queue_name or "", status.app_version or ""
        if status.status == PENDING or any(w.profile == profile and queue in w.queues for w in workers):
            return Standing.GOING
        # A version that does not name folders was for this one's.
        could = who_can(workers, queue, channel, storage_of(profile) or self.storage)
        return Standing.STRANDED if could is not None else Standing.UNSERVED

    # --- the lease, and dead workers

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                await self._on_lease(self._lease.renew)
            except LeaseLost:
                log.critical("the lease was lost: another worker takes up the jobs of this one, which begins anew")
                await self._begin_anew()
            except (OSError, sa.exc.SQLAlchemyError) as error:
                self.outage.seen(error)
                await self._on_lease(self._lease.broke)
            else:
                self.outage.over()

    async def _begin_anew(self) -> None:
        try:
            await self._leave()
            await self._launch()
            await self.taken_over()
        except Exception as error:
            log.critical("this worker cannot begin anew: %s; the process must end", type(error).__name__)
            self.on_lost()
            await asyncio.Event().wait()

    async def _rescue_for_ever(self) -> None:
        while True:
            try:
                await self._rescue()
            except Exception as error:
                if not is_outage(error):
                    log.error("looking for dead workers failed: %s", type(error).__name__)
            await asyncio.sleep(RESCUE_SECONDS)

    async def _rescue(self) -> None:
        """Have the jobs of dead workers taken over. Any number of workers may do this at once."""
        for worker in await self._on_lease(self._lease.dead):
            lost = await self.runs.in_hand(worker)
            if not lost:
                await self._on_lease(lambda w=worker: self._lease.bury(w))  # type: ignore[misc]
                continue
            ids = [status.workflow_id for status in lost]
            await asyncio.gather(*(self.take_up(*job_and_run(s.workflow_id), s.queue_name) for s in lost))
            await self.runs.cancel_all(ids)
            log.warning("took over the jobs of a dead worker: name=%s jobs=%d", worker, len(ids))

    async def _slow_down_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._polling.idle_after / 4)
            try:
                if names := self._polling.stale():
                    await self._call(lambda names=names: self._polling.slow_down(names))  # type: ignore[misc]
            except Exception as error:
                log.info("setting the polling interval of queues failed: %s", type(error).__name__)
