"""The durable engine under the jobs: dbos, set up so that nothing is lost and nothing is done twice.

What is set against its defaults, and why:

* one constant application version: a hash of the source would strand running jobs at every release;
* an executor id of our own, a slot (`worker_leases.py`): dbos takes up only its own executor's jobs, so every worker
  looks for slots whose process is dead and takes up their jobs too;
* JSON in its tables, not pickle; 16 threads, not one a job; SQLite with a write-ahead log, which is not synced at every
  commit: all that is lost with the last rows is which runs began and ended, and that is found again from our own rows;
* no steps: what is not to be repeated has a row of ours before and after it (`execution.py`, `delivery.py`), and
  a run begun again from the start finds those; recording the same a second time cost as much as all our rows together;
* a job begins in the process it came to, at once; the queue is for jobs beyond `concurrency`, of processes that do no
  jobs, and of dead workers;
* its log lines go through ours, without tracebacks: those may hold anything.

One engine a process: dbos is a singleton.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, SetWorkflowID, WorkflowStatusString
from dbos._serialization import Serializer

from handlers.jobs.worker_leases import FileSlots, PostgresSlots, Slots
from handlers.store.sql.engine import write_ahead_log

log = logging.getLogger(__name__)

APPLICATION = "likeness"
VERSION = "1"
"""Changed only when running workflows could not go on in new code; the old ones are drained first."""
QUEUE = "jobs"
WORKFLOW = "job"
POLL_SECONDS = 0.25
RESCUE_SECONDS = 1.5
"""How often dead workers are looked for."""
STOP_SECONDS = 7.0
"""What running workflows may take to let go, out of the ten seconds that stopping may take."""
RECOVERIES = 50
"""Starts after which a workflow that never ends is given up by dbos; the sweep then tells the person."""

Follow = Callable[[str, int], Awaitable[None]]


class JsonSerializer(Serializer):
    """JSON for inputs, results and errors. An error is kept by its class's name alone."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            data = {"__error__": type(data).__name__}
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        data = json.loads(serialized_data)
        if isinstance(data, dict) and data.keys() == {"__error__"}:
            return RuntimeError(data["__error__"])
        return data

    def name(self) -> str:
        return "json"


_EXPECTED = ("Asyncio task cancelled", "Workflow already exists in queue")
"""What dbos warns of and is meant: letting go of a job at a stop, and a job set going twice, once through the queue."""


