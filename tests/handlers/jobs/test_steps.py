"""A picture while it is being made: its previews reach a channel that shows them, are asked for by no other, and are no
result."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from handlers.channel import DeliveryLater, ShowsSteps
from handlers.fake_channel import FakeChannel
from handlers.message import Chat
from providers.base import Phase, Progress, Request, Submission
from providers.fake import FakeProvider
from providers.media.labels import read_label
from providers.moderation.moderation import Moderation
from providers.moderation.offence import Offence
from providers.router import Router
from providers.submission import submit
from tests.providers.test_submission import Notes
from tests.providers.wanted import portrait
from tests.world import ANN, FakeWorld, hasty, world

EVE = Chat(channel="shows", chat="eve", person="eve")


def rough(shade: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (900, 300), shade).save(out, "PNG")
    return out.getvalue()


class Showing(FakeChannel):
    """Shows unfinished pictures. `going`: set with each of them."""

    def __init__(self) -> None:
        super().__init__("shows")
        self.steps: list[tuple[str, bytes]] = []
        self.going = asyncio.Event()
        self.fails = False

    async def show_step(self, chat: Chat, job: str, picture: bytes) -> None:
        self.going.set()
        if self.fails:
            raise DeliveryLater("as told")
        self.steps.append((job, picture))


@dataclass
class Sharpening(FakeProvider):
    """Shows something in the submit and something later, and waits each time until it has been seen."""

    seen: asyncio.Event = field(default_factory=asyncio.Event)
    onlookers: list[bool] = field(default_factory=list)

    async def submit(self, request: Request) -> Submission:
        self.onlookers.append(request.onlooker is not None)
        if request.onlooker is not None:
            request.onlooker(Progress(phase=Phase.RUNNING, preview=rough("teal")))
            await self.seen.wait()
        return await super().submit(request)

    async def follow(self, submission: Submission) -> AsyncIterator[Progress]:
        self.seen.clear()
        if self.onlookers[-1]:
            yield Progress(phase=Phase.RUNNING, preview=b"no picture")
            yield Progress(phase=Phase.RUNNING, preview=rough("navy"))
            await self.seen.wait()
        yield Progress(phase=Phase.DONE)


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[FakeWorld]:
    shows = Showing()
    provider = Sharpening(sleep=hasty, seen=shows.going)
    async with world(tmp_path, provider=provider, other_channels=[shows]) as made:
        yield made


def showing(run: FakeWorld) -> Showing:
    channel = run.runner._live.channels["shows"]
    assert isinstance(channel, Showing)
    assert isinstance(channel, ShowsSteps)
    return channel


def sharpening(run: FakeWorld) -> Sharpening:
    assert isinstance(run.provider, Sharpening)
    return run.provider


async def test_previews_are_shown_small_and_labelled_and_only_the_picture_is_delivered(run: FakeWorld) -> None:
    job = await run.do("j1", chat=EVE)
    channel = showing(run)
    assert [of for of, _ in channel.steps] == ["j1", "j1"]
    for _, picture in channel.steps:
        assert read_label(picture) is not None
        with Image.open(BytesIO(picture)) as image:
            assert (image.format, image.size) == ("JPEG", (640, 213))
    (made,) = job.pictures
    assert (made.width, made.height) == (384, 512)
    assert channel.result("j1").pictures == job.pictures
    folder = run.runner._live.executor.folder("j1")
    assert [path.name for path in folder.iterdir()] == [made.path.name], "nothing else is kept"


async def test_a_step_that_is_not_shown_costs_no_picture(run: FakeWorld) -> None:
    showing(run).fails = True
    job = await run.do("j1", chat=EVE)
    assert len(job.pictures) == 1


async def test_nobody_is_asked_for_previews_that_nobody_would_see(run: FakeWorld) -> None:
    await run.do("j1", chat=ANN)
    assert sharpening(run).onlookers == [False]


class Strict:
    """Looks at every picture before anybody gets it."""

    async def judge(self, *, text: str = "", pictures: Sequence[Path] = ()) -> Offence | None:
        return None

    async def aclose(self) -> None: ...


@pytest.mark.parametrize("moderates", [True, False])
async def test_what_is_looked_at_before_it_is_given_out_is_not_shown_unfinished(moderates: bool) -> None:
    seen: list[Progress] = []
    shows = asyncio.Event()
    shows.set()
    provider = Sharpening(seen=shows)
    provider.moderates = moderates
    router = Router([provider], moderation=Moderation([Strict()]))
    request = portrait(onlooker=seen.append)
    await submit(request, router, Notes())
    assert len(seen) == moderates
