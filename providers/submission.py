"""One request made once: split, submit, collect. The engine under the durable job and under the Python API.

What a crash may leave behind is decided by the journal, written before and after every paid POST:

    no record, REFUSED         nothing was taken: submit
    SUBMITTING, UNCERTAIN      the process died inside the POST, or its answer proved nothing: MaybePaid, unless the
                               provider is repeatable
    ACCEPTED, FAILED           the submission is there: never a POST; `collect` asks upstream again, which is free
    MADE                       the pictures are there, `collect` returns them
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from providers.base import (
    FREE_OF_CHARGE,
    Charge,
    CostSource,
    PictureFile,
    Progress,
    Provider,
    Request,
    Result,
    Submission,
)
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, NotTaken, TellOperator, WaitAndRetry
from providers.labelling import with_labels
from providers.media.threads import in_thread
from providers.offers import Offer, shares
from providers.preferences import ANYONE, Preferences
from providers.router import Candidate
from providers.task import Task

log = logging.getLogger(__name__)

OnProgress = Callable[[str, Progress], Awaitable[None]]
"""Called with the key of the piece and its progress."""
Sleep = Callable[[float], Awaitable[None]]

LONGEST_WAIT = 10.0
"""Seconds a busy provider is waited for when it is the only one; a longer wish is the person's decision."""
GRACE = 5.0
"""Seconds a POST in flight may take to end when we are cancelled: an answer not read is an outcome not known."""


