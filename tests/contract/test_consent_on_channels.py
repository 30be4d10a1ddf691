"""With PROVIDERS_CONSENT=ask every channel asks before anything goes to a company, and takes the answer as a word."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from handlers.consent import Consents
from handlers.dialogue.conversation import Conversation
from handlers.jobs.plan import quoted
from handlers.store.base import Job
from providers.fake import FakeProvider
from providers.router import Router
from tests.contract.channels import PLATFORMS, Platform, platform_of
from tests.world import RecordedJobs, accept


@pytest.fixture(params=PLATFORMS)
async def platform(request: pytest.FixtureRequest) -> AsyncIterator[Platform]:
    async with platform_of(request.param) as made:
        yield made


@asynccontextmanager
async def talking(platform: Platform, folder: Path, *, ask: bool = True) -> AsyncIterator["Talk"]:
    """The channel with the real conversation behind it; its one service is a company called fal."""
    conversation = Conversation(
        store=platform.store,
        jobs=RecordedJobs(),
        quote=quoted(Router([FakeProvider(name="fal", usd="0.1")])),
        accept=accept,
        photos_dir=folder / "photos",
        consents=Consents(platform.store) if ask else None,
        now=platform.clock,
    )
    channel = platform.process(folder)
    await platform.start(channel, conversation)
    try:
        yield Talk(platform, channel)
    finally:
        await channel.stop()


class Talk:
    def __init__(self, platform: Platform, channel: object) -> None:
        self.platform = platform
        self.channel = channel

    async def says(self, text: str) -> list[str]:
        """The words; what is on the screen once they were handled."""
        self.platform.clock.turn(2)  # no repeat; and well within what a channel holds for so many seconds
        await self.platform.says(text)
        await self.platform.idle(self.channel)  # type: ignore[arg-type]
        return await self.platform.texts()

    async def jobs(self) -> tuple[Job, ...]:
        return await self.platform.store.jobs(chat=self.platform.chat)


@pytest.mark.parametrize("yes", ["yes", "1"])
async def test_the_first_picture_asks_naming_the_company_and_a_word_or_a_number_starts_it(
    platform: Platform, tmp_path: Path, yes: str
) -> None:
    async with talking(platform, tmp_path) as talk:
        screen = await talk.says("draw a lighthouse at night")
        assert any("to fal" in text for text in screen), screen
        assert await talk.jobs() == ()
        await talk.says(yes)
        (job,) = await talk.jobs()
        assert job.order.accepted == ("fal",)
        await talk.says("draw a boat on a lake")
        assert len(await talk.jobs()) == 2, "nobody is asked twice"


async def test_a_no_sends_nothing_anywhere(platform: Platform, tmp_path: Path) -> None:
    async with talking(platform, tmp_path) as talk:
        await talk.says("draw a lighthouse at night")
        await talk.says("no")
        assert await talk.jobs() == ()
        assert await Consents(platform.store).accepted(platform.chat) == frozenset()


async def test_where_the_operator_decides_nobody_is_asked(platform: Platform, tmp_path: Path) -> None:
    async with talking(platform, tmp_path, ask=False) as talk:
        screen = await talk.says("draw a lighthouse at night")
        (job,) = await talk.jobs()
        assert job.order.accepted is None
        assert not any("to fal" in text for text in screen)
