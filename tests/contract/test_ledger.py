"""What every `Store` keeps of money: reserved, charged, given back; limits that nobody passes, however many try."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.message import Chat
from handlers.session import Session
from handlers.store.accounting import BUDGET_EXCEEDED, budget_scopes
from handlers.store.base import (
    Budgets,
    Ceilings,
    Job,
    JobState,
    Limit,
    LimitReached,
    PartState,
    Store,
    Turn,
)
from handlers.store.memory import MemoryStore
from providers.attempts import Attempt, Outcome
from providers.base import Charge, CostSource, Submission
from providers.ledger import EntryType, spent
from providers.money import Money
from tests.contract.stores import ANN, BEN, NOW, Clock, job, picture

DIME = Money.usd("0.1")


def turn(
    key: str, *jobs: Job, chat: Chat = ANN, budgets: Budgets | None = None, limits: tuple[Limit, ...] = ()
) -> Turn:
    return Turn(message_key=key, chat=chat, session=Session(), jobs=jobs, budgets=budgets or Budgets(), limits=limits)


def wanted(job_id: str, estimate: Money = DIME, *, chat: Chat = ANN) -> Job:
    return job(job_id, chat, estimate=estimate)


async def made(
    store: Store, key: str, job_id: str, charge: Money | None, *, state: PartState = PartState.MADE, count: int = 1
) -> None:
    await store.begin_part(key, job_id, "fal", model="nanopro", count=count)
    told = None if charge is None else Charge(money=charge, source=CostSource.ANSWER)
    await store.accept_part(key, Submission(provider="fal", request_id="r", model="banana", charge=told))
    await store.end_part(key, state, pictures=(picture(),) * count if state is PartState.MADE else ())


async def ended(store: Store, job_id: str) -> None:
    found = await store.job(job_id)
    assert found is not None
    await store.update_job(job_id, state=JobState.DONE, finished=NOW)
    assert await store.finish_job(found, None)


async def today(store: Store, chat: Chat = ANN) -> list[Decimal]:
    """What the budgets have counted: everybody's, the chat's, the person's."""
    return [await store.counted(scope) for scope in budget_scopes(chat)]


async def test_an_estimate_is_reserved_with_its_turn_charged_with_its_part_and_given_back(store: Store) -> None:
    await store.commit_turn(turn("m1", wanted("j1", Money.usd("0.5"))))
    assert await today(store) == [Decimal("0.5")] * 3
    await made(store, "j1-0-0", "j1", Money.usd("0.3"))
    assert await today(store) == [Decimal("0.5")] * 3, "the rest is still reserved"
    await ended(store, "j1")
    assert await today(store) == [Decimal("0.3")] * 3
    entries = await store.ledger()
    assert [(e.type, e.request, e.money) for e in entries] == [
        (EntryType.ESTIMATE, "j1", Money.usd("0.5")),
        (EntryType.CHARGE, "j1-0-0", Money.usd("0.3")),
        (EntryType.GIVE_BACK, "j1-0-0", Money.usd("0.3")),
        (EntryType.GIVE_BACK, "j1", Money.usd("0.2")),
    ]
    charge = next(e for e in entries if e.type is EntryType.CHARGE)
    assert (charge.job, charge.person, charge.chat) == ("j1", "web|ann", "web|ann")
    assert (charge.provider, charge.model, charge.pictures, charge.source) == ("fal", "banana", 1, "answer")
    assert spent(entries) == Decimal("0.3")


async def test_a_charge_above_its_estimate_is_counted_whole(store: Store) -> None:
    await store.commit_turn(turn("m1", wanted("j1")))
    await made(store, "j1-0-0", "j1", Money.usd("0.25"))
    await ended(store, "j1")
    assert await today(store) == [Decimal("0.25")] * 3


