"""Whose turn it is: skipped, not accepted, found after all, too late; and what is made is fetched with patience."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from providers.attempts import Attempt, Outcome
from providers.base import Phase, Progress, Request, Result, Submission
from providers.breaker import Breaker
from providers.collection import collect, run
from providers.errors import (
    ConsentNeeded,
    DeadlinePassed,
    MaybePaid,
    NotTaken,
    TellOperator,
    WaitAndRetry,
)
from providers.fake import FakeProvider, Script
from providers.journal import Record, Stage
from providers.offers import Tier
from providers.preferences import Preferences, only
from providers.router import Router
from providers.submission import PATIENCE, submit
from tests.providers.conftest import Naps
from tests.providers.test_submission import Notes, told
from tests.providers.wanted import portrait
from tests.waiting import TurnedClock


@pytest.fixture
def notes() -> Notes:
    return Notes()


def in_turn(*faults: str, name: str = "fal") -> FakeProvider:
    """Each of these once; then all is well."""
    return FakeProvider(name=name, script=[Script(fault=fault) for fault in faults])


async def test_a_service_that_keeps_failing_is_skipped_and_said_to_be(notes: Notes) -> None:
    first, second = FakeProvider(name="fal", standing=Script(fault="account")), told(name="openai")
    router = Router([first, second])
    for n in range(3):
        await submit(portrait(f"job-{n}"), router, notes)
    tried: list[Attempt] = []
    await submit(portrait("last"), router, notes, tried=tried)
    assert (len(first.submitted), len(second.submitted)) == (3, 4)
    assert tried == [Attempt(provider="fal", outcome=Outcome.SKIPPED)]
    assert notes.records["last"].tried == tuple(tried)


async def test_where_all_have_been_failing_nobody_is_asked_but_who_is_named_is(notes: Notes) -> None:
    provider = FakeProvider(name="fal", standing=Script(fault="unavailable"))
    router = Router([provider])
    for n in range(3):
        with pytest.raises(NotTaken):
            await submit(portrait(f"job-{n}"), router, notes)
    with pytest.raises(WaitAndRetry) as caught:
        await submit(portrait("next"), router, notes)
    assert (caught.value.code, len(provider.submitted)) == ("provider_unavailable", 3)
    with pytest.raises(NotTaken):
        await submit(portrait("named"), router, notes, preferences=only("fal"))
    assert len(provider.submitted) == 4


async def test_a_request_with_time_is_made_as_soon_as_somebody_takes_it(notes: Notes, naps: Naps) -> None:
    first, second = in_turn("unavailable", "busy_briefly"), in_turn("busy", "busy_briefly", name="openai")
    tried: list[Attempt] = []
    taken = await submit(portrait(), Router([first, second]), notes, wait=naps, tried=tried)
    assert taken.provider == "fal"
    assert naps.asked == [2.0, 5.0]
    assert tried == [], "of the last round"


async def test_a_wave_that_meets_an_open_breaker_waits_for_it_and_is_made(notes: Notes) -> None:
    clock = TurnedClock()
    provider = in_turn(*["unavailable"] * 3)
    router = Router([provider], breaker=Breaker(seconds=60, clock=clock.now))
    taken = await asyncio.gather(*(submit(portrait(f"job-{n}"), router, notes, wait=clock.sleep) for n in range(30)))
    assert len(taken) == 30
    assert len(provider.submitted) == 33, "while it was open nobody was asked"


@pytest.mark.parametrize(("fault", "error"), [("account", TellOperator), ("busy_long", WaitAndRetry)])
async def test_what_no_waiting_mends_is_not_waited_for(
    notes: Notes, naps: Naps, fault: str, error: type[NotTaken]
) -> None:
    with pytest.raises(error):
        await submit(portrait(), Router([told(fault)]), notes, wait=naps)
    assert naps.asked == []


async def test_patience_ends_and_the_last_round_is_what_is_told(notes: Notes, naps: Naps) -> None:
    provider = FakeProvider(name="fal", standing=Script(fault="busy"))
    tried: list[Attempt] = []
    with pytest.raises(WaitAndRetry):
        await submit(portrait(), Router([provider], breaker=Breaker(failures=100)), notes, wait=naps, tried=tried)
    assert tuple(naps.asked) == PATIENCE
    assert len(provider.submitted) == 1 + len(PATIENCE)
    assert tried == [Attempt(provider="fal", outcome=Outcome.NOT_TAKEN, code="provider_busy")]


async def test_a_company_that_was_not_accepted_is_named_and_not_asked(notes: Notes) -> None:
    first, second = told("busy"), told(name="openai")
    router = Router([first, second])
    tried: list[Attempt] = []
    with pytest.raises(ConsentNeeded) as caught:
        await submit(portrait(), router, notes, preferences=Preferences(accepted=frozenset({"fal"})), tried=tried)
    assert (caught.value.provider, second.submitted) == ("openai", [])
    assert tried == [Attempt(provider="fal", outcome=Outcome.NOT_TAKEN, code="provider_busy")]
    both = Preferences(accepted=frozenset({"fal", "openai"}))
    assert (await submit(portrait(), Router([told("busy"), second]), notes, preferences=both)).provider == "openai"


async def test_this_machine_and_the_operators_own_need_no_consent(notes: Notes) -> None:
    mine = FakeProvider(name="mine", tier=Tier.OWN)
    nobody = Preferences(accepted=frozenset())
    assert (await submit(portrait(), Router([mine]), notes, preferences=nobody)).provider == "mine"


async def test_a_service_that_knows_the_job_after_all_is_not_asked_twice(notes: Notes) -> None:
    class Remembers(FakeProvider):
        async def find(self, request: Request) -> Submission | None:
            mine = [request_id for request_id, job in self.jobs.items() if job.request.key == request.key]
            return Submission(provider=self.name, request_id=mine[0], count=request.count) if mine else None

    provider = Remembers(name="fal", script=[Script(fault="unknown_after")])
    submission = await submit(portrait(), Router([provider]), notes)
    assert (submission.request_id, len(provider.submitted)) == ("fal-1", 1)
    assert notes.records["job-1"].stage is Stage.ACCEPTED
    notes.records["job-1"] = Record(key="job-1", provider="fal", stage=Stage.SUBMITTING)  # a process died here
    assert (await submit(portrait(), Router([provider]), notes)).request_id == "fal-1"
    assert len(provider.submitted) == 1
    notes.records["job-2"] = Record(key="job-2", provider="fal", stage=Stage.SUBMITTING)
    with pytest.raises(MaybePaid):
        await submit(portrait("job-2"), Router([provider]), notes)


async def test_a_free_server_is_asked_again_after_an_unknown_outcome_and_then_the_next(notes: Notes) -> None:
    once = FakeProvider(name="mine", repeatable=True, script=[Script(fault="unknown_before")])
    assert (await submit(portrait(), Router([once]), notes)).provider == "mine"
    assert len(once.submitted) == 2
    never = FakeProvider(name="mine", repeatable=True, standing=Script(fault="unknown_before"))
    router = Router([never, told(name="other")])
    assert (
        await submit(portrait("job-2"), router, notes, preferences=Preferences(prefer=("mine",)))
    ).provider == "other"
    assert len(never.submitted) == 2


async def test_a_deadline_before_anybody_took_it_is_told_as_such(notes: Notes) -> None:
    late = replace(portrait(), deadline=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(DeadlinePassed):
        await submit(late, Router([told()]), notes)
    assert notes.records == {}


async def test_a_job_that_outlasts_the_deadline_stays_accepted_and_can_be_collected(
    notes: Notes, tmp_path: Path
) -> None:
    async def for_ever(seconds: float) -> None:
        await asyncio.Event().wait()

    provider = FakeProvider(name="fal", script=[Script(seconds=1.0)], sleep=for_ever)
    router = Router([provider])
    submission = await submit(portrait(), router, notes)
    soon = replace(portrait(), deadline=datetime.now(UTC) + timedelta(seconds=0.05))
    with pytest.raises(DeadlinePassed):
        await collect(soon, submission, router, notes, into=tmp_path)
    assert notes.records["job-1"].stage is Stage.ACCEPTED
    provider.sleep = Naps()
    assert (await collect(portrait(), submission, router, notes, into=tmp_path)).pictures


async def test_what_is_made_is_fetched_with_patience_and_said_to_be(notes: Notes, tmp_path: Path) -> None:
    class Away(FakeProvider):
        async def fetch(self, submission: Submission, into: Path) -> Result:
            if len(naps.asked) < 4:
                raise WaitAndRetry("away", code="result_unreachable")
            return await super().fetch(submission, into)

    naps = Naps()
    router = Router([Away(name="fal")])
    seen: list[Phase] = []

    async def on_progress(_: str, progress: Progress) -> None:
        seen.append(progress.phase)

    submission = await submit(portrait(), router, notes)
    result = await collect(portrait(), submission, router, notes, into=tmp_path, on_progress=on_progress, sleep=naps)
    assert len(result.pictures) == 1
    assert seen[-2:] == [Phase.FETCHING, Phase.FETCHING]
    assert naps.asked == [1.0, 2.0, 4.0, 8.0]


async def test_a_result_that_stays_out_of_reach_is_waited_for_over_a_minute_and_can_be_fetched_later(
    notes: Notes, tmp_path: Path
) -> None:
    naps = Naps()
    provider = FakeProvider(name="fal", script=[Script(fault="away")])
    router = Router([provider])
    submission = await submit(portrait(), router, notes)
    with pytest.raises(WaitAndRetry):
        await collect(portrait(), submission, router, notes, into=tmp_path, sleep=naps)
    assert sum(naps.asked) >= 60
    assert notes.records["job-1"].stage is Stage.ACCEPTED
    provider.jobs[submission.request_id].script = Script()
    assert (await collect(portrait(), submission, router, notes, into=tmp_path)).pictures


async def test_a_piece_says_who_was_tried_and_how_each_turn_ended(notes: Notes, tmp_path: Path) -> None:
    router = Router([told("busy"), told("ends_without", name="openai")])
    (failed,) = await run([portrait()], router, notes, into=tmp_path)
    assert [(a.provider, a.outcome.value, a.code) for a in failed.tried] == [
        ("fal", "not_taken", "provider_busy"),
        ("openai", "failed", "made_nothing"),
    ]
    (again,) = await run([portrait()], router, notes, into=tmp_path)  # as after a restart
    assert again.tried == failed.tried
    (made,) = await run([portrait("other")], Router([told()]), notes, into=tmp_path)
    assert [(a.provider, a.outcome.value, a.code) for a in made.tried] == [("fal", "made", None)]
