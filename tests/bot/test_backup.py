"""A backup made while the installation is written to, and an installation made from it."""

import asyncio
import io
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.backup import BackupFailed, back_up, restore
from bot.settings import Settings
from handlers.message import Chat
from handlers.order import Order, Shot
from handlers.store.base import Job, JobState
from handlers.store.sql.store import SqlStore
from tests.servers.postgres import new_database

ANN = Chat(channel="web", chat="ann", person="ann")


@pytest.fixture(params=["sqlite", "postgres"])
def homes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Settings, Settings]]:
    """An installation, and where another is to be."""
    if request.param == "sqlite":
        yield home(tmp_path / "old", None), home(tmp_path / "new", None)
        return
    if shutil.which("pg_dump") is None:
        pytest.skip("PostgreSQL not tested: pg_dump is not there")
    server = request.getfixturevalue("postgres")
    with new_database(server) as old, new_database(server) as new:
        yield home(tmp_path / "old", old), home(tmp_path / "new", new)


def home(folder: Path, url: str | None) -> Settings:
    return Settings(_env_file=None, data_dir=folder / "data", output_dir=folder / "pictures", database_url=url)


def a_job(name: str, state: JobState, photo: Path) -> Job:
    order = Order(operation="portrait", shots=(Shot(style="anime"),), photos=(photo,))
    return Job(id=name, chat=ANN, order=order, created=datetime.now(UTC), state=state)


async def lived_in(settings: Settings) -> SqlStore:
    photo = settings.photos_dir / "ann" / "me.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"a photo")
    (settings.data_dir / "secret").write_bytes(b"s" * 32)
    picture = settings.output_dir / "ann" / "made.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"a picture")
    store = await SqlStore.open(settings.database, media=settings.media)
    await store.add_job(a_job("done", JobState.DONE, photo))
    await store.add_job(a_job("open", JobState.RUNNING, photo))
    await store.put_inbox("telegram", "update 1", "{}")
    return store


async def test_all_there_is_comes_back_and_open_jobs_wait_for_a_hand(
    homes: tuple[Settings, Settings], tmp_path: Path
) -> None:
    old, new = homes
    store = await lived_in(old)
    try:
        written = await asyncio.to_thread(back_up, old, tmp_path / "all.tar")
    finally:
        await store.aclose()
    assert stat.S_IMODE(written.file.stat().st_mode) == 0o600
    assert written.files == 3
    await asyncio.to_thread(restore, new, written.file, go_on=False)
    assert (new.photos_dir / "ann" / "me.jpg").read_bytes() == b"a photo"
    assert (new.output_dir / "ann" / "made.png").read_bytes() == b"a picture"
    assert (new.data_dir / "secret").read_bytes() == b"s" * 32
    assert {stat.S_IMODE(p.stat().st_mode) for p in new.data_dir.rglob("*") if p.is_file()} == {0o600}
    again = await SqlStore.open(new.database, media=new.media)
    try:
        assert await again.hold() == ("open",)
        held, done = await again.job("open"), await again.job("done")
        assert held is not None
        assert done is not None
        assert (held.state, held.error_code) == (JobState.UNCERTAIN, "outcome_unknown")
        assert held.order.photos == (new.photos_dir.absolute() / "ann" / "me.jpg",)
        assert done.state is JobState.DONE
        assert await again.inbox("telegram") == ()
        assert await again.hold() == ()
    finally:
        await again.aclose()


async def test_a_backup_while_jobs_are_written_is_of_one_moment(tmp_path: Path) -> None:
    old, new = home(tmp_path / "old", None), home(tmp_path / "new", None)
    store = await lived_in(old)
    photo = old.photos_dir / "ann" / "me.jpg"
    enough, some = asyncio.Event(), asyncio.Event()

    async def write() -> int:
        number = 0
        while not enough.is_set():
            number += 1
            await store.add_job(a_job(f"job {number:04}", JobState.DONE, photo))
            if number == 20:
                some.set()
        return number

    writing = asyncio.create_task(write())
    await some.wait()
    written = await asyncio.to_thread(back_up, old, tmp_path / "all.tar")
    enough.set()
    last = await writing
    await store.aclose()
    await asyncio.to_thread(restore, new, written.file, go_on=True)
    again = await SqlStore.open(new.database, media=new.media)
    try:
        there = sorted(job.id for job in await again.jobs(limit=10_000) if job.id.startswith("job "))
        assert there == [f"job {n:04}" for n in range(1, len(there) + 1)]
        assert 20 <= len(there) <= last
    finally:
        await again.aclose()


async def test_a_restore_never_writes_over_anything(homes: tuple[Settings, Settings], tmp_path: Path) -> None:
    old, _ = homes
    store = await lived_in(old)
    await store.aclose()
    written = await asyncio.to_thread(back_up, old, tmp_path / "all.tar")
    with pytest.raises(BackupFailed) as refused:
        await asyncio.to_thread(restore, old, written.file, go_on=False)
    assert refused.value.code == "not_empty"
    elsewhere = old.model_copy(update={"data_dir": tmp_path / "x", "output_dir": tmp_path / "y"})
    if old.database_url:
        with pytest.raises(BackupFailed) as refused:
            await asyncio.to_thread(restore, elsewhere, written.file, go_on=False)
        assert refused.value.code == "not_empty"
    with pytest.raises(BackupFailed) as refused:
        await asyncio.to_thread(back_up, old, written.file)
    assert refused.value.code == "file_exists"


def evil(file: Path, *members: tuple[str, bytes | None]) -> Path:
    """An archive as an attacker would make it. None: a link that leads out."""
    with tarfile.open(file, "w") as archive:
        text = json.dumps({"format": 1, "made": "2026-01-01T00:00:00Z", "database": "sqlite"}).encode()
        for name, data in (("manifest.json", text), *members):
            info = tarfile.TarInfo(name)
            if data is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            else:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data or b""))
    return file


@pytest.mark.parametrize(
    "member",
    [("data/../../out", b"x"), ("/etc/out", b"x"), ("data/link", None), ("elsewhere/out", b"x"), ("data", b"x")],
)
def test_an_archive_that_leads_out_of_the_folders_is_refused(tmp_path: Path, member: tuple[str, bytes | None]) -> None:
    settings = home(tmp_path / "new", None)
    with pytest.raises(BackupFailed) as refused:
        restore(settings, evil(tmp_path / "evil.tar", member), go_on=False)
    assert refused.value.code == "backup_damaged"
    assert not (tmp_path / "out").exists()
    assert not (settings.data_dir / "likeness.sqlite").exists()


@pytest.mark.parametrize("content", [b"", b"no archive at all", bytes(2048)])
def test_a_file_that_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "some.tar").write_bytes(content)
    with pytest.raises(BackupFailed) as refused:
        restore(home(tmp_path / "new", None), tmp_path / "some.tar", go_on=False)
    assert refused.value.code == "no_backup"


async def lived_in_and_stopped(settings: Settings) -> None:
    await (await lived_in(settings)).aclose()


def test_a_damaged_database_is_said_and_leaves_no_half_archive(tmp_path: Path) -> None:
    settings = home(tmp_path / "old", None)
    asyncio.run(lived_in_and_stopped(settings))
    with (settings.data_dir / "likeness.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))
    with pytest.raises(BackupFailed) as refused:
        back_up(settings, tmp_path / "all.tar")
    assert refused.value.code == "database_damaged"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old"]


def test_nothing_to_back_up_is_said(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed) as refused:
        back_up(home(tmp_path / "old", None), tmp_path / "all.tar")
    assert refused.value.code == "nothing_there"
