"""Worker leases: which processes do jobs, which of them can still be trusted, and which are dead.

Every worker holds a lock that the system drops when its process dies (`flock` on a file for SQLite, an advisory lock of
a connection for PostgreSQL) and renews a row in the engine's database every `HEARTBEAT` seconds:

    lock held, row renewed      alive
    lock free                   dead (PostgreSQL: only after `SILENCE` seconds, since a cut connection drops it too)
    lock held, row not renewed  frozen; dead after `FROZEN` seconds

Declaring a worker dead replaces its token in one conditional write, so that it cannot renew any more. A worker may act
on the world outside only while `fresh()`: for `TRUST` seconds after a renewal was begun, which is less than any of the
above. So what thaws after it was declared dead does nothing that its successor has accounted for otherwise.

Every method but `fresh` blocks briefly: call it on a thread, always the same one.
"""

import fcntl
import hashlib
import json
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

HEARTBEAT = 0.4
TRUST = 1.2
SILENCE = 1.6
FROZEN = 10.0
RESTART_GRACE = 8.0
"""Seconds after a start of the PostgreSQL server during which nobody is declared dead for having lost the
connection."""

META = sa.MetaData()
LEASES = sa.Table(
    "worker_leases",
    META,
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("renewed", sa.Float, nullable=False),
    sa.Column("abilities", sa.Text, nullable=False),
)
"""`renewed`: seconds on the clock of `Keeper.now`; 0 if the worker has stopped or was declared dead."""

Clock = Callable[[], float]
Confirmed = Callable[[], Awaitable[None]]
"""Returns once this process may certainly act for a job at this moment (`Engine.confirmed`)."""


async def certainly() -> None:
    """`Confirmed` for a process that has no lease to lose."""


def since_boot() -> float:
    """A clock that also counts while a process is frozen; the same for all processes of this machine."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class LeaseLost(Exception):
    """Another process declared this worker dead and takes over its jobs."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker as the others see it. `abilities`: what it published at its start."""

    name: str
    abilities: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Row:
    worker: str
    token: str
    renewed: float
    abilities: dict[str, Any]


class Keeper(Protocol):
    """Where rows and locks are: the two databases differ in the clock and the lock."""

    def connect(self) -> sa.Connection:
        """A connection in autocommit; the same one until it breaks."""

    def now(self) -> float:
        """Now, on the clock that all workers share."""

    def lock(self, worker: str) -> None:
        """Hold the worker's lock for as long as this process (or its connection) lives; harmless if held already.

        Raises OSError or SQLAlchemyError if it cannot be had at this moment.
        """

    def dead(self, row: _Row) -> bool: ...

    def forget(self, worker: str) -> None:
        """Remove what marks the worker's lock, if there is anything."""

    def drop(self) -> None:
        """Drop the connection: it broke, or is no longer needed."""