class _QuietRecords(logging.Filter):
    """No tracebacks, no exceptions' texts, and nothing that was meant."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            record.exc_info = None
            record.exc_text = None
        return not str(record.msg).startswith(_EXPECTED)


@dataclass
class _Here:
    """The engine of this process, for the workflow function, which dbos finds by its name."""

    engine: "Engine | None" = None


_HERE = _Here()


@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=RECOVERIES)
async def _job(job_id: str, run: int) -> None:
    engine = _HERE.engine
    if engine is None:
        raise asyncio.CancelledError  # between a stop and the end of dbos's threads: left for the next start
    await engine.run(job_id, run)


@dataclass(kw_only=True)
class Engine:
    """`follow(job_id, run)` does a job; begun again from the start after a crash, it goes on where it was.

    `worker` False: jobs are put on the queue for other processes, none is run here.
    `on_lost` is called when another process may have taken up our jobs: this one must end.
    """

    data_dir: Path
    follow: Follow
    on_lost: Callable[[], None]
    database_url: str | None = None
    worker: bool = True
    concurrency: int = 256
    slot: str | None = None
    _slots: Slots = field(init=False)
    _slot_thread: ThreadPoolExecutor = field(init=False)
    _client: DBOSClient | None = field(default=None, init=False)
    _rescuing: "asyncio.Task[None] | None" = field(default=None, init=False)
    _running: "set[asyncio.Task[Any]]" = field(default_factory=set, init=False)
    _stopping: bool = field(default=False, init=False)
    _room: asyncio.Semaphore = field(init=False)
    _database: sa.Engine | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Of dbos's tables: our PostgreSQL database, or an SQLite file beside ours (each file has one writer)."""
        if self.database_url and not self.database_url.startswith("sqlite"):
            return self.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        return f"sqlite:///{(self.data_dir / 'workflows.sqlite').absolute()}"

    @property
    def _on_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    # --- start and stop

    async def start(self) -> None:
        """Raises SlotTaken where the wanted slot is another live process's."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        _tame_log()
        self._slot_thread = ThreadPoolExecutor(1, thread_name_prefix="slot")
        self._slots = FileSlots(self.data_dir) if self._on_sqlite else PostgresSlots(self.url)
        await self._on_slot_thread(self._prepare)
        if not self.worker:
            self._client = await self._on_slot_thread(self._new_client)
            return
        slot = await self._on_slot_thread(lambda: self._slots.take(self.slot))
        self._stopping = False
        self._room = asyncio.Semaphore(self.concurrency)
        _HERE.engine = self
        DBOS(config=self._config(slot))
        # On the serving loop's own thread, so that workflows run on that loop; it takes some 50 ms.
        DBOS.launch()
        _tame_log()
        self._rescuing = asyncio.create_task(self._rescue_for_ever(slot), name="rescue of dead workers' jobs")
        log.info("worker started: slot=%s concurrency=%d", slot, self.concurrency)

    def _prepare(self) -> None:
        """Tables and queue, before the launch: a queue registered after it is found only a second later."""
        if self._on_sqlite:
            _write_ahead(self.data_dir / "workflows.sqlite")
        DBOS.migrate(self.url)
        client = self._new_client()
        try:
            client.register_queue(
                QUEUE,
                worker_concurrency=self.concurrency,
                polling_interval_sec=POLL_SECONDS,
                on_conflict="always_update" if self.worker else "never_update",
            )
        finally:
            client.destroy()

    def _config(self, slot: str) -> DBOSConfig:
        self._database = _sqlite(self.url) if self._on_sqlite else None
        own: DBOSConfig = {"system_database_engine": self._database} if self._database else {}
        return {
            **own,
            "name": APPLICATION,
            "system_database_url": self.url,
            "sys_db_pool_size": 4 if self._on_sqlite else 10,
            "max_executor_threads": 16,
            "application_version": VERSION,
            "executor_id": slot,
            "serializer": JsonSerializer(),
            "log_level": "WARNING",
            # Nothing here waits for notifications; a stop waits for one round of asking for them.
            "notification_listener_polling_interval_sec": 0.4,
        }

    def _new_client(self) -> DBOSClient:
        return DBOSClient(system_database_url=self.url, serializer=JsonSerializer(), application_name=APPLICATION)

    async def stop(self) -> None:
        """Let go of running jobs, which go on at the next start, and end dbos's threads."""
        self._stopping = True
        if self._client is not None:
            await self._on_slot_thread(self._client.destroy)
            self._client = None
        if self._rescuing is not None:
            self._rescuing.cancel()
            await asyncio.gather(self._rescuing, return_exceptions=True)
            self._rescuing = None
        if _HERE.engine is self:
            await self._let_go()
            # Not on this thread: dbos waits for threads that wait for this loop.
            await self._on_slot_thread(DBOS.destroy)
            await self._let_go()
            _HERE.engine = None
            if self._database is not None:
                self._database.dispose()
            # dbos had put its own, now closed, in place: what stops after us may still need one.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="default"))
        await self._on_slot_thread(self._slots.close)
        self._slot_thread.shutdown()

    async def _let_go(self) -> None:
        for task in self._running:
            task.cancel()
        if self._running:
            _, slow = await asyncio.wait(set(self._running), timeout=STOP_SECONDS)
            for task in slow:
                task.cancel()

    def _on_slot_thread(self, work: Callable[[], Any]) -> "asyncio.Future[Any]":
        return asyncio.get_running_loop().run_in_executor(self._slot_thread, work)

    # --- jobs

    async def run(self, job_id: str, run: int) -> None:
        """The body of the workflow."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._running.add(task)
        try:
            if self._stopping:
                raise asyncio.CancelledError
            async with self._room:
                await self.follow(job_id, run)
        finally:
            self._running.discard(task)

    async def enqueue(self, job_id: str, run: int) -> None:
        """Begin a run of a job, here or, where that is not to be, wherever there is room. The same twice is one."""
        workflow_id = workflow_id_of(job_id, run)
        if self._client is not None:
            await self._client.enqueue_async(
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": QUEUE,
                    "workflow_id": workflow_id,
                    "app_version": VERSION,
                },
                job_id,
                run,
            )
            return
        with SetWorkflowID(workflow_id):
            if self._room.locked():
                await DBOS.enqueue_workflow_async(QUEUE, _job, job_id, run)
            else:
                await DBOS.start_workflow_async(_job, job_id, run)

    async def ended(self, workflow_ids: Iterable[str]) -> dict[str, bool]:
        """For each of these that dbos knows: whether it has ended, well or badly."""
        found: dict[str, bool] = {}
        wanted = list(workflow_ids)
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            statuses = await DBOS.list_workflows_async(workflow_ids=some, load_input=False, load_output=False)
            found |= {status.workflow_id: status.status not in _GOING for status in statuses}
        return found

    async def forget_ended(self, *, before: datetime) -> int:
        """Delete dbos's rows of runs that ended; returns how many."""
        gone = 0
        while True:
            old = await DBOS.list_workflows_async(
                status=sorted(_ENDED), end_time=before.isoformat(), limit=500, load_input=False, load_output=False
            )
            if not old:
                return gone
            await DBOS.delete_workflows_async([status.workflow_id for status in old])
            gone += len(old)

    # --- dead workers

    async def _rescue_for_ever(self, slot: str) -> None:
        while True:
            await asyncio.sleep(RESCUE_SECONDS)
            try:
                if not await self._on_slot_thread(self._slots.held):
                    log.critical("the worker slot was lost: slot=%s; this process must end", slot)
                    self.on_lost()
                    return
                rescued = await self._on_slot_thread(lambda: self._rescue(slot))
                if rescued:
                    log.warning("took up the jobs of dead workers: slots=%s", ",".join(rescued))
            except Exception as error:
                # The database is away for a moment: the next round tries again.
                log.warning("looking for dead workers failed: %s", type(error).__name__)

    def _rescue(self, slot: str) -> list[str]:
        """Put the jobs of dead workers back on the queue. Guarded by their executor id, so two rescuers cannot both."""
        others = [name for name in _pending_executors() if name != slot]
        return [name for name in others if self._slots.if_dead(name, partial(_recover, name))]


