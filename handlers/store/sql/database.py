"""The foundation of `SqlStore`: its threads, its transactions, and how database errors are reported.

Runs on threads of its own: dbos replaces the loop's default executor, and a paid request's id must not wait there
behind checkpoints. On SQLite one thread writes (the file has one write lock anyway) and others read.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from handlers.store.base import StoreCrowded, StoreRejected, StoreUnavailable
from handlers.store.sql.connections import is_crowded
from handlers.store.sql.group_commit import GroupCommit
from handlers.store.sql.prepared import change, one_row
from handlers.store.sql.types import PLACES_OF_DIALECT
from providers.media.store import MediaStore

T = TypeVar("T")
Clock = Callable[[], datetime]
Work = Callable[[sa.Connection], T]


_NOW = sa.select(sa.func.clock_timestamp())


def utc_now() -> datetime:
    return datetime.now(UTC)


class Database:
    """`clock` dates rows; `media` is where the files are that values name. Release with `aclose`.

    `writing`: the engine for transactions that write, if it is another. `database_time`: leases, which several machines
    compare, are counted by the server's clock (PostgreSQL; None: unless a test's clock is given), so that a machine
    whose clock is set takes nothing from those that work.
    """

    def __init__(
        self,
        engine: sa.Engine,
        writing: sa.Engine | None = None,
        *,
        clock: Clock = utc_now,
        threads: int = 4,
        media: MediaStore | None = None,
        database_time: bool | None = None,
    ) -> None:
        self._engine = engine
        # On PostgreSQL each statement sees what is committed anyhow: a transaction around a read adds two round trips.
        plain = engine.dialect.name != "sqlite"
        self._looking = engine.execution_options(isolation_level="AUTOCOMMIT") if plain else engine
        self._engines = (engine,) if writing is None else (engine, writing)
        self.media = media
        for each in self._engines:
            setattr(each.dialect, PLACES_OF_DIALECT, media)
        self._clock = clock
        by_machine = clock is utc_now if database_time is None else database_time
        self._database_time = by_machine and engine.dialect.name == "postgresql"
        self.insert: Any = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
        self._statements: dict[object, Any] = {}
        on_sqlite = engine.dialect.name == "sqlite"
        self._writing = GroupCommit(writing or engine, write=True) if on_sqlite else None
        self._reading = GroupCommit(engine, write=False) if on_sqlite else None
        self._writers = ThreadPoolExecutor(threads, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="store-read")

    async def _write(self, work: Work[T]) -> T:
        """Run `work` in a transaction of its own that has the write lock; on disk when this returns. It may run twice,
        after a rollback. Raises StoreError besides what `work` raises."""
        try:
            if self._writing is not None:
                return await self._writing.do(work)
            return await asyncio.get_running_loop().run_in_executor(self._writers, lambda: self._committed(work))
        except SQLAlchemyError as error:
            raise _told(error) from None

    async def _read(self, work: Work[T], *, many: bool = False) -> T:
        """Run `work` in a transaction that sees everything that was on disk when this was called. `many`: it takes
        long, so others do not wait for it. Raises StoreError."""
        try:
            if self._reading is not None and not many:
                return await self._reading.do(work)
            return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: self._looked(work))
        except SQLAlchemyError as error:
            raise _told(error) from None

    def _committed(self, work: Work[T]) -> T:
        with self._engine.connect() as connection, connection.begin():
            return work(connection)

    def _looked(self, work: Work[T]) -> T:
        with self._looking.connect() as connection, connection.begin():
            return work(connection)

    async def _apart(self, work: Callable[[], T]) -> T:
        """Run something that is no transaction on a thread of the store's. Raises StoreError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writers, work)
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise _told(error) from None

    def _moment(self, c: sa.Connection) -> datetime:
        """Now, by the clock of leases."""
        if not self._database_time:
            return self._clock()
        found: datetime = c.execute(_NOW).scalar_one()
        return found

    async def moment(self) -> datetime:
        return await self._read(self._moment) if self._database_time else self._clock()

    async def ping(self) -> None:
        await self._read(lambda c: c.execute(sa.select(1)).scalar_one())

    async def connections(self) -> tuple[int, int] | None:
        """Open connections of everybody, and the server's maximum; None on SQLite. Raises StoreError."""
        if self._engine.dialect.name == "sqlite":
            return None
        asked = sa.text(
            "SELECT count(*) FILTER (WHERE backend_type = 'client backend'), current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int FROM pg_stat_activity"
        )
        row = await self._read(lambda c: c.execute(asked).one())
        return int(row[0]), int(row[1])

    async def aclose(self) -> None:
        for group in (self._writing, self._reading):
            if group is not None:
                await group.aclose()

        def close() -> None:
            self._writers.shutdown()
            self._readers.shutdown()
            for engine in self._engines:
                engine.dispose()

        # A thread of its own, because the store's pools are what is being closed.
        with ThreadPoolExecutor(1) as closing:
            await asyncio.get_running_loop().run_in_executor(closing, close)

    # --- whole rows, in each dialect's own syntax

    def insert_new(self, connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> bool:
        """False, and nothing changed, if a row with this key exists."""
        statement = self.statement(
            ("new", table), lambda: self.insert(table).on_conflict_do_nothing().returning(*table.primary_key)
        )
        return one_row(connection, statement, row) is not None

    def put_row(self, connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> None:
        """Insert or replace; `row` has every column of the table."""
        change(connection, self.statement(("put", table), lambda: self._putting(table)), row)

    def _putting(self, table: sa.Table) -> Any:
        keys = [column.name for column in table.primary_key]
        statement = self.insert(table)
        others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
        return statement.on_conflict_do_update(index_elements=keys, set_=others)

    def statement(self, name: object, build: Callable[[], Any]) -> Any:
        """A statement in this dialect, built once: building costs more than executing."""
        if name not in self._statements:
            self._statements[name] = build()
        return self._statements[name]


def _told(error: SQLAlchemyError | sqlite3.Error) -> StoreUnavailable | StoreRejected:
    """Without the statement, the address or the cause: their text may hold people's words."""
    if is_crowded(error):
        return StoreCrowded(type(error).__name__)
    away = isinstance(error, sqlite3.OperationalError | OperationalError | InterfaceError | InternalError | PoolTimeout)
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return (StoreUnavailable if away or lost else StoreRejected)(type(error).__name__)
