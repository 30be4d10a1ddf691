"""What operators are shown of jobs: each ended one is counted once, whichever process ran it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bot.metrics import Metrics
from handlers.message import Chat
from handlers.order import Order, Shot
from handlers.store.base import Budgets, Job, JobState, PartState
from handlers.store.memory import MemoryStore
from providers.base import Charge, CostSource, Submission
from providers.money import Money
from tests.contract.stores import picture
from tests.world import Person

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def job(name: str, state: JobState, *, finished: float | None = None, error: str | None = None) -> Job:
    """`finished`: seconds after NOW; every job began ten seconds before NOW."""
    return Job(
        id=name,
        chat=Chat(channel="web", chat="a", person="a"),
        order=Order(operation="portrait", shots=(Shot(style="anime"),)),
        created=NOW - timedelta(seconds=10),
        state=state,
        finished=None if finished is None else NOW + timedelta(seconds=finished),
        provider="fal",
        error_code=error,
    )


async def test_jobs_are_counted_by_state_and_each_ended_one_once() -> None:
    store, metrics = MemoryStore(), Metrics(clock=lambda: NOW)
    await store.add_job(job("before this process", JobState.DONE, finished=-5))
    await store.add_job(job("running", JobState.RUNNING))
    await store.add_job(job("one", JobState.DONE, finished=2))
    await metrics.exposition(store)
    await store.add_job(job("of the same moment", JobState.DONE, finished=2))
    await store.add_job(job("bad", JobState.FAILED, finished=3, error="refused_content"))
    await metrics.exposition(store)
    text = (await metrics.exposition(store)).decode()
    assert 'likeness_jobs{state="running"} 1.0' in text
    assert 'likeness_oldest_job_seconds{state="running"} 10.0' in text
    assert 'likeness_oldest_job_seconds{state="new"} 0.0' in text
    assert 'likeness_job_seconds_count{provider="fal",state="done"} 2.0' in text
    assert 'likeness_job_seconds_sum{provider="fal",state="done"} 24.0' in text
    assert 'likeness_job_errors_total{code="refused_content",provider="fal"} 1.0' in text


async def test_what_today_cost_is_told_by_provider() -> None:
    store, metrics = MemoryStore(clock=lambda: NOW), Metrics(clock=lambda: NOW)
    await store.add_job(job("one", JobState.RUNNING))
    await store.begin_part("one-0-0", "one", "fal", count=2)
    charge = Charge(money=Money.usd("0.3"), source=CostSource.ANSWER)
    await store.accept_part("one-0-0", Submission(provider="fal", request_id="r", charge=charge))
    await store.end_part("one-0-0", PartState.MADE, pictures=(picture(), picture()))
    text = (await metrics.exposition(store)).decode()
    assert 'likeness_cost_today_usd{provider="fal"} 0.3' in text
    assert 'likeness_pictures_today{provider="fal"} 2.0' in text


async def test_what_a_used_up_budget_refuses_is_counted_by_whose_it_is(tmp_path: Path) -> None:
    store, metrics = MemoryStore(), Metrics()
    ann = Person(tmp_path, store=store, budgets=Budgets(person=Decimal("0.20")))
    await ann.sends("two pictures, oil painting", "a.jpg")
    text = (await metrics.exposition(store)).decode()
    assert 'likeness_limit_refused{kind="budget",whose="person"} 1.0' in text
    assert 'likeness_limit_refused{kind="budget",whose="bot"} 0.0' in text


async def test_what_a_provider_takes_is_the_median_of_its_last_requests() -> None:
    store = MemoryStore()
    await store.set_value("durations", "fal:portrait:gpt", "[[4.0, 1, null], [9.0, 1, 2.0], [5.0, 2, null]]")
    await store.set_value("durations", "embedded:edit:x:anime::2", "[[2.0, 1, 1.0]]")
    text = (await Metrics().exposition(store)).decode()
    assert 'likeness_provider_seconds{model="gpt",operation="portrait",provider="fal"} 5.0' in text
    assert 'likeness_provider_seconds{model="x",operation="edit",provider="embedded"} 2.0' in text
