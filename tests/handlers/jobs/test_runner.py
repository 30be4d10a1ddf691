"""A job from the queue to its receipt, with everything that may go wrong on the way (long: so much may)."""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from handlers.channel import DeliveryLater, DeliveryRefused, DeliveryUnknown
from handlers.fake_channel import FakeChannel
from handlers.jobs.details import job_details
from handlers.jobs.execution import Executor
from handlers.jobs.reopening import NotResumable
from handlers.jobs.runner import CANCEL_SECONDS
from handlers.message import Chat, Outgoing
from handlers.order import Edit, Shot
from handlers.store.base import DeliveryState, JobState, PartState
from handlers.words import texts, words
from providers.base import Cancelled, Result, Submission
from providers.fake import FakeProvider, Script, offer
from providers.money import Money
from providers.offers import Tier
from providers.router import Router
from providers.submission import PATIENCE
from providers.task import Operation
from tests.waiting import LONG
from tests.world import ANN, FakeWorld, hasty, world

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEARY = Chat(channel="once", chat="wei", person="wei")
ONCE = FakeChannel("once", repeatable=False)
"""A platform where a send may not be repeated, and a person there."""


class Broken(FakeProvider):
    """Breaks against the rules where it is told to."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.able = [offer(Operation.CREATE)]

    async def fetch(self, submission: Submission, into: Path) -> Result:
        if "broken" in self.jobs[submission.request_id].request.prompt:
            raise ZeroDivisionError("a secret")
        return await super().fetch(submission, into)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_run(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FakeWorld]:
    basic = FakeProvider(
        name="embedded",
        repeatable=True,
        tier=Tier.LOCAL,
        sleep=hasty,
        able=[offer(Operation.EDIT, usd=0, actions=frozenset({"enhance"}))],
    )
    folder = tmp_path_factory.mktemp("jobs")
    async with world(folder, others=[basic, Broken(name="broken", sleep=hasty)], other_channels=[ONCE]) as run:
        yield run


@pytest.fixture
def run(module_run: FakeWorld) -> FakeWorld:
    """The runner that all these tests share, with provider, channel and clock as new."""
    module_run.provider.standing = Script()
    module_run.provider.submitted.clear()
    module_run.provider.credits = None
    module_run.provider.sleep = hasty
    module_run.channel.faults.clear()
    module_run.clock.ahead = timedelta()
    return module_run


@pytest.fixture
def job_id(request: pytest.FixtureRequest) -> str:
    """A job of each test's own."""
    return hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]


def choices(outgoing: Outgoing) -> list[str]:
    return [choice.id.partition(":")[0] for choice in outgoing.choices]


# --- going well


async def test_a_job_ends_with_its_picture_its_receipt_and_its_result_on_the_table(run: FakeWorld, job_id: str) -> None:
    job = await run.do(job_id)
    assert (job.state, job.cost, job.provider) == (JobState.DONE, Money.usd("0.1"), "fake")
    assert job.pictures[0].path.is_file()
    assert run.folder in job.pictures[0].path.parents
    result = run.channel.result(job_id)
    assert result.pictures == job.pictures
    assert re.fullmatch(
        r"Anime · 1 picture · NanoPro, fake · \d+ s(, \d+ s of it waiting)? · \$0\.10 at list price", result.text
    )
    assert choices(result) == ["again", "variations", "upscale", "edit"]
    last = (await run.store.session(ANN)).last_result
    assert last is not None
    assert (last.job, last.pictures) == (job_id, (job.pictures[0].path,))
    usage = await run.store.usage(ANN, since=run.clock() - timedelta(seconds=10))
    assert usage.pictures >= 1


async def test_a_person_is_told_in_their_language(run: FakeWorld, job_id: str) -> None:
    await run.do(job_id, run.order(language="zh"))
    assert run.channel.result(job_id).text.startswith("动漫风格 · 1 张 · NanoPro，fake · ")
    assert run.channel.statuses(job_id)[0].text.startswith("开始了")