class Stage(StrEnum):
    """Where a piece stands. The names are those of `handlers.store.base.PartState`."""

    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    MADE = "made"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a journal knows of one piece. `key` is `Request.key`; a `submission` once there is never dropped."""

    key: str
    provider: str
    stage: Stage
    submission: Submission | None = None
    pictures: tuple[PictureFile, ...] = ()
    charge: Charge | None = None
    error_code: str | None = None


class Journal(Protocol):
    """The write-ahead rows around paid POSTs. Every method has committed, to disk, when it returns."""

    async def find(self, key: str) -> Record | None: ...

    async def begin(self, request: Request, provider: str) -> None:
        """SUBMITTING, before the POST. A former REFUSED record of this key is replaced."""

    async def accept(self, key: str, submission: Submission) -> None:
        """ACCEPTED, right after the answer."""

    async def end(
        self,
        key: str,
        stage: Stage,
        *,
        pictures: Sequence[PictureFile] = (),
        charge: Charge | None = None,
        error_code: str | None = None,
    ) -> None:
        """REFUSED, UNCERTAIN, MADE or FAILED."""


class Routes(Protocol):
    """What the engine needs of `providers.router.Router`."""

    def candidates(self, task: Task, preferences: Preferences = ANYONE, *, lot: str = "") -> tuple[Candidate, ...]:
        """Who could do it, best first, never empty. Raises AskPerson."""

    def provider(self, name: str) -> Provider:
        """The configured provider of this name. Raises TellOperator where it is no longer configured."""

    def failed(self, name: str, error: NotTaken) -> None:
        """Remember that this provider refused a job."""

    @property
    def producer(self) -> str:
        """Who the labels of pictures name."""


def piece_size(candidates: Sequence[Candidate]) -> int:
    """Pictures a request may ask for so that any of the candidates can take it whole, should the first refuse."""
    return max(1, min(c.offer.max_count for c in candidates))


def split(request: Request, max_count: int) -> tuple[Request, ...]:
    """`request` in pieces of at most `max_count` pictures, keyed `key#0`, `key#1`, …; one piece keeps its key."""
    if request.count <= max_count:
        return (request,)
    return tuple(request.part(n, count) for n, count in enumerate(shares(request.count, max_count)))


def pieces_of(request: Request, router: Routes, preferences: Preferences = ANYONE) -> tuple[Request, ...]:
    """`request` split for whoever could do it now. To be kept: other settings may split it differently tomorrow."""
    return split(request, piece_size(router.candidates(request.task, preferences, lot=request.key)))


async def submit(
    request: Request,
    router: Routes,
    journal: Journal,
    *,
    preferences: Preferences = ANYONE,
    sleep: Sleep = asyncio.sleep,
) -> Submission:
    """Hand one piece to the first candidate that takes it; replay-safe: an accepted piece is not posted again.

    Goes on to the next candidate only on `NotTaken`. Raises AskPerson, NotTaken or MaybePaid. Of several refusals the
    one that passes with time is raised, else the first.
    """
    if (submission := await _known(request.key, router, journal)) is not None:
        return submission
    found = router.candidates(request.task, preferences, lot=request.key)
    candidates = [c for c in found if c.offer.max_count >= request.count]
    refusals: list[NotTaken] = []
    for candidate in candidates:
        try:
            return await _hand_over(request, candidate.provider, journal)
        except NotTaken as error:
            log.info("provider %s did not take a request: %s", candidate.name, error)
            router.failed(candidate.name, error)
            refusals.append(error)
    if len(candidates) == 1 and (wait := _short_wait(refusals[0])) is not None:
        await sleep(wait)
        return await _hand_over(request, candidates[0].provider, journal)
    busy = [error for error in refusals if isinstance(error, WaitAndRetry)]
    raise next(iter(busy + refusals), NotTaken("no provider takes so many pictures at once"))


def _short_wait(error: NotTaken) -> float | None:
    asked = error.retry_after if isinstance(error, WaitAndRetry) else None
    return asked if asked is not None and asked <= LONGEST_WAIT else None


async def _known(key: str, router: Routes, journal: Journal) -> Submission | None:
    """What the journal holds of an earlier run. None: nothing was taken, so it may be posted."""
    record = await journal.find(key)
    if record is None or record.stage is Stage.REFUSED:
        return None
    if record.submission is not None:
        return record.submission
    if _repeatable(record.provider, router):
        return None
    if record.stage is Stage.SUBMITTING:
        await journal.end(key, Stage.UNCERTAIN, error_code=MaybePaid.code)
    raise MaybePaid("an earlier run ended inside a submit")


def _repeatable(name: str, router: Routes) -> bool:
    try:
        return router.provider(name).repeatable
    except TellOperator:  # no longer configured: what it did not answer then stays unknown
        return False


async def _hand_over(request: Request, provider: Provider, journal: Journal) -> Submission:
    """Post to one provider. Cancelled meanwhile, it still reads the answer for a moment and writes it down."""
    post = asyncio.create_task(_post(request, provider, journal))
    try:
        return await asyncio.shield(post)
    except asyncio.CancelledError:
        await asyncio.wait({post}, timeout=GRACE)
        raise
    finally:
        post.cancel()
        await asyncio.gather(post, return_exceptions=True)


async def _post(request: Request, provider: Provider, journal: Journal) -> Submission:
    await journal.begin(request, provider.name)
    try:
        submission = await provider.submit(request)
    except (AskPerson, NotTaken) as error:
        await journal.end(request.key, Stage.REFUSED, error_code=error.code)
        raise
    except MaybePaid as error:
        await journal.end(request.key, Stage.UNCERTAIN, error_code=error.code)
        raise
    except Exception as error:  # against the seam's rules, so nothing is known of the job
        log.error("provider %s broke in a submit: %s", provider.name, type(error).__name__)
        failure = NotTaken("it broke") if provider.repeatable else MaybePaid("it broke in a submit")
        stage = Stage.REFUSED if provider.repeatable else Stage.UNCERTAIN
        await journal.end(request.key, stage, error_code=failure.code)
        raise failure from None
    await journal.accept(request.key, submission)
    return submission


async def collect(
    request: Request,
    submission: Submission,
    router: Routes,
    journal: Journal,
    *,
    into: Path,
    on_progress: OnProgress | None = None,
) -> Result:
    """Follow an accepted piece to its end and save its pictures under `into`; replay-safe and free to repeat.

    `Result.charge` is what the provider told, else its price list times the pictures made.
    Raises AskPerson, MadeNothing or WaitAndRetry; after any of them the submission is still in the journal.
    """
    record = await journal.find(request.key)
    if record is not None and record.stage is Stage.MADE and await in_thread(_all_there, record.pictures):
        return Result(pictures=record.pictures, charge=record.charge)
    provider = router.provider(submission.provider)
    try:
        async for progress in provider.follow(submission):
            if on_progress is not None:
                await on_progress(request.key, progress)
        result = await provider.fetch(submission, into)
        if not result.pictures:
            raise MadeNothing("a result without a picture")
        result = replace(result, pictures=await in_thread(_labelled, result, request, provider, router.producer))
    except WaitAndRetry:
        raise
    except LikenessError as error:
        await journal.end(request.key, Stage.FAILED, charge=submission.charge, error_code=error.code)
        raise
    result = _priced(result, request, submission, provider)
    await journal.end(request.key, Stage.MADE, pictures=result.pictures, charge=result.charge)
    return result


def _labelled(result: Result, request: Request, provider: Provider, producer: str) -> tuple[PictureFile, ...]:
    return with_labels(result.pictures, key=request.key, task=request.task, tier=provider.tier, producer=producer)


def _all_there(pictures: Sequence[PictureFile]) -> bool:
    return bool(pictures) and all(picture.path.is_file() for picture in pictures)


def _priced(result: Result, request: Request, submission: Submission, provider: Provider) -> Result:
    if result.charge is not None:
        return result
    if submission.charge is not None:
        return replace(result, charge=submission.charge)
    offer = _offer_of(submission, request.task, provider)
    if offer is None:
        return result
    cost = offer.price.of(len(result.pictures))
    charge = Charge(money=cost, source=CostSource.TABLE) if cost else FREE_OF_CHARGE
    return replace(result, charge=charge)


def _offer_of(submission: Submission, task: Task, provider: Provider) -> Offer | None:
    """The offer by which it was made: that of the model which the submission names, else the one the task finds now."""
    of_model = [row for row in provider.offers.of(task.operation) if row.model == submission.model]
    fitting = [row for row in of_model if row.reason_not(task, provider.name) is None]
    return next(iter(fitting + of_model), None) or provider.offers.find(task)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """How one piece ended: a result, or the error in its place."""

    request: Request
    submission: Submission | None = None
    result: Result | None = None
    error: LikenessError | None = None


async def make(
    request: Request,
    router: Routes,
    journal: Journal,
    *,
    into: Path,
    preferences: Preferences = ANYONE,
    on_progress: OnProgress | None = None,
    sleep: Sleep = asyncio.sleep,
) -> Piece:
    """Submit and collect one piece. Errors of the tree end up in the piece."""
    submission: Submission | None = None
    try:
        submission = await submit(request, router, journal, preferences=preferences, sleep=sleep)
        result = await collect(request, submission, router, journal, into=into, on_progress=on_progress)
    except LikenessError as error:
        return Piece(request=request, submission=submission, error=error)
    return Piece(request=request, submission=submission, result=result)


async def run(
    pieces: Sequence[Request],
    router: Routes,
    journal: Journal,
    *,
    into: Path,
    preferences: Preferences = ANYONE,
    on_progress: OnProgress | None = None,
    sleep: Sleep = asyncio.sleep,
) -> tuple[Piece, ...]:
    """Submit and collect all pieces side by side, in order. One that fails takes no other with it.

    To run the same request again, give the same pieces (see `pieces_of`): their keys are what the journal knows.
    """
    makings = [
        make(piece, router, journal, into=into, preferences=preferences, on_progress=on_progress, sleep=sleep)
        for piece in pieces
    ]
    ends = await asyncio.gather(*makings, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return tuple(end for end in ends if isinstance(end, Piece))