async def test_a_job_that_cost_nothing_gives_back_all_of_it(store: Store) -> None:
    await store.commit_turn(turn("m1", wanted("j1")))
    await made(store, "j1-0-0", "j1", None, state=PartState.FAILED)
    await ended(store, "j1")
    assert await today(store) == [Decimal(0)] * 3
    assert await store.costs("provider") == ()


async def test_an_unknown_outcome_counts_as_spent_until_it_is_known(store: Store) -> None:
    await store.commit_turn(turn("m1", wanted("j1")))
    await store.begin_part("j1-0-0", "j1", "fal", count=2)
    await store.end_part("j1-0-0", PartState.UNCERTAIN, error_code="outcome_unknown")
    await ended(store, "j1")
    assert await today(store) == [Decimal("0.1")] * 3
    (entry,) = [e for e in await store.ledger() if e.type is EntryType.CHARGE]
    assert (entry.source, entry.money) == ("unknown", DIME)
    told = Charge(money=Money.usd("0.04"), source=CostSource.ANSWER)
    await store.end_part("j1-0-0", PartState.MADE, pictures=(picture(),), charge=told)
    assert await today(store) == [Decimal("0.04")] * 3
    (entry,) = [e for e in await store.ledger() if e.type is EntryType.CHARGE]
    assert (entry.source, entry.money, entry.pictures) == ("answer", Money.usd("0.04"), 1)


async def test_what_goes_on_upstream_counts_as_spent_when_its_job_ends_without_it(store: Store) -> None:
    await store.commit_turn(turn("m1", wanted("j1")))
    await store.begin_part("j1-0-0", "j1", "fal", count=2)
    await store.accept_part("j1-0-0", Submission(provider="fal", request_id="r"))
    await ended(store, "j1")
    assert await today(store) == [Decimal("0.1")] * 3
    (entry,) = [e for e in await store.ledger() if e.type is EntryType.CHARGE]
    assert (entry.source, entry.money) == ("unknown", DIME)
    told = Charge(money=Money.usd("0.04"), source=CostSource.ANSWER)
    await store.end_part("j1-0-0", PartState.MADE, pictures=(picture(),), charge=told)
    assert await today(store) == [Decimal("0.04")] * 3, "fetched later, it costs what it costs"


async def test_what_was_made_without_a_word_of_its_cost_is_charged_at_its_share_of_the_estimate(store: Store) -> None:
    await store.commit_turn(turn("m1", wanted("j1", Money.usd("0.3"))))  # of two pictures
    await made(store, "j1-0-0#0", "j1", None)
    await made(store, "j1-0-0#1", "j1", Money.of(3, "credits"))
    await ended(store, "j1")
    assert await today(store) == [Decimal("0.3")] * 3
    usage = await store.usage(ANN, since=NOW - timedelta(days=1))
    assert (usage.pictures, usage.cost) == (2, (Money.usd("0.15"), Money.of(3, "credits")))
    assert (await store.usage(BEN, since=NOW - timedelta(days=1))).pictures == 0


async def test_who_was_sent_something_of_a_person_is_known_until_they_are_forgotten(store: Store) -> None:
    await store.commit_turn(turn("m1", wanted("j1")))
    await store.begin_part("j1-0-0", "j1", "openai")
    await store.end_part("j1-0-0", PartState.REFUSED, error_code="provider_busy")
    await made(store, "j1-0-1", "j1", Money.usd("0.04"))
    away = Attempt(provider="stability", outcome=Outcome.NOT_TAKEN, code="provider_unavailable")
    policy = Attempt(provider="replicate", outcome=Outcome.REFUSED, code="refused_content")
    await store.begin_part("j1-0-2", "j1", "replicate", tried=(away,))
    await store.end_part("j1-0-2", PartState.REFUSED, error_code="refused_content", tried=(away, policy))
    await store.begin_part("j1-0-3", "j1", "stability")
    await store.end_part("j1-0-3", PartState.REFUSED, error_code="provider_unavailable", tried=(away,))
    await store.begin_part("j9-0-0", "j9", "bfl")  # nobody's
    assert await store.sent_to(ANN) == ("fal", "openai", "replicate"), "all but the one that was not reached"
    await ended(store, "j1")
    await store.drop_job("j1")
    assert await store.sent_to(ANN) == ("fal",)  # what was charged is remembered longer
    await store.forget(ANN)
    assert await store.sent_to(ANN) == ()


