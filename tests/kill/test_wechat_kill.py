"""The bot is killed with signal 9 at each step of a WeChat picture and started again: one submit, one picture, and the
budget as the platform counts it. `KILL_ROUNDS=20` adds more steps and that many rounds at random moments."""

import asyncio
import io
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.customer_messages.follower_store import FollowerStore
from handlers.store.base import ENDED, Job, JobState
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from tests.programs import UNREAD, Program
from tests.servers.fal import KEY, FakeFal
from tests.servers.wechat import AES_KEY, APP_ID, APP_SECRET, TOKEN, FakeWeChat, Phone
from tests.waiting import LONG

pytestmark = pytest.mark.kill

ROUNDS = int(os.environ.get("KILL_ROUNDS", "0"))


def photo() -> bytes:
    ramp = np.linspace(60, 200, 480 * 360 * 3).reshape(360, 480, 3)
    out = io.BytesIO()
    Image.fromarray(ramp.astype("uint8")).save(out, "JPEG")
    return out.getvalue()


@dataclass
class Bot:
    """`likeness run` as a process, started anew as often as it is killed."""

    folder: Path
    wechat: FakeWeChat
    fal: FakeFal
    program: Program | None = None
    killed: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "DATA_DIR": str(self.folder),
            "OUTPUT_DIR": str(self.folder / "pictures"),
            "WECHAT_APP_ID": APP_ID,
            "WECHAT_APP_SECRET": APP_SECRET,
            "WECHAT_TOKEN": TOKEN,
            "WECHAT_ENCODING_AES_KEY": AES_KEY,
            "WECHAT_API_URL": self.wechat.url,
            "FAL_KEY": KEY,
            "PHOTO_ADVICE": "off",  # its photos show nobody
            "FAL_QUEUE_URL": self.fal.url,
        }
        self.program = Program(
            "run", "--port", "0", "--channels", "wechat", env=environment, cwd=self.folder, stderr=UNREAD
        )
        line = await self.program.readline()
        self.wechat.app = line.rpartition(" ")[2].strip()
        assert self.wechat.app.startswith("http://"), line

    def kill(self) -> None:
        """From any thread."""
        assert self.program is not None
        self.program.kill()

    async def dead(self) -> None:
        assert self.program is not None
        assert await self.program.wait() == -signal.SIGKILL

    async def jobs(self) -> tuple[Job, ...]:
        store = await SqlStore.open(sqlite_url(self.folder / "likeness.sqlite"))
        try:
            return await store.jobs(limit=100)
        finally:
            await store.aclose()

    async def room(self, person: Phone) -> int:
        store = await SqlStore.open(sqlite_url(self.folder / "likeness.sqlite"))
        try:
            people = FollowerStore(store)
            return (await people.read(person.openid)).room(people.clock())
        finally:
            await store.aclose()

    async def all_ended(self, count: int = 1) -> tuple[Job, ...]:
        async with asyncio.timeout(LONG):
            while True:
                jobs = await self.jobs()
                if len(jobs) >= count and all(job.state in ENDED for job in jobs):
                    return jobs
                await asyncio.sleep(0.1)


@asynccontextmanager
async def bot(folder: Path) -> AsyncIterator[Bot]:
    with FakeWeChat.serving() as wechat, FakeFal.serving() as fal:
        running = Bot(folder, wechat, fal)
        await running.start()
        try:
            yield running
        finally:
            if running.program is not None:
                await running.program.end()


def when_taken(running: Bot, path: str, number: int = 1) -> Callable[[str], None]:
    """Kill once the platform has taken the `number`-th call of this path, before it answers."""
    seen = 0

    def taken(called: str) -> None:
        nonlocal seen
        seen += called == path
        if called == path and seen == number:
            running.wechat.on_take = None
            running.kill()

    return taken


STEPS = ["words answered", "being made", "picture sent"]
MORE_STEPS = ["photo answered", "uploaded", "receipt sent"]
"""With the option only: each start of the program takes seconds."""


@pytest.mark.parametrize("step", STEPS + (MORE_STEPS if ROUNDS else []))
async def test_killed_at_any_step_there_is_one_submit_and_one_picture(tmp_path: Path, step: str) -> None:
    async with bot(tmp_path) as running:
        ann = running.wechat.phone("ann")
        if step == "uploaded":
            running.wechat.on_take = when_taken(running, "media/upload")
        elif step in ("picture sent", "receipt sent"):
            number = 1 if step == "picture sent" else 2
            running.wechat.on_take = when_taken(running, "message/custom/send", number)
        elif step == "being made":
            running.fal.always(seconds=3.0)
        await ann.sends(photo())
        if step != "photo answered":
            await ann.types("动漫风格，用fal")
        if step == "being made":
            async with asyncio.timeout(LONG):
                while not running.fal.accepted:  # noqa: ASYNC110  # counted in another thread
                    await asyncio.sleep(0.01)
            # The answer to the submit is read and saved; from then on the picture is only waited for.
            async with asyncio.timeout(LONG):
                while not running.fal.watching.is_set():  # noqa: ASYNC110  # likewise
                    await asyncio.sleep(0.01)
        if step in ("photo answered", "words answered", "being made"):
            running.kill()
        await running.dead()
        await running.start()
        if step == "photo answered":
            await ann.types("动漫风格，用fal")
        (job,) = await running.all_ended()
        assert running.fal.submits == 1
        assert len(job.order.photos) == 1
        assert job.state is JobState.DONE
        assert len(ann.pictures) == 1
        if step == "picture sent":
            # The platform had it, but nobody here heard so: a link, not a second picture.
            await ann.until(lambda p: any("/r/" in seen.text for seen in p.messages))
        assert ann.broken == 0
        assert not running.wechat.refused
        assert await running.room(ann) == 5 - ann.sent_in_window


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_killed_at_a_random_moment_nothing_is_paid_or_shown_twice(tmp_path: Path, number: int) -> None:
    moment = random.Random(number).uniform(0.0, 1.5)
    async with bot(tmp_path) as running:
        ann = running.wechat.phone("ann")
        running.fal.always(seconds=0.4)
        await ann.sends(photo())
        began = time.monotonic()
        await ann.types("动漫风格，用fal")
        await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
        running.kill()
        await running.dead()
        await running.start()
        await running.all_ended()
        told = "".join(seen.text for seen in ann.messages)
        assert running.fal.submits <= 1
        assert len(ann.pictures) == 1 or "再试一次" in told or "重新发送" in told
        assert "没法确认" not in told
        assert ann.broken == 0
