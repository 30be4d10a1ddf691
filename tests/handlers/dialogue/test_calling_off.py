"""What is being made is stopped by words that call it off; what only resembles them is asked about, or a remark."""

from pathlib import Path

import pytest

from tests.world import Person, offered, said


@pytest.fixture
async def ann(tmp_path: Path) -> Person:
    ann = Person(tmp_path)
    await ann.sends("anime", "me.jpg")
    return ann


@pytest.mark.parametrize("text", ["取消", "算了不要了", "停", "stop", "cancel it", "never mind", "/cancel"])
async def test_words_that_call_off_stop_it_at_once(ann: Person, text: str) -> None:
    await ann.sends(text)
    assert ann.jobs.cancelled == [(await ann.job()).id]


@pytest.mark.parametrize(
    "text",
    [
        "别取消", "不要停", "don't stop", "please don't cancel it",
        "the flight got cancelled lol", "他取消了订单", "会议取消了", "the rain stopped", "cancel culture is weird",
    ],
)  # fmt: skip
async def test_a_remark_that_only_resembles_it_stops_and_asks_nothing(ann: Person, text: str) -> None:
    assert offered(await ann.sends(text)) == []
    assert ann.jobs.cancelled == []


@pytest.mark.parametrize(
    "text", ["stop sign photo", "Hold your horses. Not that one.", "撤了吧这单", "能不能取消", "hahaha stop"]
)
@pytest.mark.parametrize("answer", ["yes", "no"])
async def test_where_it_is_not_said_for_certain_the_person_is_asked_first(ann: Person, text: str, answer: str) -> None:
    job = await ann.job()
    asked = await ann.sends(text)
    assert (offered(asked), ann.jobs.cancelled) == ([f"cancel:{job.id}"], [])
    await ann.sends(answer)
    assert ann.jobs.cancelled == ([job.id] if answer == "yes" else [])


async def test_a_question_is_dropped_without_another_and_what_is_being_made_is_asked_about(ann: Person) -> None:
    await ann.sends("how much for oil painting?")
    asked = await ann.sends("Hold your horses. Not that one.")
    assert "leave it" in said(asked)
    await ann.sends("yes")
    assert (await ann.job_count(), len(ann.jobs.cancelled)) == (1, 1)


async def test_where_nothing_is_being_made_there_is_nothing_to_ask_about(tmp_path: Path) -> None:
    ann = Person(tmp_path)
    asked = await ann.sends("how much for anime?", "me.jpg")
    assert "confirm:yes" in offered(asked)
    assert "leave it" in said(await ann.sends("Hold your horses. Not that one."))
    assert await ann.job_count() == 0
