"""One request made once: split, submit, collect. The engine under the durable job and under the Python API.

What a crash may leave behind is decided by the journal, written before and after every paid POST:

    no record, REFUSED         nothing was taken: submit
    SUBMITTING, no submission  the process died inside the POST: MaybePaid, unless the provider is repeatable
    UNCERTAIN                  MaybePaid
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

from providers.base import PictureFile, Progress, Provider, Request, Result, Submission
from providers.errors import LikenessError, NotTaken

log = logging.getLogger(__name__)

OnProgress = Callable[[str, Progress], Awaitable[None]]
"""Called with the key of the piece and its progress."""
Sleep = Callable[[float], Awaitable[None]]

LONGEST_WAIT = 10.0
"""Seconds a busy provider is waited for when it is the only one; a longer wish is the person's decision."""
GRACE = 5.0
"""Seconds a POST in flight may take to end when we are cancelled: an answer not read is an outcome not known."""


class Stage(StrEnum):
    """Where a piece stands. The names are those of `handlers.store.PartState`."""

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
    cost: float | None = None
    currency: str = "USD"
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
        cost: float | None = None,
        currency: str = "USD",
        error_code: str | None = None,
    ) -> None:
        """REFUSED, UNCERTAIN, MADE or FAILED."""


class Routes(Protocol):
    """What the engine needs of `providers.router.Router`."""

    def candidates(self, request: Request, named: str | None = None) -> tuple[Provider, ...]:
        """Who could do it, best first, never empty. Raises AskPerson."""

    def provider(self, name: str) -> Provider:
        """The configured provider of this name. Raises TellOperator where it is no longer configured."""

    def failed(self, name: str, error: NotTaken) -> None:
        """Remember that this provider refused a job."""


def piece_size(candidates: Sequence[Provider]) -> int:
    """Pictures a request may ask for so that any of the candidates can take it whole, should the first refuse."""
    return max(1, min(p.capabilities.max_count for p in candidates))


def split(request: Request, max_count: int) -> tuple[Request, ...]:
    """`request` in pieces of at most `max_count` pictures, keyed `key#0`, `key#1`, …; one piece keeps its key."""
    if request.count <= max_count:
        return (request,)
    counts = [max_count] * (request.count // max_count)
    if rest := request.count % max_count:
        counts.append(rest)
    return tuple(replace(request, key=f"{request.key}#{n}", count=count) for n, count in enumerate(counts))


async def submit(
    request: Request,
    router: Routes,
    journal: Journal,
    *,
    named: str | None = None,
    sleep: Sleep = asyncio.sleep,
) -> Submission:
    """Hand one piece to the first candidate that takes it; replay-safe: an accepted piece is not posted again.

    Goes on to the next candidate only on `NotTaken`. Raises AskPerson, NotTaken (of the last candidate) or MaybePaid.
    """
    raise NotImplementedError


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

    `Result.cost` is the charge the provider told, else its price list times the pictures made.
    Raises AskPerson, MadeNothing or WaitAndRetry; after any of them the submission is still in the journal.
    """
    raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Piece:
    """How one piece ended: a result, or the error in its place."""

    request: Request
    submission: Submission | None = None
    result: Result | None = None
    error: LikenessError | None = None


async def run(
    request: Request,
    router: Routes,
    journal: Journal,
    *,
    into: Path,
    named: str | None = None,
    on_progress: OnProgress | None = None,
    sleep: Sleep = asyncio.sleep,
) -> tuple[Piece, ...]:
    """Split, submit and collect all pieces side by side. Errors of the tree end up in their piece."""
    raise NotImplementedError
