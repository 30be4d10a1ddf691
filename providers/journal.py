"""The write-ahead journal around paid POSTs: its records, one per piece, and the protocol that stores them.

Written before and after every POST, so that whatever process comes next knows what may have been paid for. The Python
API keeps it in files (`providers/api/journal.py`), a durable job in the store (`handlers/jobs/journal.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from providers.attempts import Attempt, Outcome
from providers.base import Charge, PictureFile, Request, Submission
from providers.codes import known_code


class Stage(StrEnum):
    """The stage of a piece; the values are those of stored rows."""

    SUBMITTING = "submitting"
    """Committed before the POST. Found after a crash without a submission, its outcome is unknown."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Certainly not accepted by that provider."""
    UNCERTAIN = "uncertain"
    MADE = "made"
    """Pictures are saved here."""
    FAILED = "failed"
    """Taken, but ended without a picture."""


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
    tried: tuple[Attempt, ...] = ()
    """Who was asked or skipped, in order, and how each ended; `provider` itself is in it once it has ended there."""

    @property
    def history(self) -> tuple[Attempt, ...]:
        """`tried`, with how it ended at `provider` itself, which earlier versions did not write down."""
        outcome = _ENDS.get(self.stage)
        if outcome is None or any(one.provider == self.provider for one in self.tried):
            return self.tried
        if self.error_code in _REFUSALS and self.stage is Stage.REFUSED:
            outcome = Outcome.REFUSED
        code = None if self.error_code is None or outcome is Outcome.MADE else known_code(self.error_code)
        return (*self.tried, Attempt(provider=self.provider, outcome=outcome, code=code))


_ENDS = {
    Stage.REFUSED: Outcome.NOT_TAKEN,
    Stage.UNCERTAIN: Outcome.UNKNOWN,
    Stage.MADE: Outcome.MADE,
    Stage.FAILED: Outcome.FAILED,
}
_REFUSALS = frozenset({"refused_content", "provider_rejected"})


def with_end(tried: Sequence[Attempt], end: Attempt) -> tuple[Attempt, ...]:
    """Everybody before, and how it has just ended. A request that is fetched again has one end, the newest."""
    again = bool(tried) and tried[-1].provider == end.provider and tried[-1].outcome in (Outcome.MADE, Outcome.FAILED)
    return (*tried[: len(tried) - again], end)


class Journal(Protocol):
    """The write-ahead rows around paid POSTs. Every method has committed, to disk, when it returns."""

    async def find(self, key: str) -> Record | None: ...

    async def ready(self, request: Request) -> None:
        """Its files are on this machine, whoever wrote them. Raises AskPerson where one is gone."""

    async def begin(self, request: Request, provider: str, *, tried: Sequence[Attempt] = ()) -> None:
        """SUBMITTING, before the POST; `tried`: who was asked or skipped before. A former REFUSED record of this key
        is replaced."""

    async def note(self, request: Request, tried: Sequence[Attempt]) -> None:
        """REFUSED, where the last in turn were not even asked: nobody else is, so nothing else is written."""

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
        tried: Sequence[Attempt] | None = None,
    ) -> None:
        """REFUSED, UNCERTAIN, MADE or FAILED. `tried`: None for as it was."""
