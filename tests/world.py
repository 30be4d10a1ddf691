"""The program's parts on fakes, for a `with` block: store, clock, makers, job runner, conversation and a channel.

The channel is the fake one here; `tests/bot/telegram/stage.py`, `tests/bot/wechat/house.py` and their like bring their
own, with their platform's other end. A `Person` talks to a conversation alone, with no jobs behind it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar

from dbos import DBOS
from PIL import Image

from handlers.channel import Answerer, Channel
from handlers.consent import Consents
from handlers.dialogue.conversation import Conversation
from handlers.faces import Faces
from handlers.fake_channel import FakeChannel
from handlers.jobs.engine_database import EngineDatabase
from handlers.jobs.plan import quoted
from handlers.jobs.runner import JobRunner
from handlers.message import Chat, IncomingPhoto, Language, Message, Outgoing
from handlers.order import Order, Shot
from handlers.quote import Quote
from handlers.session import LastResult
from handlers.store.base import ENDED, Job, JobState, Store
from handlers.store.memory import MemoryStore
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.base import PictureFile, Provider
from providers.breaker import Breaker
from providers.errors import AskPerson
from providers.fake import FakeProvider
from providers.media.accept import AcceptedPhoto, accept_photo
from providers.media.store import FolderStore
from providers.money import Money
from providers.router import Router
from tests.leaks import said as shown
from tests.waiting import until

ANN = Chat(channel="fake", chat="ann", person="ann")
C = TypeVar("C", bound=Channel)


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


async def hasty(seconds: float) -> None:
    """A pause of nobody's time; what comes round every few seconds or hours does not keep the processor busy."""
    await asyncio.sleep(0.01 if seconds < 5 else 0.1 if seconds < 3600 else 1.0)


@dataclass
class RecordedJobs:
    """Stands where the job runner stands and remembers what it was asked."""

    enqueued: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    resent: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    async def enqueue(self, job_id: str) -> None:
        self.enqueued.append(job_id)

    async def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    async def resend(self, job_id: str) -> None:
        self.resent.append(job_id)

    async def fetch(self, job_id: str) -> None:
        self.fetched.append(job_id)


async def accept_really(path: Path, into: Path) -> AcceptedPhoto:
    return await accept_photo(path, into=into)


@dataclass(kw_only=True)
class World(Generic[C]):
    """What a test holds in its hands. `job_runner`: or where none works, what it would have been asked."""

    folder: Path
    store: Store
    clock: Clock
    provider: FakeProvider
    router: Router
    channel: C
    job_runner: JobRunner | RecordedJobs
    conversation: Conversation

    def parts(self) -> dict[str, Any]:
        """For a world of one platform: a subclass with more in it."""
        return {part.name: getattr(self, part.name) for part in fields(World)}

    @property
    def runner(self) -> JobRunner:
        assert isinstance(self.job_runner, JobRunner)
        return self.job_runner

    @property
    def photo(self) -> Path:
        path = self.folder / "photo.png"
        if not path.exists():
            Image.new("RGB", (64, 64), "gray").save(path)
        return path

    def later(self, **how: float) -> None:
        self.clock.ahead += timedelta(**how)

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
        return await self.when(job_id, lambda job: job.state in ENDED)

    async def state(self, job_id: str, state: JobState) -> Job:
        return await self.when(job_id, lambda job: job.state is state)

    async def when(self, job_id: str, fits: Callable[[Job], bool]) -> Job:
        async def fitting() -> Job | None:
            job = await self.store.job(job_id)
            assert job is not None
            return job if fits(job) else None

        job: Job = await until(fitting)
        return job

    async def happens(self, what: Callable[[], bool]) -> None:
        await until(what)

    async def jobs(self) -> tuple[Job, ...]:
        return await self.store.jobs(limit=1000)

    async def all_ended(self, count: int = 1) -> tuple[Job, ...]:
        """Every job there is, once there are `count` and all have ended."""

        async def ended() -> bool:
            jobs = await self.jobs()
            return len(jobs) >= count and all(job.state in ENDED for job in jobs)

        await until(ended)
        return await self.jobs()


