"""The bot is killed with signal 9 while Telegram pictures are fetched, made and sent, and started again: each picture
is paid once and shown once, counted by the fake server. `KILL_ROUNDS=20` does each step that many times."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from handlers.store.base import ENDED, Job, PartState
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from tests.programs import UNREAD, Program
from tests.servers.fal import KEY, FakeFal
from tests.servers.telegram import TOKEN, FakeTelegram, Fault, jpeg
from tests.waiting import LONG

pytestmark = pytest.mark.kill

ROUNDS = int(os.environ.get("KILL_ROUNDS", "0"))
TAKEN = (PartState.ACCEPTED, PartState.MADE)
WISHES = {"portrait photo, anime style": 1, "anime style, 3 pictures": 3}
"""What two people ask for in each round, and how many pictures that is."""


@dataclass
class Bot:
    """`likeness run` as a process, started anew as often as it is killed."""

    folder: Path
    telegram: FakeTelegram
    fal: FakeFal
    program: Program | None = None
    people: dict[int, int] = field(default_factory=dict)
    """How many pictures each person was promised."""

    async def start(self) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "DATA_DIR": str(self.folder),
            "OUTPUT_DIR": str(self.folder / "pictures"),
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": self.telegram.address,
            "FAL_KEY": KEY,
            "PHOTO_ADVICE": "off",  # its photos show nobody
            "FAL_QUEUE_URL": self.fal.url,
        }
        self.program = Program(
            "run",
            "--port",
            "0",
            "--channels",
            "telegram",
            env=environment,
            cwd=self.folder,
            stdout=UNREAD,
            stderr=UNREAD,
        )

    async def kill(self) -> None:
        assert self.program is not None
        self.program.kill()
        assert await self.program.wait() == -signal.SIGKILL

    async def ask(self) -> None:
        for wish, count in WISHES.items():
            person = 1000 + len(self.people)
            self.people[person] = count
            self.telegram.person(person).photographs(wish, data=jpeg(640, 480, shade=person % 200))

    async def all_accepted(self) -> None:
        """Until every wish is at the service, and it is known there."""
        async with self._store() as store, asyncio.timeout(LONG):
            while True:
                jobs = await store.jobs(limit=1000)
                parts = [await store.parts(job.id) for job in jobs if job.state not in ENDED]
                there = all(some and all(part.state in TAKEN for part in some) for some in parts)
                if len(jobs) == len(self.people) and there:
                    return
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[SqlStore]:
        store = await SqlStore.open(sqlite_url(self.folder / "likeness.sqlite"))
        try:
            yield store
        finally:
            await store.aclose()

    async def all_ended(self) -> tuple[Job, ...]:
        async with self._store() as store, asyncio.timeout(LONG):
            while True:
                jobs = await store.jobs(limit=1000)
                if len(jobs) >= len(self.people) and all(job.state in ENDED for job in jobs):
                    return jobs
                assert self.program is not None
                assert self.program.poll() is None, "the program ended by itself"
                await asyncio.sleep(0.05)

    def shown(self) -> dict[int, int]:
        return {person: len(self.telegram.pictures(person)) for person in self.people}

    def grey(self) -> list[int]:
        """Messages that keep a place no picture came to."""
        shown = [message for person in self.people for message in self.telegram.shown(person)]
        return [message.id for message in shown if message.file and not message.is_picture]


@asynccontextmanager
async def bot(folder: Path) -> AsyncIterator[Bot]:
    with FakeTelegram.serving() as telegram, FakeFal.serving() as fal:
        running = Bot(folder, telegram, fal)
        await running.start()
        try:
            yield running
        finally:
            if running.program is not None:
                await running.program.end()


STEPS = {
    "downloading": Fault(method="download", what="hang"),
    "waiting": None,
    "reserving an album": Fault(method="sendMediaGroup", what="hang", after=True),
    "sending": Fault(method="editMessageMedia", what="hang"),
    "sent": Fault(method="editMessageMedia", what="hang", after=True),
}


USUAL = ("downloading", "waiting", "sent")
"""The others only with the option: each start of the program takes seconds."""


@pytest.mark.parametrize("step", STEPS if ROUNDS else USUAL)
async def test_killed_at_any_step_every_picture_is_paid_once_and_shown_once(tmp_path: Path, step: str) -> None:
    async with bot(tmp_path) as running:
        telegram, fault = running.telegram, STEPS[step]
        for _ in range(max(1, ROUNDS)):
            telegram.hold()
            running.fal.plan(times=99, seconds=0.0 if fault else 1.5)
            if fault is not None:
                telegram.faults.extend([fault] * (len(WISHES) if step == "downloading" else 1))
            await running.ask()
            await telegram.until(lambda: not telegram.faults, LONG)
            if step != "downloading":
                # A kill inside a POST is another matter: nobody knows whether it was paid, and the person is asked.
                await running.all_accepted()
            await running.kill()
            telegram.release()  # what had left the dead process still reaches the server
            await running.start()
            await running.all_ended()
            assert running.shown() == running.people
            assert not running.grey()
        jobs = await running.all_ended()
        assert len(jobs) == len(running.people)
        assert {job.state.value for job in jobs} == {"done"}
        pictures = sum(running.people.values())
        assert sum(len(job.pictures) for job in jobs) == pictures
