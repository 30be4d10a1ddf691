"""A process keeps within its share of PostgreSQL's connections, and where none is left it says so in a sentence."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from bot.cli.doctor import database_finding
from bot.cli.faults import guarded
from handlers.store.base import JobState, StoreCrowded
from handlers.store.sql.connections import LEAST, Connections, is_crowded
from handlers.store.sql.store import SqlStore
from providers.media.store import FolderStore
from providers.sql.engine import IDLE_SECONDS, make_engine
from tests.servers.postgres import new_database
from tests.world import world

JOBS = 8


@pytest.fixture
def limited(postgres: str) -> Iterator[str]:
    """A database whose user the server grants `LEAST` connections and not one more."""
    with new_database(postgres) as url:
        name = f"limited_{sa.make_url(url).database}"
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT {LEAST}")
            connection.execute(f"ALTER DATABASE {sa.make_url(url).database} OWNER TO {name}")
        yield sa.make_url(url).set(username=name).render_as_string(hide_password=False)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP ROLE {name}")


@pytest.mark.parametrize("most", [LEAST, 9, 12, 24, 25, 60, 200])
def test_the_shares_are_what_the_process_may_have(most: int) -> None:
    shares = Connections.of(most)
    assert shares.most == most
    assert min(shares.store, shares.engine, shares.client) >= 2
    assert Connections.of(1).most == LEAST


async def test_a_worker_with_the_least_share_works_and_never_asks_for_more(
    tmp_path: Path, postgres: str, limited: str
) -> None:
    url = limited.replace("postgresql://", "postgresql+psycopg://", 1)
    media = FolderStore(data=tmp_path, pictures=tmp_path / "pictures")
    store = await SqlStore.open(url, threads=Connections.of(LEAST).store // 2, media=media)
    async with world(tmp_path, store=store, database_url=url, connections=LEAST) as run:
        names = [f"j{n}" for n in range(JOBS)]
        await asyncio.gather(*(run.place(name) for name in names))
        await asyncio.gather(*(run.runner.enqueue(name) for name in names))
        ended = [await run.ended(name) for name in names]
        assert {job.state for job in ended} == {JobState.DONE}
        # One more than all of them is refused: they were never more, and this is how it is said.
        held = [psycopg.connect(limited) for _ in range(LEAST - open_now(postgres, limited))]
        try:
            with pytest.raises(StoreCrowded):
                await SqlStore.open(url)
        finally:
            for connection in held:
                connection.close()
    await store.aclose()


def open_now(postgres: str, url: str) -> int:
    """Connections of this user."""
    with psycopg.connect(postgres) as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
        row = connection.execute(asked, (sa.make_url(url).username,)).fetchone()
    return row[0] if row else 0


async def test_the_doctor_counts_what_is_left(postgres: str) -> None:
    with new_database(postgres) as url:
        store = await SqlStore.open(url.replace("postgresql://", "postgresql+psycopg://", 1))
        try:
            connections = await store.connections()
        finally:
            await store.aclose()
    assert connections is not None
    used, most = connections
    assert 1 <= used <= most
    assert database_finding((most - 24, most), 24).verdict == "ok"
    tight = database_finding((most - 23, most), 24)
    assert (tight.verdict, "DATABASE_CONNECTIONS" in tight.message) == ("warning", True)
    assert database_finding(None, 24).message == "works"


@pytest.mark.parametrize(
    "words",
    [
        "connection failed: FATAL:  sorry, too many clients already",
        "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
        'FATAL:  too many connections for role "likeness"',
    ],
)
def test_no_connection_left_is_told_from_a_server_that_is_away(words: str) -> None:
    assert is_crowded(psycopg.OperationalError(words))
    assert not is_crowded(psycopg.OperationalError("connection refused"))


def test_the_65th_process_reads_a_sentence_and_no_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def cannot_begin() -> None:
        raise psycopg.OperationalError("FATAL:  sorry, too many clients already at postgresql://u:geheim@db")

    with pytest.raises(SystemExit) as end:
        guarded(cannot_begin, ["worker"])
    said = capsys.readouterr().err
    assert end.value.code == 1
    assert "DATABASE_CONNECTIONS (24)" in said
    assert "max_connections" in said
    assert "geheim" not in said
    assert "Traceback" not in said


def test_an_idle_connection_that_the_server_ended_is_replaced_before_it_is_used(postgres: str) -> None:
    """One that was used a moment ago is not asked first: it costs as much as what is asked of it."""
    with new_database(postgres) as url:
        engine = make_engine(url, pool_size=1)
        pid = sa.text("SELECT pg_backend_pid()")
        with engine.connect() as connection:
            first = connection.execute(pid).scalar_one()
        with engine.connect() as connection:
            assert connection.execute(pid).scalar_one() == first
        other = make_engine(url, pool_size=1)
        with other.connect() as connection:
            connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": first})
        idle_since(engine, IDLE_SECONDS)
        with engine.connect() as connection:
            assert connection.execute(pid).scalar_one() != first
        engine.dispose()
        other.dispose()


def idle_since(engine: sa.Engine, seconds: float) -> None:
    """As if its connections had not been used for so long."""

    def earlier(_connection: object, record: Any, _proxy: object) -> None:
        if "likeness_since" in record.info:  # not of one that was opened just now
            record.info["likeness_since"] -= seconds

    sa.event.listen(engine, "checkout", earlier, insert=True)
