"""The real bot behind a fake WeChat: the real conversation, job runner, store and HTTP server; a fake picture maker."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.channels.wechat.channel import WeChatChannel
from bot.metrics import Metrics
from handlers.conversation import Conversation
from handlers.jobs import JobRunner
from handlers.plan import quoted
from handlers.sql_schema import sqlite_url
from handlers.sql_store import SqlStore
from handlers.store import ENDED, Job, Store
from providers.fake import FakeProvider, Script
from providers.media.accept import accept_photo
from providers.router import Router
from tests.bot.wechat.serving import served
from tests.handlers.running import Clock, hasty
from tests.servers.wechat import AES_KEY, APP_ID, APP_SECRET, TOKEN, FakeWeChat, Phone, Seen


def photo(shade: int = 90, size: tuple[int, int] = (640, 480)) -> bytes:
    """A photo that is not of one colour."""
    ramp = np.linspace(shade, shade + 100, size[0] * size[1] * 3).reshape(size[1], size[0], 3)
    out = io.BytesIO()
    Image.fromarray(ramp.astype("uint8")).save(out, "JPEG")
    return out.getvalue()


@dataclass(kw_only=True)
class House:
    """What a test holds in its hands."""

    wechat: FakeWeChat
    channel: WeChatChannel
    store: Store
    runner: JobRunner
    provider: FakeProvider
    clock: Clock
    address: str
    metrics: Metrics
    conversation: Conversation

    def phone(self, name: str = "ann") -> Phone:
        return self.wechat.phone(name)

    async def jobs(self) -> tuple[Job, ...]:
        return await self.store.jobs(limit=1000)

    async def all_ended(self, count: int = 1) -> tuple[Job, ...]:
        async with asyncio.timeout(20):
            while True:
                jobs = await self.jobs()
                if len(jobs) >= count and all(job.state in ENDED for job in jobs):
                    return jobs
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Until everything taken has been handled and every job has ended."""
        await self.channel.reception.idle()
        await self.all_ended(0)
        await self.channel.reception.idle()

    def later(self, **how: float) -> None:
        from datetime import timedelta

        self.clock.ahead += timedelta(**how)

    async def get(self, url: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
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
    settings: Callable[[str], dict[str, Any]] | None = None,
) -> AsyncIterator[House]:
    clock = clock or Clock()
    wechat.clock = lambda: clock().timestamp()
    provider = provider or FakeProvider(sleep=hasty)
    store = await SqlStore.open(sqlite_url(folder / "likeness.sqlite"), clock=clock)
    metrics = Metrics()
    channel = WeChatChannel(
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
        clock=clock,
        sleep=_brisk,
        retries=(0.0, 0.0),
    )
    router = Router([provider])
    runner = JobRunner(
        store=store, router=router, channels={"wechat": channel}, data_dir=folder, output_dir=folder / "pictures",
        clock=clock, sleep=hasty,
    )  # fmt: skip
    conversation = Conversation(
        store=store, jobs=runner, quote=quoted(router), accept=lambda path, into: accept_photo(path, into=into),
        photos_dir=folder / "photos", now=clock,
    )  # fmt: skip
    await runner.start()
    if listening:
        await channel.start(conversation)
    try:
        async with served(Starlette(routes=list(channel.routes()))) as address:
            wechat.app = address
            yield House(
                wechat=wechat, channel=channel, store=store, runner=runner, provider=provider, clock=clock,
                address=address, metrics=metrics, conversation=conversation,
            )  # fmt: skip
    finally:
        await channel.aclose()
        await runner.stop()
        await store.aclose()


async def _brisk(seconds: float) -> None:
    """A pause of nobody's time; long ones are those of background work, and stay out of the way."""
    await asyncio.sleep(0.01 if seconds < 100 else seconds)


def slow(seconds: float = 1e9) -> FakeProvider:
    """A maker that takes its time: its pictures never come by themselves."""
    return FakeProvider(standing=Script(seconds=seconds))


def text_of(seen: Seen | None) -> str:
    assert seen is not None
    return seen.text
