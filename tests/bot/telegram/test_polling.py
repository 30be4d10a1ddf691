"""One poller among the processes of an installation: a lease on clocks turned by hand, two channels on one store."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.channels.life_marks import LifeMark
from bot.channels.telegram.inbound.polling import LEASE, LOOK, RENEW, SPACE, TRUST, PollingLease
from bot.channels.telegram.outbound.limits import Clock
from handlers.store.base import Values
from handlers.store.memory import MemoryStore
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.media.store import FolderStore
from tests.bot.telegram.stage import listening
from tests.servers.telegram import FakeTelegram
from tests.waiting import until


class Machine:
    """A process that polls with a lease: its own clock, turned by hand, and whether it polls at this moment."""

    def __init__(self, store: Values, folder: Path, at: float = 0.0) -> None:
        self.at = at
        self._polls = False
        self.times = 0
        self._asleep: dict[asyncio.Future[None], float] = {}
        clock = Clock(now=lambda: self.at, sleep=self._sleep)
        self.lease = PollingLease(store, key="42", folder=folder, clock=clock)
        self._life = asyncio.create_task(self.lease.while_held(self._poll))

    async def _sleep(self, seconds: float) -> None:
        done = asyncio.get_running_loop().create_future()
        self._asleep[done] = self.at + seconds
        try:
            await done
        finally:
            self._asleep.pop(done, None)

    async def _poll(self) -> None:
        self._polls, self.times = True, self.times + 1
        try:
            await asyncio.Event().wait()
        finally:
            self._polls = False

    def polls(self) -> bool:
        return self._polls

    async def settled(self) -> None:
        """Until it waits for its clock: the holder to renew and to lapse, another for its next look."""
        await until(lambda: len(self._asleep) == (2 if self._polls else 1))

    async def turn(self, seconds: float) -> None:
        """The clock goes on, and what falls due is done in its order."""
        end = self.at + seconds
        while due := [(when, sleeper) for sleeper, when in self._asleep.items() if when <= end]:
            self.at, sleeper = min(due, key=lambda pair: pair[0])
            self._asleep.pop(sleeper)
            sleeper.set_result(None)
            await asyncio.sleep(0)
            await self.settled()
        self.at = end

    async def killed(self) -> None:
        """With nothing given back."""
        self._life.cancel()
        await asyncio.gather(self._life, return_exceptions=True)

    async def stopped(self) -> None:
        await self.killed()
        await self.lease.give_back()


Start = Callable[..., Machine]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    machines: list[Machine] = []

    def started(store: Values, folder: Path, at: float = 0.0) -> Machine:
        machines.append(Machine(store, folder, at))
        return machines[-1]

    yield started
    for machine in machines:
        await machine.stopped()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqlStore]:
    media = FolderStore(data=folder, pictures=folder / "pictures")
    store = await SqlStore.open(sqlite_url(folder / "likeness.sqlite"), media=media)
    try:
        yield store
    finally:
        await store.aclose()


async def test_of_two_that_race_one_polls_and_when_it_is_killed_the_other_takes_over_after_a_lease(
    tmp_path: Path, start: Start
) -> None:
    async with opened(tmp_path) as here, opened(tmp_path) as there:
        both = [start(here, tmp_path / "a"), start(there, tmp_path / "b", at=7200.0)]  # clocks agree on nothing
        for machine in both:
            await machine.settled()
        (holder,) = [machine for machine in both if machine.polls()]
        (other,) = [machine for machine in both if not machine.polls()]
        for _ in range(int(1.5 * LEASE / RENEW)):
            await holder.turn(RENEW)
            await other.turn(RENEW)
            assert holder.polls()
            assert not other.polls()
        assert holder.times == 1, "renewed in time, it never pauses"

        await holder.killed()
        await other.turn(LEASE - RENEW - LOOK)
        assert not other.polls(), "the last renewal may be as old as the pause between two, and is still good"
        await other.turn(RENEW + 2 * LOOK)
        assert other.polls()
        await both[0].lease.give_back()
        await both[1].turn(0.0)
        assert other.polls(), "what has lost the lease gives back nothing"


async def test_many_that_find_the_same_lapsed_lease_win_it_once(tmp_path: Path, start: Start) -> None:
    async with opened(tmp_path) as store:
        await store.set_value(SPACE, "42", "gone 7")
        machines = [start(store, tmp_path / str(n)) for n in range(8)]
        await asyncio.gather(*(machine.settled() for machine in machines))
        assert not any(machine.polls() for machine in machines)
        await asyncio.gather(*(machine.turn(LEASE + LOOK) for machine in machines))
        assert sum(machine.polls() for machine in machines) == 1


async def test_a_holder_that_cannot_renew_stops_polling_before_anybody_may_take_over(
    tmp_path: Path, start: Start
) -> None:
    holder = start(store := Frail(), tmp_path)
    await holder.settled()
    assert holder.polls()
    store.away = True
    await holder.turn(TRUST - 0.1)
    assert holder.polls()
    await holder.turn(0.1)
    assert not holder.polls()
    assert not holder.lease.held
    store.away = False
    await holder.turn(LOOK)
    assert holder.polls(), "the lease is still its own"
    assert TRUST < LEASE


async def test_a_holder_whose_lease_was_taken_stops_at_its_next_renewal(tmp_path: Path, start: Start) -> None:
    holder = start(store := MemoryStore(), tmp_path)
    await holder.settled()
    await store.set_value(SPACE, "42", "another 1")
    await holder.turn(RENEW)
    assert not holder.polls()
    assert await store.value(SPACE, "42") == "another 1"


async def test_who_stops_gives_the_lease_back_at_once(tmp_path: Path, start: Start) -> None:
    store = MemoryStore()
    first = start(store, tmp_path)
    await first.settled()
    second = start(store, tmp_path)
    await second.settled()
    assert not second.polls()
    await first.stopped()
    await second.turn(LOOK)
    assert second.polls()


async def test_after_a_holder_that_died_on_this_machine_nobody_waits_for_its_lease(
    tmp_path: Path, start: Start
) -> None:
    store, mark = MemoryStore(), LifeMark(tmp_path, "killed")
    mark.set()
    await store.set_value(SPACE, "42", "killed 12")
    heir = start(store, tmp_path)
    await heir.settled()
    assert not heir.polls(), "its process lives"
    mark.clear(owing=True)  # what the system does when a process dies
    await heir.turn(LOOK)
    assert heir.polls()


async def test_two_processes_of_one_installation_take_turns_and_telegram_sees_one(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as second, listening(tmp_path, telegram) as first:
        await until(lambda: first.channel.connected and second.channel.connected)
        telegram.person(1).says("/help")
        await second.until(lambda: telegram.shown(1))
        await second.read()
        await first.channel.idle()
        assert (await first.channel.health()).listening
        assert (await second.channel.health()).listening
        await second.channel.stop()  # the one that polls
        telegram.person(2, "Bob").says("/help")
        await first.until(lambda: telegram.shown(2))
        await first.read()
    assert [len(telegram.shown(person)) for person in (1, 2)] == [1, 1]


class Frail(MemoryStore):
    """A store that can be away."""

    away = False

    async def value(self, space: str, key: str) -> str | None:
        if self.away:
            raise ConnectionError
        return await super().value(space, key)

    async def change(self, *args: object, **more: object) -> str | None:
        if self.away:
            raise ConnectionError
        return await super().change(*args, **more)  # type: ignore[arg-type]
