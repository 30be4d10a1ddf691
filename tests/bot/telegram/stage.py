"""The bot on Telegram on a stage: the real library, handlers, jobs and store, against a fake Bot API server.

Nothing is patched: the bot speaks HTTP with the fake; its provider is the fake one of the package.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.outbound.limits import Clock
from bot.channels.telegram.timing import Timing
from bot.metrics import Metrics
from handlers.dialogue.conversation import Conversation
from handlers.dialogue.group_policy import Groups
from handlers.dialogue.previews import Previews
from handlers.jobs.plan import quoted
from handlers.jobs.runner import JobRunner
from handlers.message import Chat
from handlers.store.base import Job, Store
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.fake import FakeProvider, Script
from providers.media.accept import AcceptedPhoto, accept_photo
from providers.router import Router
from tests.handlers.talk import RecordedJobs
from tests.servers.telegram import TOKEN, FakeTelegram
from tests.waiting import LONG

FAST = 5.0
"""How many of the channel's seconds pass in one: what it may send a second is waited for all the same, only sooner."""


async def _soon(seconds: float) -> None:
    await asyncio.sleep(seconds / FAST)


BRISK = Timing(
    clock=Clock(now=lambda: FAST * time.monotonic(), sleep=_soon),
    album_pause=0.15 * FAST,
    album_longest=3.0 * FAST,
    text_pause=0.15 * FAST,
    photo_pauses=(0.1, 0.1),
    retries=(0.05, 0.05),
    poll_seconds=1,
    stop_seconds=1.0,
)


async def accept(path: Path, into: Path) -> AcceptedPhoto:
    return await accept_photo(path, into=into)


@dataclass(kw_only=True)
class Stage:
    """What a test holds in its hands."""

    telegram: FakeTelegram
    store: Store
    channel: TelegramChannel
    conversation: Conversation
    jobs: JobRunner | RecordedJobs
    provider: FakeProvider
    previews: Previews
    folder: Path

    def chat(self, person: int, chat: int | None = None) -> Chat:
        return Chat(channel="telegram", chat=str(chat or person), person=str(person))

    async def jobs_of(self, person: int, chat: int | None = None) -> tuple[Job, ...]:
        return await self.store.jobs(chat=self.chat(person, chat))

    async def job(self, person: int, chat: int | None = None) -> Job:
        """The only job of this person here."""
        (job,) = await self.jobs_of(person, chat)
        return job

    async def until(self, what: Callable[[], Any], seconds: float = LONG) -> Any:
        return await self.telegram.until(what, seconds)

    async def read(self) -> None:
        """Until the bot has taken every update there is and handled it."""
        await self.until(lambda: self.telegram.unread == 0)
        await self.channel.idle()

    async def job_begun(self, person: int, chat: int | None = None) -> Job:
        """The only job of this person here, once it is there."""
        async with asyncio.timeout(LONG):
            while not (jobs := await self.jobs_of(person, chat)):  # noqa: ASYNC110  # the store tells nobody
                await asyncio.sleep(0.01)
            return jobs[0]

    async def valued(self, space: str, key: str) -> str:
        """What the store holds there, once it does."""
        async with asyncio.timeout(LONG):
            while (value := await self.store.value(space, key)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            return value

    async def ended(self, job_id: str) -> Job:
        async with asyncio.timeout(LONG):
            while True:
                job = await self.store.job(job_id)
                assert job is not None
                if job.finished is not None:
                    return job
                await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(folder: Path, telegram: FakeTelegram, **settings: Any) -> AsyncIterator[Stage]:
    """Without a worker: jobs are only committed."""
    async with on_stage(folder, telegram, working=False, **settings) as stage:
        yield stage


@asynccontextmanager
async def on_stage(
    folder: Path,
    telegram: FakeTelegram,
    *,
    script: tuple[Script, ...] = (),
    standing: Script | None = None,
    pace: Timing = BRISK,
    started: bool = True,
    working: bool = True,
    **settings: Any,
) -> AsyncIterator[Stage]:
    if pace.clock is BRISK.clock:  # no album is cut in two by a slow machine
        pace = replace(pace, clock=Clock(now=lambda: FAST * telegram.quiet(), sleep=_soon))
    store = await SqlStore.open(sqlite_url(folder / "likeness.sqlite"))
    provider = FakeProvider(script=script, standing=standing or Script())
    router = Router([provider])
    channel = TelegramChannel(
        token=TOKEN, store=store, metrics=Metrics(), data_dir=folder, api_url=telegram.address, pace=pace, **settings
    )
    jobs: JobRunner | RecordedJobs = RecordedJobs()
    if working:
        jobs = JobRunner(
            store=store, router=router, channels={"telegram": channel}, data_dir=folder, output_dir=folder / "made"
        )
    previews = Previews(
        provider=FakeProvider(name="free"),
        channels={"telegram": channel},
        store=store,
        folder=folder / "previews",
        photos_dir=folder / "photos",
    )
    conversation = Conversation(
        store=store,
        jobs=jobs,
        quote=quoted(router),
        accept=accept,
        photos_dir=folder / "photos",
        confirm_above=9.0,
        groups=Groups(store, {"telegram": channel.is_admin}),
        previews=previews,
        forget=channel.forget,
    )
    if isinstance(jobs, JobRunner):
        await jobs.start()
    try:
        if started:
            await channel.start(conversation)
        yield Stage(
            telegram=telegram,
            store=store,
            channel=channel,
            conversation=conversation,
            jobs=jobs,
            provider=provider,
            previews=previews,
            folder=folder,
        )
    finally:
        await previews.aclose()
        await channel.stop()
        if isinstance(jobs, JobRunner):
            await jobs.stop()
        await store.aclose()


def paced(**changes: Any) -> Timing:
    return replace(BRISK, **changes)
