"""Starting, stopping and taking up again: nothing is lost, and nothing is done twice."""

import ast
import asyncio
import inspect
import logging
import re
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from dbos import DBOS, DBOSClient

from handlers.fake_channel import FakeChannel
from handlers.jobs.engine_database import EngineDatabase, JsonSerializer
from handlers.jobs.engine_runs import workflow_id_of
from handlers.jobs.sweep import RUNS_BY_ITSELF
from handlers.order import Shot
from handlers.store.base import Job, JobState
from handlers.store.memory import MemoryStore
from handlers.store.sql.engine import sqlite_url
from providers.fake import FakeProvider, Script
from providers.offers import Tier
from tests.world import world


async def test_a_stop_lets_go_quickly_and_the_next_start_goes_on_without_a_second_post(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    provider = FakeProvider(standing=Script(seconds=1000))
    channel = FakeChannel()
    async with world(tmp_path, provider=provider, channel=channel, sleep=asyncio.sleep) as run:
        for n in range(5):
            await run.place(f"j{n}")
            await run.runner.enqueue(f"j{n}")
        await run.happens(lambda: len(provider.jobs) == 5)
        began = time.monotonic()
    assert time.monotonic() - began < 150, "nobody waited for a picture"
    for job in provider.jobs.values():
        job.script = Script()
    async with world(tmp_path, provider=provider, channel=channel) as run:
        states = [(await run.ended(f"j{n}")).state for n in range(5)]
    assert states == [JobState.DONE] * 5
    assert len(provider.submitted) == 5
    assert sorted(channel.shown.values()) == [1] * 5
    assert [r.getMessage() for r in caplog.records if r.name == "dbos"] == []


async def test_a_post_in_flight_at_a_stop_is_read_to_its_end(tmp_path: Path) -> None:
    posted, answer = asyncio.Event(), asyncio.Event()

    class Slow(FakeProvider):
        async def submit(self, request):  # type: ignore[no-untyped-def]
            posted.set()
            await answer.wait()
            return await super().submit(request)

    provider = Slow()
    async with world(tmp_path, provider=provider) as run:
        await run.place("j1")
        await run.runner.enqueue("j1")
        await posted.wait()
        asyncio.get_running_loop().call_later(0.3, answer.set)
    async with world(tmp_path, provider=provider) as run:
        assert (await run.ended("j1")).state is JobState.DONE
    assert len(provider.submitted) == 1


async def test_after_a_stop_threads_are_still_to_be_had(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        await run.do()
    assert await asyncio.to_thread(lambda: "works") == "works"


async def test_jobs_committed_while_nothing_ran_are_taken_up_at_the_start(tmp_path: Path) -> None:
    async with world(tmp_path, worker=False) as run:
        await run.place("j1")
    async with world(tmp_path) as run:
        assert (await run.ended("j1")).state is JobState.DONE


async def test_without_a_worker_jobs_are_queued_and_another_process_does_them(tmp_path: Path) -> None:
    async with world(tmp_path, worker=False) as run:
        await run.place("j1")
        await run.runner.enqueue("j1")
        await run.runner.enqueue("j1")
        job = await run.store.job("j1")
        assert job is not None
        assert job.state is JobState.NEW
    async with world(tmp_path, sleep=asyncio.sleep) as run:
        assert (await run.ended("j1")).state is JobState.DONE
        assert len(run.provider.submitted) == 1


async def test_jobs_beyond_what_runs_at_once_wait_on_the_queue_and_are_done_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path, concurrency=2) as run:
        for n in range(8):
            await run.place(f"j{n}")
        await asyncio.gather(*(run.runner.enqueue(f"j{n % 8}") for n in range(16)))
        states = [(await run.ended(f"j{n}")).state for n in range(8)]
        assert states == [JobState.DONE] * 8
        assert len(run.provider.submitted) == 8
    assert [r.getMessage() for r in caplog.records if r.name == "dbos"] == []


async def test_the_same_job_is_split_the_same_way_after_the_providers_changed(tmp_path: Path) -> None:
    first = FakeProvider(standing=Script(seconds=1000), max_count=2)
    async with world(tmp_path, provider=first, sleep=asyncio.sleep) as run:
        await run.place("j1", run.order(Shot(style="anime", count=4)))
        await run.runner.enqueue("j1")
        await run.happens(lambda: len(first.jobs) == 2)
    later = FakeProvider(max_count=4)
    later.jobs = dict(first.jobs)
    for job in later.jobs.values():
        job.script = Script()
    async with world(tmp_path, provider=later) as run:
        ended = await run.ended("j1")
    assert (ended.state, len(ended.pictures), later.submitted) == (JobState.DONE, 4, [])


class Flaky(MemoryStore):
    """A database that is away whenever pictures are to be written down."""

    def __init__(self) -> None:
        super().__init__()
        self.away = 0

    async def update_job(self, job_id: str, **changes: object) -> Job:
        if self.away and "plan" in changes:
            self.away -= 1
            raise OSError("the disk is full of secrets")
        return await super().update_job(job_id, **changes)


async def test_a_run_that_broke_is_taken_up_again_by_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Flaky()
    store.away = 1
    async with world(tmp_path, store=store) as run:
        job = await run.do()
        assert (job.state, job.run) == (JobState.DONE, 1)
        assert len(run.provider.submitted) == 1
        assert run.channel.shown == {"place-result:j1": 1}
    assert "secrets" not in caplog.text


async def test_a_run_that_breaks_every_time_is_given_up_and_the_person_told(tmp_path: Path) -> None:
    store = Flaky()
    store.away = 1000
    async with world(tmp_path, store=store) as run:
        job = await run.do()
        assert (job.state, job.error_code, job.run) == (JobState.FAILED, "internal", RUNS_BY_ITSELF)
        (said,) = run.channel.words("j1")
        assert said.text.startswith("Something went wrong on my side")
        assert run.provider.submitted == []


def tokens(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "workflows.sqlite", isolation_level=None)


async def test_a_worker_declared_dead_begins_anew_and_its_jobs_go_on_without_a_second_post(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    provider = FakeProvider(standing=Script(seconds=1000))
    async with world(tmp_path, provider=provider, sleep=asyncio.sleep) as run:
        await run.place("j1")
        await run.runner.enqueue("j1")
        await run.happens(lambda: len(provider.jobs) == 1)
        with closing(tokens(tmp_path)) as connection:
            connection.execute("UPDATE worker_leases SET token = 'of another', renewed = 0")
        await run.when("j1", lambda job: job.run == 1)
        for made in provider.jobs.values():
            made.script = Script()
        job = await run.ended("j1")
        assert (job.state, job.run, len(provider.submitted)) == (JobState.DONE, 1, 1)
        assert sorted(run.channel.shown.values()) == [1]
    assert "the lease was lost" in caplog.text


async def test_a_run_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    async with world(tmp_path, worker=False) as run:
        await run.place("old")
        await run.runner.enqueue("old")
    with closing(tokens(tmp_path)) as connection:
        connection.execute("UPDATE workflow_status SET application_version = '1'")
    async with world(tmp_path) as run:
        job = await run.ended("old")
        assert (job.state, job.run) == (JobState.DONE, 1)
        assert len(run.provider.submitted) == 1


async def test_a_worker_without_the_service_leaves_the_job_alone_and_the_person_is_told_once(tmp_path: Path) -> None:
    paid = FakeProvider(name="paid")
    async with world(tmp_path, provider=paid, worker=False) as run:
        await run.place("j1")
        await run.runner.enqueue("j1")
    basic, channel = FakeProvider(name="embedded", tier=Tier.LOCAL, usd=0), FakeChannel()
    async with world(tmp_path, provider=basic, channel=channel) as run:
        await run.runner.sweep()
        assert channel.words("j1") == []
        run.clock.ahead = timedelta(minutes=2)
        await asyncio.gather(*(run.runner.sweep() for _ in range(3)))
        (told,) = channel.words("j1")
        assert told.text.startswith("Nothing here can make this at the moment")
        assert basic.submitted == []
    async with world(tmp_path, provider=paid, channel=channel) as run:
        assert (await run.ended("j1")).provider == "paid"


async def test_a_worker_without_the_channel_or_with_other_folders_gets_no_such_job(tmp_path: Path) -> None:
    database = sqlite_url(tmp_path / "likeness.sqlite")
    async with world(tmp_path, worker=False) as run:
        await run.place("j1")
        await run.runner.enqueue("j1")
    async with world(tmp_path, channel=FakeChannel("another")) as run:
        await run.runner.sweep()
        assert run.provider.submitted == []
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    async with world(tmp_path, database_url=database) as run:
        await run.runner.sweep()
        assert run.provider.submitted == []
    shutil.rmtree(tmp_path / "pictures")
    (tmp_path / "elsewhere").rename(tmp_path / "pictures")
    async with world(tmp_path) as run:
        assert (await run.ended("j1")).state is JobState.DONE
        assert len(run.provider.submitted) == 1


async def test_jobs_left_by_a_worker_that_has_no_lease_are_taken_up(tmp_path: Path) -> None:
    """As those of the first version, whose workers had names and no leases."""
    async with world(tmp_path, worker=False) as run:
        await run.place("j1")
        await run.runner.enqueue("j1")
    with closing(tokens(tmp_path)) as connection:
        connection.execute("UPDATE workflow_status SET status = 'PENDING', executor_id = 'w0'")
    async with world(tmp_path) as run:
        job = await run.ended("j1")
        assert (job.state, job.run) == (JobState.DONE, 1)


async def test_a_run_taken_up_by_many_at_once_is_begun_once(tmp_path: Path) -> None:
    async with world(tmp_path, worker=False) as run:
        await run.place("j1")
        await asyncio.gather(*(run.runner.take_up("j1", 0) for _ in range(10)))
        job = await run.store.job("j1")
        assert job is not None
        assert job.run == 1


async def test_a_job_that_ends_every_worker_is_given_up_in_the_end(tmp_path: Path) -> None:
    provider = FakeProvider(standing=Script(fault="away"))
    async with world(tmp_path, provider=provider, worker=False, most_takeovers=2) as run:
        await run.place("j1")
        for n in range(2):
            await run.runner.enqueue("j1")
            await run.runner.take_up("j1", n)
            await run.runner._engine.runs.cancel("j1", n)
        await run.runner.take_up("j1", 2)
        job = await run.ended("j1")
        assert (job.state, run.provider.submitted) == (JobState.FAILED, [])
        (said,) = run.channel.words("j1")
        assert said.text.startswith("Something went wrong on my side")


async def test_the_engines_tables_hold_json_and_no_words_of_the_person(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        await run.do("j1", run.order(Shot(prompt="my secret wish")))
    connection = sqlite3.connect(tmp_path / "workflows.sqlite")
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    named = {row[0] for row in connection.execute("SELECT serialization FROM workflow_status")}
    everything = "\n".join(connection.iterdump())
    connection.close()
    assert (mode, named) == ("wal", {"json"})
    assert '"args":["j1",0]' in everything
    assert "gASV" not in everything, "base64 of a pickle"
    assert "secret" not in everything


def test_the_serializer_keeps_values_and_only_the_name_of_an_error() -> None:
    serializer = JsonSerializer()
    value = {"args": ["j1", 0], "kwargs": {}, "深": [None, 1.5]}
    assert serializer.deserialize(serializer.serialize(value)) == value
    error = serializer.deserialize(serializer.serialize(ValueError("a secret")))
    assert repr(error) == "RuntimeError('ValueError')"


def test_every_run_of_a_job_has_a_name_of_its_own() -> None:
    assert [workflow_id_of("j1", run) for run in range(3)] == ["j1", "j1~1", "j1~2"]


def test_the_engines_database_is_ours_on_postgresql_and_a_file_beside_ours_on_sqlite(tmp_path: Path) -> None:
    def url(given: str | None) -> str:
        return EngineDatabase.of(tmp_path, given).url

    assert url(None) == url("sqlite:///elsewhere.sqlite") == f"sqlite:///{tmp_path}/workflows.sqlite"
    assert url("postgresql+psycopg://me@host/db") == "postgresql://me@host/db"


async def test_the_engine_says_nothing_of_its_own_on_the_console(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with world(tmp_path) as run:
        await run.do()
    assert logging.getLogger("dbos").handlers == []
    output = capfd.readouterr()
    assert (output.out, output.err) == ("", "")


def test_nothing_private_of_dbos_is_used() -> None:
    """What begins with an underscore may change with any release, unsaid."""
    root = Path(__file__).parents[3]
    sources = {
        path: path.read_text("utf-8") for folder in ("bot", "handlers") for path in (root / folder).rglob("*.py")
    }
    users = [path for path, source in sources.items() if re.search(r"^(from|import) dbos", source, re.M)]
    assert sorted(path.name for path in users) == ["engine.py", "engine_database.py", "engine_runs.py", "polling.py"]
    for path in users:
        assert "dbos._" not in sources[path]
        reached = [node for node in ast.walk(ast.parse(sources[path])) if isinstance(node, ast.Attribute)]
        foreign = [node for node in reached if not (isinstance(node.value, ast.Name) and node.value.id == "self")]
        assert [node.attr for node in foreign if node.attr.startswith("_") and not node.attr.endswith("__")] == []


def test_dbos_has_no_public_way_yet_to_take_up_only_what_a_dead_executor_left() -> None:
    """`resume_workflow` takes no executor, so it would seize a run that another has taken up meanwhile; recovery by
    executor is private. Once this fails, `Engine._rescue` may be a single call."""
    assert "executor_id" not in inspect.signature(DBOSClient.resume_workflows).parameters
    assert not [name for name in vars(DBOSClient) if "recover" in name and not name.startswith("_")]
    assert not [name for name in vars(DBOS) if "recover" in name and not name.startswith("_")]