async def test_a_status_is_shown_while_it_is_made_and_settled_in_the_end(run: FakeWorld, job_id: str) -> None:
    run.provider.standing = Script(queue=3, seconds=100.0, steps=4)
    await run.do(job_id, run.order(model="gpt"))  # of which nothing was measured before: the table's 5 s hold
    statuses = run.channel.statuses(job_id)
    assert {status.id for status in statuses} == {f"status:{job_id}"}
    assert choices(statuses[0]) == ["cancel"]
    assert any("of about 5 s" in status.text for status in statuses)
    assert statuses[-1].text.startswith("Done after")
    assert statuses[-1].choices == ()


async def test_a_message_put_on_the_queue_twice_is_one_job(run: FakeWorld, job_id: str) -> None:
    await run.place(job_id)
    await asyncio.gather(*(run.runner.enqueue(job_id) for _ in range(5)))
    await run.ended(job_id)
    await run.runner.enqueue(job_id)
    assert len(run.provider.submitted) == 1
    assert run.channel.shown[f"place-result:{job_id}"] == 1


async def test_a_count_above_the_providers_limit_is_several_requests(run: FakeWorld, job_id: str) -> None:
    job = await run.do(job_id, run.order(Shot(style="anime", count=6)))
    assert {r.key: r.count for r in run.provider.submitted} == {f"{job_id}-0-0#0": 4, f"{job_id}-0-0#1": 2}
    assert len(job.pictures) == 6
    assert job.cost == Money.usd("0.6")
    assert "6 pictures" in run.channel.result(job_id).text


async def test_shots_of_a_series_are_made_side_by_side_and_say_which_is_which(run: FakeWorld, job_id: str) -> None:
    run.provider.standing = Script(seconds=10.0)
    order = run.order(Shot(style="anime"), Shot(style="linkedin"), Shot(style="vintage"), operation="series")
    job = await run.do(job_id, order)
    assert sorted(r.task.style or "" for r in run.provider.submitted) == ["anime", "linkedin", "vintage"]
    assert len(job.pictures) == 3
    lines = run.channel.result(job_id).text.splitlines()
    assert lines[1] == "1. Anime"
    assert lines[2].startswith("2. ")
    assert len(lines) == 4


async def test_a_further_edit_is_done_on_the_result_of_the_one_before(run: FakeWorld, job_id: str) -> None:
    shot = Shot(edits=(Edit(action="restore"), Edit(action="colorize"), Edit(action="upscale", scale=4)), count=2)
    job = await run.do(job_id, run.order(shot, operation="edit"))
    first, second, third = run.provider.submitted
    assert (first.task.action, first.photos, first.count) == ("restore", (run.photo,), 1)
    assert (second.task.action, second.count) == ("colorize", 1)
    assert second.photos[0] in {p.path for part in await run.store.parts(job_id) for p in part.pictures}
    assert second.photos != first.photos
    assert (third.task.action, third.task.scale, third.count) == ("upscale", 4, 2)
    assert len(job.pictures) == 2
    assert job.cost == Money.usd("0.4")


async def test_what_the_machine_itself_made_is_free_and_says_so(run: FakeWorld, job_id: str) -> None:
    order = run.order(Shot(edits=(Edit(action="enhance"),)), operation="edit", provider="embedded")
    job = await run.do(job_id, order)
    assert (job.provider, job.cost) == ("embedded", Money.zero())
    assert "free, on this machine" in run.channel.result(job_id).text


async def test_a_charge_in_credits_is_told_as_it_is(run: FakeWorld, job_id: str) -> None:
    run.provider.credits = 3.0
    job = await run.do(job_id)
    assert job.cost == Money.of(3, "credits")
    assert "3 credits" in run.channel.result(job_id).text


# --- going wrong


