"""The engine: one paid POST a piece, whatever happens; failing over only where nothing was taken."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import pytest

from providers.attempts import Attempt
from providers.base import Charge, CostSource, Phase, PictureFile, Progress, Request, Submission
from providers.collection import collect, run
from providers.errors import (
    AskPerson,
    LikenessError,
    MadeNothing,
    MaybePaid,
    NotTaken,
    TellOperator,
    WaitAndRetry,
)
from providers.fake import FakeProvider, Script
from providers.journal import Record, Stage
from providers.money import Money, total
from providers.preferences import only
from providers.router import Router
from providers.services.fal.provider import FalProvider
from providers.submission import pieces_of, split, submit
from tests.providers.conftest import Naps
from tests.providers.wanted import portrait
from tests.servers.fal import FakeFal


@dataclass
class Notes:
    """A journal in memory that remembers every change."""

    records: dict[str, Record] = field(default_factory=dict)
    changes: list[tuple[str, Stage]] = field(default_factory=list)

    async def find(self, key: str) -> Record | None:
        return self.records.get(key)

    async def begin(self, request: Request, provider: str, *, tried: Sequence[Attempt] = ()) -> None:
        self._put(Record(key=request.key, provider=provider, stage=Stage.SUBMITTING, tried=tuple(tried)))

    async def accept(self, key: str, submission: Submission) -> None:
        self._put(replace(self.records[key], stage=Stage.ACCEPTED, submission=submission))

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
        old = self.records[key]
        turns = old.tried if tried is None else tuple(tried)
        self._put(
            replace(old, stage=stage, pictures=tuple(pictures), charge=charge, error_code=error_code, tried=turns)
        )

    async def ready(self, request: Request) -> None:
        """Nothing lies elsewhere."""

    async def note(self, request: Request, tried: Sequence[Attempt]) -> None:
        record = self.records.get(request.key)
        refused = record or Record(key=request.key, provider=tried[-1].provider, stage=Stage.REFUSED)
        self.records[request.key] = replace(refused, tried=tuple(tried))

    def _put(self, record: Record) -> None:
        self.records[record.key] = record
        self.changes.append((record.provider, record.stage))


@pytest.fixture
def notes() -> Notes:
    return Notes()


def told(fault: str | None = None, name: str = "fal", **changes: object) -> FakeProvider:
    return FakeProvider(name=name, script=[Script(fault=fault)], **changes)  # type: ignore[arg-type]


# --- splitting


@pytest.mark.parametrize(
    ("count", "most", "counts"), [(1, 4, [1]), (4, 4, [4]), (6, 4, [4, 2]), (8, 4, [4, 4]), (3, 1, [1, 1, 1])]
)
def test_a_request_is_split_into_pieces_a_provider_takes(count: int, most: int, counts: list[int]) -> None:
    pieces = split(portrait(count=count), most)
    assert [p.count for p in pieces] == counts
    keys = ["job-1"] if len(counts) == 1 else [f"job-1#{n}" for n in range(len(counts))]
    assert [p.key for p in pieces] == keys


def test_pieces_are_small_enough_for_every_candidate() -> None:
    router = Router([told(), told(name="bfl", max_count=1)])
    assert [p.count for p in pieces_of(portrait(count=3), router)] == [1, 1, 1]
    assert [p.count for p in pieces_of(portrait(count=3), router, only("fal"))] == [3]


# --- submitting


async def test_the_journal_is_written_before_and_after_the_post(notes: Notes) -> None:
    seen: list[Stage] = []

    class Watched(FakeProvider):
        async def submit(self, request: Request) -> Submission:
            seen.append(notes.records[request.key].stage)
            return await super().submit(request)

    provider = Watched(name="fal")
    submission = await submit(portrait(), Router([provider]), notes)
    assert seen == [Stage.SUBMITTING]
    assert notes.records["job-1"].submission == submission
    assert notes.records["job-1"].stage is Stage.ACCEPTED


async def test_an_accepted_request_is_not_posted_again(notes: Notes) -> None:
    provider = told()
    router = Router([provider])
    first = await submit(portrait(), router, notes)
    assert await submit(portrait(), router, notes) == first
    assert len(provider.submitted) == 1


@pytest.mark.parametrize("fault", ["busy", "unavailable", "account"])
async def test_the_next_provider_is_asked_where_the_first_certainly_did_not_take_it(notes: Notes, fault: str) -> None:
    first, second = told(fault), told(name="openai")
    submission = await submit(portrait(), Router([first, second]), notes)
    assert submission.provider == "openai"
    assert notes.changes == [
        ("fal", Stage.SUBMITTING),
        ("fal", Stage.REFUSED),
        ("openai", Stage.SUBMITTING),
        ("openai", Stage.ACCEPTED),
    ]


@pytest.mark.parametrize(
    ("fault", "error", "stage"),
    [
        ("refused", AskPerson, Stage.REFUSED),
        ("unknown_before", MaybePaid, Stage.UNCERTAIN),
        ("unknown_after", MaybePaid, Stage.UNCERTAIN),
    ],
)
async def test_nobody_else_is_asked_after_a_refusal_of_the_content_or_an_unknown_outcome(
    notes: Notes, fault: str, error: type[LikenessError], stage: Stage
) -> None:
    second = told(name="openai")
    with pytest.raises(error):
        await submit(portrait(), Router([told(fault), second]), notes)
    assert notes.records["job-1"].stage is stage
    assert second.submitted == []


async def test_a_named_provider_is_not_replaced_by_another(notes: Notes) -> None:
    second = told(name="openai")
    with pytest.raises(TellOperator):
        await submit(portrait(), Router([told("account"), second]), notes, preferences=only("fal"))
    assert second.submitted == []


async def test_an_unknown_outcome_is_never_repeated(notes: Notes) -> None:
    provider = told("unknown_before")
    for _ in range(3):
        with pytest.raises(MaybePaid):
            await submit(portrait(), Router([provider]), notes)
    assert len(provider.submitted) == 1


async def test_a_death_inside_the_post_is_an_unknown_outcome(notes: Notes) -> None:
    provider = told()
    await notes.begin(portrait(), "fal")
    with pytest.raises(MaybePaid):
        await submit(portrait(), Router([provider]), notes)
    assert notes.records["job-1"].stage is Stage.UNCERTAIN
    assert provider.submitted == []


async def test_a_death_inside_a_free_post_is_simply_done_again(notes: Notes) -> None:
    provider = told(name="embedded", repeatable=True)
    await notes.begin(portrait(), "embedded")
    assert (await submit(portrait(), Router([provider]), notes)).provider == "embedded"


async def test_a_death_inside_a_post_to_a_service_no_longer_set_up_stays_unknown(notes: Notes) -> None:
    await notes.begin(portrait(), "gone")
    with pytest.raises(MaybePaid):
        await submit(portrait(), Router([told()]), notes)


async def test_a_refused_request_may_be_posted_again(notes: Notes) -> None:
    provider = told("busy")
    router = Router([provider])
    with pytest.raises(WaitAndRetry):
        await submit(portrait(), router, notes)
    assert (await submit(portrait(), router, notes)).provider == "fal"


async def test_the_only_provider_is_waited_for_where_it_asks_for_a_moment(notes: Notes, naps: Naps) -> None:
    assert await submit(portrait(), Router([told("busy_briefly")]), notes, sleep=naps)
    assert naps.asked == [2.0]


@pytest.mark.parametrize("fault", ["busy", "busy_long"])
async def test_nobody_is_waited_for_longer_than_a_moment(notes: Notes, naps: Naps, fault: str) -> None:
    with pytest.raises(WaitAndRetry):
        await submit(portrait(), Router([told(fault)]), notes, sleep=naps)
    assert naps.asked == []


async def test_a_busy_provider_is_not_waited_for_where_another_can_do_it(notes: Notes, naps: Naps) -> None:
    router = Router([told("busy_briefly"), told(name="openai")])
    assert (await submit(portrait(), router, notes, sleep=naps)).provider == "openai"
    assert naps.asked == []


async def test_of_several_refusals_the_one_that_passes_is_told(notes: Notes) -> None:
    router = Router([told("account"), told("busy", name="openai"), told("unavailable", name="bfl")])
    with pytest.raises(WaitAndRetry):
        await submit(portrait(), router, notes)


async def test_a_provider_that_breaks_leaves_an_unknown_outcome(notes: Notes) -> None:
    class Broken(FakeProvider):
        async def submit(self, request: Request) -> Submission:
            raise RuntimeError("secret words")

    with pytest.raises(MaybePaid) as caught:
        await submit(portrait(), Router([Broken(name="fal")]), notes)
    assert "secret" not in str(caught.value)
    assert notes.records["job-1"].stage is Stage.UNCERTAIN


async def test_being_stopped_in_a_post_waits_for_its_answer_and_writes_it_down(
    fal: FakeFal, provider: FalProvider, notes: Notes
) -> None:
    fal.plan("hold_after")
    task = asyncio.create_task(submit(portrait(), Router([provider]), notes))
    await asyncio.to_thread(fal.holding.wait, 5)
    task.cancel()
    await asyncio.sleep(0)
    fal.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes.records["job-1"].stage is Stage.ACCEPTED
    assert fal.submits == 1


async def test_being_stopped_twice_leaves_the_outcome_unknown(
    fal: FakeFal, provider: FalProvider, notes: Notes
) -> None:
    fal.plan("hold_after")
    task = asyncio.create_task(submit(portrait(), Router([provider]), notes))
    await asyncio.to_thread(fal.holding.wait, 5)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    fal.release()
    with pytest.raises(MaybePaid):
        await submit(portrait(), Router([provider]), notes)
    assert fal.submits == 1


# --- collecting


async def test_progress_pictures_and_cost_are_collected(notes: Notes, tmp_path: Path) -> None:
    router = Router([FakeProvider(name="fal", script=[Script(queue=1)], usd=0.15, sleep=Naps())])
    request = portrait(count=2)
    seen: list[tuple[str, Phase]] = []

    async def on_progress(key: str, progress: Progress) -> None:
        seen.append((key, progress.phase))

    submission = await submit(request, router, notes)
    result = await collect(request, submission, router, notes, into=tmp_path, on_progress=on_progress)
    assert seen == [("job-1", Phase.QUEUED), ("job-1", Phase.RUNNING), ("job-1", Phase.DONE)]
    charge = Charge(money=Money.usd("0.3"), source=CostSource.TABLE)
    assert (len(result.pictures), result.charge) == (2, charge)
    assert (notes.records["job-1"].stage, notes.records["job-1"].charge) == (Stage.MADE, charge)


async def test_fewer_pictures_cost_less_by_the_price_list(notes: Notes, tmp_path: Path) -> None:
    router = Router([FakeProvider(name="fal", script=[Script(pictures=1)], usd=0.15)])
    request = portrait(count=3)
    result = await collect(request, await submit(request, router, notes), router, notes, into=tmp_path)
    assert result.charge is not None
    assert (len(result.pictures), result.charge.money) == (1, Money.usd("0.15"))


async def test_a_charge_named_at_submit_outranks_the_price_list(notes: Notes, tmp_path: Path) -> None:
    router = Router([FakeProvider(name="fal", credits=7.0)])
    result = await collect(portrait(), await submit(portrait(), router, notes), router, notes, into=tmp_path)
    assert result.charge == Charge(money=Money.of(7, "credits"), source=CostSource.ANSWER)


async def test_what_was_made_is_not_made_again(notes: Notes, tmp_path: Path) -> None:
    provider = FakeProvider(name="fal")
    router = Router([provider])
    submission = await submit(portrait(), router, notes)
    first = await collect(portrait(), submission, router, notes, into=tmp_path)
    assert await collect(portrait(), submission, router, notes, into=tmp_path) == first
    assert provider.jobs[submission.request_id].fetches == 1


async def test_pictures_deleted_since_are_fetched_again_for_nothing(notes: Notes, tmp_path: Path) -> None:
    provider = FakeProvider(name="fal")
    router = Router([provider])
    submission = await submit(portrait(), router, notes)
    (picture,) = (await collect(portrait(), submission, router, notes, into=tmp_path)).pictures
    picture.path.unlink()
    (again,) = (await collect(portrait(), submission, router, notes, into=tmp_path)).pictures
    assert again.path.is_file()
    assert len(provider.submitted) == 1


@pytest.mark.parametrize(
    ("fault", "error", "stage"),
    [
        ("ends_without", MadeNothing, Stage.FAILED),
        ("refused_later", AskPerson, Stage.FAILED),
        ("lost", MadeNothing, Stage.FAILED),
        ("away", WaitAndRetry, Stage.ACCEPTED),
    ],
)
async def test_a_job_without_pictures_keeps_its_submission(
    notes: Notes, tmp_path: Path, fault: str, error: type[LikenessError], stage: Stage
) -> None:
    router = Router([told(fault)])
    submission = await submit(portrait(), router, notes)
    with pytest.raises(error):
        await collect(portrait(), submission, router, notes, into=tmp_path, sleep=Naps())
    assert notes.records["job-1"].stage is stage
    assert notes.records["job-1"].submission == submission


async def test_a_lost_picture_is_fetched_by_a_later_run_without_a_second_charge(notes: Notes, tmp_path: Path) -> None:
    provider = FakeProvider(name="fal", script=[Script(fault="lost", heals=True)])
    router = Router([provider])
    (first,) = await run([portrait()], router, notes, into=tmp_path)
    assert first.error is not None
    assert first.error.code == "picture_lost"
    (second,) = await run([portrait()], router, notes, into=tmp_path)
    assert second.result is not None
    assert (len(second.result.pictures), provider.charged) == (1, 1)


# --- all of it


async def test_pieces_run_side_by_side_and_one_failure_takes_no_other_with_it(notes: Notes, tmp_path: Path) -> None:
    both = asyncio.Event()
    waiting: list[str] = []

    class Together(FakeProvider):
        async def submit(self, request: Request) -> Submission:
            waiting.append(request.key)
            if len(waiting) == 2:
                both.set()
            await both.wait()
            return await super().submit(request)

    provider = Together(name="fal", script=[Script(), Script(fault="ends_without")])
    router = Router([provider])
    ends = await run(pieces_of(portrait(count=6), router), router, notes, into=tmp_path)
    assert {end.error.code for end in ends if end.error} == {"made_nothing"}
    assert len([end for end in ends if end.result]) == 1


async def test_eight_pictures_go_to_fal_as_two_requests(
    fal: FakeFal, provider: FalProvider, notes: Notes, tmp_path: Path
) -> None:
    router = Router([provider])
    ends = await run(pieces_of(portrait(count=8), router), router, notes, into=tmp_path)
    assert [len(end.result.pictures) for end in ends if end.result] == [4, 4]
    assert [body["num_images"] for body in fal.bodies] == [4, 4]
    assert total([end.result.charge.money for end in ends if end.result and end.result.charge]) == Money.usd("1.2")


async def test_a_mistake_of_ours_is_not_swallowed(notes: Notes, tmp_path: Path) -> None:
    class Broken(FakeProvider):
        async def check(self) -> None: ...

        @property
        def offers(self) -> NoReturn:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run([portrait()], Router([Broken(name="fal")]), notes, into=tmp_path)


async def test_a_request_too_large_for_everybody_is_not_posted(notes: Notes) -> None:
    provider = told()
    with pytest.raises(NotTaken):
        await submit(portrait(count=5), Router([provider]), notes)
    assert provider.submitted == []
