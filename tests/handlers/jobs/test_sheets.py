"""A sheet from the plan to its delivery: the anchor first, the others side by side after it, the price, what is
rejected, what is made again, what is left out, and what a worker that died leaves."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from handlers.jobs.plan import plan_of, quote
from handlers.jobs.sheets import CHECK, MAKER, Sheets
from handlers.order import Edit, Order, Shot
from handlers.plan import Plan
from handlers.sheets import asked_besides, pictures_of, sheets, views_asked_for
from handlers.store.base import JobState
from providers.base import Request
from providers.fake import FakeProvider, Script
from providers.media.labels import read_label
from providers.money import Money
from providers.people.inspector import Likeness
from providers.router import Router
from tests.world import FakeWorld, hasty, world

VIEWS = ("front", "three_quarter", "side", "back", "full_body")
NEVER = Script(seconds=1e6)


@dataclass
class Judge:
    """Says that these requests, by the end of their keys, are somebody else's face."""

    wrong: set[str] = field(default_factory=set)
    by_id: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def compare(self, photos: Sequence[Path], results: Sequence[Path]) -> tuple[Likeness, ...]:
        key = next(key for request_id, key in self.by_id.items() if results[0].name.startswith(f"{request_id}-"))
        self.asked.append(key)
        return (Likeness(likeness="miss" if key in self.wrong else "alike", distance=0.1),)


class Watched(FakeProvider):
    """Tells the judge which picture is which request's."""

    judge: Judge

    async def submit(self, request: Request) -> Any:
        submission = await super().submit(request)
        self.judge.by_id[submission.request_id] = request.key.partition("-")[2]
        return submission


def watched(judge: Judge, **given: Any) -> Watched:
    provider = Watched(**{"sleep": hasty, **given})
    provider.judge = judge
    return provider


def seams(judge: Judge) -> dict[str, Any]:
    made = Sheets(judge)
    return {"checks": {CHECK: made.same_face}, "makers": {MAKER: made.compose}}


def sheet(photo: Path, keys: tuple[str, ...] = VIEWS, action: str = "character_sheet", **more: Any) -> Order:
    return Order(
        operation="edit", shots=(Shot(edits=(Edit(action=action),)),), photos=(photo,), sheet=keys,
        **{"language": "zh", **more},
    )  # fmt: skip


def asked(provider: FakeProvider) -> list[str]:
    return [request.key.partition("-")[2] for request in provider.submitted]


async def made(run: FakeWorld, order: Order | None = None) -> Any:
    await run.place("s1", order or sheet(run.photo))
    await run.runner.enqueue("s1")
    return await run.ended("s1")


def test_the_plan_is_an_anchor_and_views_that_use_it_each_with_a_seed_and_a_prompt_of_its_own(tmp_path: Path) -> None:
    plan = plan_of(sheet(tmp_path / "me.jpg"), Router([FakeProvider()]), job_id="s1")
    anchor, *views = plan.steps[:-1]
    assert (anchor.id, anchor.uses, anchor.photos) == ("anchor", (), (tmp_path / "me.jpg",))
    assert all(view.uses == ("anchor",) and view.photos == () for view in views)
    assert len({step.seed for step in (anchor, *views)}) == 5
    assert len({step.prompt for step in (anchor, *views)}) == 5
    assert [step.label for step in plan.results] == ["正面", "半侧面", "侧面", "背面", "全身", "角色设定图"]
    assert [step.attempts for step in (anchor, *views)] == [2, 2, 1, 1, 1]
    assert plan == Plan.model_validate_json(plan.model_dump_json())


def test_its_price_is_that_of_all_its_views(tmp_path: Path) -> None:
    router = Router([FakeProvider(usd="0.1", seconds_each=20)])
    told = quote(sheet(tmp_path / "me.jpg"), router)
    assert (told.cost, told.seconds) == (Money.usd("0.5"), 40.0)
    assert pictures_of("character_sheet", VIEWS) == (5, 7)