async def test_a_budget_is_refused_before_anything_is_committed(store: Store) -> None:
    for scope, budgets in enumerate((Budgets(bot=DIME.amount), Budgets(chat=DIME.amount), Budgets(person=DIME.amount))):
        before = await today(store)
        with pytest.raises(LimitReached) as refused:
            await store.commit_turn(turn(f"m{scope}", wanted("j1", Money.usd("0.11")), budgets=budgets))
        assert refused.value.limit.code == BUDGET_EXCEEDED
        assert await today(store) == before
        assert await store.turn_of(f"m{scope}") is None
        assert await store.job("j1") is None
        assert await store.ledger() == ()


async def test_a_day_is_utc_and_begins_anew(store: Store, clock: Clock) -> None:
    budgets = Budgets(person=DIME.amount)
    await store.commit_turn(turn("m1", wanted("j1"), budgets=budgets))
    with pytest.raises(LimitReached):
        await store.commit_turn(turn("m2", wanted("j2"), budgets=budgets))
    clock.now = NOW.replace(hour=23, minute=59)
    with pytest.raises(LimitReached):
        await store.commit_turn(turn("m2", wanted("j2"), budgets=budgets))
    clock.now += timedelta(minutes=1)
    assert await store.commit_turn(turn("m2", wanted("j2"), budgets=budgets))
    await ended(store, "j1")
    assert await today(store) == [Decimal("0.1")] * 3, "yesterday's reservation is given back to yesterday"


async def test_of_many_turns_at_once_no_more_pass_a_budget_than_fit(store: Store) -> None:
    budgets = Budgets(bot=Decimal(1))
    chats = [ANN, BEN]

    async def asks(n: int) -> bool:
        chat = chats[n % 2]
        try:
            return await store.commit_turn(turn(f"m{n}", wanted(f"j{n}", chat=chat), chat=chat, budgets=budgets))
        except LimitReached:
            return False

    passed = await asyncio.gather(*map(asks, range(40)))
    assert sum(passed) == 10
    assert len(await store.jobs()) == 10
    assert (await today(store))[0] == 1


async def test_fifty_requests_of_eight_pictures_against_a_groups_ten_are_one(store: Store) -> None:
    limit = Limit(scope="pictures:group", amount=Decimal(8), most=Decimal(10))

    async def asks(n: int) -> bool:
        try:
            return await store.commit_turn(turn(f"m{n}", wanted(f"j{n}"), limits=(limit,)))
        except LimitReached:
            return False

    assert sum(await asyncio.gather(*map(asks, range(50)))) == 1
    assert await store.counted("pictures:group") == 8


async def test_what_no_turn_commits_is_counted_and_given_back(store: Store) -> None:
    limit = Limit(scope="usd:reader", amount=Decimal("0.4"), most=Decimal(1))
    assert sorted(await asyncio.gather(*(store.count(limit) for _ in range(5)))) == [False, False, False, True, True]
    assert await store.count(Limit(scope="usd:reader", amount=Decimal("-0.3"), most=Decimal(1)))
    assert await store.counted("usd:reader") == Decimal("0.5")
    assert await store.count(limit)


