"""The world on WeChat: the real channel and HTTP server behind a fake of the platform."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.channels.arrivals import Timing
from bot.channels.wechat.channel import WeChatChannel
from bot.channels.wechat.deadlines import Deadlines
from bot.metrics import Metrics
from handlers.channel import Answerer
from handlers.dialogue.conversation import Conversation
from handlers.foreground import ForegroundGate
from handlers.jobs.delivery import Courier
from handlers.jobs.notices import JobNotices
from handlers.jobs.outcome import JobOutcome, StepOutcome
from handlers.jobs.sweep import LIVE
from handlers.session import LastResult
from handlers.store.base import Delivery, Job, JobState, PartState, Store
from handlers.store.memory import MemoryStore
from handlers.words import words
from providers.base import PictureFile
from providers.fake import FakeProvider, Script
from providers.net.certificates import trusted
from tests.bot.wechat.serving import served
from tests.servers.wechat import AES_KEY, APP_ID, APP_SECRET, TOKEN, FakeWeChat, Phone, Seen
from tests.waiting import LONG
from tests.world import Clock, World, hasty, nothing_more, world_of


def photo(shade: int = 90, size: tuple[int, int] = (640, 480)) -> bytes:
    """A photo that is not of one colour."""
    ramp = np.linspace(shade, shade + 100, size[0] * size[1] * 3).reshape(size[1], size[0], 3)
    out = io.BytesIO()
    Image.fromarray(ramp.astype("uint8")).save(out, "JPEG")
    return out.getvalue()


PATIENT = Deadlines(**{field.name: LONG for field in fields(Deadlines)})
"""A test that is not about deadlines meets none; one that is shortens its own."""
NO_WORK_IN_TIME = replace(PATIENT, work=0.0)
"""The handlers are never ready in time: what they foresee is answered."""
NOTHING_IN_TIME = replace(PATIENT, answer=0.05)
"""Whatever cannot be answered at once is promised."""


@dataclass(kw_only=True)
class House(World[WeChatChannel]):
    """The world on WeChat."""

    wechat: FakeWeChat
    address: str
    metrics: Metrics
    courier: Courier
    calm: ForegroundGate
    rows: list[Delivery] = field(default_factory=list)

    def phone(self, name: str = "ann") -> Phone:
        return self.wechat.phone(name)

    async def settled(self) -> None:
        """Until everything taken has been handled and every job has ended."""
        await self.channel.idle()
        await self.all_ended(0)
        await self.channel.idle()

    async def makes(
        self,
        person: Phone,
        count: int = 1,
        *,
        sizes: tuple[int, int] = (320, 240),
        file: Path | None = None,
        channel: WeChatChannel | None = None,
    ) -> Job:
        """What the job runner does at the end of this person's newest open job, without one: result, receipt, ended."""
        await self.channel.idle()
        job = next(j for j in await self.store.jobs(states=LIVE) if j.chat.person == person.openid)
        pictures = tuple(_made(self.folder / "pictures" / job.id, n, sizes) for n in range(count))
        if file is not None:
            pictures = (replace(pictures[0], path=file),)
        part = f"{job.id}/0"
        if await self.store.begin_part(part, job.id, "fake", count=count):
            await self.store.end_part(part, PartState.MADE, pictures=pictures)
        made = JobOutcome(steps=(StepOutcome(wanted=count, pictures=pictures),))
        job = replace(job, pictures=pictures)
        result = JobNotices(job=job, words=words).result(made, took=21.0, number=job.delivery)
        row = await self.courier.deliver(channel or self.channel, job.chat, result, job_id=job.id, number=job.delivery)
        ended = replace(job, state=JobState.DONE, finished=self.clock())
        paths = tuple(picture.path for picture in pictures)
        await self.store.finish_job(ended, LastResult(job=job.id, order=job.order, pictures=paths, at=self.clock()))
        self.rows.append(row)
        return ended

    async def wishes(self, person: Phone, text: str = "动漫风格") -> Seen | None:
        """A photo and words, a moment after what was said before: a job begins."""
        self.later(seconds=2)
        await person.sends(photo())
        answer = await person.types(text)
        await self.channel.idle()
        return answer

    async def get(self, url: str) -> httpx.Response:
        async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=LONG) as client:
            return await client.get(url)


@asynccontextmanager
async def house(
    folder: Path,
    wechat: FakeWeChat,
    *,
    provider: FakeProvider | None = None,
    clock: Clock | None = None,
    keys: tuple[str, ...] = (AES_KEY,),
    public_url: str | None = None,
    listening: bool = True,
    jobs: bool = True,
    deadlines: Deadlines = PATIENT,
    stop_seconds: float = LONG,
    answerer: Callable[[Conversation], Answerer] = lambda conversation: conversation,
    conversing: Callable[[Store, WeChatChannel], Mapping[str, Any]] = nothing_more,
) -> AsyncIterator[House]:
    clock = clock or Clock(stands=True)
    wechat.clock = lambda: clock().timestamp()
    metrics = Metrics()
    calm = ForegroundGate(seconds=60)

    def channel(store: Store, clock: Clock) -> WeChatChannel:
        return WeChatChannel(
            store=store,
            metrics=metrics,
            data_dir=folder,
            secret=b"a secret for tests",
            app_id=APP_ID,
            app_secret=SecretStr(APP_SECRET),
            token=SecretStr(TOKEN),
            keys=tuple(SecretStr(key) for key in keys),
            api_url=wechat.url,
            public_url=public_url,
            calm=calm,
            clock=clock,
            sleep=_brisk,
            timing=Timing(retries=(0.0, 0.0), again=(0.01,), look=0.05, stop=stop_seconds, sleep=_brisk),
            deadlines=deadlines,
        )

    async with (
        world_of(
            folder,
            channel,
            provider=provider,
            clock=clock,
            store=None if jobs else MemoryStore(clock=clock),
            working=jobs,
            listening=listening,
            answerer=answerer,
            conversing=lambda store, channel: {"forget": channel.forget, **conversing(store, channel)},
        ) as world,
        served(Starlette(routes=list(world.channel.routes()))) as address,
    ):
        wechat.app = address
        yield House(
            **world.parts(),
            wechat=wechat,
            address=address,
            metrics=metrics,
            courier=Courier(world.store, sleep=hasty),
            calm=calm,
        )


@asynccontextmanager
async def beside(likeness: House) -> AsyncIterator[tuple[WeChatChannel, str]]:
    """Another process of the account on the same database and the same folder: its channel and address."""
    channel = WeChatChannel(
        store=likeness.store,
        metrics=Metrics(),
        data_dir=likeness.folder,
        secret=b"a secret for tests",
        app_id=APP_ID,
        app_secret=SecretStr(APP_SECRET),
        token=SecretStr(TOKEN),
        api_url=likeness.wechat.url,
        clock=likeness.clock,
        deadlines=PATIENT,
    )
    await channel.start(likeness.conversation)
    try:
        async with served(Starlette(routes=list(channel.routes()))) as address:
            yield channel, address
            await channel.idle()
    finally:
        await channel.stop()


async def _brisk(seconds: float) -> None:
    """A pause of nobody's time; long ones are those of background work, and stay out of the way."""
    await asyncio.sleep(0.01 if seconds < 100 else seconds)


def _made(folder: Path, number: int, size: tuple[int, int]) -> PictureFile:
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


def slow(seconds: float = 1e9) -> FakeProvider:
    """A maker that takes its time: its pictures never come by themselves."""
    return FakeProvider(standing=Script(seconds=seconds))


def text_of(seen: Seen | None) -> str:
    assert seen is not None
    return seen.text
