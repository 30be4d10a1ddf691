"""Making the pictures of a job: every shot at once, each a chain of paid requests with a journal around them.

Safe to run again from the start, in another process, at any point: what was posted is in the journal, and what was
made is not made again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeVar

from handlers.jobs.outage import written
from handlers.jobs.plan import links, pieces, preferences_of, request_for
from handlers.jobs.worker_leases import Confirmed, certainly
from handlers.store.base import Job, Part, PartState, Store, StoreError
from providers.attempts import Attempt
from providers.base import Cancelled, Charge, PictureFile, Progress, Request, Result, Submission
from providers.codes import known_code
from providers.collection import collect
from providers.errors import LikenessError, MaybePaid, NotTaken
from providers.submission import Record, Routes, Stage, split, submit

log = logging.getLogger(__name__)

T = TypeVar("T")
OnProgress = Callable[[str, Progress], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]

CANCEL_ASKED = "cancel_asked"
"""The code of a part that was running when it was cancelled: it may be charged."""
CANCEL_SECONDS = 8.0
"""How long a provider may take to answer a cancel."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A `LikenessError` as data, for the checkpoint. `unknown`: it may have been paid (MaybePaid)."""

    code: str
    text_key: str
    params: dict[str, str | int | float]
    retryable: bool
    unknown: bool = False


@dataclass(frozen=True, kw_only=True)
class ShotOutcome:
    """What became of one shot: its pictures (maybe fewer than `wanted`), and why some are missing."""

    wanted: int
    pictures: tuple[PictureFile, ...] = ()
    fault: Failure | None = None


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """What became of a job. `cancelled`: the person stopped it; `maybe_charged`: it may be billed all the same."""

    shots: tuple[ShotOutcome, ...]
    cancelled: bool = False
    maybe_charged: bool = False

    @property
    def pictures(self) -> tuple[PictureFile, ...]:
        return tuple(picture for shot in self.shots for picture in shot.pictures)

    @property
    def faults(self) -> tuple[Failure, ...]:
        return tuple(shot.fault for shot in self.shots if shot.fault)


def failure_of(error: LikenessError) -> Failure:
    return Failure(
        code=error.code,
        text_key=error.text_key,
        params=error.params,
        retryable=error.retryable,
        unknown=isinstance(error, MaybePaid),
    )


class StoreJournal:
    """The engine's journal in our store: one part a piece. A part another process has begun meanwhile is not posted."""

    def __init__(self, store: Store, job_id: str, confirmed: Confirmed) -> None:
        self._store = store
        self._job = job_id
        self._confirmed = confirmed
        self._found: dict[str, Part | None] = {}
        """The rows as last found, for as long as nothing was written over them."""

    async def find(self, key: str) -> Record | None:
        part = self._found[key] = await self._store.part(key)
        if part is None:
            return None
        return Record(
            key=part.key,
            provider=part.provider,
            stage=Stage(part.state.value),
            submission=part.submission,
            pictures=part.pictures,
            charge=part.charge,
            error_code=part.error_code,
        )

    async def begin(self, request: Request, provider: str, *, tried: Sequence[Attempt] = ()) -> None:
        key = request.key
        after = self._found.pop(key) if key in self._found else await self._refused(key)
        task = request.task
        await self._confirmed()
        if not await self._store.begin_part(key, self._job, provider, model=task.model, count=task.count, after=after):
            raise MaybePaid("another process has begun this request")
        # A process that was frozen here, and whose jobs another took up meanwhile, goes no further.
        await self._confirmed()

    async def _refused(self, key: str) -> Part | None:
        """The row as the refusal of the provider before left it."""
        part = await self._store.part(key)
        if part is not None and part.state is not PartState.REFUSED:
            raise MaybePaid("another process has begun this request")
        return part

    async def accept(self, key: str, submission: Submission) -> None:
        await written(lambda: self._store.accept_part(key, submission))

    async def end(
        self,
        key: str,
        stage: Stage,
        *,
        pictures: Sequence[PictureFile] = (),
        charge: Charge | None = None,
        error_code: str | None = None,
    ) -> None:
        state = PartState(stage.value)
        await written(lambda: self._store.end_part(key, state, pictures=pictures, charge=charge, error_code=error_code))
        self._found.pop(key, None)


