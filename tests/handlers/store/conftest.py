"""One PostgreSQL server for these tests, and a database on either engine by `url`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.store.sql.engine import sqlite_url
from tests.servers.postgres import new_database


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "likeness.sqlite")
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        yield url
