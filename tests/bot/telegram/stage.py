"""The world on Telegram: the real library, handlers, jobs and store, against a fake Bot API server.

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
from handlers.dialogue.group_policy import Groups
from handlers.dialogue.previews import Previews
from handlers.dialogue.profile_photos import ProfilePhotos
from handlers.jobs.visible_marks import VisibleMarks
from handlers.message import Chat
from handlers.store.base import Job, Store
from handlers.style_previews import StylePreviews
from providers.fake import FakeProvider, Script
from tests.servers.telegram import TOKEN, FakeTelegram
from tests.waiting import until
from tests.world import World, world_of

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


@dataclass(kw_only=True)
class Stage(World[TelegramChannel]):
    """The world on Telegram. `previews`: the sheets of what every look would give."""

    telegram: FakeTelegram
    previews: Previews

    def chat(self, person: int, chat: int | None = None) -> Chat:
        return Chat(channel="telegram", chat=str(chat or person), person=str(person))

    async def jobs_of(self, person: int, chat: int | None = None) -> tuple[Job, ...]:
        return await self.store.jobs(chat=self.chat(person, chat))

    async def job(self, person: int, chat: int | None = None) -> Job:
        """The only job of this person here."""
        (job,) = await self.jobs_of(person, chat)
        return job

    async def until(self, what: Callable[[], Any]) -> Any:
        """What it gives, once that is true of what the server knows."""
        return await self.telegram.until(what)

    async def read(self) -> None:
        """Until the bot has taken every update there is and handled it."""
        await self.until(lambda: self.telegram.unread == 0)
        await self.channel.idle()

    async def job_begun(self, person: int, chat: int | None = None) -> Job:
        """The only job of this person here, once it is there."""
        jobs: tuple[Job, ...] = await until(lambda: self.jobs_of(person, chat))
        return jobs[0]

    async def valued(self, space: str, key: str) -> str:
        """What the store holds there, once it does."""
        return str(await until(lambda: self.store.value(space, key)))


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
    usd: float = 0.1,
    database_url: str | None = None,
    **settings: Any,
) -> AsyncIterator[Stage]:
    if pace.clock is BRISK.clock:  # no album is cut in two by a slow machine
        pace = replace(pace, clock=Clock(now=lambda: FAST * telegram.quiet(), sleep=_soon))
    provider = FakeProvider(script=script, standing=standing or Script(), usd=usd)

    def channel(store: Store, _clock: object) -> TelegramChannel:
        return TelegramChannel(
            token=TOKEN,
            store=store,
            metrics=Metrics(),
            data_dir=folder,
            api_url=telegram.address,
            pace=pace,
            **settings,
        )

    previews: list[Previews] = []

    def conversing(store: Store, channel: TelegramChannel) -> dict[str, Any]:
        free = FakeProvider(name="free")
        previews.append(
            Previews(
                styles=StylePreviews(provider=free, producer="Likeness"),
                channels={"telegram": channel},
                unasked={"telegram"},
                store=store,
                folder=folder / "previews",
                photos_dir=folder / "photos",
                marks=VisibleMarks(),
            )
        )
        return {
            "confirm_above": 9.0,
            "groups": Groups(store, {"telegram": channel.is_admin}),
            "previews": previews[0],
            "forget": channel.forget,
            "profile_photos": ProfilePhotos(channels={"telegram": channel}),
        }

    async with world_of(
        folder,
        channel,
        provider=provider,
        working=working,
        database_url=database_url,
        listening=started,
        conversing=conversing,
        sleep=asyncio.sleep,
    ) as world:
        try:
            yield Stage(**world.parts(), telegram=telegram, previews=previews[0])
        finally:
            await previews[0].aclose()


def paced(**changes: Any) -> Timing:
    return replace(BRISK, **changes)
