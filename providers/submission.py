"""One request made once: split and submitted. `providers.collection` fetches the result.

Durable jobs and the Python API are both built on the two.

What a crash may leave behind is decided by the journal (`providers.journal`), written before and after every paid POST:

    no record, REFUSED         nothing was taken: submit
    SUBMITTING, UNCERTAIN      the process died inside the POST, or its answer proved nothing: the service is asked
                               whether it knows the job (`Provider.find`); if not MaybePaid, unless it is repeatable
    ACCEPTED, FAILED           the submission is there: never a POST; `collect` asks upstream again, which is free
    MADE                       the pictures are there, `collect` returns them

Candidates are tried in the router's order. The next one is asked only if the one before certainly did not
take the job; what has been failing is skipped (`providers.breaker`); a company that the person has not accepted is not
asked but named (`ConsentNeeded`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from providers.attempts import Attempt, Outcome, attempt
from providers.base import Progress, Provider, Request, Submission
from providers.breaker import Breaker
from providers.deadlines import Now, Sleep, is_over, until, utc_now
from providers.errors import (
    ConsentNeeded,
    DeadlinePassed,
    LikenessError,
    MaybePaid,
    NotTaken,
    TellOperator,
    WaitAndRetry,
)
from providers.finishing import Finisher
from providers.journal import Journal, Record, Stage
from providers.media.credentials import ContentCredentials
from providers.moderation.moderation import Moderation
from providers.offers import Tier, shares
from providers.posting import found, hand_over
from providers.preferences import ANYONE, Preferences
from providers.registry import label_of
from providers.router import Candidate
from providers.task import Task

log = logging.getLogger(__name__)

OnProgress = Callable[[str, Progress], Awaitable[None]]
"""Called with the key of the piece and its progress."""

LONGEST_WAIT = 10.0
"""Seconds a busy provider is waited for when it is the only one; a longer wish is the person's decision."""
PATIENCE = (2.0, 5.0, 10.0, 20.0, 30.0, 30.0, 45.0, 45.0)
"""Seconds between the rounds of a request that has time: three minutes in all. A service that has been failing is left
alone for one of them (`BREAKER_SECONDS`), and is asked again in the rounds after."""
LONGEST_WISH = 60.0
"""Seconds: a service that wants to be left alone for longer is not waited for."""


class Routes(Protocol):
    """What the engine needs of `providers.router.Router`."""

    def candidates(self, task: Task, preferences: Preferences = ANYONE, *, lot: str = "") -> tuple[Candidate, ...]:
        """The candidates, best first, never empty. Raises AskPerson."""

    async def discover(self) -> None:
        """Ask those whose offers are not known beforehand what they have."""

    def provider(self, name: str) -> Provider:
        """The configured provider of this name. Raises TellOperator where it is no longer configured."""

    @property
    def breaker(self) -> Breaker:
        """Which services are left alone for a while."""

    @property
    def producer(self) -> str:
        """Whom the labels of pictures name."""

    @property
    def watermark(self) -> bool:
        """Whether pictures carry their number in their pixels, too."""

    @property
    def credentials(self) -> ContentCredentials | None:
        """What pictures are signed with; None where they are not."""

    @property
    def finisher(self) -> Finisher | None:
        """What is done to pictures on this machine after a service made them; None where nothing is."""

    @property
    def moderation(self) -> Moderation:
        """What looks at a request before it is sent, and at its pictures before anybody gets them."""


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
    now: Now = utc_now,
    sleep: Sleep = asyncio.sleep,
    tried: list[Attempt] | None = None,
    wait: Sleep | None = None,
) -> Submission:
    """Hand one piece to the first candidate that takes it; replay-safe: an accepted piece is not posted again.

    Goes on to the next candidate only on `NotTaken`. `wait`, given seconds, waits for them: with it, where all are only
    busy, away or have been failing, all are asked anew after a while, for `PATIENCE` in all. Raises AskPerson
    (ConsentNeeded and ContentRefused among them), NotTaken, MaybePaid or, when `request.deadline` is over,
    DeadlinePassed. Of several refusals the one that passes with time is raised, else the first. `tried` is given
    everybody who was asked or skipped in the last round; who took the job is not in it yet.
    """
    asked = [] if tried is None else tried
    submitting = _Submitting(request, router, journal, preferences, now, sleep, asked, wait)
    try:
        async with until(request.deadline, now, sleep):
            return await submitting.submit()
    except TimeoutError:
        return await submitting.at_the_deadline()


