"""The small rules: rates, lengths, buttons, names. No server is needed for them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.chats import Chats
from bot.channels.telegram.inbound.updates import Attachment
from bot.channels.telegram.message_index import KEPT, MessageIndex
from bot.channels.telegram.outbound.buttons import Pressed, keyboard, owner_mark
from bot.channels.telegram.outbound.limits import Clock, Flood
from bot.channels.telegram.outbound.speaker import pieces, units
from bot.channels.telegram.outbound.whole_bot import WholeBot
from handlers.message import Chat, Choice
from handlers.store.memory import MemoryStore
from tests.waiting import LONG, TurnedClock

GROUP = -77


def clock_of(time: TurnedClock) -> Clock:
    return Clock(now=time.now, sleep=time.sleep)


# --- rates


async def test_a_group_gets_twenty_messages_a_minute() -> None:
    time = TurnedClock()
    flood = Flood(clock_of(time))
    for _ in range(20):
        await flood.turn(GROUP)
    assert time.at == 100.0
    for _ in range(20):
        await flood.turn(GROUP)
    assert time.at - 100.0 == pytest.approx(60.0, rel=0.01)


async def test_a_private_chat_gets_a_few_at_once_and_then_one_a_second() -> None:
    time = TurnedClock()
    flood = Flood(clock_of(time))
    for _ in range(15):
        await flood.turn(1)
    assert time.at - 100.0 == pytest.approx(10.0, rel=0.01)


async def test_all_chats_together_get_thirty_a_second_after_a_burst() -> None:
    time = TurnedClock()
    flood = Flood(clock_of(time))
    for n in range(900):
        await flood.turn(n + 1)
    assert time.at - 100.0 == pytest.approx(10.0, rel=0.02)


async def test_a_refused_chat_rests_and_the_others_go_on() -> None:
    time = TurnedClock()
    flood = Flood(clock_of(time))
    await flood.turn(1)
    flood.refused(1, 7)
    await flood.turn(2)
    assert time.at == 100.0
    await flood.turn(1)
    assert time.at == pytest.approx(107.0)


async def test_three_chats_refused_together_rest_the_whole_bot_which_is_careful_afterwards() -> None:
    time = TurnedClock()
    flood = Flood(clock_of(time))
    for chat in (1, 2, 3):
        flood.refused(chat, 5)
    await flood.turn(9)
    assert time.at >= 105.0
    begun = time.at
    for n in range(48):
        await flood.turn(100 + n)
    assert time.at - begun >= 48 / 30
    time.at += 700.0
    flood.taken()
    begun = time.at
    for n in range(200):
        await flood.turn(1000 + n)
    assert time.at == begun, "after ten quiet minutes bursts are allowed again"


async def test_small_things_are_left_out_where_there_is_no_room() -> None:
    flood = Flood(clock_of(TurnedClock()))
    taken = [flood.spare(1) for _ in range(10)]
    assert taken[0]
    assert not taken[-1]
    await flood.turn(1)  # what is left is for words


async def test_processes_of_one_folder_write_no_more_together_than_one_alone(tmp_path: Path) -> None:
    time = TurnedClock()
    front, worker = (Flood(clock_of(time), tmp_path) for _ in range(2))
    for n in range(300):
        await front.turn(1 + n)
        await worker.turn(1001 + n)
    assert time.at == 100.0
    await front.turn(2000)
    assert time.at == pytest.approx(100.0 + 1 / 30)
    for chat in (1, 2, 3):
        front.refused(chat, 5)
    await worker.turn(3000)
    assert time.at >= 105.0, "what one was told, all go by"
    alone = Flood(clock_of(time), tmp_path / "another bot's")
    before = time.at
    await alone.turn(3000)
    assert time.at == before


def test_turns_taken_at_the_same_moment_are_each_counted(tmp_path: Path) -> None:
    def taken(_: int) -> int:
        whole, count = WholeBot(rate=30.0, burst=600.0, folder=tmp_path, patience=LONG), 0
        for _ in range(250):
            with whole.bucket() as bucket:
                if not bucket.wait(100.0):
                    bucket.level -= 1.0
                    count += 1
        whole.close()
        return count

    with ThreadPoolExecutor(4) as processes:
        assert sum(processes.map(taken, range(4))) == 600


def test_a_process_that_froze_with_the_lock_holds_nobody_up(tmp_path: Path) -> None:
    frozen, other = (WholeBot(rate=30.0, burst=600.0, folder=tmp_path) for _ in range(2))
    with frozen.bucket(), other.bucket() as bucket:
        assert bucket.level == 600.0


# --- lengths


@given(st.text(alphabet="ab \n很😀", max_size=600), st.integers(min_value=8, max_value=60))
def test_pieces_of_a_text_fit_and_together_are_the_text(text: str, most: int) -> None:
    parts = pieces(text, most)
    assert all(0 < units(part) <= most for part in parts)
    if text.strip():
        assert "".join("".join(parts).split()) == "".join(text.split())


# --- buttons


@given(st.integers(min_value=1, max_value=2**52), st.integers(min_value=1, max_value=2**52))
def test_marks_of_different_people_differ(one: int, other: int) -> None:
    assert (owner_mark(str(one)) == owner_mark(str(other))) == (one == other)
    assert owner_mark(f"c-100{one}") != owner_mark(str(one))


def test_what_a_button_says_comes_back() -> None:
    choice = Choice(id="variations:0123456789abcdef0123", label="Variations")
    markup = keyboard([choice], owner=str(2**52))
    assert markup is not None
    data = str(markup.inline_keyboard[0][0].callback_data)
    assert len(data.encode()) <= 64
    assert Pressed.parse(data) == Pressed(choice=choice.id, owner=owner_mark(str(2**52)))


def test_a_choice_too_long_for_a_button_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    markup = keyboard([Choice(id="x" * 65, label="Long"), Choice(id="ok", label="Short")])
    assert markup is not None
    assert [button.text for row in markup.inline_keyboard for button in row] == ["Short"]
    assert "too long" in caplog.text


@given(st.lists(st.text(alphabet="ab很", min_size=1, max_size=30), max_size=60))
def test_no_row_is_wider_than_telegram_allows(labels: list[str]) -> None:
    markup = keyboard([Choice(id=str(n), label=label) for n, label in enumerate(labels)])
    rows = markup.inline_keyboard if markup else ()
    assert [button.text for row in rows for button in row] == labels
    assert all(1 <= len(row) <= 8 for row in rows)


# --- what is remembered


async def test_a_group_keeps_its_first_name_through_two_moves() -> None:
    chats = Chats(MemoryStore())
    await chats.moved(-1, -100)
    await chats.moved(-1, -100)
    await chats.moved(-100, -200)
    assert await chats.name(-200) == "-1"
    assert await chats.name(-100) == "-1"
    assert await chats.address("-1") == -200


async def test_parts_of_an_album_that_come_at_the_same_moment_are_all_remembered() -> None:
    index = MessageIndex(MemoryStore())
    chat = Chat(channel="telegram", chat="-7", person="1")
    parts = [Attachment(file_id=str(n), unique=str(n), message=n) for n in range(5)]
    await asyncio.gather(*(index.put_album(chat, "album", (part,)) for part in parts))
    assert await index.album(chat, "album") == tuple(parts)


async def test_an_album_is_remembered_for_a_week_and_belongs_to_its_person() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    store = MemoryStore(clock=lambda: now)
    index = MessageIndex(store, now=lambda: now.timestamp())
    ann = Chat(channel="telegram", chat="-7", person="1")
    ben = Chat(channel="telegram", chat="-7", person="2")
    part = Attachment(file_id="f", unique="u", message=3)
    await index.put_album(ann, "g", (part,))
    await index.put_refs(ann, (8, 9), "job")
    assert await index.album(ben, "g") == (part,), "others may answer it"
    assert await index.job_of(ben, 9) == "job"
    await store.forget(ben)
    assert await index.album(ann, "g") == (part,)
    await store.forget(ann)
    assert not await index.album(ann, "g")
    assert await index.job_of(ann, 9) is None
    await index.put_album(ann, "g", (part,))
    now += KEPT
    assert not await index.album(ann, "g")