@pytest.mark.parametrize(
    ("fault", "code", "state", "retry", "posts"),
    [
        ("refused", "refused_content", JobState.FAILED, False, 1),
        ("refused_later", "refused_content", JobState.FAILED, False, 1),
        ("busy", "provider_busy", JobState.FAILED, True, 1 + len(PATIENCE)),
        ("busy_long", "provider_busy", JobState.FAILED, True, 1),
        ("unavailable", "provider_unavailable", JobState.FAILED, True, 1 + len(PATIENCE)),
        ("account", "provider_forbidden", JobState.FAILED, False, 1),
        ("ends_without", "made_nothing", JobState.FAILED, True, 1),
        ("lost", "picture_lost", JobState.FAILED, True, 1),
        ("away", "result_unreachable", JobState.FAILED, False, 1),
        ("unknown_before", "outcome_unknown", JobState.UNCERTAIN, True, 1),
        ("unknown_after", "outcome_unknown", JobState.UNCERTAIN, True, 1),
    ],
)
async def test_every_fault_is_one_clear_sentence_and_never_a_second_charge(
    run: FakeWorld, job_id: str, fault: str, code: str, state: JobState, retry: bool, posts: int
) -> None:
    run.provider.standing = Script(fault=fault)
    job = await run.do(job_id)
    assert (job.state, job.error_code) == (state, code)
    (said,) = run.channel.words(job_id)
    assert said.text == words("en", f"error.{code}")
    # What is made and cannot be fetched is not to be paid for anew.
    assert choices(said) == (["fetch"] if code == "result_unreachable" else ["retry"] if retry else [])
    assert len(run.provider.submitted) == posts
    assert run.channel.statuses(job_id)[-1].choices == ()


async def test_a_download_that_fails_at_first_is_tried_again_without_another_post(run: FakeWorld, job_id: str) -> None:
    run.provider.standing = Script(fault="away", heals=True)
    job = await run.do(job_id)
    assert job.state is JobState.DONE
    assert len(run.provider.submitted) == 1


async def test_what_is_made_and_could_not_be_fetched_is_fetched_on_the_persons_wish(
    run: FakeWorld, job_id: str
) -> None:
    run.provider.standing = Script(fault="away")
    job = await run.do(job_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "result_unreachable")
    (taken,) = [made for made in run.provider.jobs.values() if made.request.key.startswith(job_id)]
    taken.script = Script()
    await run.runner.fetch(job_id)
    assert (await run.ended(job_id)).state is JobState.DONE
    assert len(run.provider.submitted) == 1
    await run.runner.fetch(job_id)
    assert (await run.ended(job_id)).state is JobState.DONE


async def test_fewer_pictures_than_asked_for_are_delivered_and_the_rest_is_named(run: FakeWorld, job_id: str) -> None:
    run.provider.standing = Script(pictures=1)
    job = await run.do(job_id, run.order(Shot(style="anime", count=3)))
    assert (job.state, len(job.pictures)) == (JobState.DONE, 1)
    assert run.channel.result(job_id).text.endswith("2 of 3 missing: the service made fewer than were asked for.")


async def test_of_a_series_what_could_be_made_is_delivered_and_the_reason_given_for_the_rest(
    run: FakeWorld, job_id: str
) -> None:
    run.provider._scripts = [Script(), Script(fault="refused"), Script(fault="unknown_before")]
    order = run.order(Shot(style="anime"), Shot(style="linkedin"), Shot(style="vintage"), operation="series")
    job = await run.do(job_id, order)
    assert (job.state, len(job.pictures)) == (JobState.DONE, 1)
    result = run.channel.result(job_id)
    assert "1 of 3 missing: The service refuses" in result.text
    assert "It may have been charged" in result.text
    assert choices(result)[0] == "retry"
    assert len(run.provider.submitted) == 3


async def test_an_order_that_nobody_can_make_is_told_so_and_costs_nothing(run: FakeWorld, job_id: str) -> None:
    job = await run.do(job_id, run.order(Shot(style="animee")))
    assert (job.state, job.error_code, job.cost) == (JobState.FAILED, "unknown_style", None)
    (said,) = run.channel.words(job_id)
    assert "anime" in said.text
    assert run.provider.submitted == []