_GOING = {
    WorkflowStatusString.PENDING.value,
    WorkflowStatusString.ENQUEUED.value,
    WorkflowStatusString.DELAYED.value,
}
_ENDED = {status.value for status in WorkflowStatusString} - _GOING


def workflow_id_of(job_id: str, run: int) -> str:
    return job_id if run == 0 else f"{job_id}~{run}"


def _pending_executors() -> list[str]:
    # Private parts of dbos, which is pinned for this: it has no public way to ask whose jobs are pending.
    from dbos._dbos import _get_dbos_instance
    from dbos._schemas.system_database import SystemSchema

    statuses = SystemSchema.workflow_status
    query = sa.select(statuses.c.executor_id).where(statuses.c.status == WorkflowStatusString.PENDING.value).distinct()
    with _get_dbos_instance()._sys_db.engine.connect() as connection:
        return [name for name in connection.execute(query).scalars() if name]


def _recover(slot: str) -> bool:
    DBOS._recover_pending_workflows([slot])
    return True


def _write_ahead(file: Path) -> None:
    """The journal mode stays with the file."""
    connection = sqlite3.connect(file)
    try:
        write_ahead_log(connection)
    finally:
        connection.close()


def _sqlite(url: str) -> sa.Engine:
    """As dbos would make it, but synced to the disk only now and then (see above)."""
    engine = sa.create_engine(url, pool_size=4, max_overflow=0, poolclass=sa.QueuePool)

    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout = 30000", "foreign_keys = ON", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    sa.event.listen(engine, "connect", connected)
    return engine


def _tame_log() -> None:
    """dbos writes to a handler of its own; ours decides where and in which form."""
    logger = logging.getLogger("dbos")
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.WARNING)
    if not any(isinstance(f, _QuietRecords) for f in logger.filters):
        logger.addFilter(_QuietRecords())