async def test_the_anchor_is_made_first_the_others_side_by_side_and_then_composed(tmp_path: Path) -> None:
    judge, anchored, rest = Judge(), asyncio.Event(), asyncio.Event()

    async def upstream(_seconds: float) -> None:
        await (anchored if len(provider.submitted) == 1 else rest).wait()

    provider = watched(judge, sleep=upstream, standing=Script(seconds=1))
    async with world(tmp_path, provider=provider, **seams(judge)) as run:
        await run.place("s1", sheet(run.photo))
        await run.runner.enqueue("s1")
        await run.happens(lambda: len(provider.submitted) == 1)
        anchored.set()
        await run.happens(lambda: len(provider.submitted) == 5)
        assert asked(provider)[0] == "anchor"
        assert sorted(asked(provider)[1:]) == sorted(VIEWS[1:])
        rest.set()
        job = await run.ended("s1")
        shown = run.channel.result("s1")
    assert (job.state, job.cost, len(job.pictures)) == (JobState.DONE, Money.usd("0.5"), 6)
    whole = job.pictures[-1]
    with Image.open(whole.path) as image:
        assert image.size == (whole.width, whole.height) == (1944, 1906)
    label = read_label(whole.path.read_bytes())
    assert label is not None
    assert label.produce_id not in {picture.produce_id for picture in job.pictures[:-1]}
    assert "6. 角色设定图" in shown.text


async def test_a_view_of_somebody_else_is_made_once_more_and_does_not_enter_the_sheet(tmp_path: Path) -> None:
    judge = Judge(wrong={"three_quarter"})
    provider = watched(judge)
    async with world(tmp_path, provider=provider, **seams(judge)) as run:
        job = await made(run)
    again = next(request for request in provider.submitted if request.key.endswith("three_quarter~1"))
    first = next(request for request in provider.submitted if request.key.endswith("three_quarter"))
    assert (again.seed, first.seed) != (first.seed, None)
    assert (len(provider.submitted), job.cost) == (6, Money.usd("0.6"))
    assert [picture.request_id for picture in job.pictures].count("fake-2") <= 1
    shown = {picture.request_id for picture in job.pictures}
    assert {judge.by_id[request_id] for request_id in shown if request_id in judge.by_id} >= {"three_quarter~1"}
    assert "three_quarter" not in {judge.by_id.get(request_id) for request_id in shown}


async def test_a_view_wrong_twice_is_given_up_and_the_sheet_is_of_the_others(tmp_path: Path) -> None:
    judge = Judge(wrong={"three_quarter", "three_quarter~1"})
    provider = watched(judge)
    async with world(tmp_path, provider=provider, **seams(judge)) as run:
        job = await made(run)
        told = run.channel.result("s1").text
    assert (job.state, len(job.pictures), len(provider.submitted)) == (JobState.DONE, 5, 6)
    assert "6 张里少了 1 张" in told
    with Image.open(job.pictures[-1].path) as image:
        assert image.width < 1944  # four views, two by two


async def test_without_an_anchor_there_is_no_sheet_and_nothing_more_is_paid(tmp_path: Path) -> None:
    judge = Judge(wrong={"anchor", "anchor~1"})
    provider = watched(judge)
    async with world(tmp_path, provider=provider, **seams(judge)) as run:
        job = await made(run)
    assert (job.state, asked(provider)) == (JobState.FAILED, ["anchor", "anchor~1"])


