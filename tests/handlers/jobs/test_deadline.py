"""One deadline for the whole job: attempts, services and waits together; what is paid for is fetched all the same."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from handlers.jobs.execution import Executor
from handlers.jobs.making import Check
from handlers.jobs.outcome import JobOutcome
from handlers.order import Edit, Order, Shot
from handlers.plan import Plan, Step
from handlers.store.base import Job, JobState, PartState
from handlers.store.memory import MemoryStore
from providers.attempts import Attempt, Outcome
from providers.base import PictureFile, Request, Result, Submission
from providers.errors import WaitAndRetry
from providers.fake import FakeProvider, Script
from providers.money import Money
from providers.router import Router
from providers.task import Operation, Task
from tests.waiting import LONG
from tests.world import ANN, hasty, world

BEGUN = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    """Stands still; who sleeps on it moves it on."""

    now: datetime = BEGUN

    def __call__(self) -> datetime:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.turn(seconds)


@dataclass
class Slow(FakeProvider):
    """A submit or a fetch of it takes so many seconds on the clock."""

    clock: Clock = field(default_factory=Clock)
    submitting: float = 0.0
    fetching: float = 0.0

    async def submit(self, request: Request) -> Submission:
        self.clock.turn(self.submitting)
        await asyncio.sleep(0)
        return await super().submit(request)

    async def fetch(self, submission: Submission, into: Path) -> Result:
        self.clock.turn(self.fetching)
        for _ in range(5):  # time enough for a time-out to be felt
            await asyncio.sleep(0)
        return await super().fetch(submission, into)


@dataclass
class Stage:
    """A job of one minute, on a clock of its own."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    store: MemoryStore = field(init=False)
    photo: Path = field(init=False)

    def __post_init__(self) -> None:
        self.store = MemoryStore(clock=self.clock)
        self.photo = self.folder / "photo.png"
        Image.new("RGB", (64, 64), "gray").save(self.photo)

    async def job(self, plan: Plan | None = None, **changes: object) -> Job:
        order = Order(operation="portrait", shots=(Shot(style="anime"),), photos=(self.photo,))
        deadline = self.clock() + timedelta(minutes=1)
        order = order.model_copy(update=changes)
        job = Job(id="j1", chat=ANN, order=order, created=self.clock(), plan=plan, deadline=deadline)
        await self.store.add_job(job)
        return job

    async def make(self, job: Job, *providers: FakeProvider, check: Check | None = None) -> JobOutcome:
        maker = Executor(
            store=self.store,
            router=Router(providers),
            output_dir=self.folder,
            sleep=self.clock.sleep,
            clock=self.clock,
            checks={"looks": check} if check else {},
        )
        async with asyncio.timeout(LONG):
            return await maker.make(job)

    def slow(self, name: str = "fal", fault: str | None = None, **seconds: float) -> Slow:
        standing = Script(fault=fault)
        return Slow(name=name, standing=standing, clock=self.clock, sleep=self.clock.sleep, **seconds)  # type: ignore[arg-type]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_the_next_service_is_not_asked_after_the_deadline(stage: Stage) -> None:
    first, second = stage.slow(fault="unavailable", submitting=61), stage.slow("openai")
    made = await stage.make(await stage.job(), first, second)
    (fault,) = made.faults
    assert (fault.code, fault.text_key, fault.retryable, fault.fetchable) == ("deadline", "error.deadline", True, False)
    assert (len(first.submitted), second.submitted) == (1, [])
    (part,) = await stage.store.parts("j1")
    assert part.tried == (Attempt(provider="fal", outcome=Outcome.NOT_TAKEN, code="provider_unavailable"),)