@dataclass(frozen=True)
class _Submitting:
    """One piece on its way through the candidates."""

    request: Request
    router: Routes
    journal: Journal
    preferences: Preferences
    now: Now
    sleep: Sleep
    tried: list[Attempt]
    wait: Sleep | None = None

    async def submit(self) -> Submission:
        if (submission := await self._known()) is not None:
            return submission
        if is_over(self.request.deadline, self.now):
            raise DeadlinePassed("before anybody was asked")
        await self.router.moderation.before(self.request)
        await self.router.discover()
        able = self.router.candidates(self.request.task, self.preferences, lot=self.request.key)
        candidates = [c for c in able if c.offer.max_count >= self.request.count]
        before = tuple(self.tried)
        for pause in PATIENCE if self.wait is not None else ():
            try:
                return await self._round(candidates)
            except NotTaken as error:
                if self.wait is None or not _passes(error):
                    raise
                log.info("nobody took a request for now: key=%s %s", self.request.key, error)
                await self.wait(max(pause, _wish(error)))
                self.tried[:] = before
        return await self._round(candidates)

    async def _round(self, candidates: Sequence[Candidate]) -> Submission:
        """Everybody once."""
        refusals: list[NotTaken] = []
        for candidate in candidates:
            if self._is_skipped(candidate):
                self.tried.append(Attempt(provider=candidate.name, outcome=Outcome.SKIPPED))
                continue
            try:
                return await self._turn(candidate.provider)
            except NotTaken as error:
                refusals.append(error)
        if self.wait is None and len(candidates) == 1 and refusals and (wait := _short_wait(refusals[0])) is not None:
            await self.sleep(wait)
            return await self._turn(candidates[0].provider)
        if self.tried and self.tried[-1].outcome is Outcome.SKIPPED:
            await self.journal.note(self.request, tuple(self.tried))
        busy = [error for error in refusals if isinstance(error, WaitAndRetry)]
        if self.tried and not refusals:
            raise WaitAndRetry("whoever could has been failing", code="provider_unavailable")
        raise next(iter(busy + refusals), NotTaken("no provider takes so many pictures at once", retryable=False))

    async def at_the_deadline(self) -> Submission:
        """What the POST that was cut short has left: its answer may have come in the last moment."""
        record = await self.journal.find(self.request.key)
        if record is not None and record.submission is not None:
            return record.submission
        if record is not None and record.stage is Stage.SUBMITTING:
            await self._unknown(record)
            raise MaybePaid("the time was over inside a submit")
        raise DeadlinePassed("before anybody took it")

    def _is_skipped(self, candidate: Candidate) -> bool:
        """Whether it has been failing. Who is asked for by name is asked. Raises ConsentNeeded."""
        breaker = self.router.breaker
        named = self.preferences.provider or self.request.task.service
        if named is None and breaker.is_open(candidate.name):
            return True
        accepted = self.preferences.accepted
        if accepted is not None and candidate.provider.tier is Tier.SERVICE and candidate.name not in accepted:
            raise ConsentNeeded(candidate.name, label_of(candidate.name))
        return named is None and not breaker.lets(candidate.name)

    async def _turn(self, provider: Provider) -> Submission:
        """One provider's turn; a free one is asked once more where its answer proved nothing."""
        try:
            return await self._asked(provider)
        except MaybePaid:
            if not provider.repeatable:
                raise
        try:
            return await self._asked(provider)
        except MaybePaid as error:
            raise NotTaken(error.hint) from None

    async def _asked(self, provider: Provider) -> Submission:
        try:
            return await hand_over(self._shown(provider), provider, self.journal, tuple(self.tried))
        except LikenessError as error:
            # A key, a balance or a right that only the operator can mend is worth more than a line among many.
            level = logging.WARNING if isinstance(error, TellOperator) else logging.INFO
            log.log(level, "provider %s did not accept a request: %s", provider.name, error)
            self.tried.append(attempt(provider.name, error))
            if isinstance(error, NotTaken | MaybePaid):
                self.router.breaker.failed(provider.name)
            raise

    def _shown(self, provider: Provider) -> Request:
        """Without an onlooker where the finished picture is looked at here before anybody may see it."""
        hidden = self.router.moderation.looks_after(moderated=provider.moderates)
        return replace(self.request, onlooker=None) if hidden else self.request

    async def _known(self) -> Submission | None:
        """What the journal holds of an earlier run. None: nothing was taken, so it may be posted."""
        key = self.request.key
        record = await self.journal.find(key)
        if record is None or record.stage is Stage.REFUSED:
            return None
        self.tried[:] = record.tried
        if record.submission is not None:
            return record.submission
        if _repeatable(record.provider, self.router):
            return None
        if (submission := await found(self.request, _provider_or_none(record.provider, self.router))) is not None:
            await self.journal.accept(key, submission)
            return submission
        if record.stage is Stage.SUBMITTING:
            await self._unknown(record)
        else:
            self.tried[:] = record.history
        raise MaybePaid("an earlier run ended inside a submit")

    async def _unknown(self, record: Record) -> None:
        """Its POST was cut off, and the service cannot say what became of it."""
        unknown = Attempt(provider=record.provider, outcome=Outcome.UNKNOWN, code=MaybePaid.code)
        self.tried[:] = (*record.tried, unknown)
        await self.journal.end(record.key, Stage.UNCERTAIN, error_code=MaybePaid.code, tried=self.tried)


def _short_wait(error: NotTaken) -> float | None:
    asked = error.retry_after if isinstance(error, WaitAndRetry) else None
    return asked if asked is not None and asked <= LONGEST_WAIT else None


def _passes(error: NotTaken) -> bool:
    """Whether another round may be luckier: nobody can, or may, is no matter of time."""
    return error.retryable and _wish(error) <= LONGEST_WISH


def _wish(error: NotTaken) -> float:
    """For how many seconds it wants to be left alone."""
    return (error.retry_after or 0.0) if isinstance(error, WaitAndRetry) else 0.0


def _provider_or_none(name: str, router: Routes) -> Provider | None:
    try:
        return router.provider(name)
    except TellOperator:  # no longer configured: what it did not answer then stays unknown
        return None


def _repeatable(name: str, router: Routes) -> bool:
    provider = _provider_or_none(name, router)
    return provider is not None and provider.repeatable