class _OnSqlite:
    """Processes of one machine: the lock is a file's, so if it is free its owner is certainly dead."""

    def __init__(self, url: str, folder: Path, clock: Clock) -> None:
        self._engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        sa.event.listen(self._engine, "connect", _unsynced)
        self._folder = folder
        self._connection: sa.Connection | None = None
        self._files: dict[str, int] = {}
        self.now = clock

    def connect(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _file(self, worker: str) -> Path:
        return self._folder / f"{worker}.lock"

    def lock(self, worker: str) -> None:
        if worker not in self._files:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(self._file(worker), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._files[worker] = file

    def dead(self, row: _Row) -> bool:
        return not row.renewed or self.now() - row.renewed > FROZEN or self._is_free(row.worker)

    def _is_free(self, worker: str) -> bool:
        try:
            file = os.open(self._file(worker), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(file)
        return True

    def forget(self, worker: str) -> None:
        if (file := self._files.pop(worker, None)) is not None:
            os.close(file)
        self._file(worker).unlink(missing_ok=True)

    def drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _OnPostgres:
    """All processes on one database. `url` must reach the server itself, not a pooling proxy: the lock belongs to a
    session."""

    _SPACE = 740_512_001

    def __init__(self, url: str, grace: float) -> None:
        self._grace = grace
        # So that a vanished server or network is noticed within seconds, on both sides.
        keepalive = {"keepalives_idle": 3, "keepalives_interval": 1, "keepalives_count": 3, "tcp_user_timeout": 4000}
        self._engine = sa.create_engine(
            sa.make_url(url).set(drivername="postgresql+psycopg"),
            poolclass=sa.NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": 3, "application_name": "likeness lease", **keepalive},
        )
        self._connection: sa.Connection | None = None
        self._locked: set[str] = set()

    def connect(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            for name, value in (("idle", "5"), ("interval", "2"), ("count", "3")):
                setting = {"name": f"tcp_keepalives_{name}", "value": value}
                self._connection.execute(sa.text("SELECT set_config(:name, :value, false)"), setting)
        return self._connection

    def _ask(self, question: str, worker: str) -> bool:
        number = int.from_bytes(hashlib.sha256(worker.encode()).digest()[:4], signed=True)
        return bool(self.connect().execute(sa.text(question), {"space": self._SPACE, "number": number}).scalar_one())

    def now(self) -> float:
        return float(self.connect().execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def lock(self, worker: str) -> None:
        if worker in self._locked:
            return
        if not self._ask("SELECT pg_try_advisory_lock(:space, :number)", worker):
            raise BlockingIOError("being checked by another process at this moment")
        self._locked.add(worker)

    def dead(self, row: _Row) -> bool:
        if not row.renewed:
            return True
        quiet = self.now() - row.renewed
        if quiet <= SILENCE:
            return False
        return quiet > FROZEN + self._restarting() or (quiet > self._restarting() and self._is_free(row.worker))

    def _restarting(self) -> float:
        """A restart of the server cut everybody's connection at once: the remaining seconds of grace."""
        up = sa.text("SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())")
        return self._grace if float(self.connect().execute(up).scalar_one()) < self._grace else 0.0

    def _is_free(self, worker: str) -> bool:
        free = self._ask("SELECT pg_try_advisory_lock(:space, :number)", worker)
        if free:
            self._ask("SELECT pg_advisory_unlock(:space, :number)", worker)
        return free

    def forget(self, worker: str) -> None:
        if worker in self._locked:
            self._locked.discard(worker)
            self._ask("SELECT pg_advisory_unlock(:space, :number)", worker)

    def drop(self) -> None:
        self._locked.clear()
        if self._connection is not None:
            with suppress(sa.exc.SQLAlchemyError):
                self._connection.close()
            self._connection = None


def keeper(url: str, folder: Path, clock: Clock = since_boot, *, restart_grace: float = RESTART_GRACE) -> Keeper:
    """`folder` and `clock`: where the locks of an SQLite installation are, and the clock of its machine."""
    return _OnSqlite(url, folder, clock) if url.startswith("sqlite") else _OnPostgres(url, restart_grace)


class WorkerLease:
    """The lease of this process, and its view of the others'. `clock` is this process's own, for `fresh`."""

    def __init__(self, keeper: Keeper, *, clock: Clock = since_boot) -> None:
        self._keeper = keeper
        self._clock = clock
        self._token = ""
        self._trusted_until = 0.0
        self.name = ""

    def prepare(self) -> None:
        """Create the table."""
        try:
            META.create_all(self._keeper.connect())
        except sa.exc.DBAPIError:  # another process is at it in this moment; a database that is away raises again
            META.create_all(self._keeper.connect())

    def take(self, abilities: dict[str, Any]) -> str:
        """Become a worker under a name never used before."""
        connection = self._keeper.connect()
        self.name, self._token = f"w{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
        self._keeper.lock(self.name)
        begun = self._clock()
        row = {"worker": self.name, "token": self._token, "abilities": json.dumps(abilities, sort_keys=True)}
        connection.execute(LEASES.insert().values(renewed=self._keeper.now(), **row))
        self._trusted_until = begun + TRUST
        return self.name

    def fresh(self) -> bool:
        """Whether nobody can have declared this worker dead by now."""
        return self._clock() < self._trusted_until

    def renew(self) -> None:
        """Raises LeaseLost; OSError or SQLAlchemyError where the database is away (then try again)."""
        begun = self._clock()
        own = (LEASES.c.worker == self.name) & (LEASES.c.token == self._token)
        self._keeper.lock(self.name)
        renewed = LEASES.update().where(own).values(renewed=self._keeper.now())
        if self._keeper.connect().execute(renewed).rowcount != 1:
            self._trusted_until = 0.0
            raise LeaseLost(self.name)
        self._trusted_until = begun + TRUST

    def broke(self) -> None:
        """After an error of the database: the next call reconnects."""
        self._keeper.drop()

    def _rows(self) -> list[_Row]:
        rows = self._keeper.connect().execute(sa.select(LEASES).order_by(LEASES.c.worker))
        return [
            _Row(worker=r.worker, token=r.token, renewed=r.renewed, abilities=json.loads(r.abilities)) for r in rows
        ]

    def alive(self) -> tuple[Worker, ...]:
        """Every worker that is not dead, including this one."""
        return tuple(
            Worker(name=row.worker, abilities=row.abilities)
            for row in self._rows()
            if row.worker == self.name or not self._keeper.dead(row)
        )

    def dead(self) -> tuple[str, ...]:
        """The workers that are dead, and from now on cannot act any more. Their jobs may be taken over."""
        return tuple(row.worker for row in self._rows() if row.worker != self.name and self._is_fenced(row))

    def _is_fenced(self, row: _Row) -> bool:
        if not row.renewed:
            return True
        if not self._keeper.dead(row):
            return False
        seen = (LEASES.c.worker == row.worker) & (LEASES.c.token == row.token) & (LEASES.c.renewed == row.renewed)
        fence = LEASES.update().where(seen).values(token=uuid.uuid4().hex, renewed=0.0)
        return self._keeper.connect().execute(fence).rowcount == 1

    def announce_dead(self, workers: set[str]) -> None:
        """Names under which jobs run although no lease is known: from now on everybody treats them as dead."""
        known = {row.worker for row in self._rows()}
        for name in workers - known:
            row = LEASES.insert().values(worker=name, token=uuid.uuid4().hex, renewed=0.0, abilities="{}")
            with suppress(sa.exc.IntegrityError):  # another process has just done it
                self._keeper.connect().execute(row)

    def bury(self, worker: str) -> None:
        """No job of a dead worker is left."""
        gone = (LEASES.c.worker == worker) & (LEASES.c.renewed == 0.0)
        if self._keeper.connect().execute(LEASES.delete().where(gone)).rowcount == 1:
            self._keeper.forget(worker)

    def release(self) -> None:
        """Stop being a worker: what is left of its jobs may be taken over at once."""
        self._trusted_until = 0.0
        if not self.name:
            return
        own = (LEASES.c.worker == self.name) & (LEASES.c.token == self._token)
        try:
            self._keeper.connect().execute(LEASES.update().where(own).values(renewed=0.0))
            self._keeper.forget(self.name)
        except (OSError, sa.exc.SQLAlchemyError):
            pass  # the database is away: the lock goes with this process
        self.name = ""

    def close(self) -> None:
        self.release()
        self._keeper.drop()


def _unsynced(connection: Any, _record: object) -> None:
    """If a power failure loses a lease, its process is dead by then, too."""
    for pragma in ("busy_timeout = 5000", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
