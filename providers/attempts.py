"""Which providers were asked to make a request, in order, and how each ended: for results, journal and job history."""

from dataclasses import dataclass
from enum import StrEnum

from providers.errors import AskPerson, LikenessError, MaybePaid, NotTaken


class Outcome(StrEnum):
    """How it ended with one provider."""

    MADE = "made"
    NOT_TAKEN = "not_taken"
    """It certainly did not accept the job."""
    REFUSED = "refused"
    """It refused this request: bad input, or policy."""
    FAILED = "failed"
    """It accepted the job and made no usable picture."""
    UNKNOWN = "unknown"
    """It is unknown whether it accepted the job."""
    SKIPPED = "skipped"
    """Not asked: it has been failing, see `providers.breaker`."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One provider that was asked or skipped. `code`: of the error it ended with; None where it made the pictures."""

    provider: str
    outcome: Outcome
    code: str | None = None


def attempt(provider: str, error: LikenessError, *, taken: bool = False) -> Attempt:
    """How it ended with this error. `taken`: the job had been accepted."""
    if isinstance(error, AskPerson):
        outcome = Outcome.REFUSED
    elif isinstance(error, MaybePaid):
        outcome = Outcome.UNKNOWN
    elif isinstance(error, NotTaken) and not taken:
        outcome = Outcome.NOT_TAKEN
    else:
        outcome = Outcome.FAILED
    return Attempt(provider=provider, outcome=outcome, code=error.code)