May = Callable[[str, Record | None, int], bool]
"""Whether a piece (its key, what the journal knows of it, the number of its link) may be worked on."""


def _everything(_key: str, _record: Record | None, _link: int) -> bool:
    return True


def _paid(_key: str, record: Record | None, link: int) -> bool:
    """For a job taken up by hand: what was paid for, and the links that follow it, but no first request anew."""
    return link > 0 or (record is not None and record.stage is not Stage.REFUSED)


class Executor:
    """Makes jobs. Pictures are saved under `output_dir`, a folder a job."""

    def __init__(
        self,
        *,
        store: Store,
        router: Routes,
        output_dir: Path,
        sleep: Sleep = asyncio.sleep,
        confirmed: Confirmed = certainly,
    ) -> None:
        self._store = store
        self._router = router
        self._output = output_dir
        self._sleep = sleep
        self._confirmed = confirmed

    def folder(self, job_id: str) -> Path:
        """Where the pictures of a job are saved."""
        return self._output / job_id

    async def make(self, job: Job, on_progress: OnProgress | None = None, *, only_paid: bool = False) -> JobOutcome:
        """Everything a job asks for. `only_paid`: finish what was paid for, but let no first request be posted.

        Raises nothing of the error tree: what went wrong is in the shots.
        """
        return await self._make(job, on_progress, _paid if only_paid else _everything)

    async def stop(self, job: Job) -> JobOutcome:
        """After the person's cancel: tell every provider that has a request of this job, keep what is made already."""
        parts = await self._store.parts(job.id)
        outcomes = dict(zip((p.key for p in parts), await together([self._stop_part(p) for p in parts]), strict=True))

        def made(key: str, record: Record | None, _link: int) -> bool:
            return record is not None and (record.stage is Stage.MADE or outcomes.get(key) is Cancelled.TOO_LATE)

        kept = await self._make(await self._fresh(job), None, made)
        shots = tuple(replace(shot, fault=None) for shot in kept.shots)
        free = {part.key for part in parts if part.charge is not None and not part.charge.money}
        maybe = any(
            outcome in (Cancelled.ASKED, Cancelled.UNSUPPORTED) for key, outcome in outcomes.items() if key not in free
        )
        return JobOutcome(shots=shots, cancelled=True, maybe_charged=maybe)

    async def _fresh(self, job: Job) -> Job:
        return await self._store.job(job.id) or job

    async def _stop_part(self, part: Part) -> Cancelled | None:
        """What stopping one part achieved; None where there was nothing to stop. The same when asked again."""
        if part.state in (PartState.SUBMITTING, PartState.UNCERTAIN) or part.error_code == CANCEL_ASKED:
            return Cancelled.ASKED
        if part.state is not PartState.ACCEPTED or part.submission is None:
            return None
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                outcome = await self._router.provider(part.provider).cancel(part.submission)
        except (LikenessError, TimeoutError):
            outcome = Cancelled.ASKED
        if outcome is not Cancelled.TOO_LATE:
            code = "cancelled" if outcome is Cancelled.NOT_STARTED else CANCEL_ASKED
            await self._store.end_part(part.key, PartState.FAILED, error_code=code)
        return outcome

    async def _make(self, job: Job, on_progress: OnProgress | None, may: May) -> JobOutcome:
        try:
            sizes = await self._sizes(job)
        except LikenessError as error:
            return JobOutcome(
                shots=tuple(ShotOutcome(wanted=s.count, fault=failure_of(error)) for s in job.order.shots)
            )
        making = _Making(
            job=job,
            journal=StoreJournal(self._store, job.id, self._confirmed),
            router=self._router,
            into=self.folder(job.id),
            sleep=self._sleep,
            on_progress=on_progress,
            may=may,
        )
        return JobOutcome(shots=await together([making.shot(n, size) for n, size in enumerate(sizes)]))

    async def _sizes(self, job: Job) -> tuple[int, ...]:
        """How the job is split; committed before its first request."""
        if job.pieces:
            return job.pieces
        sizes = pieces(job.order, job_id=job.id, router=self._router)
        await self._store.update_job(job.id, pieces=sizes)
        return sizes


