"""A store of each kind: in memory, on SQLite, on PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from handlers.store.base import Store
from handlers.store.memory import MemoryStore
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.schema import META
from handlers.store.sql.store import SqlStore
from tests.contract.stores import Clock
from tests.servers.postgres import new_database


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "state" / "likeness.db")
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture(scope="session")
def emptied_database(postgres: str) -> Iterator[str]:
    """One that `store` empties after each test: making one costs more than most of its tests."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore(clock=clock)
    elif request.param == "sqlite":
        sqlite = await SqlStore.open(sqlite_url(tmp_path / "likeness.db"), clock=clock)
        yield sqlite
        await sqlite.aclose()
    else:
        url = request.getfixturevalue("emptied_database")
        on_postgres = await SqlStore.open(url, clock=clock)
        yield on_postgres
        await on_postgres.aclose()
        with psycopg.connect(url) as connection:
            connection.execute(f"TRUNCATE {', '.join(META.tables)} RESTART IDENTITY CASCADE")
