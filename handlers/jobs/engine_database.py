"""dbos's tables and its settings for them: JSON, few threads, and on SQLite a separate file beside ours."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, Serializer

from handlers.jobs.abilities import Abilities
from handlers.jobs.queues import Queue
from handlers.jobs.worker_leases import LEASES, WorkerLease, keeper
from handlers.store.sql.connections import USUAL, Connections
from handlers.store.sql.engine import make_private, write_ahead_log

APPLICATION = "likeness"


class JsonSerializer(Serializer):
    """JSON for inputs, results and errors. Of an error only its class name is kept."""

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


@dataclass(kw_only=True)
class EngineDatabase:
    """`url`: of our PostgreSQL database, or of an SQLite file beside ours (each file has one writer)."""

    url: str
    connections: Connections = field(default_factory=lambda: Connections.of(USUAL))
    _engines: list[sa.Engine] = field(default_factory=list, init=False)

    @classmethod
    def of(cls, data_dir: Path, database_url: str | None, most: int = USUAL) -> "EngineDatabase":
        """`most`: connections of the whole process."""
        if database_url and not database_url.startswith("sqlite"):
            url = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
            return cls(url=url, connections=Connections.of(most))
        return cls(url=f"sqlite:///{(data_dir / 'workflows.sqlite').absolute()}")

    @property
    def file(self) -> Path | None:
        return Path(self.url.removeprefix("sqlite:///")) if self.url.startswith("sqlite") else None

    def open(self, queues: Mapping[str, Queue], *, worker: bool) -> DBOSClient:
        """Tables, queues, and a client of them; blocks. `worker`: what this process says of the queues holds."""
        if self.file is not None:
            _write_ahead(self.file)
        DBOS.migrate(self.url)
        # Errors are ours to retry: a call that retries by itself, for minutes, could not be stopped.
        client = DBOSClient(
            system_database_url=self.url,
            serializer=JsonSerializer(),
            application_name=APPLICATION,
            retry_connection_errors=False,
            system_database_engine=self._engine(),
            system_database_pool_size=self.connections.client,
        )
        for name, queue in queues.items():
            rate = queue.per_second
            client.register_queue(
                name,
                worker_concurrency=queue.per_worker,
                global_concurrency=queue.everywhere,
                partition_concurrency=queue.per_chat,
                limiter={"limit": rate[0], "period": rate[1]} if rate else None,
                polling_interval_sec=queue.idle_poll,
                on_conflict="always_update" if worker else "never_update",
            )
        return client

    def config(self, executor: str, profile: str) -> DBOSConfig:
        return {
            "system_database_engine": self._engine(),
            "name": APPLICATION,
            "system_database_url": self.url,
            "sys_db_pool_size": self.connections.engine,
            "max_executor_threads": 16,
            "application_version": profile,
            "executor_id": executor,
            "serializer": JsonSerializer(),
            "log_level": "WARNING",
            # Nothing here waits for notifications; a stop waits for one polling round.
            "notification_listener_polling_interval_sec": 0.4,
        }

    def close(self) -> None:
        for engine in self._engines:
            engine.dispose()
        self._engines.clear()

    def _engine(self) -> sa.Engine | None:
        """On SQLite, an engine as dbos would make it, but synced to the disk only now and then (see `engine.py`)."""
        if self.file is None:
            return None
        engine = sa.create_engine(self.url, pool_size=4, max_overflow=0, poolclass=sa.QueuePool)
        sa.event.listen(engine, "connect", _connected)
        self._engines.append(engine)
        return engine


def workers_alive(data_dir: Path, database_url: str | None) -> tuple[Abilities, ...]:
    """What each living worker says it can do. Changes nothing; blocks. Raises what the database raises."""
    database = EngineDatabase.of(data_dir, database_url)
    if database.file is not None and not database.file.is_file():
        return ()
    keep = keeper(database.url, data_dir / "workers")
    try:
        if not sa.inspect(keep.connect()).has_table(LEASES.name):
            return ()
        return tuple(Abilities.of_json(worker.abilities) for worker in WorkerLease(keep).alive())
    finally:
        keep.drop()


def _connected(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in ("busy_timeout = 30000", "foreign_keys = ON", "synchronous = NORMAL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(file: Path) -> None:
    """The journal mode is stored in the file; SQLite gives the files beside it the same permissions."""
    make_private(file)
    connection = sqlite3.connect(file)
    try:
        write_ahead_log(connection)
    finally:
        connection.close()
