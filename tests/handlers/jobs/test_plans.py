"""Jobs that are more than a chain: a sheet (an anchor, then nine side by side, each looked at and tried at most twice,
then composed), and a step that takes hours. The runner knows nothing of sheets: a plan, a check and a maker are all."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from handlers.fake_channel import FakeChannel
from handlers.jobs.making import LOOK_SECONDS
from handlers.jobs.plan import plan_of, quote, quote_plan, request_of
from handlers.order import Edit, Order, Shot
from handlers.plan import Plan, Step, part_key
from handlers.store.base import Job, JobState, PartState
from providers.base import PictureFile, Request
from providers.fake import FakeProvider, Script
from providers.money import Money
from providers.router import Router
from providers.task import Operation, Task
from tests.world import FakeWorld, hasty, world

VIEWS = tuple(f"view{n}" for n in range(9))
NEVER = Script(seconds=1e6)


def sheet(photo: Path) -> Plan:
    """As a later module would write it."""
    anchor = Step(
        id="anchor",
        task=Task(operation=Operation.PORTRAIT, style="anime", photos=1),
        prompt="a portrait",
        photos=(photo,),
        result=False,
    )
    views = [
        Step(
            id=view,
            task=Task(operation=Operation.PORTRAIT, style="anime", photos=1),
            prompt=f"the same person, {view}",
            seed=100,
            uses=("anchor",),
            check="same person",
            attempts=2,
            label=view,
        )
        for view in VIEWS
    ]
    return Plan(steps=(anchor, *views, Step(id="sheet", maker="sheet", needs=("anchor",), after=VIEWS, label="sheet")))


@dataclass
class Looks:
    """A check that rejects what it is told to, by step and how often, and a maker that composes."""

    rejects: dict[str, int] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    composed: list[list[str]] = field(default_factory=list)

    async def same_person(self, job: Job, step: Step, picture: PictureFile) -> bool:
        self.seen[step.id] += 1
        # By the picture, so that it says the same when it is asked again after a crash.
        attempt = 1 if "~1" in picture.path.name or picture.request_id in self.second else 0
        return attempt >= self.rejects.get(step.id, 0)

    second: set[str] = field(default_factory=set)

    async def compose(
        self, job: Job, step: Step, pictures: Sequence[tuple[Step, PictureFile]], into: Path
    ) -> PictureFile:
        views = [other.id for other, _ in pictures if other.check]
        self.composed.append(views)
        path = into / f"{job.id}-{step.id}.png"
        await asyncio.to_thread(Image.new("RGB", (32, 32)).save, path)
        return PictureFile(
            path=path, width=32, height=32, size_bytes=9, mime="image/png", provider="fake", request_id=step.id
        )

    def seams(self) -> dict[str, Any]:
        return {"checks": {"same person": self.same_person}, "makers": {"sheet": self.compose}}


class Watched(FakeProvider):
    """Notes which of its jobs are second attempts, and how many ran side by side."""

    looks: Looks
    at_once = 0
    most = 0

    async def submit(self, request: Request) -> Any:
        submission = await super().submit(request)
        if request.key.endswith("~1"):
            self.looks.second.add(submission.request_id)
        return submission


def watched(looks: Looks, **given: Any) -> Watched:
    provider = Watched(**given)
    provider.looks = looks
    return provider


async def start_sheet(run: FakeWorld, job_id: str = "s1") -> None:
    await run.place(job_id, plan=sheet(run.photo))
    await run.runner.enqueue(job_id)


def asked(provider: FakeProvider) -> list[str]:
    return [request.key.partition("-")[2] for request in provider.submitted]


async def test_a_sheet_is_an_anchor_then_nine_side_by_side_then_composed(tmp_path: Path) -> None:
    looks, anchored, made = Looks(), asyncio.Event(), asyncio.Event()

    async def upstream(_seconds: float) -> None:
        await (anchored if len(provider.submitted) == 1 else made).wait()

    provider = watched(looks, sleep=upstream, standing=Script(seconds=1))
    async with world(tmp_path, provider=provider, **looks.seams()) as run:
        await start_sheet(run)
        await run.happens(lambda: len(provider.submitted) == 1)
        assert asked(provider) == ["anchor"]
        anchored.set()
        await run.happens(lambda: len(provider.submitted) == 10)
        assert looks.composed == []
        assert sorted(asked(provider)[1:]) == sorted(VIEWS)
        made.set()
        job = await run.ended("s1")
    assert job.state is JobState.DONE
    assert len(job.pictures) == 10
    assert looks.composed == [list(VIEWS)]
    anchor = provider.jobs["fake-1"]
    uses = {request.photos for request in provider.submitted[1:]}
    assert len(uses) == 1
    assert next(iter(uses))[0].name != anchor.request.photos[0].name
    lines = run.channel.result("s1").text.splitlines()
    assert lines[1] == "1. view0"
    assert "10. sheet" in lines


async def test_one_rejected_view_is_tried_again_with_another_seed_and_one_is_given_up(tmp_path: Path) -> None:
    looks = Looks(rejects={"view3": 1, "view5": 2})
    provider = watched(looks, sleep=hasty)
    async with world(tmp_path, provider=provider, **looks.seams()) as run:
        await start_sheet(run)
        job = await run.ended("s1")
        assert job.state is JobState.DONE
        assert Counter(asked(provider)) == Counter(["anchor", *VIEWS, "view3~1", "view5~1"])
        again = {request.key: request for request in provider.submitted}
        assert (again["s1-view3"].seed, again["s1-view3~1"].seed) == (100, 101)
        assert again["s1-view3~1"].task.variant == again["s1-view3"].task.variant + 1
        assert looks.composed == [[view for view in VIEWS if view != "view5"]]
        assert len(job.pictures) == 9
        assert "1 of 10 missing" in run.channel.result("s1").text


async def test_a_sheet_goes_on_after_a_crash_without_a_second_post_or_charge(tmp_path: Path) -> None:
    looks = Looks(rejects={"view2": 1})
    provider = watched(looks, standing=NEVER)
    channel = FakeChannel()
    async with world(tmp_path, provider=provider, channel=channel, sleep=asyncio.sleep, **looks.seams()) as run:
        await start_sheet(run)
        await run.happens(lambda: len(provider.submitted) == 1)
    provider.jobs["fake-1"].script = Script()
    async with world(tmp_path, provider=provider, channel=channel, sleep=asyncio.sleep, **looks.seams()) as run:
        await run.happens(lambda: len(provider.submitted) == 10)
        assert looks.composed == []
    for made in provider.jobs.values():
        made.script = Script()
    provider.standing = Script()
    async with world(tmp_path, provider=provider, channel=channel, **looks.seams()) as run:
        job = await run.ended("s1")
        parts = {part.key: part.state for part in await run.store.parts("s1")}
    assert job.state is JobState.DONE
    assert Counter(asked(provider)) == Counter(["anchor", *VIEWS, "view2~1"])
    assert parts == {part_key("s1", step): PartState.MADE for step in ("anchor", *VIEWS)} | {
        part_key("s1", "view2", 1): PartState.MADE
    }
    assert job.cost == Money.usd("1.1")
    assert sorted(channel.shown.values()) == [1]


async def test_what_an_earlier_run_rejected_stays_rejected(tmp_path: Path) -> None:
    looks = Looks(rejects={"view2": 1})
    provider = watched(looks, sleep=hasty)
    async with world(tmp_path, provider=provider, **looks.seams()) as run:
        await start_sheet(run)
        await run.ended("s1")
        looks.rejects.clear()
        await run.store.update_job("s1", state=JobState.FAILED)
        await run.runner.resume("s1")
        job = await run.ended("s1")
    assert job.state is JobState.DONE
    (part,) = [p for p in await _parts(tmp_path) if p.key == "s1-view2~1"]
    assert part.pictures[0].path in {picture.path for picture in job.pictures}


async def _parts(folder: Path) -> Any:
    async with world(folder, worker=False) as run:
        return await run.store.parts("s1")


async def test_a_sheet_that_is_cancelled_keeps_what_was_made(tmp_path: Path) -> None:
    looks = Looks()
    provider = watched(looks, script=[Script(), *[Script()] * 4], standing=NEVER)
    async with world(tmp_path, provider=provider, sleep=asyncio.sleep, **looks.seams()) as run:
        await start_sheet(run)
        await run.happens(lambda: sum(looks.seen.values()) == 4 and len(provider.submitted) == 10)
        await run.store.update_job("s1", cancel_asked=True)
        await run.runner.cancel("s1")
        job = await run.ended("s1")
    assert job.state is JobState.CANCELLED
    assert len(job.pictures) == 5
    assert sum(made.cancelled for made in provider.jobs.values()) == 5


async def test_without_its_anchor_no_view_is_asked_for(tmp_path: Path) -> None:
    looks = Looks()
    provider = watched(looks, sleep=hasty, standing=Script(fault="refused"))
    async with world(tmp_path, provider=provider, **looks.seams()) as run:
        await start_sheet(run)
        job = await run.ended("s1")
    assert (job.state, job.error_code) == (JobState.FAILED, "refused_content")
    assert asked(provider) == ["anchor"]


async def test_of_a_sheet_what_could_be_made_is_delivered(tmp_path: Path) -> None:
    looks = Looks()
    provider = watched(looks, sleep=hasty, script=[Script(), *[Script(fault="refused")] * 8])
    async with world(tmp_path, provider=provider, **looks.seams()) as run:
        await start_sheet(run)
        job = await run.ended("s1")
        assert (job.state, len(job.pictures)) == (JobState.DONE, 2)
        assert "8 of 10 missing" in run.channel.result("s1").text
    assert len(looks.composed[0]) == 1


# --- a step that takes hours


def training(photo: Path) -> Plan:
    task = Task(operation=Operation.PORTRAIT, style="anime", photos=1)
    return Plan(steps=(Step(id="train", task=task, prompt="x", photos=(photo,), wakes_after=3600.0),))


@dataclass
class Patience:
    """A look lasts until it is told to be over; other pauses take no time."""

    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, seconds: float) -> None:
        if seconds == LOOK_SECONDS:
            await self.over.wait()
        await asyncio.sleep(0.01)


async def asleep(run: FakeWorld) -> None:
    """The job sleeps, and nothing runs for it."""
    await run.when("t1", lambda job: job.run == 1)
    await run.happens(lambda: run.runner.idle())


async def test_a_step_that_takes_hours_holds_nothing_while_it_waits_and_is_posted_once(tmp_path: Path) -> None:
    provider, look = FakeProvider(standing=NEVER), Patience()
    look.over.set()
    async with world(tmp_path, provider=provider, sleep=look) as run:
        await run.place("t1", plan=training(run.photo))
        await run.runner.enqueue("t1")
        await asleep(run)
        assert "takes a while" in run.channel.statuses("t1")[-1].text
        look.over.clear()
        for made in provider.jobs.values():
            made.script = Script()
        await run.runner._engine.runs.wake("t1", 1)
        assert (await run.ended("t1")).state is JobState.DONE
    assert len(provider.submitted) == 1


async def test_a_sleeping_job_is_stopped_at_once(tmp_path: Path) -> None:
    provider, look = FakeProvider(standing=NEVER), Patience()
    look.over.set()
    async with world(tmp_path, provider=provider, sleep=look) as run:
        await run.place("t1", plan=training(run.photo))
        await run.runner.enqueue("t1")
        await asleep(run)
        await run.store.update_job("t1", cancel_asked=True)
        await run.runner.cancel("t1")
        assert (await run.ended("t1")).state is JobState.CANCELLED
    assert [made.cancelled for made in provider.jobs.values()] == [True]


# --- plans themselves


def test_chains_and_series_are_plans(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    router = Router([FakeProvider()])
    chain = Order(
        operation="edit",
        shots=(Shot(edits=(Edit(action="restore"), Edit(action="colorize")), count=6),),
        photos=(photo,),
    )
    first, second = plan_of(chain, router, job_id="j1").steps
    assert (first.id, first.uses, first.photos, first.result, first.wanted) == ("0-0", (), (photo,), False, 1)
    assert (second.id, second.uses, second.photos, second.result, second.wanted) == ("0-1", ("0-0",), (), True, 6)
    assert second.most == 4
    series = Order(operation="series", shots=(Shot(style="anime"), Shot(style="vintage")), photos=(photo,))
    plan = plan_of(series, router, job_id="j1")
    assert [step.label for step in plan.steps] == ["Anime", "Vintage photo"]
    assert plan.count == 2


def test_a_jobs_parts_are_named_as_they_were_before_there_were_plans() -> None:
    assert [part_key("j1", "0-1"), part_key("j1", "0-1", 1)] == ["j1-0-1", "j1-0-1~1"]


def test_a_plan_comes_back_from_json_as_it_was(tmp_path: Path) -> None:
    plan = sheet(tmp_path / "photo.png")
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_a_sheets_price_is_that_of_all_its_steps_and_its_time_the_longest_way(tmp_path: Path) -> None:
    router = Router([FakeProvider(usd="0.1", seconds_each=5.0)])
    price = quote_plan(sheet(tmp_path / "photo.png"), router)
    assert (price.cost, price.seconds) == (Money.usd("1.0"), 10.0)
    order = Order(
        operation="edit", shots=(Shot(edits=(Edit(action="restore"), Edit(action="colorize"))),), photos=(Path("a"),)
    )
    assert quote(order, router) == quote_plan(plan_of(order, router, job_id="j1"), router)


def test_steps_wait_only_for_steps_before_them_and_say_what_they_work_on() -> None:
    task = Task(operation=Operation.CREATE)
    with pytest.raises(ValidationError, match="does not come before"):
        Plan(steps=(Step(id="a", task=task, needs=("b",)), Step(id="b", task=task)))
    with pytest.raises(ValidationError, match="named twice"):
        Plan(steps=(Step(id="a", task=task), Step(id="a", task=task)))
    with pytest.raises(ValidationError, match="a task or a maker"):
        Step(id="a")
    with pytest.raises(ValidationError, match="other photos"):
        Step(id="a", task=task, photos=(Path("photo.png"),))
    with pytest.raises(ValidationError, match="without a check"):
        Step(id="a", task=task, attempts=2)
    with pytest.raises(ValueError, match="not a step that a service makes"):
        request_of(Step(id="a", maker="sheet"), job_id="j1")


async def test_a_job_of_the_first_version_has_its_plan_derived_from_its_order(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        await run.place("j1", run.order(Shot(style="anime", count=4)), pieces=(2,))
        await run.runner.enqueue("j1")
        job = await run.ended("j1")
        assert job.plan is not None
        assert sorted(asked(run.provider)) == ["0-0#0", "0-0#1"]
        run.clock.ahead = timedelta(seconds=1)
