"""The bot is killed with signal 9 while a WeCom picture is made, in both modes, and started again: one submit, and the
picture stands once in the chat."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from handlers.store.base import ENDED, Job
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from tests.bot.wecom.house import photo
from tests.programs import UNREAD, Program
from tests.servers.fal import KEY, FakeFal
from tests.servers.wecom import AES_KEY, BOT_ID, BOT_SECRET, TOKEN, FakeLine, media_server
from tests.servers.wecom_chat import FakeWeCom
from tests.servers.wecom_line import LinePhone
from tests.waiting import LONG

pytestmark = pytest.mark.kill


@dataclass
class Bot:
    """`likeness run` as a process, started anew as often as it is killed."""

    folder: Path
    fal: FakeFal
    settings: Mapping[str, str]
    process: Program | None = None

    async def start(self) -> str:
        """Returns its address."""
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "DATA_DIR": str(self.folder),
            "OUTPUT_DIR": str(self.folder / "pictures"),
            "FAL_KEY": KEY,
            "PHOTO_ADVICE": "off",  # its photos show nobody
            "FAL_QUEUE_URL": self.fal.url,
            "WECOM_BOT_ID": BOT_ID,
            **self.settings,
        }
        self.process = Program(
            "run", "--port", "0", "--channels", "wecom", env=environment, cwd=self.folder, stderr=UNREAD
        )
        line = await self.process.readline()
        address = line.rpartition(" ")[2].strip()
        assert address.startswith("http://"), line
        return address

    async def kill_while_it_is_made(self) -> None:
        async with asyncio.timeout(LONG):
            while not self.fal.accepted or not self.fal.watching.is_set():  # noqa: ASYNC110  # in another thread
                await asyncio.sleep(0.01)
        assert self.process is not None
        self.process.kill()
        assert await self.process.wait() == -signal.SIGKILL

    async def ended(self) -> Job:
        store = await SqlStore.open(sqlite_url(self.folder / "likeness.sqlite"))
        try:
            async with asyncio.timeout(LONG):
                while True:
                    (job,) = await store.jobs(limit=100)
                    if job.state in ENDED:
                        return job
                    await asyncio.sleep(0.1)
        finally:
            await store.aclose()


@asynccontextmanager
async def program(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Bot]:
    with FakeFal.serving() as fal:
        fal.always(seconds=3.0)
        made = Bot(folder, fal, settings)
        try:
            yield made
        finally:
            if made.process is not None:
                await made.process.end()


async def test_killed_in_callback_mode_the_stream_goes_on_and_ends_with_the_picture(tmp_path: Path) -> None:
    async with FakeWeCom.serving() as wecom:
        settings = {
            "WECOM_BOT_TOKEN": TOKEN,
            "WECOM_BOT_AES_KEY": AES_KEY,
            "WECOM_API_URL": wecom.origin,
            "WECOM_MEDIA_HOSTS": wecom.media_host,
        }
        async with program(tmp_path, settings) as running:
            wecom.app = await running.start()
            ann = wecom.phone()
            bubble = await ann.says("动漫风格，用fal", photo())
            await running.kill_while_it_is_made()
            wecom.app = await running.start()
            await ann.until(lambda: bubble.finished, LONG)
            job = await running.ended()
            assert job.state.value == "done"
            assert running.fal.submits == 1
            assert len(ann.screen) == 1
            assert len(bubble.pictures) == 1


async def test_killed_on_the_long_connection_the_picture_comes_once_over_the_next_one(tmp_path: Path) -> None:
    with FakeLine().running() as line, media_server() as media:
        settings = {
            "WECOM_BOT_SECRET": BOT_SECRET,
            "WECOM_WS_URL": line.url,
            "WECOM_MEDIA_HOSTS": media.address.removeprefix("http://"),
        }
        async with program(tmp_path, settings) as running:
            await running.start()
            ann = LinePhone(line, media=media)
            await ann.says("动漫风格，用fal", photo())
            await running.kill_while_it_is_made()
            await running.start()
            job = await running.ended()
            assert job.state.value == "done"
            assert running.fal.submits == 1
            assert len(ann.pictures()) == 1
            assert all(stream["finish"] for stream in ann.streams().values())
            assert len({body["device_id"] for body in line.subscriptions}) == 1
