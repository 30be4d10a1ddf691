"""A person talking to the real conversation: the real parser, the real catalog, a store in memory, jobs recorded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from handlers.consent import Consents
from handlers.dialogue.conversation import Conversation
from handlers.faces import Faces
from handlers.message import Chat, IncomingPhoto, Language, Message, Outgoing
from handlers.order import Order
from handlers.quote import Quote
from handlers.session import LastResult
from handlers.store.base import Job, JobState, Store
from handlers.store.memory import MemoryStore
from providers.base import PictureFile
from providers.errors import AskPerson
from providers.money import Money


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


@dataclass(frozen=True)
class Checked:
    path: Path
    width: int = 640
    height: int = 480


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
            accept=accept,
            photos_dir=tmp_path / "photos",
            faces=Faces(self.store) if faces else None,
            now=lambda: self.now,
            **({"consents": Consents(self.store) if consent else None} | more),
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
        return await self.conversation.handle(message)

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
