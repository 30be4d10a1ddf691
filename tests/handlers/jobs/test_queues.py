"""Where jobs wait, and what limits and orders them there."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from handlers.jobs.queues import FIRST, LOCAL, PER_CHAT, Limits, placement, queue_of, queues
from handlers.message import Chat
from handlers.order import Order, Shot
from providers.fake import FakeProvider, Script
from providers.offers import Tier
from tests.world import ANN, world


async def test_many_jobs_wait_side_by_side_and_not_more_than_allowed(tmp_path: Path) -> None:
    provider = FakeProvider(standing=Script(seconds=1000))
    async with world(tmp_path, provider=provider, concurrency=3, sleep=asyncio.sleep) as run:
        for n in range(FIRST + 2):
            await run.place(f"j{n}")
            await run.runner.enqueue(f"j{n}")
        await run.happens(lambda: len(provider.jobs) == 3)
        await asyncio.sleep(0.3)
        assert len(provider.jobs) == 3


BOB = Chat(channel="fake", chat="bob", person="bob")


async def test_one_persons_fifty_jobs_do_not_hold_up_anothers_first(tmp_path: Path) -> None:
    provider = FakeProvider(standing=Script(seconds=1000))
    async with world(tmp_path, provider=provider, concurrency=2 * PER_CHAT, sleep=asyncio.sleep) as run:
        for n in range(50):
            await run.place(f"a{n}")
            await run.runner.enqueue(f"a{n}")
        await run.happens(lambda: len(provider.jobs) == PER_CHAT)
        await run.place("b0", chat=BOB)
        await run.runner.enqueue("b0")
        await run.happens(lambda: any(r.key.startswith("b0") for r in provider.submitted))
        assert len(provider.jobs) == PER_CHAT + 1


async def order_of_making(tmp_path: Path, *placed: tuple[str, Chat, int]) -> list[str]:
    """The jobs (name, chat, pictures) are put on the queue while no worker is there; which are made first then."""
    async with world(tmp_path, worker=False, concurrency=1) as run:
        for n, (name, chat, count) in enumerate(placed):
            run.clock.ahead = timedelta(seconds=n)
            await run.place(name, run.order(Shot(style="anime", count=count)), chat=chat)
            await run.runner.enqueue(name)
    async with world(tmp_path, concurrency=1) as run:
        for name, _, _ in placed:
            await run.ended(name)
        return list(dict.fromkeys(r.key.partition("-")[0] for r in run.provider.submitted))


async def test_what_somebody_waits_for_goes_before_their_series(tmp_path: Path) -> None:
    made = await order_of_making(tmp_path, ("series", ANN, 8), ("single", ANN, 1))
    assert made == ["single", "series"]


async def test_in_a_group_one_persons_third_job_is_not_before_anothers_first(tmp_path: Path) -> None:
    ann, bob = (Chat(channel="fake", chat="group", person=person) for person in ("ann", "bob"))
    made = await order_of_making(tmp_path, ("a0", ann, 1), ("a1", ann, 1), ("a2", ann, 1), ("b0", bob, 1))
    assert made == ["a0", "b0", "a1", "a2"]


async def test_of_what_this_machine_makes_itself_each_chat_gets_one_job_at_a_time(tmp_path: Path) -> None:
    basic = FakeProvider(name="embedded", tier=Tier.LOCAL, repeatable=True, standing=Script(seconds=1000))
    async with world(tmp_path, provider=basic, sleep=asyncio.sleep) as run:
        for n in range(6):
            await run.place(f"a{n}")
            await run.runner.enqueue(f"a{n}")
        await run.happens(lambda: len(basic.jobs) == 1)
        await run.place("b0", chat=BOB)
        await run.runner.enqueue("b0")
        await run.happens(lambda: any(r.key.startswith("b0") for r in basic.submitted))
        assert len(basic.jobs) == 2


def test_a_queue_is_a_services_a_partition_a_chats_and_neither_names_a_person() -> None:
    order = Order(operation="create", shots=(Shot(prompt="a lighthouse"),))
    ann, group = ANN, Chat(channel="telegram", chat="-100", person="ann")
    fal = queue_of("fal")
    places = [placement(order, chat, queue=fal, before=before) for chat, before in ((ann, 0), (group, 2))]
    assert [place.queue for place in places] == ["jobs.fal", "jobs.fal"]
    assert [place.priority for place in places] == [1, 3]
    assert places[0].partition != places[1].partition
    assert not [place for place in places if "ann" in place.partition or "100" in place.partition]
    bob = Chat(channel="telegram", chat="-100", person="bob")
    assert placement(order, bob, queue=queue_of(None)).partition == places[1].partition


async def waiting_places(tmp_path: Path, *jobs: tuple[str, Chat], **settings: object) -> dict[str, tuple[str, bool]]:
    """For each job put on the queue, while none can be made: its queue, and whether it has a partition there."""
    provider = FakeProvider(standing=Script(seconds=1000))
    async with world(tmp_path, provider=provider, sleep=asyncio.sleep, **settings) as run:  # type: ignore[arg-type]
        for n, (name, chat) in enumerate(jobs):
            run.clock.ahead = timedelta(seconds=n)
            await run.place(name, chat=chat)
            await run.runner.enqueue(name)
    with closing(sqlite3.connect(tmp_path / "workflows.sqlite")) as connection:
        rows = connection.execute("SELECT workflow_uuid, queue_name, queue_partition_key FROM workflow_status")
        return {name: (queue, partition is not None) for name, queue, partition in rows}


async def test_a_private_chats_first_jobs_wait_where_no_chat_has_to_be_told_from_another(tmp_path: Path) -> None:
    group = Chat(channel="fake", chat="group", person="ann")
    anns = [(f"a{n}", ANN) for n in range(FIRST + 1)]
    places = await waiting_places(tmp_path, *anns, ("b0", BOB), ("g0", group))
    first, others = ("jobs.fake.first", False), ("jobs.fake", True)
    assert places == {f"a{n}": first for n in range(FIRST)} | {f"a{FIRST}": others, "b0": first, "g0": others}


def test_among_first_jobs_ones_second_goes_behind_anothers_first_and_a_series_waits_elsewhere() -> None:
    def place(chat: Chat, *, before: int, count: int = 1) -> tuple[int, bool]:
        order = Order(operation="create", shots=(Shot(prompt="a lighthouse", count=count),))
        found = placement(order, chat, queue=queue_of("fal"), before=before)
        return found.priority, found.first

    assert [place(ANN, before=1), place(BOB, before=0)] == [(2, True), (1, True)]
    assert place(ANN, before=FIRST) == (FIRST + 1, False)
    assert place(ANN, before=0, count=8)[1] is False


async def test_where_one_thing_is_made_at_a_time_there_are_no_first_jobs(tmp_path: Path) -> None:
    for name, settings, place in (
        ("front", {"worker": False}, ("jobs.fake.first", False)),
        ("small", {"concurrency": 1}, ("jobs.fake", True)),
        ("small front", {"worker": False, "concurrency": 1}, ("jobs.fake", True)),
    ):
        assert await waiting_places(tmp_path / name, ("a0", ANN), **settings) == {"a0": place}


def test_the_queues_of_a_service_share_its_room_and_its_chats() -> None:
    made = queues({"fal": Limits(), "slow": Limits(per_second=(1, 2.0)), "embedded": LOCAL}, concurrency=5)
    assert sorted(made) == ["jobs", "jobs.embedded", "jobs.fal", "jobs.fal.first", "jobs.slow"]
    first, others = made["jobs.fal.first"], made["jobs.fal"]
    assert (first.per_worker, others.per_worker) == (3, 2)
    assert (first.per_chat, others.per_chat) == (None, PER_CHAT - FIRST)
    assert (made["jobs.slow"].per_worker, made["jobs.slow"].per_second) == (5, (1, 2.0))
    assert (made["jobs.embedded"].per_worker, made["jobs.embedded"].per_chat) == (2, 1)


async def test_of_this_machines_work_one_person_has_one_picture_at_a_time_in_however_many_chats(tmp_path: Path) -> None:
    """From twelve groups, or by twelve topics: whoever else asks finds a place free."""
    local = FakeProvider(standing=Script(seconds=1000), tier=Tier.LOCAL)
    async with world(tmp_path, provider=local, sleep=asyncio.sleep) as run:
        for n in range(12):
            await run.place(f"a{n}", chat=Chat(channel="fake", chat=f"group{n}", person="ann"))
            await run.runner.enqueue(f"a{n}")
        await run.happens(lambda: len(local.jobs) == 1)
        await run.place("b0", chat=BOB)
        await run.runner.enqueue("b0")
        await run.happens(lambda: any(r.key.startswith("b0") for r in local.submitted))
        assert len(local.jobs) == 2