@dataclass(frozen=True, kw_only=True)
class _Making:
    """One job being made."""

    job: Job
    journal: StoreJournal
    router: Routes
    into: Path
    sleep: Sleep
    on_progress: OnProgress | None
    may: May

    async def shot(self, number: int, size: int) -> ShotOutcome:
        """One chain. A later link is done on the first picture of the one before."""
        what = self.job.order.shots[number]
        taken = ShotOutcome(wanted=what.count)
        try:
            for link in range(links(what)):
                made = [picture.path for picture in taken.pictures]
                request = request_for(self.job.order, job_id=self.job.id, shot=number, link=link, made=made)
                taken = await self._link(request, size, link)
                if not taken.pictures:
                    break
        except LikenessError as error:
            taken = ShotOutcome(wanted=what.count, fault=failure_of(error))
        return replace(taken, wanted=what.count)

    async def _link(self, request: Request, size: int, link: int) -> ShotOutcome:
        """One request in its pieces, side by side; pictures in the order of the pieces."""
        ends = await together([self._piece(piece, link) for piece in split(request, size)])
        pictures = tuple(picture for end in ends if not isinstance(end, Failure) for picture in end.pictures)
        # What may have been paid matters most to the person, so it is what is told.
        faults = sorted((end for end in ends if isinstance(end, Failure)), key=lambda fault: not fault.unknown)
        return ShotOutcome(wanted=request.count, pictures=pictures, fault=faults[0] if faults else None)

    async def _piece(self, piece: Request, link: int) -> Result | Failure:
        try:
            await self._check_allowed(piece.key, link)
            submission = await submit(piece, self.router, self.journal, preferences=preferences_of(self.job.order))
            return await self._collect(piece, submission)
        except LikenessError as error:
            log.info("a request ended without pictures: job=%s %s", self.job.id, error)
            return failure_of(error)
        except (StoreError, OSError):
            raise  # the database or the disk: the whole job waits and is tried again
        except Exception as error:
            # A mistake of ours in one request must not take the others with it. Its text may hold anything.
            log.error("a request broke: job=%s error=%s at %s", self.job.id, type(error).__name__, place_of(error))
            return failure_of(LikenessError())

    async def _check_allowed(self, key: str, link: int) -> None:
        if self.may is _everything:
            return
        record = await self.journal.find(key)
        if not self.may(key, record, link):
            raise NotTaken(
                "not to be posted", code=known_code((record.error_code if record else None) or "nothing_paid")
            )

    async def _collect(self, piece: Request, submission: Submission) -> Result:
        return await collect(
            piece,
            submission,
            self.router,
            self.journal,
            into=self.into,
            on_progress=self.on_progress,
            sleep=self.sleep,
        )


def place_of(error: BaseException) -> str:
    """Where an error came from, `module.py:12`, for a log that may not hold its text."""
    frames = extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"


async def together(coroutines: Sequence[Coroutine[Any, Any, T]]) -> tuple[T, ...]:
    """All results in order. When one raises or we are stopped, none of the others stays behind."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    if not tasks:
        return ()
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        # Cancelled once and no more: a paid POST in flight uses the time after its cancel to read the answer. (A plain
        # `gather` ends with the first task that is cancelled, while the others are still at that.)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    broken = next((task for task in tasks if not task.cancelled() and task.exception() is not None), None)
    return tuple(task.result() for task in ([broken] if broken else tasks))
