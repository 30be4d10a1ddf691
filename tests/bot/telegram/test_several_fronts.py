"""Several front processes behind a proxy that hands every update to whichever it likes."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette

from bot.channels.telegram.outbound.limits import Clock
from bot.channels.telegram.timing import Timing
from handlers.store.base import Job, Lease
from tests.bot.crash import crashed
from tests.bot.telegram.stage import BRISK, Stage, on_stage, paced
from tests.servers.postgres import new_database
from tests.servers.telegram import FakeTelegram, Fault
from tests.waiting import until

SECRET = "a-secret-of-tests"
HOOKED: dict[str, Any] = {"mode": "webhook", "public_url": "https://bot.example/", "webhook_secret": SECRET}
HEADERS = {"x-telegram-bot-api-secret-token": SECRET}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        yield url


@dataclass
class Hand:
    """A clock that the test turns."""

    at: float = 1000.0

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        end = self.at + seconds
        await until(lambda: self.at >= end)


@dataclass(kw_only=True)
class Fronts:
    """Stages that share a store, and the proxy before them."""

    telegram: FakeTelegram
    stages: Sequence[Stage]
    doors: Sequence[httpx.AsyncClient]

    @property
    def stage(self) -> Stage:
        return self.stages[0]

    async def post(self, update: dict[str, Any], front: int) -> None:
        answer = await self.doors[front].post("/telegram", json=update, headers=HEADERS)
        assert answer.status_code == 200

    async def deal(self, *hands: int) -> None:
        """What the server has, to these fronts one after another; acknowledged when this returns."""
        for front in hands:
            await self.post(self.telegram._updates[0], front)
            del self.telegram._updates[0]  # until then no clock of the channel's runs
        assert not self.telegram._updates

    async def deal_at_once(self, *hands: int) -> None:
        await asyncio.gather(*map(self.post, self.telegram._updates, hands))
        self.telegram._updates.clear()

    async def jobs(self, person: int, count: int = 1) -> tuple[Job, ...]:
        """This person's, once there are so many and nothing is left to handle."""

        async def found() -> tuple[Job, ...]:
            jobs = await self.stage.jobs_of(person)
            return jobs if len(jobs) >= count and not await self.stage.store.inbox("telegram") else ()

        return tuple(await until(found))


@asynccontextmanager
async def fronts(
    folder: Path,
    telegram: FakeTelegram,
    count: int,
    database: str | None,
    *,
    pace: Timing = BRISK,
    reached: bool = True,
) -> AsyncIterator[Fronts]:
    async with AsyncExitStack() as stack:
        stages = []
        for _ in range(count):
            opening = on_stage(folder, telegram, working=False, database_url=database, pace=pace, **HOOKED)
            stages.append(await stack.enter_async_context(opening))
        doors = []
        for stage in stages:
            app = httpx.ASGITransport(Starlette(routes=list(stage.channel.routes())))
            doors.append(await stack.enter_async_context(httpx.AsyncClient(transport=app, base_url="http://bot")))
        if reached:
            await until(lambda: all(stage.channel.intake.running for stage in stages))
        yield Fronts(telegram=telegram, stages=stages, doors=doors)


def shades(job: Job) -> list[int]:
    found = []
    for path in job.order.photos:
        with Image.open(path) as image:
            found.append(image.convert("RGB").getpixel((1, 1))[0])  # type: ignore[index]  # RGB: three numbers
    return found