def nothing_more(_store: Store, _channel: Channel) -> Mapping[str, Any]:
    return {}


@cache
def _engine_tables() -> bytes:
    """The engine's file as it is before the first job: bringing one about takes longer than most jobs here."""
    with TemporaryDirectory() as folder:
        database = EngineDatabase.of(Path(folder), None)
        DBOS.migrate(database.url)
        assert database.file is not None
        return database.file.read_bytes()


@asynccontextmanager
async def world_of(
    folder: Path,
    make: Callable[[Store, Clock], C],
    *,
    provider: FakeProvider | None = None,
    others: Sequence[Provider] = (),
    other_channels: Sequence[Channel] = (),
    clock: Clock | None = None,
    store: Store | None = None,
    database_url: str | None = None,
    working: bool = True,
    listening: bool = True,
    answerer: Callable[[Conversation], Answerer] = lambda conversation: conversation,
    conversing: Callable[[Store, C], Mapping[str, Any]] = nothing_more,
    **settings: object,
) -> AsyncIterator[World[C]]:
    """`make` makes the channel. `working`: jobs are made here; `listening`: the channel takes messages. `conversing`:
    what else the conversation is given; `settings`: what else the runner is."""
    clock = clock or Clock()
    provider = provider or FakeProvider(sleep=hasty)
    own = None
    if store is None:
        media = FolderStore(data=folder, pictures=folder / "pictures")
        url = database_url or sqlite_url(folder / "likeness.sqlite")
        store = own = await SqlStore.open(url, clock=clock, media=media)
    # One runner serves many tests: the faults of one must not open the breaker for the next.
    router = Router([provider, *others], breaker=Breaker(failures=1_000_000))
    channel = make(store, clock)
    channels: list[Channel] = [channel, *other_channels]
    jobs: JobRunner | RecordedJobs = RecordedJobs()
    if working:
        jobs = JobRunner(
            store=store,
            router=router,
            channels={each.name: each for each in channels},
            data_dir=folder,
            output_dir=folder / "pictures",
            database_url=database_url,
            clock=clock,
            **{"sleep": hasty, "steady": lambda: clock().timestamp(), **settings},  # type: ignore[arg-type]
        )
    more: dict[str, Any] = {"now": clock, "accept": accept_really, **conversing(store, channel)}
    conversation = Conversation(store=store, jobs=jobs, quote=quoted(router), photos_dir=folder / "photos", **more)
    if isinstance(jobs, JobRunner):
        engine_file = EngineDatabase.of(folder, database_url).file
        if engine_file is not None and not engine_file.exists():
            engine_file.write_bytes(_engine_tables())
        await jobs.start()
    try:
        if listening:
            await channel.start(answerer(conversation))
        yield World(
            folder=folder,
            store=store,
            clock=clock,
            provider=provider,
            router=router,
            channel=channel,
            job_runner=jobs,
            conversation=conversation,
        )
    finally:
        await channel.stop()
        if isinstance(jobs, JobRunner):
            await jobs.stop()
        if own is not None:
            await own.aclose()


FakeWorld = World[FakeChannel]


@asynccontextmanager
async def world(folder: Path, *, channel: FakeChannel | None = None, **settings: Any) -> AsyncIterator[FakeWorld]:
    """On the fake channel, which nobody listens to: jobs are placed by the test."""
    async with world_of(folder, lambda _store, _clock: channel or FakeChannel(), listening=False, **settings) as made:
        yield made


# --- people


@dataclass(frozen=True)
class Checked:
    path: Path
    width: int = 640
    height: int = 480
    source_size: tuple[int, int] = (640, 480)


async def accept(path: Path, into: Path) -> Checked:
    """Accepts any file but those called broken."""
    if "broken" in path.name:
        raise AskPerson("not a picture", code="not_a_photo")
    return Checked(path=into / path.name)


