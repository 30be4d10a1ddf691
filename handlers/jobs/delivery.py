"""Delivering a result to its person exactly once, with a write-ahead row around every send.

nothing ─▶ reserve the place ─▶ RESERVED ─▶ SENDING ─▶ deliver ─▶ SENT
                                   ▲            │
                    certainly not sent          │ outcome unknown, or found after a crash
                                                ▼
                channel repeatable: deliver again to the same place · otherwise UNCERTAIN, the person decides
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from handlers.channel import Channel, Delivered, DeliveryError, DeliveryLater, DeliveryRefused
from handlers.jobs.outage import written
from handlers.jobs.worker_leases import Confirmed, certainly
from handlers.message import Chat, Outgoing
from handlers.store.base import Delivery, DeliveryState, Store
from providers.tracing import span

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
PATIENCE = 6 * 3600.0
"""Seconds for which a result is retried while its platform is away."""
SAY_PATIENCE = 30.0
"""The same for text alone: later it would only confuse."""
GRACE = 5.0
"""Seconds a send in flight may take to end when we are stopped: an unread answer is an unknown outcome."""


def delivery_key(job_id: str, number: int) -> str:
    """The name of a job's `number`-th delivery: 0 the first, then one for each time it was requested again."""
    return f"{job_id}:{number}"


class Courier:
    """Sends through channels. `sleep` is the pause between attempts; `confirmed` is awaited before each."""

    def __init__(self, store: Store, *, sleep: Sleep = asyncio.sleep, confirmed: Confirmed = certainly) -> None:
        self._store = store
        self._sleep = sleep
        self._confirmed = confirmed

    async def deliver(self, channel: Channel, chat: Chat, outgoing: Outgoing, *, job_id: str, number: int) -> Delivery:
        """Deliver `outgoing` to its person; safe to repeat from another process at any point.

        Returns the final row: SENT, REFUSED, UNCERTAIN, or RESERVED if the platform stayed away for `PATIENCE` seconds
        (certainly not sent).
        """
        key = delivery_key(job_id, number)
        row = await self._store.delivery(key)
        if row is not None and row.state is DeliveryState.SENDING and not channel.repeatable:
            return await self._save(replace(row, state=DeliveryState.UNCERTAIN))
        if row is None or (row.state is DeliveryState.RESERVED and not row.place):
            row = await self._reserve(
                channel, chat, outgoing, Delivery(key=key, job=job_id, state=DeliveryState.RESERVED)
            )
        pauses = _Pauses(PATIENCE)
        while row.state in (DeliveryState.RESERVED, DeliveryState.SENDING) and row.place:
            row = await self._save(replace(row, state=DeliveryState.SENDING))
            await self._confirmed()
            with span("deliver", channel=channel.name) as sending:
                row, pause = await self._attempt(channel, chat, outgoing, row)
                sending.note("state", row.state.value)
            if pause is not None and not await pauses.wait(pause, self._sleep):
                break
        return row

    async def _save(self, row: Delivery) -> Delivery:
        await written(lambda: self._store.save_delivery(row))
        return row

    async def _reserve(self, channel: Channel, chat: Chat, outgoing: Outgoing, row: Delivery) -> Delivery:
        """Make the place. Making it twice is harmless, so every fault but a refusal is retried."""
        pauses = _Pauses(PATIENCE)
        while True:
            try:
                # Saved with the next row, before anything is sent; made a second time after a crash, it is the same.
                return replace(row, place=await channel.reserve(chat, outgoing))
            except DeliveryRefused:
                return await self._save(replace(row, state=DeliveryState.REFUSED))
            except DeliveryError as error:
                if not await pauses.wait(_asked(error), self._sleep):
                    return await self._save(row)

    async def _attempt(
        self, channel: Channel, chat: Chat, outgoing: Outgoing, row: Delivery
    ) -> tuple[Delivery, float | None]:
        """One send: the row after it, saved, and the pause asked for if another try is worthwhile."""
        try:
            delivered = await _to_its_end(channel.deliver(chat, outgoing, row.place))
        except DeliveryRefused:
            return await self._save(replace(row, state=DeliveryState.REFUSED)), None
        except DeliveryLater as error:
            return await self._save(replace(row, state=DeliveryState.RESERVED)), error.retry_after
        except DeliveryError as error:
            if channel.repeatable:
                return row, _asked(error)
            return await self._save(replace(row, state=DeliveryState.UNCERTAIN)), None
        # Queued by the channel (WeChat's window) counts as sent: the channel hands it over without us.
        return await self._save(replace(row, state=DeliveryState.SENT, refs=delivered.refs)), None

    async def say(self, channel: Channel, chat: Chat, outgoing: Outgoing) -> bool:
        """Send text, retrying for a little while. False if it did not get through."""
        pauses = _Pauses(SAY_PATIENCE)
        while True:
            await self._confirmed()
            try:
                await channel.say(chat, outgoing)
                return True
            except DeliveryRefused:
                return False
            except DeliveryError as error:
                if not await pauses.wait(_asked(error), self._sleep):
                    log.warning("text was not delivered: channel=%s code=%s", channel.name, error.code)
                    return False

    async def show(self, channel: Channel, chat: Chat, status: Outgoing) -> None:
        """Show a status once, best effort: the next one replaces it."""
        await self._confirmed()
        try:
            await channel.say(chat, status)
        except DeliveryError as error:
            log.info("a status was not shown: channel=%s code=%s", channel.name, error.code)


def _asked(error: DeliveryError) -> float:
    return error.retry_after if isinstance(error, DeliveryLater) else 0.0


class _Pauses:
    """Growing pauses, together no longer than `patience` seconds."""

    def __init__(self, patience: float) -> None:
        self._left = patience
        self._next = FIRST_PAUSE

    async def wait(self, asked: float, sleep: Sleep) -> bool:
        """Pause at least as long as the platform asked. False when patience has run out."""
        pause = max(asked, self._next)
        if pause > self._left:
            return False
        self._left -= pause
        self._next = min(self._next * 2, LONGEST_PAUSE)
        await sleep(pause)
        return True


async def _to_its_end(send: Awaitable[Delivered]) -> Delivered:
    """Await a send; if stopped meanwhile, give it `GRACE` seconds to end, so that its outcome is known."""
    task = asyncio.ensure_future(send)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        done, _ = await asyncio.wait({task}, timeout=GRACE)
        if done:
            return await task
        task.cancel()
        raise
