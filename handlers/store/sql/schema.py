"""The tables of `SqlStore`, how to connect to them, and how an older schema becomes this one.

JSON goes into text columns; times are UTC text of fixed width (`2026-01-31T09:05:00.000000+00:00`), so that they sort.
The schema is the same on SQLite and PostgreSQL.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

META = sa.MetaData()

VERSION = sa.Table("likeness_version", META, sa.Column("version", sa.Integer, primary_key=True))

TURNS = sa.Table(
    "turns",
    META,
    sa.Column("message_key", sa.Text, primary_key=True),
    sa.Column("chat_key", sa.Text, nullable=False, index=True),
    sa.Column("reply", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False, index=True),
)

TABLES = sa.Table(
    "tables",
    META,
    sa.Column("chat_key", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("updated", sa.Text, nullable=False, index=True),
)

JOBS = sa.Table(
    "jobs",
    META,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("chat_key", sa.Text, nullable=False),
    sa.Column("chat", sa.Text, nullable=False),
    sa.Column("order", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("ref", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("error_code", sa.Text),
    sa.Column("estimate_usd", sa.Float, nullable=False),
    sa.Column("cost", sa.Float),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("provider", sa.Text),
    sa.Column("finished", sa.Text),
    sa.Column("pictures", sa.Text, nullable=False),
    sa.Column("picture_count", sa.Integer, nullable=False),
    sa.Column("cancel_asked", sa.Boolean, nullable=False),
    sa.Column("pieces", sa.Text, nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("delivery", sa.Integer, nullable=False),
    sa.Column("by_hand", sa.Boolean, nullable=False),
    sa.Column("forgotten", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("jobs_of_chat", "chat_key", "created"),
    sa.Index("jobs_by_state", "state", "created"),
    sa.Index("jobs_finished", "finished"),
)

PARTS = sa.Table(
    "parts",
    META,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("job", sa.Text, nullable=False, index=True),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("submission", sa.Text),
    sa.Column("pictures", sa.Text, nullable=False),
    sa.Column("cost", sa.Float),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("error_code", sa.Text),
    sa.Column("updated", sa.Text, nullable=False),
)

DELIVERIES = sa.Table(
    "deliveries",
    META,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("job", sa.Text, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("refs", sa.Text, nullable=False),
)

SEQUENCES = sa.Table(
    "sequences",
    META,
    sa.Column("chat_key", sa.Text, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)
"""The last entry number of each conversation: counted under the row's lock, so numbers are seen in their order."""

ENTRIES = sa.Table(
    "entries",
    META,
    sa.Column("chat_key", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("from_person", sa.Boolean, nullable=False),
    sa.Column("at", sa.Text, nullable=False, index=True),
    sa.Column("outgoing", sa.Text, nullable=False),
    sa.UniqueConstraint("chat_key", "id", name="entries_once"),
)

INBOX = sa.Table(
    "inbox",
    META,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("done", sa.Boolean, nullable=False),
    sa.Column("at", sa.Text, nullable=False, index=True),
    sa.Column("owner", sa.Text, nullable=False, server_default=""),
    sa.Column("lease_until", sa.Text, nullable=False, server_default=""),
    sa.Column("claims", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("inbox_open", "channel", "done", "at"),
)

VALUES = sa.Table(
    "channel_values",
    META,
    sa.Column("space", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

Migration = Callable[[sa.Connection], None]


def _add_forgotten(connection: sa.Connection) -> None:
    connection.execute(sa.text("ALTER TABLE jobs ADD COLUMN forgotten BOOLEAN NOT NULL DEFAULT false"))


def _add_inbox_leases(connection: sa.Connection) -> None:
    for column in (
        "owner TEXT NOT NULL DEFAULT ''",
        "lease_until TEXT NOT NULL DEFAULT ''",
        "claims INTEGER NOT NULL DEFAULT 0",
        "failed BOOLEAN NOT NULL DEFAULT false",
    ):
        connection.execute(sa.text(f"ALTER TABLE inbox ADD COLUMN {column}"))


MIGRATIONS: tuple[Migration, ...] = (_add_forgotten, _add_inbox_leases)
"""`MIGRATIONS[n]` turns schema version n + 1 into n + 2. A new database is made at the newest version at once."""

# Two processes may start on one new PostgreSQL database together; this number is the lock they agree on.
_MIGRATION_LOCK = 7_405_120_001

_SQLITE_PATIENCE = 30
"""Seconds to wait for another process's lock."""


class SchemaTooNew(RuntimeError):
    """The database was written by a newer Likeness: refusing is the only way not to damage it."""


def migrate(connection: sa.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Bring the database to the newest version inside the caller's transaction; returns that version."""
    newest = len(migrations) + 1
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    if not sa.inspect(connection).has_table(VERSION.name):
        META.create_all(connection)
        connection.execute(VERSION.insert().values(version=newest))
        return newest
    found = int(connection.execute(sa.select(VERSION.c.version)).scalar_one())
    if found > newest:
        raise SchemaTooNew(f"the database has schema version {found}; this program knows up to {newest}")
    for step in migrations[found - 1 :]:
        step(connection)
    connection.execute(VERSION.update().values(version=newest))
    return newest


def sqlite_url(path: Path) -> str:
    """The database URL of an SQLite file."""
    return f"sqlite:///{path.absolute()}"


def make_engine(url: str, *, pool_size: int) -> sa.Engine:
    """An engine for `sqlite:///…` or `postgresql://…` (psycopg 3), set up so that a commit is on disk.

    A connection with the execution option `write` begins with the write lock (`BEGIN IMMEDIATE`): a transaction
    that reads first and writes later would otherwise fail at once when another process wrote in between.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(parsed, pool_size=pool_size, max_overflow=0, poolclass=sa.QueuePool)
        sa.event.listen(engine, "connect", _sqlite_connect)
        sa.event.listen(engine, "begin", _sqlite_begin)
        return engine
    return sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"), pool_size=pool_size, max_overflow=0, pool_pre_ping=True
    )


def _sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by `_sqlite_begin`, not by the driver
    connection.execute(f"PRAGMA busy_timeout = {1000 * _SQLITE_PATIENCE}")
    write_ahead_log(connection)
    # NORMAL may lose the last commits, a paid request's id among them, when power fails
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def write_ahead_log(connection: sqlite3.Connection) -> None:
    """Stays with the file. SQLite does not wait here by itself where several processes open a new file together."""
    for _ in range(_SQLITE_PATIENCE * 50):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(0.02)
    connection.execute("PRAGMA journal_mode = WAL")


def _sqlite_begin(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def to_text(moment: datetime) -> str:
    """A moment as sortable UTC text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def from_text(text: str) -> datetime:
    return datetime.fromisoformat(text)
