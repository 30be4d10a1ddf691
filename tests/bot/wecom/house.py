"""The real bot behind a fake WeCom: the real conversation, store and HTTP server. Its results a test brings by hand
(`makes`), or the real job runner with a fake picture maker."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from starlette.applications import Starlette

from bot.channels.arrivals import Timing
from bot.channels.wecom.channel import WeComChannel
from bot.channels.wecom.settings import WeComSettings
from bot.channels.wecom.timing import Pace
from bot.metrics import Metrics
from handlers.dialogue.conversation import Conversation
from handlers.jobs.delivery import Courier
from handlers.jobs.notices import JobNotices
from handlers.jobs.outcome import JobOutcome, StepOutcome, failure_of
from handlers.jobs.plan import quoted
from handlers.jobs.runner import JobRunner
from handlers.jobs.sweep import LIVE
from handlers.session import LastResult
from handlers.store.base import ENDED, Delivery, Job, JobState, PartState, Store
from handlers.store.memory import MemoryStore
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from handlers.words import words
from providers.base import Phase, PictureFile, Progress
from providers.errors import MadeNothing
from providers.fake import FakeProvider
from providers.media.accept import accept_photo
from providers.media.store import FolderStore
from providers.router import Router
from tests.bot.wechat.serving import served
from tests.contract.wecom import Front
from tests.servers.wecom import AES_KEY, BOT_ID, BOT_SECRET, TOKEN, FakeLine, Media
from tests.servers.wecom_chat import FakeWeCom
from tests.waiting import LONG
from tests.world import Clock, RecordedJobs, hasty

BRISK: dict[str, Any] = {
    "first": 0.05,
    "look": 0.01,
    "settle": 0.5,
    "update": 0.02,
    "rest": 0.05,
    "photo_pauses": (0.0,),
}
INTAKE = Timing(retries=(0.0, 0.0), again=(0.01,), look=0.05, stop=3.0)


def photo(shade: int = 90, size: tuple[int, int] = (640, 480)) -> bytes:
    """A photo that is not of one colour."""
    ramp = np.linspace(shade, shade + 100, size[0] * size[1] * 3).reshape(size[1], size[0], 3)
    out = io.BytesIO()
    Image.fromarray(ramp.astype("uint8")).save(out, "JPEG")
    return out.getvalue()


@dataclass(kw_only=True)
class House:
    """What a test holds in its hands. `runner` is None where a test brings the results itself, with `makes`."""

    channel: WeComChannel
    store: Store
    runner: JobRunner | None
    provider: FakeProvider
    clock: Clock
    folder: Path
    conversation: Conversation

    def later(self, **how: float) -> None:
        self.clock.ahead += timedelta(**how)

    async def job(self, person: str = "ann") -> Job:
        """The oldest job of this person that has not ended, once there is one."""
        async with asyncio.timeout(LONG):
            while True:
                jobs = await self.store.jobs(states=LIVE, limit=100)
                if mine := [job for job in jobs if job.chat.person == person]:
                    return mine[-1]
                await asyncio.sleep(0.01)

    async def all_ended(self, count: int = 1) -> tuple[Job, ...]:
        async with asyncio.timeout(LONG):
            while True:
                jobs = await self.store.jobs(limit=100)
                if len(jobs) >= count and all(job.state in ENDED for job in jobs):
                    return jobs
                await asyncio.sleep(0.01)

    async def status(self, job: Job, seconds: float) -> None:
        """How far it is, as the job runner says it."""
        notices = JobNotices(job=job, words=words)
        going = {"1": Progress(phase=Phase.RUNNING)}
        await self.channel.say(job.chat, notices.status(going, now=self.clock(), expected=seconds, late=False))

    async def makes(
        self, person: str = "ann", count: int = 1, *, channel: WeComChannel | None = None, job: Job | None = None
    ) -> Delivery:
        """What the job runner does at the end of a job, without one: result, receipt, last status, ended."""
        channel = channel or self.channel
        job = job or await self.job(person)
        pictures = tuple(picture_of(self.folder / "pictures" / job.id, n) for n in range(count))
        part = f"{job.id}/0"
        if await self.store.begin_part(part, job.id, "fake", count=count):
            await self.store.end_part(part, PartState.MADE, pictures=pictures)
        job = replace(job, pictures=pictures)
        notices = JobNotices(job=job, words=words)
        made = JobOutcome(steps=(StepOutcome(wanted=count, pictures=pictures),))
        result = notices.result(made, took=21.0, number=job.delivery)
        courier = Courier(self.store, sleep=hasty)
        row = await courier.deliver(channel, job.chat, result, job_id=job.id, number=job.delivery)
        await channel.say(job.chat, notices.settled("job.settled", now=self.clock()))
        paths = tuple(picture.path for picture in pictures)
        last = LastResult(job=job.id, order=job.order, pictures=paths, at=self.clock())
        await self.store.finish_job(replace(job, state=JobState.DONE, finished=self.clock()), last)
        return row

    async def fails(self, person: str = "ann") -> None:
        """A job that ends without a picture, as the job runner tells it: first the last status, then why."""
        job = await self.job(person)
        notices = JobNotices(job=job, words=words)
        await self.channel.say(job.chat, notices.settled("job.settled_failed", now=self.clock()))
        fault = failure_of(MadeNothing("nothing came"))
        await self.channel.say(job.chat, notices.failure(fault, number=0))
        await self.store.finish_job(replace(job, state=JobState.FAILED, finished=self.clock()), None)


def picture_of(folder: Path, number: int, size: tuple[int, int] = (320, 240)) -> PictureFile:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number}.jpg"
    path.write_bytes(photo(20 + 30 * number, size))
    return PictureFile(
        path=path,
        width=size[0],
        height=size[1],
        size_bytes=path.stat().st_size,
        mime="image/jpeg",
        provider="fake",
        request_id=str(number),
    )


def bot_settings(wecom: FakeWeCom, **changes: Any) -> WeComSettings:
    values = {
        "wecom_bot_token": TOKEN,
        "wecom_bot_aes_key": AES_KEY,
        "wecom_bot_id": BOT_ID,
        "wecom_bot_name": "小像",
        "wecom_api_url": wecom.origin,
        "wecom_media_hosts": wecom.media_host,
        "public_url": wecom.app,
    }
    return WeComSettings.model_validate({**values, **changes})


async def brisk(seconds: float) -> None:
    """A pause of nobody's time."""
    await asyncio.sleep(min(seconds, 0.02))