async def test_an_album_is_one_request_however_its_parts_are_dealt_out(
    tmp_path: Path, telegram: FakeTelegram, database: str | None
) -> None:
    hands = [(0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 2)] * 3
    orders = list(permutations(range(3))) * 2
    async with fronts(tmp_path, telegram, 3, database) as bot:
        for person, order in enumerate(orders, 1):
            telegram.person(person).sends_album(3, "anime style", order=order, caption_on=(person + person // 6) % 3)
        await bot.deal_at_once(*(front for hand in hands for front in hand))
        for person in range(1, len(hands) + 1):
            (job,) = await bot.jobs(person)
            assert len(job.order.photos) == 3
            assert shades(job) == sorted(shades(job)), "in the order they were sent"
        assert not await bot.stage.store.failed_inbox("telegram")


async def test_the_parts_are_waited_for_from_the_last_one_whichever_front_it_came_to(
    tmp_path: Path, telegram: FakeTelegram, database: str | None
) -> None:
    hand = Hand()
    pace = paced(clock=Clock(now=hand.now, sleep=hand.sleep), album_pause=10.0, album_longest=1000.0)
    async with fronts(tmp_path, telegram, 2, database, pace=pace) as bot:
        telegram.person(1).sends_album(4, "anime style", hold=(1, 2, 3))
        await bot.deal(0)
        for parts in (2, 3, 4):
            hand.at += 9.0
            telegram.put(telegram.held.pop(0))
            await bot.deal(1)
            await until(lambda n=parts: len(bot.stage.channel.intake.waiting("1|1")) == n)  # type: ignore[misc]
        hand.at += 9.0
        assert len(bot.stage.channel.intake.waiting("1|1")) == 4
        hand.at += 2.0
        (job,) = await bot.jobs(1)
        assert len(job.order.photos) == 4


async def test_what_comes_to_another_front_after_an_album_was_handled_is_on_its_own(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with fronts(tmp_path, telegram, 2, None) as bot:
        telegram.person(1).sends_album(3, "anime style", hold=(2,))
        await bot.deal(0, 1)
        (job,) = await bot.jobs(1)
        assert len(job.order.photos) == 2
        said = len(telegram.shown(1))
        telegram.release_held()
        await bot.deal(1)
        assert await bot.jobs(1) == (job,)
        assert len(telegram.shown(1)) == said + 1
        assert len((await bot.stage.store.session(bot.stage.chat(1))).photos) == 3


async def test_text_at_one_front_ends_the_album_that_another_gathers(
    tmp_path: Path, telegram: FakeTelegram, database: str | None
) -> None:
    async with fronts(tmp_path, telegram, 3, database, pace=paced(album_pause=1e6, album_longest=1e6)) as bot:
        with telegram.at_once():
            telegram.person(1).sends_album(2)
            telegram.person(1).says("anime style")
        await bot.deal(0, 1, 2)
        (job,) = await bot.jobs(1)
        assert len(job.order.photos) == 2


async def test_a_text_split_over_two_fronts_is_one_text(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with fronts(tmp_path, telegram, 2, None, pace=paced(text_pause=1e6)) as bot:
        with telegram.at_once():
            telegram.person(1).photographs()
            telegram.person(1).says("turn it into an oil" + " " * 3600)
            telegram.person(1).says("painting, please")
        await bot.deal(0, 0, 1)
        (job,) = await bot.jobs(1)
        assert job.order.shots[0].style == "oil_painting"
        assert len(telegram.shown(1)) == 2, "one word to the photo, one to the text"


async def test_what_a_person_sent_first_is_handled_first_whichever_front_has_it(
    tmp_path: Path, telegram: FakeTelegram, database: str | None
) -> None:
    async with fronts(tmp_path, telegram, 2, database) as bot:
        telegram.faults.append(Fault(method="getFile", what="hang"))
        telegram.person(1).photographs()
        await bot.deal(0)
        await telegram.until(lambda: telegram.of("getFile"))
        telegram.person(1).says("anime style")
        telegram.person(2, "Bob").says("/help")
        await bot.deal(1, 1)
        await telegram.until(lambda: telegram.shown(2))
        assert not telegram.shown(1), "the words wait behind the photo"
        telegram.release()
        (job,) = await bot.jobs(1)
        assert len(job.order.photos) == 1


async def test_an_album_whose_first_front_died_is_whole_at_another(
    tmp_path: Path, telegram: FakeTelegram, database: str | None
) -> None:
    gone = Lease(owner="telegram-of-a-dead-machine", seconds=10)
    async with fronts(tmp_path, telegram, 2, database, pace=paced(look=0.05)) as bot:
        telegram.person(1).sends_album(3, "anime style", order=(1, 2, 0))
        first, store = telegram._updates.popleft(), bot.stage.store
        await store.put_in_line("telegram", str(first["update_id"]), json.dumps(first), line="1|1", lease=gone)
        await bot.deal(0, 1)
        assert len(await store.inbox("telegram")) == 3, "they wait where the first one is"
        for stage in bot.stages:
            stage.later(seconds=11)
        (job,) = await bot.jobs(1)
        assert len(job.order.photos) == 3


async def test_an_album_is_whole_when_the_front_that_gathers_it_is_killed(
    tmp_path: Path, telegram: FakeTelegram, database: str | None
) -> None:
    async with fronts(tmp_path, telegram, 3, database, pace=paced(look=0.05, album_pause=2.0)) as bot:
        telegram.person(1).sends_album(4, "anime style", caption_on=2)
        last = telegram._updates.pop()
        await bot.deal(0, 1, 0)
        telegram._updates.append(last)
        await crashed(bot.stage.channel.intake)
        await bot.deal(2)
        (job,) = await bot.jobs(1)
        assert len(job.order.photos) == 4


async def test_parts_that_came_before_telegram_was_reached_are_one_album(
    tmp_path: Path, telegram: FakeTelegram, database: str | None
) -> None:
    telegram.down = True
    async with fronts(tmp_path, telegram, 2, database, reached=False) as bot:
        telegram.person(1).sends_album(3, "anime style")
        await bot.deal(0, 1, 0)
        telegram.down = False
        (job,) = await bot.jobs(1)
        assert len(job.order.photos) == 3
