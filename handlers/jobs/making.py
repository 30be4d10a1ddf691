"""`Making`: one run through the plan of a job, each step as soon as its inputs exist, every request journalled."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from handlers.jobs.durations import Durations, Stopwatch, megapixels_of
from handlers.jobs.error_place import place_of
from handlers.jobs.journal import StoreJournal
from handlers.jobs.outcome import Failure, JobOutcome, StepOutcome, failure_of, worst
from handlers.jobs.plan import preferences_of, request_of
from handlers.jobs.together import together
from handlers.plan import Plan, Step, part_key
from handlers.store.base import Job, StoreError
from providers.base import Phase, PictureFile, Progress, Request, Result, Submission
from providers.codes import known_code
from providers.collection import collect
from providers.deadlines import Now, Sleep, is_over
from providers.errors import LikenessError, MadeNothing, NotTaken, TellOperator
from providers.finishing import likest_first
from providers.journal import Record
from providers.submission import Routes, split, submit

log = logging.getLogger(__name__)

OnProgress = Callable[[str, Progress], Awaitable[None]]
Onlooker = Callable[[str, Progress], None]
"""Told what a request, by its key, makes while it is being submitted; previews are asked for on its account."""
Check = Callable[[Job, Step, PictureFile], Awaitable[bool]]
"""Looks at one picture of a step; False rejects it. Deterministic: it is asked again after a crash."""
Maker = Callable[[Job, Step, Sequence[tuple[Step, PictureFile]], Path], Awaitable[PictureFile]]
"""Makes one picture in a folder from those of the steps before it; under the same name when it is run again."""

LOOK_SECONDS = 20.0
"""How long one look at a request that takes hours may last."""
LAST_LOOK = timedelta(seconds=LOOK_SECONDS)
"""How long a job that is taken up after its deadline waits for a service that already has its request."""

May = Callable[[Step, int, Record | None], bool]
"""Whether an attempt at a step may be worked on, given what the journal knows of it."""


def everything(_step: Step, _attempt: int, _record: Record | None) -> bool:
    return True


class _Rejected(MadeNothing):
    """The check rejected every attempt."""

    code = "made_nothing"


@dataclass(frozen=True, kw_only=True)
class Making:
    """One job being made, by one run of it."""

    job: Job
    plan: Plan
    journal: StoreJournal
    router: Routes
    into: Path
    sleep: Sleep
    clock: Now
    on_progress: OnProgress | None
    onlooker: Onlooker | None
    may: May
    checks: Mapping[str, Check]
    makers: Mapping[str, Maker]
    durations: Durations | None = None
    """None where something was begun before: then nobody knows how long it took."""
    done: dict[str, StepOutcome] = field(default_factory=dict)
    over: dict[str, asyncio.Event] = field(default_factory=dict)
    lanes: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    async def all(self) -> JobOutcome:
        """Every step begins when those it waits for have ended."""
        self.over.update({step.id: asyncio.Event() for step in self.plan.steps})
        await together([self._in_turn(step) for step in self.plan.steps])
        results = tuple(self.done[step.id] for step in self.plan.results)
        waits = [outcome.wakes_after for outcome in self.done.values() if outcome.wakes_after is not None]
        return JobOutcome(steps=results, wakes_after=min(waits, default=None))

    async def _in_turn(self, step: Step) -> None:
        for before in step.awaited:
            await self.over[before].wait()
        outcome = self._held_up(step) or await self._step(step)
        self.done[step.id] = replace(outcome, wanted=step.wanted, label=step.label)
        self.over[step.id].set()

    def _held_up(self, step: Step) -> StepOutcome | None:
        """Why a step cannot begin: something it needs has no picture, or sleeps."""
        sleeping = [self.done[before] for before in step.awaited if self.done[before].wakes_after is not None]
        if sleeping:
            return StepOutcome(wanted=step.wanted, wakes_after=min(s.wakes_after or 0.0 for s in sleeping))
        without = [self.done[before] for before in (*step.uses, *step.needs) if not self.done[before].pictures]
        return StepOutcome(wanted=step.wanted, fault=without[0].fault) if without else None

    async def _step(self, step: Step) -> StepOutcome:
        try:
            return await (self._asked_for(step) if step.task else self._made_here(step))
        except LikenessError as error:
            log.info("a step ended without pictures: job=%s step=%s %s", self.job.id, step.id, error)
            return StepOutcome(wanted=step.wanted, fault=failure_of(error))
        except (StoreError, OSError):
            raise  # the database or the disk: the whole job waits and is retried
        except Exception as error:
            # A bug of ours in one step must not take the others with it. Its text may hold anything.
            log.error("a step broke: job=%s error=%s at %s", self.job.id, type(error).__name__, place_of(error))
            return StepOutcome(wanted=step.wanted, fault=failure_of(LikenessError()))

    async def _made_here(self, step: Step) -> StepOutcome:
        """By a maker, from whatever the steps before it made."""
        before = [other for other in self.plan.steps if other.id in step.awaited]
        pictures = [(other, picture) for other in before for picture in self.done[other.id].pictures]
        if not pictures:
            return StepOutcome(wanted=1, fault=worst([f for o in before if (f := self.done[o.id].fault)]))
        made = await self.makers[step.maker or ""](self.job, step, pictures, self.into)
        return StepOutcome(wanted=1, pictures=(made,))

    async def _asked_for(self, step: Step) -> StepOutcome:
        """By a service, again if the check rejects the result. What an earlier run rejected stays rejected."""
        made = [self.done[before].pictures[0].path for before in step.uses]
        outcome = StepOutcome(wanted=step.wanted)
        for attempt in range(step.attempts):
            if attempt + 1 < step.attempts and await self._begun(step, attempt + 1):
                continue
            request = request_of(step, job_id=self.job.id, attempt=attempt, made=made)
            outcome = await self._attempt(step, attempt, request)
            if step.check is None or not outcome.pictures:
                return outcome
            good = [p for p in outcome.pictures if await self.checks[step.check](self.job, step, p)]
            if good:
                return replace(outcome, pictures=tuple(good))
            log.info("a check rejected a step: job=%s step=%s attempt=%d", self.job.id, step.id, attempt)
        raise _Rejected("every attempt was rejected")

    async def _begun(self, step: Step, attempt: int) -> bool:
        """Whether an earlier run reached this attempt."""
        key = part_key(self.job.id, step.id, attempt)
        wanted = step.task.count if step.task else 1
        return await self.journal.find(key if wanted <= step.most else f"{key}#0") is not None

    async def _attempt(self, step: Step, attempt: int, request: Request) -> StepOutcome:
        """One request in its pieces, concurrently; pictures in the order of the pieces."""
        ends = await together([self._piece(step, attempt, piece) for piece in split(request, step.most)])
        asleep = [end for end in ends if end is None]
        if asleep:
            return StepOutcome(wanted=step.wanted, wakes_after=step.wakes_after)
        pictures = likest_first([picture for end in ends if isinstance(end, Result) for picture in end.pictures])
        fault = worst([end for end in ends if isinstance(end, Failure)])
        face = next((end.face for end in ends if isinstance(end, Result) and end.face), None)
        return StepOutcome(wanted=step.wanted, pictures=pictures, fault=fault, face=face)

    async def _piece(self, step: Step, attempt: int, piece: Request) -> Result | Failure | None:
        """None: look again later."""
        try:
            await self._check_allowed(step, attempt, piece.key)
            async with self._lane(piece):
                look = None if self.onlooker is None else partial(self.onlooker, piece.key)
                piece = replace(piece, deadline=await self._deadline(piece.key), onlooker=look)
                watch = Stopwatch(now=self.clock, began=self.clock())

                async def wait(seconds: float) -> None:
                    await self._saw(watch, piece.key, Progress(phase=Phase.QUEUED))
                    await self.sleep(seconds)

                submission = await submit(
                    piece,
                    self.router,
                    self.journal,
                    preferences=preferences_of(self.job.order),
                    now=self.clock,
                    sleep=self.sleep,
                    wait=wait,
                )
                if step.wakes_after is None:
                    return await self._collect(piece, submission, watch)
                return await self._look(piece, submission, watch)
        except LikenessError as error:
            level = logging.WARNING if isinstance(error, TellOperator) else logging.INFO
            log.log(level, "a request ended without pictures: job=%s %s", self.job.id, error)
            return failure_of(error)
        except (StoreError, OSError):
            raise
        except Exception as error:
            log.error("a request broke: job=%s error=%s at %s", self.job.id, type(error).__name__, place_of(error))
            return failure_of(LikenessError())

    def _lane(self, piece: Request) -> AbstractAsyncContextManager[object]:
        """If a service has a limit for the model: the pieces of this job observe it among themselves, and the job's
        queue observes it among jobs."""
        try:
            lane = self.router.candidates(piece.task, preferences_of(self.job.order), lot=piece.key)[0].offer.lane
        except LikenessError:
            lane = None
        if lane is None:
            return nullcontext()
        return self.lanes.setdefault(lane.name, asyncio.Semaphore(lane.at_once))

    async def _deadline(self, key: str) -> datetime | None:
        """The job's deadline; if a service has accepted it in an earlier run, at least enough time for one look at
        it."""
        deadline = self.job.deadline
        if deadline is None or not is_over(deadline - LAST_LOOK, self.clock):
            return deadline
        record = await self.journal.find(key)
        return deadline if record is None or record.submission is None else self.clock() + LAST_LOOK

    async def _check_allowed(self, step: Step, attempt: int, key: str) -> None:
        if self.may is everything:
            return
        record = await self.journal.find(key)
        if not self.may(step, attempt, record):
            code = (record.error_code if record else None) or "nothing_paid"
            raise NotTaken("not to be posted", code=known_code(code))

    async def _saw(self, watch: Stopwatch, key: str, progress: Progress) -> None:
        watch.saw(progress)
        if self.on_progress is not None:
            await self.on_progress(key, progress)

    async def _look(self, piece: Request, submission: Submission, watch: Stopwatch) -> Result | None:
        """One look at a request that takes hours: its result, or None where it is not there yet."""
        collecting = asyncio.ensure_future(self._collect(piece, submission, watch))
        patience = asyncio.ensure_future(self.sleep(LOOK_SECONDS))
        try:
            await asyncio.wait({collecting, patience}, return_when=asyncio.FIRST_COMPLETED)
            return collecting.result() if collecting.done() else None
        finally:
            for task in (collecting, patience):
                task.cancel()
            await asyncio.gather(collecting, patience, return_exceptions=True)

    async def _collect(self, piece: Request, submission: Submission, watch: Stopwatch) -> Result:
        on_progress = partial(self._saw, watch)

        result = await collect(
            piece,
            submission,
            self.router,
            self.journal,
            into=self.into,
            on_progress=on_progress,
            now=self.clock,
            sleep=self.sleep,
        )
        if self.durations is not None and len(result.pictures) == piece.task.count:
            provider = self.router.provider(submission.provider)
            self.durations.note(provider, piece.task, seconds=watch.seconds, megapixels=megapixels_of(self.job.order))
        return result