async def test_a_mistake_of_ours_in_one_shot_does_not_cost_the_others(
    run: FakeWorld, job_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    order = run.order(Shot(prompt="a lighthouse"), Shot(prompt="a broken vase"), operation="create", provider="broken")
    job = await run.do(job_id, order)
    assert (job.state, len(job.pictures)) == (JobState.DONE, 1)
    text = run.channel.result(job_id).text
    assert words("en", "error.internal") in text
    assert "secret" not in text + caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_job_whose_channel_no_worker_has_is_kept_and_not_paid_for(run: FakeWorld, job_id: str) -> None:
    await run.place(job_id, chat=replace(ANN, channel="nowhere"))
    await run.runner.enqueue(job_id)
    await run.runner.sweep()
    other = await run.do(f"{job_id}x")
    job = await run.store.job(job_id)
    assert job is not None
    assert (job.state, other.state) == (JobState.NEW, JobState.DONE)
    assert len(run.provider.submitted) == 1


# --- waiting long


async def test_after_ten_minutes_the_person_is_told_once_and_the_job_goes_on(run: FakeWorld, job_id: str) -> None:
    release = asyncio.Event()

    async def slow(_seconds: float) -> None:
        await release.wait()

    run.provider.sleep = slow
    await run.place(job_id)
    await run.runner.enqueue(job_id)
    await run.state(job_id, JobState.RUNNING)
    run.clock.ahead = timedelta(minutes=11)
    await run.state(job_id, JobState.LATE)
    await run.happens(lambda: bool(run.channel.words(job_id)))
    for _ in range(10):
        await hasty(1)
    release.set()
    run.provider.sleep = hasty
    job = await run.ended(job_id)
    assert job.state is JobState.DONE
    (told,) = run.channel.words(job_id)
    assert told.id == f"late:{job_id}"
    assert "11 min" in told.text
    assert len(run.provider.submitted) == 1
    assert run.channel.shown[f"place-result:{job_id}"] == 1


# --- cancelling


async def waiting(run: FakeWorld, job_id: str, script: Script) -> None:
    run.provider.standing = script
    run.provider.sleep = asyncio.sleep
    await run.place(job_id)
    await run.runner.enqueue(job_id)
    await run.happens(lambda: any(job_id in r.key for r in run.provider.submitted))
    async with asyncio.timeout(LONG):
        while not [p for p in await run.store.parts(job_id) if p.state is PartState.ACCEPTED]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    run.provider.sleep = hasty


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Cancelled.NOT_STARTED, "Nothing was charged"),
        (Cancelled.ASKED, "may still be charged"),
        (Cancelled.UNSUPPORTED, "may still be charged"),
    ],
)
async def test_a_cancelled_job_is_cancelled_at_the_provider_too(
    run: FakeWorld, job_id: str, outcome: Cancelled, says: str
) -> None:
    await waiting(run, job_id, Script(seconds=1000, cancel=outcome))
    await run.store.update_job(job_id, cancel_asked=True)
    await run.runner.cancel(job_id)
    job = await run.ended(job_id)
    assert job.state is JobState.CANCELLED
    (said,) = run.channel.words(job_id)
    assert says in said.text
    assert run.channel.statuses(job_id)[-1].text == "Stopped."
    assert len(run.provider.submitted) == 1


async def test_what_is_free_may_not_be_charged_when_it_was_stopped_in_the_middle(run: FakeWorld, job_id: str) -> None:
    run.provider.credits = 0.0
    await waiting(run, job_id, Script(seconds=1000, cancel=Cancelled.ASKED))
    await run.store.update_job(job_id, cancel_asked=True)
    await run.runner.cancel(job_id)
    await run.ended(job_id)
    (said,) = run.channel.words(job_id)
    assert "Nothing was charged" in said.text


async def test_that_a_cancel_may_be_charged_is_still_known_after_a_crash(tmp_path: Path) -> None:
    provider = FakeProvider(standing=Script(seconds=1000, cancel=Cancelled.ASKED))
    async with world(tmp_path, provider=provider, worker=False) as run:
        job = await run.place()
        maker = Executor(store=run.store, router=Router([provider]), output_dir=run.folder)
        making = asyncio.ensure_future(maker.make(job))
        await run.happens(lambda: provider.jobs != {})
        async with asyncio.timeout(LONG):
            while [part.state for part in await run.store.parts(job.id)] != [PartState.ACCEPTED]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        first, again = await maker.stop(job), await maker.stop(job)
    assert (first.maybe_charged, again) == (True, first)


