"""The real bot behind a fake WeCom: the real conversation, job runner, store and HTTP server; a fake picture maker."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from starlette.applications import Starlette

from bot.channels.intake import Timing
from bot.channels.wecom.channel import WeComChannel
from bot.channels.wecom.settings import WeComSettings
from bot.channels.wecom.timing import Pace
from bot.metrics import Metrics
from handlers.dialogue.conversation import Conversation
from handlers.jobs.plan import quoted
from handlers.jobs.runner import JobRunner
from handlers.store.base import ENDED, Job, Store
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.fake import FakeProvider, Script
from providers.media.accept import accept_photo
from providers.media.store import FolderStore
from providers.router import Router
from tests.bot.wechat.serving import served
from tests.contract.wecom import Front
from tests.handlers.running import Clock, hasty
from tests.servers.wecom import AES_KEY, BOT_ID, TOKEN
from tests.servers.wecom_chat import FakeWeCom, Phone

BRISK: dict[str, Any] = {"first": 0.05, "look": 0.01, "settle": 0.5, "update": 0.02, "photo_pauses": (0.0,)}
INTAKE = Timing(retries=(0.0, 0.0), again=(0.01,), look=0.05, stop=3.0)


def photo(shade: int = 90, size: tuple[int, int] = (640, 480)) -> bytes:
    """A photo that is not of one colour."""
    ramp = np.linspace(shade, shade + 100, size[0] * size[1] * 3).reshape(size[1], size[0], 3)
    out = io.BytesIO()
    Image.fromarray(ramp.astype("uint8")).save(out, "JPEG")
    return out.getvalue()


def made_by(provider: FakeProvider) -> int:
    return sum(request.count for request in provider.submitted)


def slow(seconds: float = 1e9) -> FakeProvider:
    """A maker whose pictures never come by themselves."""
    return FakeProvider(standing=Script(seconds=seconds))


@dataclass(kw_only=True)
class House:
    """What a test holds in its hands."""

    wecom: FakeWeCom
    channel: WeComChannel
    store: Store
    runner: JobRunner
    provider: FakeProvider
    clock: Clock
    folder: Path

    def phone(self, name: str = "ann", group: str | None = None) -> Phone:
        return self.wecom.phone(name, group)

    def later(self, **how: float) -> None:
        self.clock.ahead += timedelta(**how)

    async def all_ended(self, count: int = 1) -> tuple[Job, ...]:
        async with asyncio.timeout(60):
            while True:
                jobs = await self.store.jobs(limit=100)
                if len(jobs) >= count and all(job.state in ENDED for job in jobs):
                    return jobs
                await asyncio.sleep(0.01)


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


def conversation_of(store: Store, runner: JobRunner, folder: Path, router: Router, clock: Clock) -> Conversation:
    return Conversation(
        store=store,
        jobs=runner,
        quote=quoted(router),
        photos_dir=folder / "photos",
        now=clock,
        accept=lambda path, into: accept_photo(path, into=into),
    )


@asynccontextmanager
async def house(
    folder: Path,
    wecom: FakeWeCom,
    *,
    provider: FakeProvider | None = None,
    pace: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[House]:
    clock = Clock()
    provider = provider or FakeProvider(sleep=hasty)
    media = FolderStore(data=folder, pictures=folder / "pictures")
    store = await SqlStore.open(sqlite_url(folder / "likeness.sqlite"), clock=clock, media=media)
    front = Front()
    async with served(front) as address:
        wecom.app = address
        channel = WeComChannel(
            settings=bot_settings(wecom, **settings),
            store=store,
            metrics=Metrics(),
            data_dir=folder,
            secret=b"a secret for tests",
            pace=Pace(clock=clock, intake=INTAKE, **{**BRISK, **(pace or {})}),
        )
        router = Router([provider])
        runner = JobRunner(
            store=store,
            router=router,
            channels={"wecom": channel},
            data_dir=folder,
            output_dir=folder / "pictures",
            clock=clock,
            sleep=hasty,
        )
        conversation = conversation_of(store, runner, folder, router, clock)
        await runner.start()
        await channel.start(conversation)
        front.app = Starlette(routes=list(channel.routes()))
        try:
            yield House(
                wecom=wecom,
                channel=channel,
                store=store,
                runner=runner,
                provider=provider,
                clock=clock,
                folder=folder,
            )
        finally:
            await channel.stop()
            await runner.stop()
            await store.aclose()