def line_settings(line: FakeLine, **changes: Any) -> WeComSettings:
    values = {
        "wecom_bot_id": BOT_ID,
        "wecom_bot_secret": BOT_SECRET,
        "wecom_bot_name": "小像",
        "wecom_ws_url": line.url,
        "wecom_ack_seconds": 60,
    }
    return WeComSettings.model_validate({**values, **changes})


@asynccontextmanager
async def line_house(
    folder: Path,
    line: FakeLine,
    *,
    media: Media | None = None,
    jobs: bool = False,
    pace: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[House]:
    """Over the long connection."""
    hosts = {"wecom_media_hosts": media.address.removeprefix("http://")} if media else {}
    made = line_settings(line, **{**hosts, **settings})
    async with _house(folder, made, jobs=jobs, pace={"sleep": brisk, **(pace or {})}) as likeness:
        yield likeness


@asynccontextmanager
async def house(
    folder: Path,
    wecom: FakeWeCom,
    *,
    jobs: bool = False,
    pace: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[House]:
    """In callback mode."""
    front = Front()
    async with served(front) as address:
        wecom.app = address
        made = bot_settings(wecom, **settings)
        async with _house(folder, made, jobs=jobs, pace=pace) as likeness:
            front.app = Starlette(routes=list(likeness.channel.routes()))
            yield likeness


@asynccontextmanager
async def _house(
    folder: Path, settings: WeComSettings, *, jobs: bool, pace: dict[str, Any] | None
) -> AsyncIterator[House]:
    clock = Clock()
    provider = FakeProvider(sleep=hasty)
    media = FolderStore(data=folder, pictures=folder / "pictures")
    store: Store = MemoryStore(clock=clock)
    if jobs:
        store = await SqlStore.open(sqlite_url(folder / "likeness.sqlite"), clock=clock, media=media)
    channel = another(folder, settings, store, clock, pace)
    router = Router([provider])
    runner = None
    if jobs:
        runner = JobRunner(
            store=store,
            router=router,
            channels={"wecom": channel},
            data_dir=folder,
            output_dir=folder / "pictures",
            clock=clock,
            sleep=hasty,
        )
        await runner.start()
    conversation = Conversation(
        store=store,
        jobs=runner or RecordedJobs(),
        quote=quoted(router),
        photos_dir=folder / "photos",
        now=clock,
        accept=lambda path, into: accept_photo(path, into=into),
        forget=channel.forget,
    )
    await channel.start(conversation)
    try:
        yield House(
            channel=channel,
            store=store,
            runner=runner,
            provider=provider,
            clock=clock,
            folder=folder,
            conversation=conversation,
        )
    finally:
        await channel.stop()
        if runner is not None:
            await runner.stop()
        await store.aclose()


def another(
    folder: Path, settings: WeComSettings, store: Store, clock: Clock, pace: dict[str, Any] | None = None
) -> WeComChannel:
    """The channel of a process of this installation."""
    return WeComChannel(
        settings=settings,
        store=store,
        metrics=Metrics(),
        data_dir=folder,
        secret=b"a secret for tests",
        pace=Pace(clock=clock, intake=INTAKE, **{**BRISK, **(pace or {})}),
    )
