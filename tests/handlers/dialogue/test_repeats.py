"""What came twice is one: presses doubled, edits that change nothing, somebody else's words."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.dialogue.repeats import PRESS_SECONDS
from handlers.store.memory import MemoryStore
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from tests.world import Person, said

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def ann(tmp_path: Path) -> Person:
    return Person(tmp_path)


# --- one press is one press


async def test_the_same_choice_twice_within_a_second_is_one_job(ann: Person) -> None:
    await ann.sends("", "me.jpg")
    assert said(await ann.taps("style:anime", at=NOON))
    assert await ann.taps("style:anime", at=NOON + timedelta(seconds=0.9)) == ()
    assert await ann.job_count() == 1
    assert said(await ann.taps("style:anime", at=NOON + timedelta(seconds=5)))
    assert await ann.job_count() == 2


async def test_the_same_words_twice_within_a_second_are_one_job_and_others_are_another(ann: Person) -> None:
    await ann.sends("", "me.jpg")
    await ann.sends("anime style", at=NOON)
    await ann.sends("Anime style", at=NOON + timedelta(seconds=0.5))
    assert await ann.job_count() == 1
    await ann.sends("oil painting", at=NOON + timedelta(seconds=0.6))
    assert await ann.job_count() == 2


async def test_the_same_words_under_another_photo_are_another_wish(ann: Person) -> None:
    await ann.sends("anime style", "one.jpg", at=NOON)
    await ann.sends("anime style", "two.jpg", at=NOON)
    assert await ann.job_count() == 2


async def test_what_begins_nothing_may_be_said_as_often_as_one_likes(ann: Person) -> None:
    for _ in range(3):
        assert said(await ann.sends("hello", at=NOON))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(start=st.floats(0, 10), gap=st.floats(0, 5))
def test_two_presses_closer_than_a_second_are_always_one(tmp_path: Path, start: float, gap: float) -> None:
    async def jobs() -> int:
        ann = Person(tmp_path)
        await ann.sends("", "me.jpg")
        at = NOON + timedelta(seconds=start)
        await ann.taps("style:anime", at=at)
        await ann.taps("style:anime", at=at + timedelta(seconds=gap))
        return await ann.job_count()

    made = asyncio.run(jobs())
    if gap < PRESS_SECONDS - 1e-3:
        assert made == 1
    if gap > 2 * PRESS_SECONDS:
        assert made == 2


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MemoryStore | SqlStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    opened = await SqlStore.open(sqlite_url(tmp_path / "likeness.db"))
    yield opened
    await opened.aclose()


async def test_of_presses_that_race_in_many_processes_one_begins_a_job(
    store: MemoryStore | SqlStore, tmp_path: Path
) -> None:
    """Each process has a conversation of its own, with locks of its own; only the store is shared."""
    people = [Person(tmp_path, store=store) for _ in range(8)]
    await people[0].sends("", "me.jpg")
    presses = (
        person.taps("style:anime", key=f"press-{n}", at=NOON + timedelta(milliseconds=n))
        for n, person in enumerate(people)
    )
    answers = await asyncio.gather(*presses)
    assert sum(1 for answer in answers if answer) == 1
    assert len(await store.jobs(chat=people[0].chat)) == 1


# --- an edit is a wish only where it is read otherwise


EDITS = [
    ("水彩风格", "水彩风格！"),
    ("水彩风格", "水彩风格 "),
    ("水彩风格", "水彩风格😊"),
    ("anime style, 2 pictures", "Anime style, two pictures please"),
    ("make it black and white", "make it black and white."),
]


@pytest.mark.parametrize(("before", "after"), EDITS)
async def test_an_edit_that_is_read_the_same_begins_nothing(ann: Person, before: str, after: str) -> None:
    await ann.sends(before, "me.jpg", key="m1")
    assert await ann.job_count() == 1
    assert await ann.sends(after, "me.jpg", key="m1:edit", edits="m1") == ()
    assert await ann.job_count() == 1


async def test_an_edit_of_an_edit_is_compared_with_the_newest(ann: Person) -> None:
    await ann.sends("水彩风格", "me.jpg", key="m1")
    assert await ann.sends("油画风格", "me.jpg", key="m1:1", edits="m1")
    assert await ann.sends("油画风格!", "me.jpg", key="m1:2", edits="m1") == ()
    assert await ann.job_count() == 2


async def test_an_edit_that_is_read_otherwise_is_a_new_wish(ann: Person) -> None:
    await ann.sends("水彩风格", "me.jpg", key="m1")
    assert await ann.sends("水彩风格，两张", "me.jpg", key="m1:1", edits="m1")
    assert await ann.job_count() == 2


async def test_words_edited_under_a_photo_that_waited_for_them_are_a_wish(ann: Person) -> None:
    await ann.sends("", "me.jpg", key="m1")
    assert await ann.sends("水彩风格", "me.jpg", key="m1:1", edits="m1")
    assert await ann.job_count() == 1


async def test_a_photo_replaced_by_an_edit_is_answered(ann: Person) -> None:
    await ann.sends("水彩风格", "me.jpg", key="m1")
    assert await ann.sends("水彩风格", "another.jpg", key="m1:1", edits="m1")
    assert await ann.job_count() == 2


async def test_small_talk_that_is_edited_is_not_answered_twice(ann: Person) -> None:
    await ann.sends("hello", key="m1")
    assert await ann.sends("hello!", key="m1:1", edits="m1") == ()


async def test_a_question_is_not_asked_twice_for_an_edit(ann: Person) -> None:
    asked = await ann.sends("水彩风格", key="m1")
    assert asked
    assert await ann.sends("水彩风格！", key="m1:1", edits="m1") == ()


# --- somebody else's words


async def test_a_forwarded_caption_is_no_wish_its_photo_is_taken_and_the_person_asked(ann: Person) -> None:
    answer = await ann.sends("my new oil painting filter, anime too!", "theirs.jpg", forwarded=True)
    assert answer[-1].choices
    assert await ann.job_count() == 0
    assert await ann.sends("anime style")
    assert [p.name for p in (await ann.job()).order.photos] == ["theirs.jpg"]


async def test_forwarded_words_alone_are_told_from_ones_own(ann: Person) -> None:
    assert "somebody else" in said(await ann.sends("a castle at night, oil painting", forwarded=True, hint="en"))
    assert await ann.job_count() == 0


async def test_what_came_along_and_is_no_picture_is_not_passed_over_without_a_word(ann: Person) -> None:
    assert "1 of the things you sent" in said(await ann.sends("", "me.jpg", left_out=1))
