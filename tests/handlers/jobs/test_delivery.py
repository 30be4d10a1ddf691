"""A result reaches its person exactly once, or the person is asked."""

import asyncio

import pytest

from handlers.channel import DeliveryLater, DeliveryRefused, DeliveryUnknown
from handlers.fake_channel import FakeChannel
from handlers.jobs import delivery
from handlers.jobs.delivery import Courier, delivery_key
from handlers.message import Chat, Kind, Outgoing
from handlers.store.base import Delivery, DeliveryState
from handlers.store.memory import MemoryStore

ANN = Chat(channel="fake", chat="ann", person="ann")
RESULT = Outgoing(id="result:j1", kind=Kind.PICTURES, text="here", job="j1")
PLACE = "place-result:j1"

repeatable = pytest.mark.parametrize("repeatable", [True, False], ids=["repeatable", "not repeatable"])


class Pauses:
    """Records pauses and takes no time."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


class Post:
    """A courier with its store, channel and pauses."""

    def __init__(self, *, repeatable: bool = True) -> None:
        self.store = MemoryStore()
        self.pauses = Pauses()
        self.channel = FakeChannel(repeatable=repeatable)
        self.courier = Courier(self.store, sleep=self.pauses)

    async def deliver(self) -> Delivery:
        return await self.courier.deliver(self.channel, ANN, RESULT, job_id="j1", number=0)

    async def left_behind(self, state: DeliveryState) -> None:
        """As a process that died left it."""
        row = Delivery(key=delivery_key("j1", 0), job="j1", state=state, place=PLACE)
        await self.store.save_delivery(row)


@repeatable
async def test_a_result_is_reserved_then_shown_and_remembered_as_sent(repeatable: bool) -> None:
    post = Post(repeatable=repeatable)
    row = await post.deliver()
    assert row == Delivery(key="j1:0", job="j1", state=DeliveryState.SENT, place=PLACE, refs=(PLACE,))
    assert await post.store.delivery("j1:0") == row
    assert post.channel.shown == {PLACE: 1}


@repeatable
async def test_a_result_already_sent_is_not_sent_again(repeatable: bool) -> None:
    post = Post(repeatable=repeatable)
    first = await post.deliver()
    assert await post.deliver() == first
    assert post.channel.shown == {PLACE: 1}


async def test_the_row_says_sending_while_the_pictures_are_on_their_way() -> None:
    states: list[DeliveryState | None] = []
    post = Post()

    async def moment(move: str, when: str) -> None:
        row = await post.store.delivery("j1:0")
        if move != "reserve" or when == "before":
            states.append(row.state if row else None)

    post.channel = FakeChannel(moment=moment)
    await post.deliver()
    assert states == [None, DeliveryState.SENDING, DeliveryState.SENDING]


@repeatable
async def test_what_was_only_reserved_when_the_process_died_is_sent(repeatable: bool) -> None:
    post = Post(repeatable=repeatable)
    await post.left_behind(DeliveryState.RESERVED)
    assert (await post.deliver()).state is DeliveryState.SENT
    assert post.channel.shown == {PLACE: 1}


async def test_a_send_cut_by_a_crash_is_repeated_where_the_channel_allows_it() -> None:
    post = Post(repeatable=True)
    await post.left_behind(DeliveryState.SENDING)
    assert (await post.deliver()).state is DeliveryState.SENT
    assert post.channel.shown == {PLACE: 1}


async def test_a_send_cut_by_a_crash_is_never_repeated_where_it_might_show_twice() -> None:
    post = Post(repeatable=False)
    await post.left_behind(DeliveryState.SENDING)
    assert (await post.deliver()).state is DeliveryState.UNCERTAIN
    assert post.channel.shown == {}


async def test_an_unknown_outcome_is_repeated_where_the_channel_allows_it() -> None:
    post = Post(repeatable=True)
    post.channel.fail("deliver", DeliveryUnknown(), after=True)
    assert (await post.deliver()).state is DeliveryState.SENT
    assert post.channel.shown == {PLACE: 1}


async def test_an_unknown_outcome_is_left_to_the_person_elsewhere() -> None:
    post = Post(repeatable=False)
    post.channel.fail("deliver", DeliveryUnknown(), after=True)
    assert (await post.deliver()).state is DeliveryState.UNCERTAIN
    assert (await post.deliver()).state is DeliveryState.UNCERTAIN
    assert post.channel.shown == {PLACE: 1}


@repeatable
async def test_a_busy_platform_is_tried_again_after_the_pause_it_asked_for(repeatable: bool) -> None:
    post = Post(repeatable=repeatable)
    post.channel.fail("deliver", DeliveryLater(retry_after=7.0), times=2)
    assert (await post.deliver()).state is DeliveryState.SENT
    assert post.pauses.taken == [7.0, 7.0]
    assert post.channel.shown == {PLACE: 1}


async def test_pauses_grow_where_the_platform_asks_for_none() -> None:
    post = Post()
    post.channel.fail("reserve", DeliveryLater(retry_after=0.0), times=4)
    assert (await post.deliver()).state is DeliveryState.SENT
    assert post.pauses.taken == [1.0, 2.0, 4.0, 8.0]


@repeatable
async def test_a_platform_away_for_too_long_leaves_the_result_unsent_for_certain(repeatable: bool) -> None:
    post = Post(repeatable=repeatable)
    post.channel.fail("deliver", DeliveryLater(), times=10_000)
    assert (await post.deliver()).state is DeliveryState.RESERVED
    assert sum(post.pauses.taken) <= delivery.PATIENCE
    assert max(post.pauses.taken) == delivery.LONGEST_PAUSE
    post.channel.faults.clear()
    assert (await post.deliver()).state is DeliveryState.SENT


async def test_a_place_that_cannot_be_made_for_too_long_leaves_the_result_unsent() -> None:
    post = Post()
    post.channel.fail("reserve", DeliveryUnknown(), times=10_000)
    row = await post.deliver()
    assert (row.state, row.place) == (DeliveryState.RESERVED, "")
    assert post.channel.shown == {}


@pytest.mark.parametrize("move", ["reserve", "deliver"])
async def test_a_refusal_is_remembered_and_not_tried_again(move: str) -> None:
    post = Post()
    post.channel.fail(move, DeliveryRefused())
    assert (await post.deliver()).state is DeliveryState.REFUSED
    assert (await post.deliver()).state is DeliveryState.REFUSED
    assert post.channel.shown == {}
    assert post.pauses.taken == []


@repeatable
async def test_a_send_in_flight_when_stopped_is_finished_and_written_down(repeatable: bool) -> None:
    post = Post(repeatable=repeatable)
    sending, go_on = asyncio.Event(), asyncio.Event()

    async def moment(move: str, when: str) -> None:
        if (move, when) == ("deliver", "before"):
            sending.set()
            await go_on.wait()

    post.channel = FakeChannel(repeatable=repeatable, moment=moment)
    task = asyncio.create_task(post.deliver())
    await sending.wait()
    task.cancel()
    go_on.set()
    assert (await task).state is DeliveryState.SENT
    assert post.channel.shown == {PLACE: 1}


async def test_words_are_said_again_while_it_makes_sense() -> None:
    post = Post()
    words = Outgoing(id="error:j1", kind=Kind.TEXT, text="sorry")
    post.channel.fail("say", DeliveryLater(), times=2)
    assert await post.courier.say(post.channel, ANN, words)
    assert post.channel.said == [(ANN, words)]
    post.channel.fail("say", DeliveryLater(), times=10_000)
    assert not await post.courier.say(post.channel, ANN, words)
    post.channel.faults.clear()
    post.channel.fail("say", DeliveryRefused())
    assert not await post.courier.say(post.channel, ANN, words)
    assert len(post.channel.said) == 1