async def test_costs_are_added_up_by_person_provider_model_and_day(store: Store, clock: Clock) -> None:
    await store.commit_turn(turn("m1", wanted("j1")))
    await store.commit_turn(turn("m2", wanted("j2", chat=BEN), chat=BEN))
    await made(store, "j1-0-0", "j1", Money.usd("0.1"))
    clock.now += timedelta(days=1)
    await made(store, "j2-0-0", "j2", Money.usd("0.2"), count=2)
    await made(store, "j2-1-0", "j2", Money.usd("0.3"))
    rows = await store.costs("person")
    assert [(r.key, r.usd, r.pictures, r.requests) for r in rows] == [
        ("telegram|ben", Decimal("0.5"), 3, 2),
        ("web|ann", Decimal("0.1"), 1, 1),
    ]
    assert [(r.key, r.usd) for r in await store.costs("day")] == [
        ("2026-05-01", Decimal("0.1")),
        ("2026-05-02", Decimal("0.5")),
    ]
    assert [r.key for r in await store.costs("provider")] == ["fal"]
    assert [r.key for r in await store.costs("model")] == ["banana"]
    (later,) = await store.costs("provider", since=NOW + timedelta(hours=12))
    assert later.usd == Decimal("0.5")
    assert len(await store.ledger(since=NOW + timedelta(hours=12))) == 3


async def test_what_was_spent_outlives_whom_it_was_for_and_so_does_the_budget(store: Store, clock: Clock) -> None:
    budgets = Budgets(person=DIME.amount)
    await store.commit_turn(turn("m1", wanted("j1"), budgets=budgets))
    await made(store, "j1-0-0", "j1", DIME)
    await ended(store, "j1")
    await store.forget(ANN)
    assert {(e.person, e.chat) for e in await store.ledger()} == {(None, None)}
    assert (await store.usage(ANN, since=NOW - timedelta(days=1))).pictures == 0
    assert [r.usd for r in await store.costs("person")] == [DIME.amount]
    with pytest.raises(LimitReached):
        await store.commit_turn(turn("m2", wanted("j2"), budgets=budgets))


async def test_a_job_that_ends_after_its_person_was_forgotten_names_nobody(store: Store) -> None:
    await store.commit_turn(turn("m1", wanted("j1", Money.usd("0.5"))))
    await store.begin_part("j1-0-0", "j1", "fal")
    await store.forget(ANN)
    told = Charge(money=DIME, source=CostSource.ANSWER)
    await store.end_part("j1-0-0", PartState.MADE, pictures=(picture(),), charge=told)
    await store.drop_job("j1")
    assert {(e.person, e.chat) for e in await store.ledger()} == {(None, None)}
    assert await today(store) == [DIME.amount] * 3


async def test_names_go_with_age_and_entries_after_a_year(store: Store, clock: Clock) -> None:
    await store.commit_turn(turn("m1", wanted("j1")))
    await made(store, "j1-0-0", "j1", DIME)
    clock.now += timedelta(days=31)
    await store.expire(before=clock.now - timedelta(days=30))
    assert [r.key for r in await store.costs("person")] == [None]
    clock.now += timedelta(days=400)
    await store.expire(before=clock.now - timedelta(days=30))
    assert await store.ledger() == ()


amounts = st.decimals(min_value=0, max_value=3, places=2).map(Money.usd)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(amounts, st.lists(amounts | st.none(), max_size=3)), max_size=6), amounts)
async def test_at_any_moment_the_budget_counts_what_is_spent_or_reserved(
    jobs: list[tuple[Money, list[Money | None]]], limit: Money
) -> None:
    """Whatever is estimated and charged: nobody gets in above the limit, and in the end only charges are left."""
    store, budgets = MemoryStore(clock=Clock()), Budgets(bot=limit.amount)
    for n, (estimate, charges) in enumerate(jobs):
        before = (await today(store))[0]
        fits = not estimate or before + estimate.amount <= limit.amount
        try:
            await store.commit_turn(turn(f"m{n}", wanted(f"j{n}", estimate), budgets=budgets))
        except LimitReached:
            assert not fits
            continue
        assert fits
        for m, charge in enumerate(charges):
            state = PartState.MADE if charge else PartState.UNCERTAIN
            await made(store, f"j{n}-{m}", f"j{n}", charge or None, state=state)
            assert (await today(store))[0] == spent(await store.ledger())
        await ended(store, f"j{n}")
        assert (await today(store))[0] == spent(await store.ledger())
    charged = sum((e.usd for e in await store.ledger() if e.type is EntryType.CHARGE), Decimal(0))
    assert (await today(store))[0] == charged