async def test_of_a_person_forgotten_while_it_ran_nothing_is_shown_and_nothing_stays(
    run: FakeWorld, job_id: str
) -> None:
    wei = Chat(channel="fake", chat=job_id, person=job_id)
    run.provider.standing = Script(seconds=1000, cancel=Cancelled.TOO_LATE)
    run.provider.sleep = asyncio.sleep
    own = run.folder / f"{job_id}.png"
    own.write_bytes(run.photo.read_bytes())
    await run.place(job_id, run.order(photos=(own,)), chat=wei)
    await run.runner.enqueue(job_id)
    await run.happens(lambda: any(job_id in request.key for request in run.provider.submitted))
    for job in run.provider.jobs.values():
        job.script = Script(cancel=Cancelled.TOO_LATE)
    for file in await run.store.forget(wei):
        file.unlink()
    await run.runner.cancel(job_id)
    async with asyncio.timeout(LONG):
        while (  # noqa: ASYNC110
            await run.store.job(job_id) is not None or own.exists() or (run.folder / "pictures" / job_id).exists()
        ):
            await asyncio.sleep(0.01)
    run.provider.standing, run.provider.sleep = Script(), hasty
    assert run.channel.words(job_id) == []
    assert run.channel.statuses(job_id)[-1].text == "Stopped."
    assert f"result:{job_id}" not in run.channel.shown


@pytest.mark.parametrize("cancel", [False, True], ids=["to its end", "cancelled"])
async def test_a_picture_that_no_row_names_goes_when_its_job_ends(run: FakeWorld, job_id: str, cancel: bool) -> None:
    await waiting(run, job_id, Script(seconds=1000))
    folder = run.folder / "pictures" / job_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "saved-just-before-a-crash.png").write_bytes(b"somebody's face")
    if cancel:
        await run.store.update_job(job_id, cancel_asked=True)
        await run.runner.cancel(job_id)
    else:
        for job in run.provider.jobs.values():
            job.script = Script(cancel=Cancelled.TOO_LATE)
        await run.runner.cancel(job_id)
    ended = await run.ended(job_id)
    assert len(ended.pictures) == (0 if cancel else 1)
    assert {picture.path for picture in ended.pictures} == (set() if cancel else set(folder.iterdir()))
    assert folder.exists() is not cancel


async def test_what_cannot_be_deleted_does_not_cost_the_result(run: FakeWorld, job_id: str) -> None:
    await waiting(run, job_id, Script(seconds=1000, cancel=Cancelled.TOO_LATE))
    stays = run.folder / "pictures" / job_id / "a folder of somebody's"
    stays.mkdir(parents=True)
    for job in run.provider.jobs.values():
        job.script = Script(cancel=Cancelled.TOO_LATE)
    await run.runner.cancel(job_id)
    assert len((await run.ended(job_id)).pictures) == 1
    assert stays.exists()


async def test_a_cancel_made_in_another_process_is_noticed_within_a_second(run: FakeWorld, job_id: str) -> None:
    await waiting(run, job_id, Script(seconds=1000))
    await run.store.update_job(job_id, cancel_asked=True)
    await run.ended(job_id)
    assert CANCEL_SECONDS <= 1


async def test_what_was_finished_when_the_cancel_came_is_delivered(run: FakeWorld, job_id: str) -> None:
    script = Script(seconds=1000, cancel=Cancelled.TOO_LATE)
    await waiting(run, job_id, script)
    for job in run.provider.jobs.values():
        job.script = Script(cancel=Cancelled.TOO_LATE)
    await run.runner.cancel(job_id)
    ended = await run.ended(job_id)
    assert (ended.state, len(ended.pictures)) == (JobState.CANCELLED, 1)
    assert "Stopped; this is what was ready." in run.channel.result(job_id).text


