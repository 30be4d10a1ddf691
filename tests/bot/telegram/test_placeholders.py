"""Exactly one picture for each that was made: a delivery killed at any calls, and again, and again."""

import asyncio
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.outbound.limits import Clock
from bot.metrics import Metrics
from handlers.jobs.delivery import Courier
from handlers.message import Chat, Kind, Outgoing
from handlers.store.base import DeliveryState
from handlers.store.memory import MemoryStore
from tests.bot.telegram.stage import BRISK
from tests.contract.test_channel import made
from tests.servers.telegram import TOKEN, FakeTelegram, Fault
from tests.waiting import LONG, TurnedClock

CALLS = ("sendMediaGroup", "sendMessage", "sendPhoto", "editMessageMedia", "editMessageText", "deleteMessage")
ANN = Chat(channel="telegram", chat="7", person="7")
JOB = "0123456789abcdef0123"

kills = st.lists(st.tuples(st.sampled_from(CALLS), st.booleans()), max_size=4)
"""Each the call during which the process is killed, before or after the server has done it."""


@settings(
    max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
@given(kills=kills, count=st.integers(1, 4), chatter=st.booleans(), old_server=st.booleans())
def test_every_picture_is_shown_once_whenever_the_process_is_killed(
    tmp_path_factory: object, kills: list[tuple[str, bool]], count: int, chatter: bool, old_server: bool
) -> None:
    folder = tmp_path_factory.mktemp("made")  # type: ignore[attr-defined]
    with FakeTelegram.serving(edits_text_into_media=not old_server) as telegram:
        asyncio.run(_delivered(folder, telegram, kills, count, chatter=chatter))
        assert len(telegram.pictures(7)) == count
        left = [shown for shown in telegram.shown(7) if shown.file and not shown.is_picture]
        assert not left, "a placeholder that no picture came to"


async def _delivered(
    folder: Path, telegram: FakeTelegram, kills: list[tuple[str, bool]], count: int, *, chatter: bool
) -> None:
    store = MemoryStore()
    asked = telegram.person(7).says("three of me")
    pictures = tuple(made(folder, str(n)) for n in range(count))
    outgoing = Outgoing(id=f"result:{JOB}", kind=Kind.PICTURES, text="Here", pictures=pictures, job=JOB, ref=str(asked))
    for kill in [*kills, None]:
        telegram.hold()
        if kill is not None:
            telegram.faults.append(Fault(method=kill[0], what="hang", after=kill[1]))
        if await _one_life(folder, telegram, store, outgoing):
            break
        telegram.faults.clear()
        telegram.release()  # what had left the dead process still reaches the server
        if chatter:
            telegram.person(7).says("are you there?")
    row = await store.delivery(f"{JOB}:0")
    assert row is not None
    assert row.state is DeliveryState.SENT


async def _one_life(folder: Path, telegram: FakeTelegram, store: MemoryStore, outgoing: Outgoing) -> bool:
    """A process that delivers until it is done (True) or killed."""
    turned = TurnedClock()
    channel = TelegramChannel(
        token=TOKEN,
        store=store,
        metrics=Metrics(),
        data_dir=folder,
        api_url=telegram.address,
        pace=replace(BRISK, clock=Clock(now=turned.now, sleep=turned.sleep)),
    )
    delivering = asyncio.create_task(
        Courier(store, sleep=turned.sleep).deliver(channel, ANN, outgoing, job_id=JOB, number=0)
    )
    planned = len(telegram.faults)
    try:
        async with asyncio.timeout(LONG):
            while not delivering.done() and not (planned and not telegram.faults):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        if not delivering.done():
            await asyncio.sleep(0.02)  # others that were on their way
            return False
        return delivering.result().state is DeliveryState.SENT
    finally:
        delivering.cancel()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.gather(delivering, return_exceptions=True)
        for request in channel._requests:
            await request.shutdown()