def cheap(order: Order) -> Quote:
    """Everything can be done, for 15 cents a picture."""
    return Quote(cost=Money.usd("0.15") * order.count, seconds=25)


class Person:
    """One person in one chat, with a clock of their own."""

    def __init__(
        self,
        tmp_path: Path,
        *,
        quote: Callable[[Order], Quote] = cheap,
        name: str = "ann",
        store: Store | None = None,
        consent: bool = False,
        faces: bool = False,
        **more: Any,
    ) -> None:
        """`more`: other arguments of the `Conversation`."""
        self.store = store or MemoryStore()
        self.jobs = RecordedJobs()
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
        self.chat = Chat(channel="test", chat=name, person=name)
        self.inbox = tmp_path / "inbox"
        self._sent = 0
        self.conversation = Conversation(
            store=self.store,
            jobs=self.jobs,
            quote=quote,
            photos_dir=tmp_path / "photos",
            faces=Faces(self.store) if faces else None,
            now=lambda: self.now,
            **({"accept": accept, "consents": Consents(self.store) if consent else None} | more),
        )

    async def sends(
        self,
        text: str = "",
        *photos: str,
        quoted: tuple[str, ...] = (),
        quoted_job: str | None = None,
        key: str | None = None,
        hint: Language | None = None,
        **more: Any,
    ) -> tuple[Outgoing, ...]:
        """`more`: other fields of the `Message`."""
        return await self._hand_over(
            text=text, photos=photos, quoted=quoted, quoted_job=quoted_job, key=key, hint=hint, **more
        )

    async def taps(self, choice: str, **more: Any) -> tuple[Outgoing, ...]:
        return await self._hand_over(choice=choice, **more)

    async def _hand_over(
        self,
        *,
        text: str = "",
        choice: str | None = None,
        photos: tuple[str, ...] = (),
        quoted: tuple[str, ...] = (),
        quoted_job: str | None = None,
        key: str | None = None,
        hint: Language | None = None,
        **more: Any,
    ) -> tuple[Outgoing, ...]:
        self._sent += 1
        self.now += timedelta(seconds=5)
        message = Message(
            key=key or f"test:{self.chat.person}:{self._sent}",
            chat=self.chat,
            text=text,
            choice=choice,
            photos=tuple(IncomingPhoto(key=p, path=self.inbox / p) for p in photos),
            quoted_photos=tuple(IncomingPhoto(key=p, path=self.inbox / p) for p in quoted),
            quoted_job=quoted_job,
            language_hint=hint,
            **more,
        )
        replies = await self.conversation.handle(message)
        shown("\n".join(reply.text for reply in replies))
        return replies

    async def job(self) -> Job:
        """The newest job."""
        jobs = await self.store.jobs(chat=self.chat)
        assert jobs, "no job was made"
        return jobs[0]

    async def job_count(self) -> int:
        return len(await self.store.jobs(chat=self.chat))

    async def gets_result(self, *names: str) -> Job:
        """The newest job ends with these pictures, as the job runner would end it."""
        job = await self.job()
        pictures = tuple(
            PictureFile(
                path=Path("/made") / name,
                width=1024,
                height=1024,
                size_bytes=9,
                mime="image/png",
                provider="fal",
                request_id="r",
            )
            for name in names or ("one.png",)
        )
        done = await self.store.update_job(job.id, state=JobState.DONE, pictures=pictures, finished=self.now)
        sizes = tuple((p.width, p.height) for p in pictures)
        paths = tuple(p.path for p in pictures)
        result = LastResult(job=job.id, order=job.order, pictures=paths, sizes=sizes, at=self.now)
        await self.store.finish_job(done, result)
        return done


def names(order: Order) -> list[str]:
    """The file names of an order's photos."""
    return [p.name for p in order.photos]


def said(replies: tuple[Outgoing, ...]) -> str:
    return "\n".join(r.text for r in replies)


def offered(replies: tuple[Outgoing, ...]) -> list[str]:
    return [c.id for r in replies for c in r.choices]