@pytest.mark.parametrize("stuck", [1, 3])
async def test_a_worker_that_dies_on_the_way_leaves_no_picture_to_be_paid_twice(tmp_path: Path, stuck: int) -> None:
    """In the anchor, and in the views after it."""
    judge = Judge()
    provider = watched(judge, script=[Script()] * (stuck - 1) + [NEVER] * (6 - stuck))
    never = asyncio.Event()

    async def upstream(seconds: float) -> None:
        await (never.wait() if seconds > 1e5 else asyncio.sleep(0.01))

    provider.sleep = upstream
    wanted = 1 if stuck == 1 else 5
    async with world(tmp_path, provider=provider, **seams(judge)) as run:
        await run.place("s1", sheet(run.photo))
        await run.runner.enqueue("s1")
        await run.happens(lambda: len(provider.submitted) == wanted)
    for job in provider.jobs.values():
        job.script = Script()
    provider._scripts.clear()
    async with world(tmp_path, provider=provider, **seams(judge)) as run:
        ended = await run.ended("s1")
    assert (ended.state, len(ended.pictures)) == (JobState.DONE, 6)
    assert sorted(asked(provider)) == sorted(["anchor", *VIEWS[1:]])
    assert ended.cost == Money.usd("0.5")


async def test_a_cancel_keeps_what_is_made(tmp_path: Path) -> None:
    judge = Judge()
    provider = watched(judge, script=[Script(), *[NEVER] * 4])
    never = asyncio.Event()

    async def upstream(seconds: float) -> None:
        await (never.wait() if seconds > 1e5 else asyncio.sleep(0.01))

    provider.sleep = upstream
    async with world(tmp_path, provider=provider, **seams(judge)) as run:
        await run.place("s1", sheet(run.photo))
        await run.runner.enqueue("s1")
        await run.happens(lambda: len(provider.submitted) == 5)
        await run.store.update_job("s1", cancel_asked=True)
        await run.runner.cancel("s1")
        job = await run.ended("s1")
    assert job.state is JobState.CANCELLED
    assert {picture.request_id for picture in job.pictures} >= {"fake-1"}
    assert (len(provider.submitted), provider.charged) == (5, 1)


@pytest.mark.parametrize(
    ("action", "text", "child", "keys"),
    [
        ("character_sheet", "角色设定图", False, VIEWS),
        ("character_sheet", "正面和背面的设定图", False, ("front", "back")),
        ("expression_sheet", "expression sheet", False, tuple(v.key for v in sheets()["expression_sheet"].views[:7])),
        ("expression_sheet", "搞怪表情包", False, tuple(v.key for v in sheets()["expression_sheet"].views)),
        ("expression_sheet", "搞怪表情包", True, tuple(v.key for v in sheets()["expression_sheet"].views[:7])),
        ("expression_sheet", "happy and angry expressions", False, ("happy", "angry")),
    ],
)
def test_the_words_say_which_views(action: str, text: str, child: bool, keys: tuple[str, ...]) -> None:
    assert views_asked_for(action, text, child=child) == keys


def test_an_anchor_that_was_not_asked_for_is_made_and_not_shown(tmp_path: Path) -> None:
    order = sheet(tmp_path / "me.jpg", ("happy", "angry"), "expression_sheet", language="en")
    plan = plan_of(order, Router([FakeProvider()]), job_id="s1")
    assert [step.id for step in plan.steps] == ["anchor", "happy", "angry", "sheet"]
    assert [step.label for step in plan.results] == ["Happy", "Angry", "Expression sheet"]
    assert plan.steps[-1].after == ("happy", "angry")


@pytest.mark.parametrize(
    ("action", "text", "besides"),
    [
        ("character_sheet", "角色设定图", ""),
        ("character_sheet", "character sheet please", ""),
        ("expression_sheet", "给我女儿做表情包", ""),
        ("expression_sheet", "telegram stickers from my face", ""),
        ("character_sheet", "角色设定图，穿汉服", "穿汉服"),
        ("expression_sheet", "expression sheet with a red hat", "with a red hat"),
    ],
)
def test_what_is_asked_for_besides_goes_into_every_view_and_the_sheet_itself_does_not(
    action: str, text: str, besides: str
) -> None:
    assert asked_besides(action, text) == besides
