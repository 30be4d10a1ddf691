"""Connecting to SQLite or PostgreSQL, so that committed data is on disk and deleted data is gone."""

import math
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.types.string import TextLoader
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from providers.media.files import PRIVATE_FILE, PRIVATE_FOLDER

SQLITE_PATIENCE = 30
"""Seconds to wait for another process's lock."""


def sqlite_url(path: Path) -> str:
    """The database URL of an SQLite file."""
    return f"sqlite:///{path.absolute()}"


def make_engine(url: str, *, pool_size: int, write: bool = False) -> sa.Engine:
    """An engine for `sqlite:///…` or `postgresql://…` (psycopg 3).

    `write`: on SQLite every transaction begins with the write lock (`BEGIN IMMEDIATE`): one that reads first and
    writes later would otherwise fail at once when another process wrote in between.
    Errors do not show a statement's parameters: they are people's words.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            make_private(Path(parsed.database))
        engine = sa.create_engine(
            parsed.set(drivername=f"sqlite+{_WRITING if write else _READING}"),
            pool_size=pool_size,
            max_overflow=0,
            poolclass=sa.QueuePool,
            hide_parameters=True,
        )
        sa.event.listen(engine, "connect", _sqlite_connect)
        return engine
    engine = sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
    )
    sa.event.listen(engine, "connect", _postgres_connect)
    sa.event.listen(engine, "checkin", _laid_by)
    sa.event.listen(engine, "checkout", _taken_up)
    return engine


def make_private(file: Path) -> None:
    """The file, made where it is missing, and what SQLite lays beside it are for this user alone; so is its folder
    where it is made here. (SQLite gives the log and the index the file's own mode.)"""
    file.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    # A file that is there is not opened: to close it again would let go of every lock that connections of this process
    # have on it (POSIX), and another process would take its log away under our hands.
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE))
    for name in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        if name.exists():
            name.chmod(PRIVATE_FILE)


def _postgres_connect(connection: Any, _record: object) -> None:
    connection.adapters.register_loader("json", TextLoader)  # see `handlers/store/sql/types.py`


_SINCE = "likeness_since"
IDLE_SECONDS = 1.0
"""An unused connection is asked whether it is still there; one that was used just now is not: that took as long as
most of what is asked of it."""


def _laid_by(_connection: Any, record: Any) -> None:
    record.info[_SINCE] = time.monotonic()


def _taken_up(connection: Any, record: Any, _proxy: object) -> None:
    """Raises DisconnectionError where the server has ended it meanwhile: the pool then opens another."""
    if time.monotonic() - record.info.get(_SINCE, math.inf) < IDLE_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error:
        raise sa.exc.DisconnectionError from None


def _sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by the dialect, not by the driver
    connection.execute(f"PRAGMA busy_timeout = {1000 * SQLITE_PATIENCE}")
    write_ahead_log(connection)
    # NORMAL may lose the last commits, a paid request's id among them, when power fails
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten: a person's words would otherwise stay in the file's free pages.
    connection.execute("PRAGMA secure_delete = ON")


def write_ahead_log(connection: sqlite3.Connection) -> None:
    """Stays with the file. SQLite does not wait here by itself where several processes open a new file together."""
    for _ in range(SQLITE_PATIENCE * 50):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(0.02)
    connection.execute("PRAGMA journal_mode = WAL")


class _Reading(SQLiteDialect_pysqlite):
    """Begins transactions itself. By an event it would cost more: an engine with one for its connections asks for
    listeners at every statement, several times."""

    supports_statement_cache = True
    begin_with = "BEGIN"

    def do_begin(self, dbapi_connection: sa.PoolProxiedConnection) -> None:
        dbapi_connection.cursor().execute(self.begin_with)


class _Writing(_Reading):
    supports_statement_cache = True
    begin_with = "BEGIN IMMEDIATE"


_READING, _WRITING = "likeness_reading", "likeness_writing"
sa.dialects.registry.register(f"sqlite.{_READING}", __name__, _Reading.__name__)
sa.dialects.registry.register(f"sqlite.{_WRITING}", __name__, _Writing.__name__)
