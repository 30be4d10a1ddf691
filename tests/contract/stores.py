"""The people, jobs and pictures that the suites over every `Store` are about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handlers.message import Chat, Choice, Kind, Outgoing
from handlers.order import Edit, Order, Shot
from handlers.store.base import Job, JobState
from providers.base import PictureFile

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ANN = Chat(channel="web", chat="ann", person="ann")
BEN = Chat(channel="telegram", chat="-100", person="ben", thread="7")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


def order(**changes: object) -> Order:
    return Order(
        operation="edit",
        shots=(Shot(edits=(Edit(action="filter", prompt="夜景"), Edit(action="upscale", scale=4)), count=2),),
        photos=(Path("/photos/main.jpg"), Path("/photos/second.jpg")),
        language="zh",
    ).model_copy(update=changes)


def job(job_id: str, chat: Chat = ANN, *, minutes: int = 0, state: JobState = JobState.NEW, **changes: object) -> Job:
    made = Job(id=job_id, chat=chat, order=order(), created=NOW + timedelta(minutes=minutes), state=state, ref="m1")
    return replace(made, **changes)  # type: ignore[arg-type]


def picture(name: str = "a.png") -> PictureFile:
    return PictureFile(
        path=Path("/pictures") / name,
        width=1024,
        height=768,
        size_bytes=99,
        mime="image/png",
        provider="fal",
        request_id="r-1",
    )


def said(entry_id: str, text: str = "好") -> Outgoing:
    return Outgoing(
        id=entry_id,
        kind=Kind.PICTURES,
        text=text,
        choices=(Choice(id="again:1", label="再来"),),
        pictures=(picture(),),
        ref="m1",
        job="j1",
        language="zh",
    )
