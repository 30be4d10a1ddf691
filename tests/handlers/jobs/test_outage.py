"""The database goes away and comes back: jobs wait, nothing is posted meanwhile, and everything ends as it should."""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from handlers.jobs.outage import answered, is_outage, written
from handlers.store.base import Job, JobState, Part
from handlers.store.memory import MemoryStore
from providers.base import Result, Submission
from providers.fake import FakeProvider
from tests.servers.postgres import NoPostgres, OwnServer, new_database, own_server
from tests.waiting import LONG
from tests.world import FakeWorld, world


@pytest.fixture
def server() -> Iterator[OwnServer]:
    try:
        with own_server() as server:
            yield server
    except NoPostgres as reason:
        pytest.skip(f"a restart of PostgreSQL not tested: {reason}")


@pytest.fixture
def database(server: OwnServer) -> Iterator[str]:
    with new_database(server.url) as url:
        yield url


def gone() -> OperationalError:
    return OperationalError("SELECT", {}, Exception("the server closed the connection; password=secret"))


async def place(run: FakeWorld, *jobs: str) -> None:
    for job_id in jobs:
        await run.place(job_id)
        await run.runner.enqueue(job_id)


async def eventually(run: FakeWorld, job_id: str) -> Job:
    """The job once it has ended, asked for by whoever has patience with a database that is away."""
    async with asyncio.timeout(LONG):
        while True:
            try:
                return await run.ended(job_id)
            except OperationalError:
                await asyncio.sleep(0.1)


async def test_a_restart_of_the_database_ends_nothing_and_costs_nothing_twice(
    server: OwnServer, database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    finished, lost = asyncio.Event(), asyncio.Event()

    async def upstream(_seconds: float) -> None:
        await finished.wait()

    provider = FakeProvider(sleep=upstream)
    async with world(tmp_path, provider=provider, database_url=database, on_lost=lost.set) as run:
        await place(run, "j1", "j2")
        await run.happens(lambda: len(provider.jobs) == 2)
        await asyncio.to_thread(server.stop)
        await run.happens(lambda: not run.runner.ready())
        finished.set()
        await asyncio.to_thread(server.start)
        await run.happens(lambda: run.runner.ready())
        await place(run, "j3")
        states = [(await eventually(run, job_id)).state for job_id in ("j1", "j2", "j3")]
        assert states == [JobState.DONE] * 3
        assert len(provider.submitted) == 3
        assert sorted(run.channel.shown.values()) == [1] * 3
        assert not lost.is_set()
    messages = [record.getMessage() for record in caplog.records]
    assert sum("the database is away" in message for message in messages) == 1
    assert sum("the database is back" in message for message in messages) == 1
    assert database not in caplog.text


async def test_nothing_is_posted_while_the_lease_is_in_doubt(server: OwnServer, database: str, tmp_path: Path) -> None:
    at_the_post, go_on = asyncio.Event(), asyncio.Event()

    class Store(MemoryStore):
        """Our own tables answer, the engine's do not: what counts is the lease."""

        async def begin_part(
            self, key: str, job: str, provider: str, *, after: Part | None = None, **facts: Any
        ) -> bool:
            begun = await super().begin_part(key, job, provider, after=after, **facts)
            at_the_post.set()
            await go_on.wait()
            return begun

    async with world(tmp_path, store=Store(), database_url=database) as run:
        await place(run, "j1")
        await at_the_post.wait()
        await asyncio.to_thread(server.stop)
        await run.happens(lambda: not run.runner._engine._lease.fresh())
        go_on.set()
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert run.provider.submitted == []
        await asyncio.to_thread(server.start)
        assert (await run.ended("j1")).state is JobState.DONE
        assert len(run.provider.submitted) == 1


async def test_a_run_waits_for_the_store_and_is_not_counted_as_broken(tmp_path: Path) -> None:
    class Away(MemoryStore):
        times = 20

        async def update_job(self, job_id: str, **changes: object) -> Job:
            if self.times and "plan" in changes:
                self.times -= 1
                raise gone()
            return await super().update_job(job_id, **changes)

    store = Away()
    async with world(tmp_path, store=store, outage_pause=0.001) as run:
        job = await run.do()
        assert (job.state, job.run, store.times) == (JobState.DONE, 0, 0)
        assert len(run.provider.submitted) == 1


async def test_a_paid_picture_waits_for_room_on_the_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Full(FakeProvider):
        times = 4

        async def fetch(self, submission: Submission, into: Path) -> Result:
            if self.times:
                self.times -= 1
                raise OSError(errno.ENOSPC, "No space left on device: /a/secret/place")
            return await super().fetch(submission, into)

    async with world(tmp_path, provider=Full(), room_pause=0.001) as run:
        job = await run.do()
        assert (job.state, job.run, len(run.provider.submitted)) == (JobState.DONE, 0, 1)
        assert any(s.text.startswith("There is no room here") for s in run.channel.statuses("j1"))
        assert not run.runner.ready()
    assert sum("no room on the disk" in record.getMessage() for record in caplog.records) == 1
    assert "secret" not in caplog.text


async def test_the_id_of_a_paid_request_is_kept_until_the_database_takes_it(tmp_path: Path) -> None:
    class Away(MemoryStore):
        times = 3

        async def accept_part(self, key, submission):  # type: ignore[no-untyped-def]
            if self.times:
                self.times -= 1
                raise gone()
            await super().accept_part(key, submission)

    async with world(tmp_path, store=Away()) as run:
        job = await run.do()
        assert job.state is JobState.DONE
        assert len(run.provider.submitted) == 1


async def test_only_a_database_that_does_not_answer_is_waited_for() -> None:
    tries: list[int] = []

    def once_away(error: Exception) -> Callable[[], Awaitable[str]]:
        async def write() -> str:
            tries.append(1)
            if len(tries) == 1:
                raise error
            return "written"

        return write

    assert await written(once_away(gone())) == "written"
    tries.clear()
    with pytest.raises(ZeroDivisionError):
        await written(once_away(ZeroDivisionError()))
    assert is_outage(gone())
    assert not is_outage(psycopg.DataError())


async def test_a_start_waits_for_the_database_within_its_limit_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = 0
    slept: list[float] = []

    async def attempt() -> str:
        nonlocal tries
        tries += 1
        if tries < 5:
            raise gone()
        return "open"

    async def pause(seconds: float) -> None:
        slept.append(seconds)

    assert await answered(attempt, within=60, sleep=pause) == "open"
    assert len(slept) == 4
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    tries = -100
    with pytest.raises(OperationalError):
        await answered(attempt, within=2.5, sleep=pause)
    assert sum(slept[4:]) == 2.5
