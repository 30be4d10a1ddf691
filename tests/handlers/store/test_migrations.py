"""The schema of a database, brought forward by numbered scripts: what the first version left goes on."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from PIL import Image

from handlers.message import Chat
from handlers.store.base import JobState
from handlers.store.sql.engine import make_engine
from handlers.store.sql.migrate import HEAD, SchemaTooNew, migrate, upgrade
from handlers.store.sql.schema import META
from handlers.store.sql.store import SqlStore
from providers.base import Charge, CostSource, Request
from providers.fake import FakeJob, FakeProvider, Script
from providers.media.store import FolderStore
from providers.money import Money
from providers.task import Operation, Task
from tests.handlers.store.databases import make_first_version, names
from tests.world import ANN, hasty, world

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
BEN = Chat(channel="web", chat="cookie-of-ben-1234567890", person="cookie-of-ben-1234567890")
CAI = Chat(channel="wechat", chat="openid-of-cai", person="openid-of-cai")


@contextmanager
def writing(url: str) -> Iterator[sa.Connection]:
    engine = make_engine(url, pool_size=1, write=True)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def first_version(url: str, folder: Path) -> None:
    make_first_version(url, data=folder, output=folder / "pictures")


def differences(connection: sa.Connection) -> list[object]:
    """What a database lacks of the tables as the program knows them, or has besides."""
    options = {"compare_type": True, "compare_server_default": True}
    found = compare_metadata(MigrationContext.configure(connection, opts=options), META)
    return [difference for difference in found if "alembic_version" not in str(difference)]


def test_the_newest_script_is_the_schema_the_program_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path("handlers/store/sql/migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_an_empty_database_brought_through_all_scripts_is_as_a_new_one(url: str) -> None:
    with writing(url) as connection:
        upgrade(connection, HEAD, found=None)
        assert differences(connection) == []
        assert indexes(connection) == {table.name: known(table) for table in META.sorted_tables}


def test_the_first_versions_database_becomes_as_a_new_one(url: str, tmp_path: Path) -> None:
    first_version(url, tmp_path)
    with writing(url) as connection:
        migrate(connection)
        assert differences(connection) == []
        assert names(connection) == {table.name for table in META.sorted_tables} | {"alembic_version"}
    with writing(url) as connection:
        migrate(connection)
        assert differences(connection) == []


def indexes(connection: sa.Connection) -> dict[str, set[str]]:
    inspector = sa.inspect(connection)
    return {
        table.name: {str(index["name"]) for index in inspector.get_indexes(table.name)} - {"entries_once"}
        for table in META.sorted_tables
    }


def known(table: sa.Table) -> set[str]:
    return {str(index.name) for index in table.indexes}


async def test_what_the_first_version_kept_is_there(url: str, tmp_path: Path) -> None:
    first_version(url, tmp_path / "where it was then")
    media = FolderStore(data=tmp_path / "data", pictures=tmp_path / "made")
    store = await SqlStore.open(url, media=media)
    try:
        session = await store.session(ANN)
        assert (session.language, session.photos[0].key) == ("zh", "p1")
        assert session.question is not None
        assert session.photos[0].path == tmp_path / "data" / "photos" / ANN.owner / "photo.png"
        assert await store.unnamed([session.photos[0].path, tmp_path / "data" / "other"]) == (
            tmp_path / "data" / "other",
        )
        assert session.last_result is not None
        assert session.last_result.job == "done"
        reply = await store.turn_of("fake:ann:1")
        assert reply is not None
        assert reply[0].text == "好，这就做：动漫风格"
        assert [job.id for job in await store.jobs(chat=ANN)] == ["waiting", "running", "done"]
        done = await store.job("done")
        assert done is not None
        assert done.pictures[0].path == tmp_path / "made" / "done" / "done.png"
        assert (done.cost, done.pictures[0].width, done.order.shots[0].prompt) == (Money.usd("0.15"), 512, "夜景里的我")
        usage = await store.usage(ANN, since=NOW)
        assert (usage.pictures, usage.cost) == (1, (Money.usd("0.15"),))
        (part,) = await store.parts("running")
        assert part.submission is not None
        assert part.charge == part.submission.charge == Charge(money=Money.usd("0.1"), source=CostSource.ANSWER)
        assert [entry.outgoing.text for entry in await store.entries(BEN)] == ["水彩风格", "做好了"]
        ((key, payload),) = await store.inbox("web")
        assert key == "web:cookie-of-ben-1234567890:line-1"
        assert "水彩风格" in payload
        assert str(tmp_path) not in payload
        assert not await store.put_inbox("telegram", "1001", "{}"), "it was seen before"
        assert await store.value("wechat.person", CAI.owner) is not None
        assert dict(await store.space("wechat.material")) == {"m-old": "", "m-permanent": "page-1"}
    finally:
        await store.aclose()


async def test_a_person_of_the_first_version_is_forgotten_whole(url: str, tmp_path: Path) -> None:
    first_version(url, tmp_path)
    store = await SqlStore.open(url)
    files = {path.as_posix() for chat in (ANN, BEN, CAI) for path in await store.forget(chat)}
    assert "pictures/done/done.png" in files
    assert any(name.endswith("upload.jpg") for name in files)
    await store.done_inbox("web", "web:cookie-of-ben-1234567890:line-1")
    await store.aclose()
    with writing(url) as connection:
        for table in META.sorted_tables:
            rows = str(connection.execute(sa.select(*(sa.cast(c, sa.Text) for c in table.c))).all())
            for word in ("cookie-of-ben", "openid-of-cai", "secret-file-id", "水彩", "token-in-clear"):
                assert word not in rows, table.name


async def test_jobs_that_ran_under_the_first_version_are_finished_without_paying_again(
    url: str, tmp_path: Path
) -> None:
    first_version(url, tmp_path)
    photo = tmp_path / "photos" / ANN.owner / "photo.png"
    photo.parent.mkdir(parents=True)
    Image.new("RGB", (64, 64), "gray").save(photo)
    provider = FakeProvider(sleep=hasty)
    request = Request(key="running-0-0", task=Task(operation=Operation.PORTRAIT, photos=1), prompt="", photos=(photo,))
    provider.jobs["r-9"] = FakeJob(request=request, script=Script())
    database = None if url.startswith("sqlite") else url
    async with world(tmp_path, provider=provider, database_url=database) as run:
        ended = await run.ended("running")
        again = await run.ended("waiting")
    assert (ended.state, len(ended.pictures)) == (JobState.DONE, 1)
    assert (again.state, len(again.pictures)) == (JobState.DONE, 1)
    assert len(provider.submitted) == 1, "only the one that was never posted"
    assert [len(run.channel.result(job_id).pictures) for job_id in ("running", "waiting")] == [1, 1]


async def test_of_processes_that_start_together_one_upgrades_and_all_work(url: str, tmp_path: Path) -> None:
    first_version(url, tmp_path)
    stores = await asyncio.gather(*(SqlStore.open(url) for _ in range(4)))
    for store in stores:
        assert len(await store.jobs(chat=ANN)) == 3
        await store.aclose()


async def test_an_upgrade_that_fails_leaves_the_database_as_it_was(url: str, tmp_path: Path) -> None:
    first_version(url, tmp_path)
    with writing(url) as connection:
        connection.execute(sa.text("UPDATE channel_values SET value = 'no json' WHERE space = 'wechat.page'"))
        before = names(connection)
    with pytest.raises(json.JSONDecodeError):
        await SqlStore.open(url)
    with writing(url) as connection:
        assert names(connection) == before
        assert connection.execute(sa.text("SELECT version FROM likeness_version")).scalar_one() == 2


async def test_a_database_of_a_newer_program_is_refused(url: str) -> None:
    await (await SqlStore.open(url)).aclose()
    with writing(url) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew):
        await SqlStore.open(url)