PICTURES = Limit(scope="pictures:person:ann", amount=Decimal(2), most=Decimal(5), code="person_day", pictures=True)
"""Of a job of two pictures, as `job` makes them."""


async def test_pictures_that_were_not_made_are_given_back_to_every_period(store: Store) -> None:
    limits = tuple(replace(PICTURES, period=period) for period in ("day", "month", "ever"))
    await store.commit_turn(turn("m1", wanted("j1", Money.zero()), limits=limits))
    assert [await store.counted(PICTURES.scope, period=limit.period) for limit in limits] == [2, 2, 2]
    found = await store.job("j1")
    assert found is not None
    one = replace(found, state=JobState.DONE, finished=NOW, pictures=(picture(),))
    assert await store.finish_job(one, None)
    assert await store.finish_job(one, None)
    assert [await store.counted(PICTURES.scope, period=limit.period) for limit in limits] == [1, 1, 1]


async def test_what_a_person_is_forgotten_with_stays_counted(store: Store) -> None:
    await store.commit_turn(turn("m1", wanted("j1", Money.zero()), limits=(PICTURES,)))
    await store.forget(ANN)
    await store.drop_job("j1")
    assert await store.counted(PICTURES.scope) == 2


async def test_of_fifty_wishes_at_once_none_passes_a_limit_on_pictures(store: Store) -> None:
    async def wish(n: int) -> bool:
        try:
            return await store.commit_turn(turn(f"m{n}", wanted(f"j{n}", Money.zero()), limits=(PICTURES,)))
        except LimitReached:
            return False

    let = await asyncio.gather(*(wish(n) for n in range(50)))
    assert sum(let) == 2
    assert await store.counted(PICTURES.scope) == 4


@pytest.mark.parametrize(
    ("whose", "period"), [("bot", "month"), ("chat", "day"), ("person", "day"), ("address", "day")]
)
async def test_of_fifty_wishes_at_once_none_passes_a_budget(store: Store, whose: str, period: str) -> None:
    most = Ceilings(**{whose: Decimal("0.35")})
    budgets = replace(Budgets(), **vars(most)) if period == "day" else Budgets(monthly=most)
    reached = set()

    async def wish(n: int) -> bool:
        asked = replace(wanted(f"j{n}"), address="a1")
        try:
            return await store.commit_turn(turn(f"m{n}", asked, budgets=budgets))
        except LimitReached as stop:
            reached.add((stop.limit.whose, stop.limit.period, stop.limit.code))
            return False

    assert sum(await asyncio.gather(*(wish(n) for n in range(50)))) == 3
    assert reached == {(whose, period, BUDGET_EXCEEDED)}
    assert await store.counted("usd:bot", period="month") == Decimal("0.3")


async def test_a_month_is_counted_beside_its_days_and_kept_longer(store: Store, clock: Clock) -> None:
    await store.commit_turn(turn("m1", wanted("j1")))
    await made(store, "j1-0-0", "j1", DIME)
    await ended(store, "j1")
    clock.now += timedelta(days=3)
    await store.expire(before=clock.now - timedelta(days=30))
    assert await store.counted("usd:bot") == 0
    same_month = clock.now.month == NOW.month
    assert await store.counted("usd:bot", period="month") == (DIME.amount if same_month else 0)
    clock.now += timedelta(days=100)
    await store.expire(before=clock.now - timedelta(days=30))
    clock.now -= timedelta(days=100)
    assert await store.counted("usd:bot", period="month") == 0