async def test_a_job_cancelled_before_it_began_posts_nothing(run: FakeWorld, job_id: str) -> None:
    await run.place(job_id, cancel_asked=True)
    await run.runner.enqueue(job_id)
    job = await run.ended(job_id)
    assert job.state is JobState.CANCELLED
    assert run.provider.submitted == []


# --- delivering


async def test_a_delivery_of_unknown_outcome_asks_the_person_and_sends_again_on_their_wish(
    run: FakeWorld, job_id: str
) -> None:
    ONCE.fail("deliver", DeliveryUnknown(), after=True)
    job = await run.do(job_id, chat=WEARY)
    assert (job.state, job.error_code) == (JobState.UNCERTAIN, "delivery_unknown")
    (said,) = ONCE.words(job_id)
    assert choices(said) == ["resend"]
    assert ONCE.shown[f"place-result:{job_id}"] == 1

    await run.runner.resend(job_id)
    job = await run.state(job_id, JobState.DONE)
    assert ONCE.shown[f"place-result:{job_id}:1"] == 1
    assert len(run.provider.submitted) == 1
    details = await job_details(run.store, job_id)
    assert details is not None
    assert [d.state for d in details.deliveries] == [DeliveryState.UNCERTAIN, DeliveryState.SENT]


async def test_a_person_who_left_is_remembered_and_not_written_to(run: FakeWorld, job_id: str) -> None:
    run.channel.fail("deliver", DeliveryRefused())
    job = await run.do(job_id)
    assert (job.state, job.error_code, len(job.pictures)) == (JobState.FAILED, "delivery_refused", 1)
    assert run.channel.words(job_id) == []


async def test_a_status_that_cannot_be_shown_costs_nothing(run: FakeWorld, job_id: str) -> None:
    run.channel.fail("say", DeliveryLater(), times=2)
    assert (await run.do(job_id)).state is JobState.DONE


async def test_resending_what_has_no_pictures_does_nothing(run: FakeWorld, job_id: str) -> None:
    run.provider.standing = Script(fault="refused")
    await run.do(job_id)
    await run.runner.resend(job_id)
    await run.runner.resend("unknown")
    job = await run.store.job(job_id)
    assert job is not None
    assert job.state is JobState.FAILED


# --- taking up again


async def test_resuming_fetches_what_was_paid_for_without_posting_again(run: FakeWorld, job_id: str) -> None:
    run.provider.standing = Script(fault="away")
    failed = await run.do(job_id)
    assert failed.error_code == "result_unreachable"
    for fake_job in run.provider.jobs.values():
        fake_job.script = Script()

    resumed = await run.runner.resume(job_id)
    assert resumed.state is JobState.RUNNING
    job = await run.state(job_id, JobState.DONE)
    assert (len(job.pictures), len(run.provider.submitted)) == (1, 1)
    assert run.channel.shown[f"place-result:{job_id}"] == 1


async def test_resuming_a_chain_goes_on_after_the_link_that_was_paid_for(run: FakeWorld, job_id: str) -> None:
    run.provider._scripts = [Script(fault="lost", heals=True)]
    shot = Shot(edits=(Edit(action="restore"), Edit(action="colorize")))
    failed = await run.do(job_id, run.order(shot, operation="edit"))
    assert failed.error_code == "picture_lost"
    await run.runner.resume(job_id)
    await run.state(job_id, JobState.DONE)
    assert [r.task.action for r in run.provider.submitted] == ["restore", "colorize"]


async def test_resuming_what_was_never_taken_or_is_done_is_refused(run: FakeWorld, job_id: str) -> None:
    run.provider.standing = Script(fault="busy")
    await run.do(job_id)
    with pytest.raises(NotResumable):
        await run.runner.resume(job_id)
    run.provider.standing = Script()
    await run.do(job_id + "b")
    with pytest.raises(NotResumable):
        await run.runner.resume(job_id + "b")
    with pytest.raises(NotResumable):
        await run.runner.resume("unknown")
    assert await job_details(run.store, "unknown") is None


