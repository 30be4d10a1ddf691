"""One suite that every `Store` passes: the one in memory, SQLite, PostgreSQL (long: it is one contract)."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handlers.message import Chat
from handlers.session import LastResult, Question, Session, SessionPhoto
from handlers.store.base import (
    Delivery,
    DeliveryState,
    InboxRow,
    Job,
    JobState,
    Lease,
    LineFull,
    OpenJobs,
    PartState,
    RunSuperseded,
    Store,
    Turn,
)
from handlers.store.sql.engine import make_engine, sqlite_url
from handlers.store.sql.store import SqlStore
from providers.attempts import Attempt, Outcome
from providers.base import Charge, CostSource, Submission
from providers.money import Money
from tests.contract.stores import ANN, BEN, NOW, Clock, job, order, picture, said


def laid(key: str) -> SessionPhoto:
    return SessionPhoto(key=key, path=Path(f"/photos/{key}.jpg"), width=10, height=20, at=NOW)


def turn(key: str, *, chat: Chat = ANN, session: Session | None = None, **changes: object) -> Turn:
    made = Turn(
        message_key=key, chat=chat, session=session or Session(photos=(laid(key),)), reply=(said(f"reply:{key}"),)
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def result(job_id: str, at: datetime = NOW) -> LastResult:
    return LastResult(job=job_id, order=order(), pictures=(Path("/pictures/a.png"),), at=at)


# --- a message and what it led to


async def test_a_stranger_has_an_empty_table(store: Store) -> None:
    assert await store.session(ANN) == Session()


async def test_a_turn_is_kept_whole_table_reply_and_jobs(store: Store) -> None:
    question = Question(kind="style", options=("anime", "oil"), order=order(), at=NOW)
    session = Session(language="zh", photos=(laid("p"),), last_order=order(), question=question)
    made = turn("tg:1", session=session, jobs=(job("j1"), job("j2", minutes=1)))
    assert await store.commit_turn(made)
    assert await store.session(ANN) == session
    assert await store.turn_of("tg:1") == made.reply
    assert await store.job("j1") == job("j1")
    assert await store.jobs() == (job("j2", minutes=1), job("j1"))


async def test_a_new_message_opens_on_the_table_and_the_jobs_still_running(store: Store) -> None:
    await store.commit_turn(turn("m1", jobs=(job("old", state=JobState.DONE), job("j1"), job("j2", minutes=1))))
    opening = await store.opening("m2", ANN)
    assert opening.reply is None
    assert opening.session == await store.session(ANN)
    assert [running.id for running in opening.running] == ["j2", "j1"]


async def test_a_message_already_handled_opens_on_its_reply(store: Store) -> None:
    await store.commit_turn(turn("m1"))
    assert (await store.opening("m1", ANN)).reply == (said("reply:m1"),)
    assert (await store.opening("m2", BEN)).session == Session()


async def test_a_change_that_fails_takes_no_other_with_it(store: Store) -> None:
    await store.add_job(job("j1"))
    changes = (store.update_job("j1", run=7), store.update_job("unknown", run=7), store.add_value("a", "b", "c"))
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert [type(result) for result in results] == [Job, KeyError, bool]
    found = await store.job("j1")
    assert found is not None
    assert (found.run, await store.value("a", "b")) == (7, "c")


async def test_a_message_not_seen_has_no_turn(store: Store) -> None:
    assert await store.turn_of("tg:404") is None


async def test_a_repeated_message_changes_nothing(store: Store) -> None:
    first = turn("tg:1", jobs=(job("j1"),))
    assert await store.commit_turn(first)
    again = turn("tg:1", session=Session(language="en"), reply=(said("other"),), jobs=(job("j2"),), cancel=("j1",))
    assert not await store.commit_turn(again)
    assert await store.session(ANN) == first.session
    assert await store.turn_of("tg:1") == first.reply
    assert await store.job("j2") is None
    assert await store.job("j1") == job("j1")


async def test_of_many_writers_of_one_message_exactly_one_wins(store: Store) -> None:
    wins = await asyncio.gather(*(store.commit_turn(turn("tg:1", jobs=(job(f"j{n}"),))) for n in range(12)))
    assert sorted(wins) == [False] * 11 + [True]
    assert len(await store.jobs()) == 1


async def test_an_empty_reply_is_still_a_handled_message(store: Store) -> None:
    await store.commit_turn(turn("tg:1", reply=()))
    assert await store.turn_of("tg:1") == ()


async def test_open_jobs_are_counted_with_the_age_of_the_oldest(store: Store) -> None:
    assert await store.open_jobs() == ()
    await store.add_job(job("younger", state=JobState.RUNNING, minutes=2))
    await store.add_job(job("older", BEN, state=JobState.RUNNING, minutes=1))
    await store.add_job(job("waits", minutes=3))
    await store.add_job(job("done", state=JobState.DONE))
    assert await store.open_jobs() == (
        OpenJobs(state=JobState.NEW, count=1, oldest=NOW + timedelta(minutes=3)),
        OpenJobs(state=JobState.RUNNING, count=2, oldest=NOW + timedelta(minutes=1)),
    )


async def test_cancelling_marks_running_jobs_and_leaves_ended_ones(store: Store) -> None:
    await store.add_job(job("runs", state=JobState.RUNNING))
    await store.add_job(job("done", state=JobState.DONE))
    await store.commit_turn(turn("tg:1", cancel=("runs", "done", "unknown")))
    runs, done = await store.job("runs"), await store.job("done")
    assert runs is not None
    assert runs.cancel_asked
    assert await store.cancel_asked() == ("runs",)
    assert done is not None
    assert not done.cancel_asked


async def test_tables_of_two_people_in_one_chat_are_two_tables(store: Store) -> None:
    other = replace(BEN, person="cara")
    await store.save_session(BEN, Session(language="zh"))
    assert await store.session(other) == Session()
    assert await store.session(replace(BEN, thread="9")) == Session(language="zh")


# --- jobs


async def test_jobs_are_found_by_person_and_state_newest_first(store: Store) -> None:
    for n, (chat, state) in enumerate(
        [(ANN, JobState.DONE), (BEN, JobState.RUNNING), (ANN, JobState.RUNNING), (ANN, JobState.FAILED)]
    ):
        assert await store.add_job(job(f"j{n}", chat, minutes=n, state=state))
    assert [found.id for found in await store.jobs(chat=ANN)] == ["j3", "j2", "j0"]
    assert [found.id for found in await store.jobs(states=(JobState.RUNNING, JobState.LATE))] == ["j2", "j1"]
    assert [found.id for found in await store.jobs(chat=ANN, states=(JobState.RUNNING,))] == ["j2"]
    assert [found.id for found in await store.jobs(limit=2)] == ["j3", "j2"]


async def test_a_job_stands_in_line_behind_its_persons_earlier_ones_that_have_not_ended(store: Store) -> None:
    for n, (chat, state) in enumerate(
        [(ANN, JobState.DONE), (BEN, JobState.NEW), (ANN, JobState.RUNNING), (ANN, JobState.NEW), (ANN, JobState.NEW)]
    ):
        assert await store.add_job(job(f"j{n}", chat, minutes=n, state=state))
    assert await store.in_line("j3") == (await store.job("j3"), 1)
    assert await store.in_line("j2") == (await store.job("j2"), 0)
    assert await store.add_job(job("j5", ANN, minutes=4))
    assert await store.in_line("j5") == (await store.job("j5"), 3)
    assert await store.in_line("j4") == (await store.job("j4"), 2)
    assert await store.in_line("unknown") is None


async def test_a_job_is_added_once(store: Store) -> None:
    assert await store.add_job(job("j1"))
    assert not await store.add_job(job("j1", state=JobState.DONE))
    assert await store.job("j1") == job("j1")


async def test_updating_a_job_changes_only_what_is_named(store: Store) -> None:
    await store.add_job(job("j1", BEN))
    await store.commit_turn(turn("tg:1", cancel=("j1",)))
    updated = await store.update_job("j1", state=JobState.RUNNING, pieces=(4, 2), run=1)
    expected = job("j1", BEN, state=JobState.RUNNING, pieces=(4, 2), run=1, cancel_asked=True)
    assert updated == await store.job("j1") == expected


async def test_updating_an_unknown_job_or_field_is_an_error(store: Store) -> None:
    with pytest.raises(KeyError):
        await store.update_job("nobody", state=JobState.RUNNING)
    await store.add_job(job("j1"))
    with pytest.raises(TypeError):
        await store.update_job("j1", colour="red")


async def test_of_many_that_take_up_the_same_run_at_once_one_does(store: Store) -> None:
    await store.add_job(job("j1"))
    begun = await asyncio.gather(*(store.begin_run("j1", after=0) for _ in range(20)))
    assert [found.run for found in begun if found is not None] == [1]
    assert await store.begin_run("j1", after=0) is None
    assert await store.begin_run("j1", after=1) == job("j1", run=2)


async def test_no_run_is_begun_of_a_job_that_ended_or_is_unknown(store: Store) -> None:
    await store.add_job(job("j1", state=JobState.DONE))
    assert await store.begin_run("j1", after=0) is None
    assert await store.begin_run("nobody", after=0) is None
    await store.add_job(job("j2", state=JobState.RUNNING))
    assert await store.begin_run("j2", after=0, ended=True) is None


async def test_a_job_that_ended_is_taken_up_again_once_with_what_is_to_change(store: Store) -> None:
    ended = job("j1", state=JobState.UNCERTAIN, finished=NOW, error_code="outcome_unknown")
    await store.add_job(ended)
    changes = {"state": JobState.RUNNING, "finished": None, "error_code": None, "by_hand": True, "delivery": 1}
    begun = await asyncio.gather(*(store.begin_run("j1", after=0, ended=True, **changes) for _ in range(5)))
    expected = job("j1", state=JobState.RUNNING, by_hand=True, delivery=1, run=1)
    assert [found for found in begun if found is not None] == [expected]
    assert await store.job("j1") == expected


async def test_what_an_older_run_would_save_at_its_end_is_refused(store: Store) -> None:
    await store.add_job(job("j1", state=JobState.RUNNING))
    await store.begin_run("j1", after=0)
    with pytest.raises(RunSuperseded):
        await store.finish_job(job("j1", state=JobState.UNCERTAIN), None)
    assert await store.job("j1") == job("j1", state=JobState.RUNNING, run=1)
    assert await store.finish_job(job("j1", state=JobState.DONE, run=1), None)


async def test_a_finished_job_lays_its_result_on_the_table_as_it_is_by_then(store: Store) -> None:
    await store.commit_turn(turn("tg:1", jobs=(job("j1"),)))
    ended = job("j1", state=JobState.DONE, cost=Money.usd("0.15"), provider="fal", finished=NOW, pictures=(picture(),))
    await store.finish_job(ended, result("j1"))
    assert await store.job("j1") == ended
    session = await store.session(ANN)
    assert session.last_result == result("j1")
    assert session.photos == (laid("tg:1"),)


async def test_a_job_without_result_leaves_the_table_alone(store: Store) -> None:
    await store.save_session(ANN, Session(last_result=result("j0")))
    await store.finish_job(job("j1", state=JobState.FAILED, error_code="refused", finished=NOW), None)
    assert (await store.session(ANN)).last_result == result("j0")


async def test_a_turn_that_began_before_a_job_finished_does_not_lose_its_result(store: Store) -> None:
    read_before = await store.session(ANN)
    await store.finish_job(job("j1", state=JobState.DONE, finished=NOW), result("j1"))
    await store.commit_turn(turn("tg:2", session=read_before.model_copy(update={"photos": (laid("new"),)})))
    session = await store.session(ANN)
    assert session.last_result == result("j1")
    assert session.photos == (laid("new"),)


# --- parts and deliveries


async def test_a_part_goes_from_submitting_to_accepted_to_made(store: Store) -> None:
    charge = Charge(money=Money.usd("0.3"), source=CostSource.ANSWER)
    submission = Submission(
        provider="fal", request_id="r-1", count=2, handle={"status": "x", "deep": [1, {"a": None}]}, charge=charge
    )
    await store.begin_part("j1-0-0", "j1", "fal")
    begun = await store.part("j1-0-0")
    assert begun is not None
    assert (begun.state, begun.submission, begun.provider) == (PartState.SUBMITTING, None, "fal")
    await store.accept_part("j1-0-0", submission)
    accepted = await store.part("j1-0-0")
    assert accepted is not None
    assert (accepted.state, accepted.submission, accepted.charge) == (PartState.ACCEPTED, submission, charge)
    told = Charge(money=Money.of(2, "credits"), source=CostSource.ANSWER)
    await store.end_part("j1-0-0", PartState.MADE, pictures=(picture(),), charge=told)
    made = await store.part("j1-0-0")
    assert made is not None
    assert (made.state, made.pictures, made.charge) == (PartState.MADE, (picture(),), told)
    assert made.submission == submission
    assert made.updated is not None


async def test_a_part_refused_by_one_provider_begins_anew_with_the_next(store: Store) -> None:
    await store.begin_part("j1-0-0", "j1", "fal")
    await store.end_part("j1-0-0", PartState.REFUSED, error_code="provider_busy")
    refused = await store.part("j1-0-0")
    assert refused is not None
    assert (refused.state, refused.error_code) == (PartState.REFUSED, "provider_busy")
    assert not await store.begin_part("j1-0-0", "j1", "openai")
    assert await store.begin_part("j1-0-0", "j1", "openai", after=refused)
    assert not await store.begin_part("j1-0-0", "j1", "openai", after=refused)
    begun = await store.part("j1-0-0")
    assert begun is not None
    assert (begun.state, begun.provider, begun.error_code) == (PartState.SUBMITTING, "openai", None)


async def test_a_part_keeps_who_was_asked_or_skipped_and_how_each_turn_ended(store: Store) -> None:
    busy = Attempt(provider="fal", outcome=Outcome.NOT_TAKEN, code="provider_busy")
    skipped = Attempt(provider="bfl", outcome=Outcome.SKIPPED)
    made = Attempt(provider="openai", outcome=Outcome.MADE)
    await store.begin_part("k", "j1", "fal")
    await store.end_part("k", PartState.REFUSED, error_code="provider_busy", tried=(busy,))
    refused = await store.part("k")
    assert refused is not None
    assert refused.tried == (busy,)
    assert await store.begin_part("k", "j1", "openai", after=refused, tried=(busy, skipped))
    await store.accept_part("k", Submission(provider="openai", request_id="r"))
    await store.end_part("k", PartState.MADE, pictures=(picture(),), tried=(busy, skipped, made))
    await store.begin_part("none", "j1", "bfl", state=PartState.REFUSED, tried=(skipped,))
    assert {part.key: (part.state, part.tried) for part in await store.parts("j1")} == {
        "k": (PartState.MADE, (busy, skipped, made)),
        "none": (PartState.REFUSED, (skipped,)),
    }


async def test_of_many_who_begin_one_part_exactly_one_may_post(store: Store) -> None:
    begun = await asyncio.gather(*(store.begin_part("k", "j1", "fal") for _ in range(12)))
    assert sorted(begun) == [False] * 11 + [True]


async def test_a_failed_part_keeps_its_submission(store: Store) -> None:
    submission = Submission(provider="fal", request_id="r-1")
    await store.begin_part("k", "j1", "fal")
    await store.accept_part("k", submission)
    await store.end_part("k", PartState.FAILED, error_code="made_nothing")
    failed = await store.part("k")
    assert failed is not None
    assert (failed.state, failed.submission) == (PartState.FAILED, submission)


async def test_parts_are_those_of_the_job_in_order_of_their_keys(store: Store) -> None:
    for key, owner in (("j1-1-0", "j1"), ("j1-0-0", "j1"), ("j2-0-0", "j2")):
        await store.begin_part(key, owner, "fal")
    assert [part.key for part in await store.parts("j1")] == ["j1-0-0", "j1-1-0"]
    assert await store.part("nothing") is None
    with pytest.raises(KeyError):
        await store.accept_part("nothing", Submission(provider="fal", request_id="r"))


async def test_a_delivery_is_saved_and_replaced(store: Store) -> None:
    assert await store.delivery("j1:0") is None
    reserved = Delivery(key="j1:0", job="j1", state=DeliveryState.RESERVED, place="55")
    await store.save_delivery(reserved)
    assert await store.delivery("j1:0") == reserved
    sent = replace(reserved, state=DeliveryState.SENT, refs=("55", "56"))
    await store.save_delivery(sent)
    assert await store.delivery("j1:0") == sent


# --- the conversation of a channel that keeps none itself


async def test_entries_come_back_oldest_first_from_where_one_stopped(store: Store) -> None:
    written = [await store.add_entry(ANN, said(f"m{n}"), from_person=n == 0) for n in range(3)]
    await store.add_entry(BEN, said("m0"))
    assert await store.entries(ANN) == tuple(written)
    assert await store.entries(ANN, after=written[0].seq) == tuple(written[1:])
    assert await store.entries(ANN, limit=2) == tuple(written[:2])
    assert written[0].from_person
    assert not written[1].from_person


async def test_a_status_said_again_replaces_itself_with_a_new_number(store: Store) -> None:
    first = await store.add_entry(ANN, said("status:j1", "1 s"))
    other = await store.add_entry(ANN, said("m1"))
    second = await store.add_entry(ANN, said("status:j1", "2 s"))
    assert await store.entries(ANN) == (other, second)
    assert first.seq < other.seq < second.seq


async def test_the_number_of_a_dropped_entry_is_not_used_again(store: Store) -> None:
    dropped = await store.add_entry(ANN, said("m1"))
    await store.drop_entry(ANN, "m1")
    await store.drop_entry(ANN, "never there")
    assert await store.entries(ANN) == ()
    assert (await store.add_entry(ANN, said("m2"))).seq > dropped.seq


async def test_entries_written_at_once_get_numbers_of_their_own(store: Store) -> None:
    written = await asyncio.gather(*(store.add_entry(ANN, said(f"m{n}")) for n in range(20)))
    assert len({entry.seq for entry in written}) == 20
    assert len(await store.entries(ANN)) == 20


async def test_what_a_person_said_stays_where_it_is_when_it_comes_again(store: Store) -> None:
    first = await store.add_entry(ANN, said("m1", "hello"), from_person=True)
    reply = await store.add_entry(ANN, said("r1", "hi"))
    again = await asyncio.gather(*(store.add_entry(ANN, said("m1", "hello"), from_person=True) for _ in range(3)))
    assert {entry.seq for entry in again} == {first.seq}
    assert [entry.id for entry in await store.entries(ANN)] == ["m1", "r1"]
    assert reply.seq > first.seq


async def test_photos_that_come_at_the_same_moment_through_several_processes_are_all_in_the_session(
    store: Store,
) -> None:
    def photo(n: int) -> SessionPhoto:
        return SessionPhoto(key=f"p{n}", path=Path(f"/p{n}.jpg"), width=9, height=9, at=NOW + timedelta(seconds=n))

    seen = await store.session(ANN)
    turns = [Turn(message_key=f"m{n}", chat=ANN, session=Session(photos=(photo(n),)), before=seen) for n in range(5)]
    assert all(await asyncio.gather(*map(store.commit_turn, turns)))
    came = (await store.session(ANN)).photos
    assert [each.key for each in came] == ["p0", "p1", "p2", "p3", "p4"]
    left = Session(photos=came[3:])
    await store.commit_turn(Turn(message_key="let go", chat=ANN, session=left, before=Session(photos=came)))
    assert (await store.session(ANN)).photos == came[3:], "what the turn itself let go stays gone"


# --- inbox and values


async def test_an_update_is_taken_in_once_and_waits_until_done(store: Store) -> None:
    assert await store.put_inbox("wechat", "b", "second?")
    assert await store.put_inbox("wechat", "a", "{}")
    assert not await store.put_inbox("wechat", "b", "other")
    assert await store.put_inbox("telegram", "b", "elsewhere")
    assert await store.inbox("wechat") == (("b", "second?"), ("a", "{}"))
    await store.done_inbox("wechat", "b")
    assert await store.inbox("wechat") == (("a", "{}"),)
    assert not await store.put_inbox("wechat", "b", "again")
    assert await store.inbox("wechat", limit=0) == ()


async def test_a_row_belongs_to_its_owner_until_the_lease_ends(store: Store, clock: Clock) -> None:
    mine, yours = Lease(owner="a", seconds=10), Lease(owner="b", seconds=10)
    assert await store.put_inbox("web", "1", "x", lease=mine)
    assert await store.put_inbox("web", "2", "y")
    assert await store.put_inbox("telegram", "1", "elsewhere")
    assert await store.claim_inbox("web", yours) == (InboxRow(key="2", payload="y", claims=1),)
    assert await store.claim_inbox("web", yours) == ()
    clock.now += timedelta(seconds=8)
    await store.renew_inbox("web", mine)
    clock.now += timedelta(seconds=8)
    assert await store.claim_inbox("web", Lease(owner="c", seconds=10)) == (InboxRow(key="2", payload="y", claims=2),)
    clock.now += timedelta(seconds=8)
    assert await store.claim_inbox("web", yours) == (InboxRow(key="1", payload="x", claims=1),)


async def test_the_rows_of_an_owner_known_to_be_dead_are_free_at_once(store: Store) -> None:
    await store.put_inbox("web", "1", "x", lease=Lease(owner="a", seconds=10))
    await store.put_inbox("web", "2", "y", lease=Lease(owner="b", seconds=10))
    assert [row.key for row in await store.claim_inbox("web", Lease(owner="c", seconds=10), dead=("a", "z"))] == ["1"]


async def test_a_released_row_is_free_from_then_on_and_its_claims_are_counted_anew(store: Store, clock: Clock) -> None:
    mine, yours = Lease(owner="a", seconds=10), Lease(owner="b", seconds=10)
    for key in ("1", "2", "3"):
        await store.put_inbox("web", key, key)
    assert len(await store.claim_inbox("web", mine)) == 3
    await store.release_inbox("web", "a", key="2", seconds=60)
    await store.release_inbox("web", "b")
    assert await store.claim_inbox("web", yours) == ()
    await store.release_inbox("web", "a")
    assert [(row.key, row.claims) for row in await store.claim_inbox("web", yours)] == [("1", 1), ("3", 1)]
    clock.now += timedelta(seconds=61)
    assert "2" in [row.key for row in await store.claim_inbox("web", mine)]


async def test_what_comes_into_a_line_that_somebody_works_on_is_theirs_and_told_to_them_once(
    store: Store, clock: Clock
) -> None:
    mine, yours = Lease(owner="a", seconds=10), Lease(owner="b", seconds=10)
    assert await store.put_in_line("tg", "1", "x", line="ann", lease=mine) == "a"
    assert await store.put_in_line("tg", "2", "y", line="ann", lease=yours) == "a"
    assert await store.put_in_line("tg", "2", "y", line="ann", lease=yours) is None, "it was seen before"
    assert await store.put_in_line("tg", "3", "z", line="ben", lease=yours) == "b"
    assert await store.put_in_line("web", "1", "x", line="ann", lease=yours) == "b", "another channel's is another line"
    assert await store.passed_on("tg", yours) == ()
    assert await store.passed_on("tg", mine) == (InboxRow(key="2", payload="y"),)
    assert await store.passed_on("tg", mine) == ()
    await store.done_inbox("tg", "1")
    assert await store.put_in_line("tg", "4", "w", line="ann", lease=yours) == "a", "one of it is still open"
    await store.done_inbox("tg", "2")
    await store.done_inbox("tg", "4")
    assert await store.passed_on("tg", mine) == ()
    assert await store.put_in_line("tg", "5", "v", line="ann", lease=yours) == "b", "the line had ended"


async def test_a_line_left_by_the_dead_goes_to_one_process_whole(store: Store, clock: Clock) -> None:
    dead, mine, yours = (Lease(owner=name, seconds=10) for name in "dab")
    await store.put_in_line("tg", "1", "x", line="ann", lease=dead)
    clock.now += timedelta(seconds=6)
    await store.put_in_line("tg", "2", "y", line="ann", lease=yours)
    clock.now += timedelta(seconds=5)
    assert [row.key for row in await store.claim_inbox("tg", mine)] == ["1", "2"], "not noticed, so free with the other"
    assert await store.passed_on("tg", mine) == ()
    await store.release_inbox("tg", "a", key="1")
    assert await store.claim_inbox("tg", yours) == (), "nobody joins in where another works on the rest"
    assert [row.key for row in await store.claim_inbox("tg", mine)] == ["1"]
    assert [row.key for row in await store.claim_inbox("tg", yours, dead=("a",))] == ["1", "2"]


async def test_what_is_left_in_a_line_for_nobody_yet_is_claimed_with_it(store: Store, clock: Clock) -> None:
    mine, yours = Lease(owner="a", seconds=10), Lease(owner="b", seconds=10)
    assert await store.put_in_line("tg", "1", "x", line="ann") == ""
    assert [row.key for row in await store.claim_inbox("tg", mine)] == ["1"]
    assert await store.put_in_line("tg", "2", "y", line="ann") == "a"
    assert await store.claim_inbox("tg", yours) == ()
    assert [row.key for row in await store.passed_on("tg", mine)] == ["2"]


async def test_no_more_wait_in_a_line_than_may_however_many_come_at_once(store: Store) -> None:
    leases = [Lease(owner=str(n), seconds=10) for n in range(12)]
    ends = await asyncio.gather(
        *(store.put_in_line("tg", str(n), "x", line="ann", lease=lease, most=5) for n, lease in enumerate(leases)),
        return_exceptions=True,
    )
    assert sum(isinstance(end, LineFull) for end in ends) == 7
    kept = [str(n) for n, end in enumerate(ends) if not isinstance(end, LineFull)]
    assert await store.put_in_line("tg", kept[0], "x", line="ann", most=5) is None, "it is there already"
    await store.done_inbox("tg", kept[0])
    assert await store.put_in_line("tg", "later", "x", line="ann", most=5) is not None
    assert await store.put_in_line("tg", "bens", "x", line="ben", most=5) is not None


async def test_of_many_who_begin_one_line_at_once_one_owns_it(store: Store) -> None:
    leases = [Lease(owner=str(n), seconds=10) for n in range(8)]
    for _ in range(5):
        owners = await asyncio.gather(
            *(store.put_in_line("tg", f"{_}-{n}", "x", line=f"ann{_}", lease=lease) for n, lease in enumerate(leases))
        )
        assert len(set(owners)) == 1
        (owner,) = set(owners)
        passed = await store.passed_on("tg", Lease(owner=str(owner), seconds=10))
        assert len(passed) == len(leases) - 1


async def test_of_many_who_claim_a_line_at_once_one_gets_all_of_it(store: Store, clock: Clock) -> None:
    for n in range(12):
        await store.put_in_line("tg", str(n), "x", line=f"line {n % 3}", lease=Lease(owner="dead", seconds=1))
    clock.now += timedelta(seconds=2)
    leases = [Lease(owner=str(n), seconds=10) for n in range(6)]
    claimed = await asyncio.gather(*(store.claim_inbox("tg", lease) for lease in leases))
    got = [{int(row.key) % 3 for row in rows} for rows in claimed]
    for line in range(3):
        assert sum(line in lines for lines in got) <= 1
    left = [row for lease in leases for row in await store.claim_inbox("tg", lease)]
    assert sum(map(len, claimed)) + len(left) == 12


async def test_a_machine_whose_clock_is_ahead_takes_nothing_from_those_that_work(emptied_database: str) -> None:
    mine, yours = Lease(owner="a", seconds=600), Lease(owner="b", seconds=600)

    def in_two_hours() -> datetime:
        return datetime.now(UTC) + timedelta(hours=2)

    here = await SqlStore.open(emptied_database)
    ahead = await SqlStore.open(emptied_database, clock=in_two_hours, database_time=True)
    try:
        assert await here.put_in_line("ahead", "1", "x", line="ann", lease=mine) == "a"
        assert await ahead.claim_inbox("ahead", yours) == ()
        assert await ahead.put_in_line("ahead", "2", "y", line="ann", lease=yours) == "a"
        assert await ahead.moment() - await here.moment() < timedelta(hours=1)
    finally:
        await here.aclose()
        await ahead.aclose()


async def test_a_row_put_while_its_line_ends_is_told_to_its_owner_or_is_ones_own(store: Store) -> None:
    mine, yours = Lease(owner="a", seconds=10), Lease(owner="b", seconds=10)

    async def ended(n: int) -> int:
        await store.done_inbox("tg", f"{n}-1")
        return len(await store.passed_on("tg", mine))

    for n in range(20):
        await store.put_in_line("tg", f"{n}-1", "x", line=f"ann{n}", lease=mine)
        told, owner = await asyncio.gather(
            ended(n), store.put_in_line("tg", f"{n}-2", "y", line=f"ann{n}", lease=yours)
        )
        assert told == (1 if owner == "a" else 0)


async def test_of_many_who_claim_at_once_each_row_goes_to_one(store: Store) -> None:
    for n in range(20):
        await store.put_inbox("web", str(n), "x")
    leases = [Lease(owner=str(n), seconds=10) for n in range(8)]
    claimed = await asyncio.gather(*(store.claim_inbox("web", lease, limit=20) for lease in leases))
    keys = [row.key for rows in claimed for row in rows]
    assert len(keys) == len(set(keys)) == 20


async def test_an_update_that_cannot_be_handled_ends_and_is_counted(store: Store) -> None:
    await store.put_inbox("web", "1", "x")
    await store.put_inbox("web", "2", "y")
    await store.done_inbox("web", "1", failed=True)
    await store.done_inbox("web", "2")
    assert await store.claim_inbox("web", Lease(owner="a", seconds=10)) == ()
    assert await store.failed_inbox("web") == 1
    assert await store.failed_inbox("telegram") == 0
    assert not await store.put_inbox("web", "1", "again")


async def test_a_value_is_set_replaced_and_deleted(store: Store) -> None:
    assert await store.value("wechat", "token") is None
    await store.set_value("wechat", "token", "one")
    await store.set_value("wechat", "token", "two")
    await store.set_value("telegram", "token", "other")
    assert await store.value("wechat", "token") == "two"
    assert await store.space("wechat") == (("token", "two"),)
    await store.drop_value("wechat", "token")
    assert await store.value("wechat", "token") is None
    assert await store.value("telegram", "token") == "other"


async def test_of_many_who_change_a_value_at_once_each_sees_what_the_one_before_left(store: Store) -> None:
    async def count(n: int) -> str | None:
        return await store.change("s", "k", lambda before: f"{before or ''}{n} ")

    results = await asyncio.gather(*map(count, range(20)))
    whole = await store.value("s", "k")
    assert whole is not None
    assert sorted(map(int, whole.split())) == list(range(20))
    assert all(result and whole.startswith(result) for result in results)


async def test_a_change_to_nothing_deletes_and_one_that_raises_changes_nothing(store: Store) -> None:
    await store.set_value("s", "k", "old")

    def breaks(_before: str | None) -> str:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await store.change("s", "k", breaks)
    assert await store.value("s", "k") == "old"
    assert await store.change("s", "k", lambda before: None if before == "old" else before) is None
    assert await store.value("s", "k") is None
    assert await store.change("s", "k", lambda before: before) is None


async def test_of_many_who_add_the_same_value_one_succeeds(store: Store) -> None:
    wins = await asyncio.gather(*(store.add_value("s", "k", f"value {n}") for n in range(12)))
    assert sorted(wins) == [False] * 11 + [True]
    assert await store.value("s", "k") == f"value {wins.index(True)}"


async def test_a_value_past_its_expiry_is_as_if_it_had_never_been_there(store: Store, clock: Clock) -> None:
    soon = clock.now + timedelta(seconds=10)
    assert await store.add_value("s", "lease", "mine", expires=soon)
    assert not await store.add_value("s", "lease", "theirs", expires=soon)
    assert await store.change("s", "count", lambda before: str(int(before or 0) + 1), expires=soon) == "1"
    clock.now = soon
    assert await store.value("s", "lease") is None
    assert await store.space("s") == ()
    assert await store.change("s", "count", lambda before: str(int(before or 0) + 1)) == "1"
    assert await store.add_value("s", "lease", "theirs")
    await store.drop_expired()
    assert await store.space("s") == (("count", "1"), ("lease", "theirs"))


async def test_values_of_a_person_go_when_they_are_forgotten_or_not_written_for_long(
    store: Store, clock: Clock
) -> None:
    for owner in (ANN, BEN):
        await store.set_value("s", owner.owner, "x", owner=owner.owner)
    await store.set_value("s", "installation", "x")
    await store.forget(ANN)
    assert [key for key, _ in await store.space("s")] == sorted([BEN.owner, "installation"])
    clock.now += timedelta(days=31)
    await store.set_value("s", "fresh", "x", owner=ANN.owner)
    await store.set_value("s", "over", "x", expires=clock.now + timedelta(seconds=1))
    clock.now += timedelta(seconds=1)
    await store.expire(before=clock.now - timedelta(days=30))
    assert [key for key, _ in await store.space("s")] == ["fresh", "installation"]


# --- people and house-keeping


async def test_forgetting_a_person_leaves_nothing_but_what_still_runs(store: Store) -> None:
    mine = order(photos=(Path("/photos/old.jpg"), Path("/photos/shared.jpg")), mask=Path("/photos/mask.png"))
    running = order(photos=(Path("/photos/shared.jpg"),))
    done = job("done", state=JobState.DONE, order=mine, finished=NOW, pictures=(picture("final.png"),))
    await store.commit_turn(turn("tg:1", jobs=(job("runs", state=JobState.RUNNING, order=running),)))
    await store.finish_job(done, None)
    await store.begin_part("done-0", "done", "fal")
    await store.end_part("done-0", PartState.MADE, pictures=(picture("between.png"),))
    await store.save_delivery(Delivery(key="done:0", job="done", state=DeliveryState.SENT))
    await store.add_entry(ANN, said("m1"))
    await store.commit_turn(turn("tg:2", chat=BEN, jobs=(job("ben's", BEN, state=JobState.DONE),)))

    files = await store.forget(ANN)

    assert set(map(str, files)) == {
        "/photos/tg:1.jpg",
        "/photos/old.jpg",
        "/photos/mask.png",
        "/photos/shared.jpg",
        "/pictures/a.png",
        "/pictures/final.png",
        "/pictures/between.png",
    }
    assert await store.session(ANN) == Session()
    assert await store.turn_of("tg:1") is None
    assert await store.entries(ANN) == ()
    (left,) = await store.jobs(chat=ANN)
    assert (left.id, left.forgotten, left.cancel_asked) == ("runs", True, True)
    assert (await store.part("done-0"), await store.delivery("done:0")) == (None, None)
    assert await store.turn_of("tg:2") is not None
    assert (await store.session(BEN)).photos == (laid("tg:2"),)
    assert await store.job("ben's") is not None


async def test_a_job_that_ends_after_its_person_was_forgotten_leaves_nothing(store: Store) -> None:
    running = job("runs", state=JobState.RUNNING, order=order(photos=(Path("/photos/mine.jpg"),)))
    await store.commit_turn(turn("tg:1", jobs=(running,)))
    await store.begin_part("runs-0", "runs", "fal")
    await store.end_part("runs-0", PartState.MADE, pictures=(picture("made.png"),))
    await store.save_delivery(Delivery(key="runs:0", job="runs", state=DeliveryState.SENDING))
    assert {"/photos/mine.jpg", "/pictures/made.png"} <= set(map(str, await store.forget(ANN)))
    await store.begin_part("runs-1", "runs", "fal")
    await store.end_part("runs-1", PartState.MADE, pictures=(picture("later.png"),))
    done = replace(running, state=JobState.DONE, finished=NOW, pictures=(picture("made.png"),))
    assert await store.finish_job(done, result("runs")) is False
    assert await store.session(ANN) == Session()
    assert set(map(str, await store.drop_job("runs"))) == {"/pictures/later.png"}
    assert await store.jobs(chat=ANN) == ()
    assert (await store.part("runs-0"), await store.delivery("runs:0")) == (None, None)
    assert await store.drop_job("runs") == ()


async def test_a_file_that_no_row_names_is_told(store: Store) -> None:
    await store.commit_turn(turn("tg:1"))
    files = [Path("/photos/tg:1.jpg"), Path("/photos/left over.jpg")]
    assert await store.unnamed(files) == (Path("/photos/left over.jpg"),)
    assert await store.unnamed([]) == ()


async def test_old_things_expire_and_what_is_in_use_stays(store: Store, clock: Clock) -> None:
    await store.commit_turn(turn("old", session=Session(language="zh", language_fixed=True, photos=(laid("lost"),))))
    await store.add_entry(ANN, said("old"))
    await store.put_inbox("tg", "done", "x")
    await store.done_inbox("tg", "done")
    await store.put_inbox("tg", "open", "x")
    kept_photo = order(photos=(Path("/photos/kept.jpg"),))
    await store.finish_job(job("old", state=JobState.DONE, finished=NOW, pictures=(picture("old.png"),)), None)
    await store.finish_job(job("twin", state=JobState.FAILED, finished=NOW, order=kept_photo), None)
    await store.add_job(job("runs", state=JobState.RUNNING, order=kept_photo))
    clock.now += timedelta(days=31)
    await store.commit_turn(turn("new", chat=BEN))
    new = order(photos=(Path("/photos/new.jpg"),))
    await store.finish_job(job("new", BEN, state=JobState.DONE, finished=clock.now, order=new), None)

    files = await store.expire(before=clock.now - timedelta(days=30))

    assert set(map(str, files)) == {
        "/photos/lost.jpg",
        "/photos/main.jpg",
        "/photos/second.jpg",
        "/pictures/a.png",
        "/pictures/old.png",
    }
    assert await store.turn_of("old") is None
    assert await store.turn_of("new") is not None
    assert await store.entries(ANN) == ()
    assert await store.session(ANN) == Session(language="zh", language_fixed=True)
    assert sorted(left.id for left in await store.jobs()) == ["new", "runs"]
    assert await store.inbox("tg") == (), "nobody waits for an answer after a month"
    assert await store.put_inbox("tg", "done", "so long ago that it is new")


async def test_it_answers_a_ping(store: Store) -> None:
    await store.ping()
    assert isinstance(store, Store)


# --- only where there is a database


databases = pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)


@databases
async def test_what_was_asked_for_before_the_end_is_written_and_nothing_later(url: str) -> None:
    store = await SqlStore.open(url)
    writing = asyncio.ensure_future(store.add_value("a", "b", "c"))
    await asyncio.sleep(0)
    await store.aclose()
    assert await writing is True
    with pytest.raises(RuntimeError):
        await store.set_value("a", "b", "d")
    again = await SqlStore.open(url)
    assert await again.value("a", "b") == "c"
    await again.aclose()


@databases
async def test_what_was_committed_is_there_after_a_new_start(url: str) -> None:
    first = await SqlStore.open(url)
    await first.commit_turn(turn("tg:1", jobs=(job("j1", BEN),)))
    await first.aclose()
    second = await SqlStore.open(url)
    assert await second.job("j1") == job("j1", BEN)
    await second.aclose()


@databases
async def test_of_two_processes_with_one_message_exactly_one_wins(url: str) -> None:
    stores = await asyncio.gather(*(SqlStore.open(url) for _ in range(3)))
    keys = [f"tg:{n}" for n in range(10)]
    wins = await asyncio.gather(*(store.commit_turn(turn(key)) for key in keys for store in stores))
    assert sum(wins) == len(keys)
    for store in stores:
        await store.aclose()


async def test_sqlite_keeps_a_write_ahead_log_and_waits_for_the_disk(tmp_path: Path) -> None:
    store = await SqlStore.open(sqlite_url(tmp_path / "likeness.db"))
    await store.aclose()
    engine = make_engine(sqlite_url(tmp_path / "likeness.db"), pool_size=1)
    with engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        ]
    engine.dispose()
    assert found == ["wal", 2, 1, 30000, 1]
