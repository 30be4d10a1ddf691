"""A job runner for a `with` block: real dbos and store on SQLite, fake provider, fake channel."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from handlers.fake_channel import FakeChannel
from handlers.jobs.runner import JobRunner
from handlers.message import Chat
from handlers.order import Order, Shot
from handlers.store.base import ENDED, Job, JobState, Store
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.base import Provider
from providers.breaker import Breaker
from providers.fake import FakeProvider
from providers.media.store import FolderStore
from providers.money import Money
from providers.router import Router
from tests.waiting import LONG

ANN = Chat(channel="fake", chat="ann", person="ann")


@dataclass
class Clock:
    """Moved forward by hand. In between it runs as the real time does; or it `stands`, but for the millisecond that
    each look takes."""

    ahead: timedelta = timedelta()
    stands: bool = False
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        if not self.stands:
            return datetime.now(UTC) + self.ahead
        self.ahead += timedelta(milliseconds=1)
        return self.began + self.ahead


async def hasty(_seconds: float) -> None:
    """A pause of nobody's time."""
    await asyncio.sleep(0.01)


@dataclass(kw_only=True)
class Running:
    """What a test holds in its hands."""

    folder: Path
    store: Store
    runner: JobRunner
    channel: FakeChannel
    clock: Clock
    provider: FakeProvider
    photo: Path = field(init=False)

    def __post_init__(self) -> None:
        self.photo = self.folder / "photo.png"
        Image.new("RGB", (64, 64), "gray").save(self.photo)

    def order(self, *shots: Shot, **changes: object) -> Order:
        order = Order(operation="portrait", shots=shots or (Shot(style="anime"),), photos=(self.photo,))
        return order.model_copy(update=changes)

    async def place(
        self, job_id: str = "j1", order: Order | None = None, *, chat: Chat = ANN, **changes: object
    ) -> Job:
        """Commit a job without setting it going."""
        job = Job(id=job_id, chat=chat, order=order or self.order(), created=self.clock(), estimate=Money.usd("0.1"))
        for name, value in changes.items():
            object.__setattr__(job, name, value)
        assert await self.store.add_job(job)
        return job

    async def do(self, job_id: str = "j1", order: Order | None = None, *, chat: Chat = ANN) -> Job:
        """Place a job, set it going, and wait until it has ended."""
        await self.place(job_id, order, chat=chat)
        await self.runner.enqueue(job_id)
        return await self.ended(job_id)

    async def ended(self, job_id: str = "j1") -> Job:
        return await self.until(job_id, lambda job: job.state in ENDED)

    async def state(self, job_id: str, state: JobState) -> Job:
        return await self.until(job_id, lambda job: job.state is state)

    async def until(self, job_id: str, fits: Callable[[Job], bool]) -> Job:
        async with asyncio.timeout(LONG):
            while True:
                job = await self.store.job(job_id)
                assert job is not None
                if fits(job):
                    return job
                await asyncio.sleep(0.01)

    async def happens(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONG):
            while not what():  # noqa: ASYNC110  # a test asks about many different things
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    folder: Path,
    *,
    provider: FakeProvider | None = None,
    others: Sequence[Provider] = (),
    channel: FakeChannel | None = None,
    other_channels: Sequence[FakeChannel] = (),
    clock: Clock | None = None,
    store: Store | None = None,
    database_url: str | None = None,
    **settings: object,
) -> AsyncIterator[Running]:
    clock = clock or Clock()
    provider = provider or FakeProvider(sleep=hasty)
    channel = channel or FakeChannel()
    own = None
    if store is None:
        media = FolderStore(data=folder, pictures=folder / "pictures")
        url = database_url or sqlite_url(folder / "likeness.sqlite")
        store = own = await SqlStore.open(url, clock=clock, media=media)
    runner = JobRunner(
        store=store,
        # One runner serves many tests: the faults of one must not open the breaker for the next.
        router=Router([provider, *others], breaker=Breaker(failures=1_000_000)),
        channels={each.name: each for each in (channel, *other_channels)},
        data_dir=folder,
        output_dir=folder / "pictures",
        database_url=database_url,
        clock=clock,
        **{"sleep": hasty, "steady": lambda: clock().timestamp(), **settings},  # type: ignore[arg-type]  # a test names what it changes
    )
    await runner.start()
    try:
        yield Running(folder=folder, store=store, runner=runner, channel=channel, clock=clock, provider=provider)
    finally:
        await runner.stop()
        if own is not None:
            await own.aclose()
