"""Collecting a submitted request: follow it, fetch it with patience, price it; free, and repeatable in any process.

`make` and `run` do both halves, submitting and collecting, for the Python API.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from providers.attempts import Attempt, Outcome, attempt
from providers.base import (
    FREE_OF_CHARGE,
    Charge,
    CostSource,
    Phase,
    PictureFile,
    Progress,
    Provider,
    Request,
    Result,
    Submission,
)
from providers.deadlines import Now, Sleep, until, utc_now
from providers.errors import AskPerson, DeadlinePassed, LikenessError, MadeNothing, WaitAndRetry
from providers.journal import Journal, Stage, with_end
from providers.labelling import with_labels
from providers.media.files import delete_quietly
from providers.media.threads import in_thread
from providers.moderation.offence import ContentRefused
from providers.offers import Offer
from providers.preferences import ANYONE, Preferences
from providers.submission import OnProgress, Routes, submit
from providers.task import Task
from providers.tracing import span

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0)
"""Seconds between attempts to fetch what is made. It is paid for and fetching is free: worth some patience."""
LONGEST_PAUSE = 60.0


async def collect(
    request: Request,
    submission: Submission,
    router: Routes,
    journal: Journal,
    *,
    into: Path,
    on_progress: OnProgress | None = None,
    now: Now = utc_now,
    sleep: Sleep = asyncio.sleep,
) -> Result:
    """Follow an accepted piece to its end and save its pictures under `into`; replay-safe and free to repeat.

    A result that is out of reach is asked for again for a minute and a half, reported as `Phase.FETCHING`; so it is
    where `request.deadline` comes after it was made.
    `Result.charge` is what the provider told, else its price list times the pictures made.
    Raises AskPerson, MadeNothing, WaitAndRetry or, when `request.deadline` is over, DeadlinePassed; after any of them
    the submission is still in the journal.
    """
    record = await journal.find(request.key)
    if record is not None and record.stage is Stage.MADE and await in_thread(_all_there, record.pictures):
        return Result(pictures=record.pictures, charge=record.charge)
    provider = router.provider(submission.provider)
    if record is not None and record.stage is Stage.MADE and submission.face is not None:
        await provider.release(submission)  # an earlier run may have ended before it did
        return Result(face=submission.face, charge=record.charge)

    hidden = router.moderation.looks_after(moderated=provider.moderates)

    async def report(progress: Progress) -> None:
        if on_progress is not None:
            await on_progress(request.key, replace(progress, preview=None) if hidden else progress)

    before = record.history if record is not None else ()
    try:
        with span("make", provider=provider.name, model=submission.model):
            await _followed(request, submission, provider, report, now, sleep)
        with span("fetch", provider=provider.name):
            result = await _fetched(submission, provider, into, report, sleep)
        await _looked_at(result, provider, router)
        if router.finisher is not None:
            finished = await router.finisher.finished(result.pictures, request, provider.tier)
            result = replace(result, pictures=finished)
        result = replace(result, pictures=await in_thread(_labelled, result, request, provider, router))
    except (WaitAndRetry, DeadlinePassed):
        raise
    except LikenessError as error:
        history = with_end(before, attempt(provider.name, error, taken=True))
        charge = submission.charge
        await journal.end(request.key, Stage.FAILED, charge=charge, error_code=error.code, tried=history)
        if not isinstance(error, AskPerson):
            router.breaker.failed(provider.name)
        raise
    router.breaker.worked(provider.name)
    result = _priced(result, request, submission, provider)
    if result.face is not None:
        await journal.accept(request.key, replace(submission, face=result.face))
    history = with_end(before, Attempt(provider=provider.name, outcome=Outcome.MADE))
    await journal.end(request.key, Stage.MADE, pictures=result.pictures, charge=result.charge, tried=history)
    await provider.release(submission)
    return result


async def _followed(
    request: Request,
    submission: Submission,
    provider: Provider,
    report: Callable[[Progress], Awaitable[None]],
    now: Now,
    sleep: Sleep,
) -> None:
    """To the end of the job upstream. Raises DeadlinePassed."""
    try:
        async with until(request.deadline, now, sleep):
            async for progress in provider.follow(submission):
                await report(progress)
    except TimeoutError:
        raise DeadlinePassed("while it was made", taken=True) from None


async def _fetched(
    submission: Submission,
    provider: Provider,
    into: Path,
    report: Callable[[Progress], Awaitable[None]],
    sleep: Sleep,
) -> Result:
    """The pictures of a finished job, with patience. An answer without any is a failure."""
    pauses = iter(PAUSES)
    while True:
        try:
            result = await provider.fetch(submission, into)
        except WaitAndRetry as error:
            pause = next(pauses, None)
            if pause is None:
                raise
            await report(Progress(phase=Phase.FETCHING))
            await sleep(max(pause, min(error.retry_after or 0.0, LONGEST_PAUSE)))
            continue
        if not result.pictures and result.face is None:
            raise MadeNothing("a result without a picture")
        return result


async def _looked_at(result: Result, provider: Provider, router: Routes) -> None:
    """What may not be shown is not kept either."""
    try:
        await router.moderation.after(result.pictures, moderated=provider.moderates)
    except ContentRefused:
        await in_thread(delete_quietly, [picture.path for picture in result.pictures])
        raise


def _labelled(result: Result, request: Request, provider: Provider, router: Routes) -> tuple[PictureFile, ...]:
    return with_labels(
        result.pictures,
        key=request.key,
        task=request.task,
        tier=provider.tier,
        producer=router.producer,
        watermark=router.watermark,
        credentials=router.credentials,
    )


def _all_there(pictures: Sequence[PictureFile]) -> bool:
    return bool(pictures) and all(picture.path.is_file() for picture in pictures)


def _priced(result: Result, request: Request, submission: Submission, provider: Provider) -> Result:
    if result.charge is not None:
        return result
    if submission.charge is not None:
        return replace(result, charge=submission.charge)
    offer = offer_of(submission, request.task, provider)
    if offer is None:
        return result
    cost = offer.price.of(len(result.pictures) or 1)
    charge = Charge(money=cost, source=CostSource.TABLE) if cost else FREE_OF_CHARGE
    return replace(result, charge=charge)


def offer_of(submission: Submission, task: Task, provider: Provider) -> Offer | None:
    """The offer by which it was made: that of the model which the submission names, else the one the task finds now."""
    of_model = [row for row in provider.offers.of(task.operation) if row.model == submission.model]
    fitting = [row for row in of_model if row.reason_not(task, provider.name) is None]
    return next(iter(fitting + of_model), None) or provider.offers.find(task)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """How one piece ended: a result, or the error in its place. `tried`: who was asked, in order, and with what end."""

    request: Request
    submission: Submission | None = None
    result: Result | None = None
    error: LikenessError | None = None
    tried: tuple[Attempt, ...] = ()


async def make(
    request: Request,
    router: Routes,
    journal: Journal,
    *,
    into: Path,
    preferences: Preferences = ANYONE,
    on_progress: OnProgress | None = None,
    sleep: Sleep = asyncio.sleep,
    pace: Sleep | None = None,
) -> Piece:
    """Submit and collect one piece. Errors of the tree end up in the piece.

    `sleep` is for what a busy service asks for; `pace` for the waits between two attempts to fetch what is made.
    """
    tried: list[Attempt] = []
    submission: Submission | None = None
    try:
        submission = await submit(request, router, journal, preferences=preferences, sleep=sleep, tried=tried)
        result = await collect(
            request, submission, router, journal, into=into, on_progress=on_progress, sleep=pace or sleep
        )
    except LikenessError as error:
        if submission is not None:
            tried[:] = with_end(tried, attempt(submission.provider, error, taken=True))
        return Piece(request=request, submission=submission, error=error, tried=tuple(tried))
    made = Attempt(provider=submission.provider, outcome=Outcome.MADE)
    return Piece(request=request, submission=submission, result=result, tried=with_end(tried, made))


async def run(
    pieces: Sequence[Request],
    router: Routes,
    journal: Journal,
    *,
    into: Path,
    preferences: Preferences = ANYONE,
    on_progress: OnProgress | None = None,
    sleep: Sleep = asyncio.sleep,
    pace: Sleep | None = None,
) -> tuple[Piece, ...]:
    """Submit and collect all pieces side by side, in order. One that fails takes no other with it.

    To run the same request again, give the same pieces (see `pieces_of`): their keys are what the journal knows.
    """
    makings = [
        make(
            piece, router, journal, into=into, preferences=preferences, on_progress=on_progress, sleep=sleep, pace=pace
        )
        for piece in pieces
    ]
    ends = await asyncio.gather(*makings, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return tuple(end for end in ends if isinstance(end, Piece))