async def test_another_attempt_is_not_made_after_the_deadline(stage: Stage) -> None:
    async def rejects(_job: Job, _step: Step, _picture: PictureFile) -> bool:
        return False

    task = Task(operation=Operation.CREATE)
    plan = Plan(steps=(Step(id="0-0", task=task, prompt="a boat", check="looks", attempts=5),))
    fal = stage.slow(submitting=35)
    made = await stage.make(await stage.job(plan), fal, check=rejects)
    assert [fault.code for fault in made.faults] == ["deadline"]
    assert len(fal.submitted) == 2, "the third would have begun after seventy seconds"


async def test_a_step_that_waited_for_another_begins_nothing_after_the_deadline(stage: Stage) -> None:
    edits = (Edit(action="restore"), Edit(action="colorize"))
    fal = stage.slow(fetching=61)
    made = await stage.make(await stage.job(operation="edit", shots=(Shot(edits=edits),)), fal)
    assert ([fault.code for fault in made.faults], len(fal.submitted)) == (["deadline"], 1)


async def test_a_busy_service_is_waited_for_no_longer_than_the_deadline(stage: Stage) -> None:
    job = await stage.job()
    stage.clock.turn(58)
    fal = stage.slow()
    fal._scripts = [Script(fault="busy_briefly")]
    fal.able = fal._everything
    made = await stage.make(job, fal)
    assert ([fault.code for fault in made.faults], len(fal.submitted)) == (["deadline"], 1)


async def test_what_was_made_in_time_is_fetched_however_late_it_gets(stage: Stage) -> None:
    class Away(Slow):
        async def fetch(self, submission: Submission, into: Path) -> Result:
            if self.clock() < BEGUN + timedelta(seconds=75):
                raise WaitAndRetry("away", code="result_unreachable")
            return await super().fetch(submission, into)

    job = await stage.job()
    fal = Away(name="fal", clock=stage.clock, sleep=stage.clock.sleep, submitting=55)
    made = await stage.make(job, fal)
    assert (len(made.pictures), made.faults) == (1, ())
    assert stage.clock() > BEGUN + timedelta(seconds=75)


async def test_what_a_service_still_makes_at_the_deadline_is_kept_and_fetched_by_a_later_run(stage: Stage) -> None:
    fal = stage.slow()
    fal.standing = Script(seconds=300, steps=300)
    job = await stage.job()
    made = await stage.make(job, fal)
    (fault,) = made.faults
    assert (fault.code, fault.text_key, fault.fetchable) == ("deadline", "error.deadline_taken", True)
    (part,) = await stage.store.parts("j1")
    assert (part.state, part.submission is not None) == (PartState.ACCEPTED, True)
    fal.jobs["fal-1"].script = Script()
    stage.clock.turn(3600)
    again = await stage.make(job, fal)
    assert (len(again.pictures), len(fal.submitted)) == (1, 1), "a process that comes an hour late still looks"
    (part,) = await stage.store.parts("j1")
    assert [turn.outcome for turn in part.tried] == [Outcome.MADE]


async def test_the_person_is_told_what_became_of_it_and_can_fetch_it(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def slow(_seconds: float) -> None:
        await release.wait()

    fal = FakeProvider(sleep=slow)
    async with world(tmp_path, provider=fal, deadline_seconds=900.0) as run:
        await run.place("j1", estimate=Money.usd("0.1"))
        await run.runner.enqueue("j1")
        await run.when("j1", lambda job: job.deadline is not None)
        await run.happens(lambda: fal.jobs != {})
        run.clock.ahead = timedelta(minutes=16)
        job = await run.ended("j1")
        assert (job.state, job.error_code, job.pictures) == (JobState.FAILED, "deadline", ())
        said = run.channel.words("j1")[-1]
        assert "The service has the job" in said.text
        assert [choice.id for choice in said.choices] == ["fetch:j1"]
        release.set()
        fal.sleep = hasty
        await run.runner.fetch("j1")
        job = await run.when("j1", lambda job: job.state is JobState.DONE)
        assert (len(job.pictures), len(fal.submitted)) == (1, 1)
        assert job.deadline is not None
        assert job.deadline > run.clock() + timedelta(minutes=10), "a run that was asked for by hand has its own time"
