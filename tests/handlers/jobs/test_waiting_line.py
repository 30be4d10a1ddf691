"""Who waits is told where he stands: once for each place, by one process, and not who is about to be served."""

from datetime import datetime, timedelta

import pytest

from handlers.fake_channel import FakeChannel
from handlers.jobs.delivery import Courier
from handlers.jobs.waiting_line import AGAIN, AT_ONCE, WAITS, WaitingLine
from handlers.message import Chat
from handlers.order import Order, Shot
from handlers.store.base import Job, JobState
from handlers.store.memory import MemoryStore
from handlers.words import words
from providers.fake import FakeProvider
from providers.router import Router
from tests.world import Clock

ORDER = Order(operation="create", shots=(Shot(prompt="a lighthouse"),), language="en")


class Line:
    """Jobs that wait, and the processes that look at them."""

    def __init__(self, processes: int = 1) -> None:
        self.clock = Clock(stands=True)
        self.store = MemoryStore(clock=self.clock)
        self.channel = FakeChannel()
        self.processes = [
            WaitingLine(
                store=self.store,
                channels={"fake": self.channel},
                courier=Courier(self.store),
                words=words,
                clock=self.clock,
                router=Router([FakeProvider()]),
                expected=lambda _job: 40.0,
            )
            for _ in range(processes)
        ]

    async def joins(self, name: str, *, after: timedelta = timedelta(), state: JobState = JobState.NEW) -> None:
        created: datetime = self.clock() + after
        chat = Chat(channel="fake", chat=name, person=name)
        await self.store.add_job(Job(id=name, chat=chat, order=ORDER, created=created, state=state))

    async def looks(self) -> list[tuple[str, str]]:
        """One look of every process: who was told what."""
        before = len(self.channel.said)
        for process in self.processes:
            await process.tell()
        return [(chat.person, outgoing.text) for chat, outgoing in self.channel.said[before:]]


async def three(line: Line) -> None:
    for n, name in enumerate(("ann", "ben", "cai")):
        await line.joins(name, after=timedelta(milliseconds=n))
    line.clock.ahead += WAITS


@pytest.mark.parametrize("processes", [1, 3])
async def test_each_is_told_once_how_many_stand_before(processes: int) -> None:
    line = Line(processes)
    await line.joins("zoe", state=JobState.RUNNING)
    await three(line)
    told = dict(await line.looks())
    assert told.keys() == {"ann", "ben", "cai"}
    assert "2 before you" in told["cai"]
    assert "1 before you" in told["ben"]
    assert "before you" not in told["ann"]
    assert "40" in told["cai"]
    assert await line.looks() == []


async def test_a_new_place_is_told_but_nobody_is_told_all_the_time() -> None:
    line = Line()
    await three(line)
    await line.looks()
    await line.store.update_job("ann", state=JobState.RUNNING)
    assert await line.looks() == []
    line.clock.ahead += AGAIN
    told = dict(await line.looks())
    assert told.keys() == {"ben", "cai"}
    assert "1 before you" in told["cai"]


async def test_who_is_about_to_be_served_or_gave_up_is_left_alone() -> None:
    line = Line()
    await line.joins("ann")
    assert await line.looks() == []
    line.clock.ahead += WAITS
    await line.store.update_job("ann", cancel_asked=True)
    assert await line.looks() == []


async def test_a_long_line_is_told_a_few_at_a_time() -> None:
    line = Line()
    for n in range(AT_ONCE + 3):
        await line.joins(f"person {n:02}", after=timedelta(milliseconds=n))
    line.clock.ahead += 2 * WAITS
    assert [len(await line.looks()) for _ in range(3)] == [AT_ONCE, 3, 0]
