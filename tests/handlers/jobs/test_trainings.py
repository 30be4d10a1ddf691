"""Jobs with FaceChain over a fake DashScope: a training that sleeps and wakes, one at a time, charged once however
often it is taken up; what nobody has any more goes at the service; portraits of a face one after another."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from handlers.faces import Faces
from handlers.jobs.making import LOOK_SECONDS
from handlers.jobs.plan import plan_of
from handlers.jobs.queues import Limits, limits_of, queues
from handlers.order import Order, Shot
from handlers.plan import Plan
from handlers.store.base import JobState, PartState
from providers.fake import FakeProvider
from providers.media.download import Downloader
from providers.money import Money
from providers.router import Router
from providers.services.dashscope.offers import offers
from providers.services.dashscope.provider import DashScopeProvider
from tests.servers.dashscope import FakeDashScope
from tests.servers.dashscope_faces import GIVEN_FACE
from tests.servers.service import KEY, picture_bytes
from tests.world import ANN, FakeWorld, hasty, world


@pytest.fixture
def dash() -> Iterator[FakeDashScope]:
    with FakeDashScope.serving() as serving:
        yield serving


async def briefly(seconds: float) -> None:
    """Long enough for a look at a training to be answered."""
    await (asyncio.sleep(0.5) if seconds == LOOK_SECONDS else hasty(seconds))


@asynccontextmanager
async def at_work(dash: FakeDashScope, folder: Path, **settings: Any) -> AsyncIterator[FakeWorld]:
    origin = frozenset({("127.0.0.1", int(dash.origin.rpartition(":")[2]))})
    provider = DashScopeProvider(
        key=SecretStr(KEY), root=dash.url, downloader=Downloader(trusted_origins=origin), files=folder / "files",
        sleep=hasty, clock=dash.clock.now,
    )  # fmt: skip
    nobody = FakeProvider(name="nobody", able=())
    try:
        async with world(folder, provider=nobody, others=[provider], turn_pause=0.05, sleep=briefly, **settings) as run:
            run.photo.write_bytes(picture_bytes((640, 800)))
            yield run
    finally:
        await provider.aclose()


def training(run: FakeWorld) -> Order:
    return Order(operation="train_face", shots=(Shot(),), photos=(run.photo, run.photo), gender="female")


def often(order: Order, dash_router: Router, job_id: str) -> Plan:
    """The plan of a training, with looks that follow one another at once."""
    plan = plan_of(order, dash_router, job_id=job_id)
    assert plan.takes_hours
    return Plan(steps=tuple(step.model_copy(update={"wakes_after": 0.05}) for step in plan.steps))


async def train(run: FakeWorld, job_id: str = "t1") -> None:
    order = training(run)
    await run.place(job_id, order, plan=often(order, run.runner._router, job_id))
    await run.runner.enqueue(job_id)


async def test_a_training_sleeps_and_wakes_until_its_face_is_there(dash: FakeDashScope, tmp_path: Path) -> None:
    dash.plan(polls=2)
    async with at_work(dash, tmp_path) as run:
        await train(run)
        job = await run.ended("t1")
        (face,) = await Faces(run.store).of(ANN)
        told = next(said for said in run.channel.words("t1") if said.id == "trained:t1")
    assert (job.state, job.cost, job.pictures) == (JobState.DONE, Money.usd("0.3522"), ())
    assert (face.id, face.gender, face.name) == (next(iter(dash.faces.trainings.values())).face, "female", "1")
    assert "face 1" in told.text
    assert "face:spring_garden" in [choice.id for choice in told.choices]
    assert (dash.submits, dash.faces.photos) == (1, {})


async def test_a_worker_that_dies_while_it_goes_on_costs_no_second_training(
    dash: FakeDashScope, tmp_path: Path
) -> None:
    dash.plan("never")
    async with at_work(dash, tmp_path) as run:
        await train(run)
        await run.happens(lambda: dash.counts["training_looks"] > 1)
    (going,) = dash.faces.trainings.values()
    going.plan = dash.standing
    async with at_work(dash, tmp_path) as run:
        job = await run.ended("t1")
        assert [face.id for face in await Faces(run.store).of(ANN)] == [going.face]
    assert (job.state, dash.submits, dash.faces.trained) == (JobState.DONE, 1, 1)


async def test_of_two_trainings_one_waits_for_the_other(dash: FakeDashScope, tmp_path: Path) -> None:
    dash.plan("never")
    async with at_work(dash, tmp_path) as run:
        await train(run, "t1")
        await run.happens(lambda: len(dash.faces.trainings) == 1)
        await train(run, "t2")
        await run.when("t2", lambda job: job.run > 1)
        assert len(dash.faces.trainings) == 1
        (first,) = dash.faces.trainings.values()
        first.plan = dash.standing
        assert (await run.ended("t1")).state is JobState.DONE
        assert (await run.ended("t2")).state is JobState.DONE
    assert len(dash.faces.trainings) == 2


async def test_a_training_stopped_or_forgotten_leaves_nothing_at_the_service(
    dash: FakeDashScope, tmp_path: Path
) -> None:
    dash.plan("never")
    async with at_work(dash, tmp_path) as run:
        await train(run, "t1")
        await run.happens(lambda: dash.counts["training_looks"] > 0)
        await run.store.update_job("t1", cancel_asked=True)
        await run.runner.cancel("t1")
        assert (await run.ended("t1")).state is JobState.CANCELLED
        await train(run, "t2")
        await run.ended("t2")
        (kept,) = await Faces(run.store).of(ANN)
        await run.runner.sweep()
        assert [one.face for one in dash.faces.trainings.values() if not one.deleted] == [kept.id]
        await run.store.forget(ANN)
        await run.runner.sweep()
        assert await Faces(run.store).noted() == ()
    assert all(one.deleted for one in dash.faces.trainings.values())


async def test_a_face_whose_service_is_away_is_deleted_when_it_is_back(dash: FakeDashScope, tmp_path: Path) -> None:
    async with at_work(dash, tmp_path) as run:
        await train(run)
        await run.ended("t1")
        (face,) = await Faces(run.store).of(ANN)
        dash.key = "another"
        await Faces(run.store).drop(ANN, face.id)
        await run.runner.sweep()
        assert len(await Faces(run.store).noted()) == 1
        dash.key = KEY
        await run.runner.sweep()
    assert next(iter(dash.faces.trainings.values())).deleted


async def test_a_photo_without_a_face_ends_it_with_a_sentence_and_without_a_charge(
    dash: FakeDashScope, tmp_path: Path
) -> None:
    async with at_work(dash, tmp_path) as run:
        run.photo.write_bytes(picture_bytes((640, 800), -1))
        await train(run)
        job = await run.ended("t1")
        (part,) = await run.store.parts("t1")
    assert (job.state, job.error_code, job.cost) == (JobState.FAILED, "face_unusable", None)
    assert "Photo 1 shows no face" in run.channel.words("t1")[-1].text
    assert (part.state, dash.submits) == (PartState.REFUSED, 0)


async def test_portraits_of_faces_are_made_one_after_another(dash: FakeDashScope, tmp_path: Path) -> None:
    """Two jobs, one of them of eight pictures, which are two requests."""
    dash.always(polls=3)
    async with at_work(dash, tmp_path) as run:
        for job_id, count in (("p1", 8), ("p2", 1), ("p3", 1)):
            order = Order(
                operation="portrait", shots=(Shot(style="spring_garden", count=count),), face=GIVEN_FACE,
                provider="dashscope",
            )  # fmt: skip
            await run.place(job_id, order)
            await run.runner.enqueue(job_id)
        jobs = [await run.ended(job_id) for job_id in ("p1", "p2", "p3")]
    assert [len(job.pictures) for job in jobs] == [8, 1, 1]
    assert (len(dash.faces.portraits), dash.faces.overlaps) == (4, 0)
    assert jobs[0].cost == Money.usd("0.2032")


def test_its_limits_hold_over_all_processes() -> None:
    """Two begun in a second, one at a time: of portraits of faces, and of trainings; of the service's others, none."""
    limits = limits_of([FakeProvider(name="dashscope", able=offers().rows)])
    once = Limits(per_worker=1, everywhere=1, per_chat=1, per_second=(2, 1.0))
    assert limits == {"dashscope": Limits(), "dashscope.facechain": once, "dashscope.facelora": once}
    registered = queues(limits, concurrency=256)
    assert registered["jobs.dashscope.facechain"].everywhere == 1
    assert registered["jobs.dashscope.facechain"].per_second == (2, 1.0)