async def test_resuming_a_submit_of_unknown_outcome_beside_a_paid_one_posts_neither(
    run: FakeWorld, job_id: str
) -> None:
    run.provider._scripts = [Script(fault="lost", heals=True), Script(fault="unknown_after")]
    order = run.order(Shot(style="anime"), Shot(style="linkedin"), operation="series")
    failed = await run.do(job_id, order)
    assert failed.state is JobState.UNCERTAIN
    await run.runner.resume(job_id)
    job = await run.state(job_id, JobState.DONE)
    assert (len(job.pictures), len(run.provider.submitted)) == (1, 2)


# --- house-keeping


async def test_what_was_committed_but_never_queued_is_swept_up(run: FakeWorld, job_id: str) -> None:
    await run.place(job_id)
    await run.runner.sweep()
    assert (await run.ended(job_id)).state is JobState.DONE


async def test_a_paid_request_that_turns_up_after_its_job_has_ended_is_fetched_and_delivered(
    run: FakeWorld, job_id: str
) -> None:
    run.provider.standing = Script(fault="unknown_after")
    job = await run.do(job_id)
    assert job.state is JobState.UNCERTAIN
    await run.runner.sweep()
    assert (await run.ended(job_id)).state is JobState.UNCERTAIN
    (taken,) = [request for request, made in run.provider.jobs.items() if made.request.key.startswith(job_id)]
    run.provider.jobs[taken].script = Script()
    (part,) = await run.store.parts(job_id)
    await run.store.accept_part(part.key, Submission(provider="fake", request_id=taken))
    await asyncio.gather(*(run.runner.sweep() for _ in range(3)))
    job = await run.ended(job_id)
    assert (job.state, len(job.pictures), len(run.provider.submitted)) == (JobState.DONE, 1, 1)
    assert run.channel.shown[f"place-result:{job_id}"] == 1


async def test_a_status_shown_after_the_end_of_a_job_that_was_taken_over_is_set_right(
    run: FakeWorld, job_id: str
) -> None:
    job = await run.do(job_id)
    status = run.channel.statuses(job_id)[0]
    await run.channel.say(job.chat, status)
    run.runner._live._let_go[job_id] = job
    await run.runner._live.correct_statuses()
    assert run.channel.statuses(job_id)[-1].text.startswith("Done after")


async def test_old_jobs_expire_with_their_files_but_no_file_of_others(run: FakeWorld, job_id: str) -> None:
    mine, others = run.folder / f"{job_id}.png", run.folder / f"{job_id}-of-another.png"
    for file in (mine, others):
        file.write_bytes(run.photo.read_bytes())
    job = await run.do(job_id, run.order(photos=(mine,)))
    run.clock.ahead = timedelta(days=31)
    await run.runner.expire()
    assert await run.store.job(job_id) is None
    assert not job.pictures[0].path.parent.exists()
    assert not mine.exists()
    assert others.exists()
    assert await run.runner._engine.standings({job_id: "fake"}) == {}


async def test_a_photo_that_was_never_used_is_deleted_in_the_end(tmp_path: Path) -> None:
    async with world(tmp_path, worker=False) as run:
        old, new = (run.folder / "photos" / person / "photo.jpg" for person in ("ann", "bob"))
        for path in (old, new):
            path.parent.mkdir(parents=True)
            path.write_bytes(b"photo")
        long_ago = (run.clock() - timedelta(days=31)).timestamp()
        os.utime(old, (long_ago, long_ago))
        empty = run.folder / "photos" / "carol"
        empty.mkdir()
        await run.runner.expire()
        assert not old.exists()
        assert new.exists()
        assert empty.exists()


async def test_every_word_a_job_says_is_there_in_both_languages() -> None:
    for session in ("job.", "error."):
        chinese = {key for key in texts("zh") if key.startswith(session)}
        assert chinese == {key for key in texts("en") if key.startswith(session)}


async def test_a_photo_that_is_gone_is_told_and_nothing_is_posted(run: FakeWorld, job_id: str) -> None:
    gone = run.folder / f"{job_id}.png"
    job = await run.do(job_id, run.order(photos=(gone,)))
    assert (job.state, job.error_code) == (JobState.FAILED, "file_not_found")
    assert not any(job_id in request.key for request in run.provider.submitted)
