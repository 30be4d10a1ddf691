"""An SQLite file that somebody else holds, or that cannot be written: nothing is half done, and it goes on later."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from handlers.store.base import StoreUnavailable
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(sqlite_url(tmp_path / "store.sqlite"))
    await opened.set_value("space", "before", "there")
    yield opened
    await opened.aclose()


@contextmanager
def held(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another process in the middle of a long write."""
    with closing(sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def every_connection(store: SqlStore, statement: str) -> None:
    """From now on begins with this, as if the file were so."""
    for engine in store._engines:
        engine.dispose()
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute(statement))


async def test_a_write_waits_for_another_process_while_reading_goes_on(store: SqlStore, tmp_path: Path) -> None:
    with held(tmp_path) as other:
        writing = asyncio.create_task(store.set_value("space", "key", "waited"))
        for _ in range(3):
            assert await store.value("space", "before") == "there"
        assert not writing.done()
        other.execute("COMMIT")
        await writing
    assert await store.value("space", "key") == "waited"


@pytest.mark.parametrize("fault", ["locked for too long", "read-only"])
async def test_what_cannot_be_written_is_said_and_changes_nothing(store: SqlStore, tmp_path: Path, fault: str) -> None:
    async def refused(work: Any) -> None:
        with pytest.raises(StoreUnavailable) as raised:
            await work
        assert "SELECT" not in str(raised.value)
        assert str(tmp_path) not in str(raised.value)

    if fault == "read-only":
        every_connection(store, "PRAGMA query_only = ON")  # the very error of a file that cannot be written
        await refused(store.set_value("space", "before", "changed"))
    else:
        every_connection(store, "PRAGMA busy_timeout = 1")
        with held(tmp_path):
            await refused(store.set_value("space", "before", "changed"))
            await refused(store.add_value("space", "new", "x"))
    assert await store.value("space", "before") == "there"
    assert await store.value("space", "new") is None
    if fault != "read-only":
        await store.set_value("space", "before", "changed")
        assert await store.value("space", "before") == "changed"
