"""The numbers of a status agree: time in a queue is not making time, and the bar says what the words say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handlers.jobs.notices import JobNotices
from handlers.jobs.outcome import Failure, JobOutcome, StepOutcome
from handlers.jobs.statuses import LiveJob
from handlers.message import Chat
from handlers.order import Order, Shot
from handlers.store.base import Job
from handlers.words import words
from providers.base import Phase, PictureFile, Progress

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
JOB = Job(
    id="j1",
    chat=Chat(channel="fake", chat="1", person="1"),
    order=Order(operation="portrait", shots=(Shot(style="anime"),)),
    created=START,
)
NOTICES = JobNotices(job=JOB, words=words)
PICTURE = PictureFile(
    path=Path("a.png"), width=1, height=1, size_bytes=1, mime="image/png", provider="embedded", request_id="r"
)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_while_it_waits_the_time_it_will_take_is_told_and_no_bar_is_drawn() -> None:
    waiting = {"a": Progress(phase=Phase.QUEUED, position=2)}
    status = NOTICES.status(waiting, now=at(40), expected=25, late=False, requests=1)
    assert status.text == "In the queue, 2 before you · 40 s, then about 25 s"
    assert (status.expected, status.begun, status.done) == (None, None, None)


async def test_making_time_is_counted_from_when_it_was_no_longer_waiting() -> None:
    clock = [at(0)]
    live = LiveJob(job=JOB, expected=25, now=lambda: clock[0])
    await live.on_progress("a", Progress(phase=Phase.QUEUED))
    clock[0] = at(60)
    await live.on_progress("a", Progress(phase=Phase.RUNNING))
    clock[0] = at(70)
    status = NOTICES.status(live.progress, now=clock[0], expected=25, late=False, requests=1, begun=live.begun)
    assert status.text == "Being made · 10 s of about 25 s"
    assert (status.expected, status.begun) == (25, at(60))


def test_the_bar_is_what_the_words_say() -> None:
    working = {"a": Progress(phase=Phase.RUNNING, fraction=0.15)}
    one = NOTICES.status(working, now=at(9), expected=12, late=False, requests=1, begun=START)
    assert ("15%" in one.text, one.done) == (True, 0.15)
    some = {"a": Progress(phase=Phase.DONE), "b": Progress(phase=Phase.RUNNING, fraction=0.9)}
    several = NOTICES.status(some, now=at(9), expected=12, late=False, requests=4, begun=START)
    assert ("1 of 4 ready" in several.text, several.done) == (True, 0.25)


async def test_a_receipt_tells_the_waiting_from_the_making() -> None:
    clock = [at(0)]
    live = LiveJob(job=JOB, expected=25, now=lambda: clock[0])
    clock[0] = at(1)
    await live.on_progress("a", Progress(phase=Phase.QUEUED))
    clock[0] = at(49)
    await live.on_progress("a", Progress(phase=Phase.RUNNING))
    clock[0] = at(75)
    made = JobOutcome(steps=(StepOutcome(wanted=1, pictures=(PICTURE,)),), waited=live.waited)
    assert NOTICES.result(made, took=live.elapsed, number=0).text.endswith("75 s, 49 s of it waiting")


async def test_what_never_waited_says_nothing_of_waiting() -> None:
    clock = [at(1)]
    live = LiveJob(job=JOB, expected=25, now=lambda: clock[0])
    clock[0] = at(30)
    await live.on_progress("a", Progress(phase=Phase.DONE))
    assert live.waited == 1


def lost(code: str, key: str) -> StepOutcome:
    return StepOutcome(wanted=1, fault=Failure(code=code, text_key=key, params={}, retryable=False))


def test_of_several_photos_it_is_said_which_one_failed_and_why_and_the_numbers_add_up() -> None:
    shots = tuple(Shot(style="anime", photo=n) for n in range(4))
    teller = JobNotices(job=replace(JOB, order=JOB.order.model_copy(update={"shots": shots})), words=words)
    no_face = ("no_face", "error.no_face")
    steps = (lost(*no_face), StepOutcome(wanted=1, pictures=(PICTURE,)), lost(*no_face), lost("busy", "error.internal"))
    text = teller.result(JobOutcome(steps=steps), took=3, number=0).text
    assert "2 of 4 missing (photo 1, 3): I cannot find a face" in text
    assert "1 of 4 missing (photo 4): Something went wrong" in text
