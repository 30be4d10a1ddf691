"""The bot over the long connection: which process has it, what comes over it, and what is sent."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from bot.channels.wecom.connection import Connection, FrameRefused, NoAnswer, NotConnected, reachable
from bot.channels.wecom.heard import Heard
from bot.channels.wecom.incoming import Incoming, Kind, read
from bot.channels.wecom.notes import Notes
from bot.channels.wecom.pictures import Fitted
from bot.channels.wecom.place import Place
from bot.channels.wecom.pump import Pump
from bot.channels.wecom.reception import Reception
from bot.channels.wecom.settings import WeComSettings
from bot.channels.wecom.streams import Look
from bot.channels.wecom.talks import Talks, chat_of
from bot.channels.wecom.timing import Pace
from bot.channels.wecom.upload import MAX_IMAGE
from handlers.channel import Finding
from handlers.message import Chat, Language
from handlers.store.base import Store, StoreError
from handlers.words import words

log = logging.getLogger(__name__)

DEVICE = "wecom.device"
KEEP_PAUSES = (0.5, 2.0, 8.0, 20.0)
"""Seconds between attempts to store what came."""
MESSAGES = frozenset({"aibot_msg_callback", "aibot_callback"})
EVENTS = frozenset({"aibot_event_callback"})
HOW = {
    "cannot be reached": "cannot be made; look at WECOM_WS_URL and the network",
    "refused the bot's id or secret": "is refused; look at WECOM_BOT_ID and WECOM_BOT_SECRET",
    "did not answer the subscription": "is not answered; look at WECOM_WS_URL",
    "lost the line": "was lost and is made anew; look at WECOM_WS_URL if it stays",
    "taken over by another process": (
        "was taken over by another process with the same WECOM_BOT_ID; stop that one, then start this one again"
    ),
    "not connected yet": "is not made yet; look at WECOM_WS_URL if it stays",
}
"""What `Connection.problem` means for the operator."""
Card = Callable[[Chat, Incoming], Awaitable[Mapping[str, Any] | None]]


class LongLine:
    """`pressed`: what a pressed card becomes. `language`: in which somebody is answered."""

    def __init__(
        self,
        *,
        settings: WeComSettings,
        store: Store,
        talks: Talks,
        notes: Notes,
        folder: Path,
        look: Look,
        late: Callable[[Chat], Awaitable[None]],
        pressed: Card,
        language: Callable[[Chat], Awaitable[Language]],
        pace: Pace,
    ) -> None:
        self._settings = settings
        self._store = store
        self._talks = talks
        self._notes = notes
        self._look = look
        self._late = late
        self._pressed = pressed
        self._language = language
        self._pace = pace
        self.place = Place(
            store=store,
            bot_id=settings.wecom_bot_id or "",
            folder=folder,
            clock=pace.clock,
            sleep=pace.sleep,
            life=pace.lease,
            look=pace.look * 4,
        )
        self._reception: Reception | None = None
        self._fitted = Fitted(store.media, MAX_IMAGE)
        self.connection: Connection | None = None
        self._pump: Pump | None = None
        self._running: asyncio.Task[None] | None = None

    # --- lifecycle

    async def start(self, reception: Reception) -> None:
        self._reception = reception
        self._running = asyncio.create_task(self._run(), name="wecom line")

    async def stop(self) -> None:
        if self._running is None:
            return
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self._running = None
        await self.place.release()

    async def _run(self) -> None:
        device = await self._device()
        while True:
            await self.place.hold()
            await self._with(self._connection(device))
            log.warning("WeCom: the connection's place was lost; this process stands by")

    async def _with(self, line: Connection) -> None:
        """As long as the place is ours. Once another program has taken the bot over it is kept all the same: no other
        process of ours is to take the bot back."""
        self.connection = line
        self._pump = pump = Pump(
            talks=self._talks, line=line, fitted=self._fitted, look=self._look, late=self._late, pace=self._pace
        )
        beside = [asyncio.create_task(line.run()), asyncio.create_task(pump.run())]
        try:
            await self.place.keep(lambda: line.problem)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _device(self) -> str:
        """The same over reconnects and restarts, so that the platform replaces a half-dead connection at once."""
        bot_id = self._settings.wecom_bot_id or ""
        while True:
            try:
                await self._store.add_value(DEVICE, bot_id, secrets.token_hex(16))
                return await self._store.value(DEVICE, bot_id) or ""
            except Exception as error:
                log.warning("WeCom: the device's name cannot be read: %s", type(error).__name__)
                await self._pace.sleep(1.0)

    def _connection(self, device: str) -> Connection:
        secret = self._settings.wecom_bot_secret
        return Connection(
            url=self._settings.wecom_ws_url,
            bot_id=self._settings.wecom_bot_id or "",
            secret=secret.get_secret_value() if secret else "",
            device_id=device,
            on_frame=self._hear,
            ping_seconds=self._settings.wecom_ping_seconds,
            ack_seconds=self._settings.wecom_ack_seconds,
            sleep=self._pace.sleep,
        )

    def wake(self, chat: Chat) -> None:
        """There may be something to send. In a process without the connection it is found by the one that has it."""
        if self._pump is not None:
            self._pump.wake(chat)

    async def finding(self) -> Finding:
        """The state of the connection, as its holder reports it. It is never subscribed for this: that would take it
        over."""
        if self.connection is not None:
            problem: str | None = self.connection.problem or ""
        else:
            problem = await self.place.told()
        if problem is None:
            reached = await reachable(self._settings.wecom_ws_url, self._settings.wecom_ack_seconds)
            if reached:
                message = "long connection: reachable; no process of the bot has it now (`likeness run` does)"
                return Finding(verdict="ok", message=message)
            problem = "cannot be reached"
        if not problem:
            return Finding(verdict="ok", message="long connection: subscribed")
        return Finding(verdict="broken", message=f"the long connection {HOW.get(problem, problem)}")

    # --- incoming

    async def _hear(self, cmd: str, req_id: str, body: Mapping[str, Any]) -> None:
        if cmd not in MESSAGES | EVENTS:
            return
        settings = self._settings
        incoming = read(body, bot_id=settings.wecom_bot_id, bot_name=settings.wecom_bot_name, named=False)
        if incoming is None:
            return
        if incoming.kind is Kind.DISCONNECTED:
            if self.connection is not None:
                self.connection.take_over()
            return
        chat = chat_of(incoming.chat, incoming.person)
        if incoming.kind is Kind.MESSAGE:
            await self._message(chat, incoming, req_id)
        elif incoming.kind is Kind.ENTER:
            greeting = {"msgtype": "text", "text": {"content": words(await self._language(chat), "wecom.greeting")}}
            await self._respond("aibot_respond_welcome_msg", greeting, req_id)
        elif incoming.kind is Kind.PRESS:
            await self._press(chat, incoming, req_id)
        elif incoming.kind is Kind.FEEDBACK:
            await self._notes.feedback(chat, incoming)

    async def _message(self, chat: Chat, incoming: Incoming, req_id: str) -> None:
        if self._reception is None:
            return
        taken = await self._taken(self._reception, incoming, req_id)
        if taken is None or not taken[1]:
            return  # not for the bot, or seen before
        if self._pump is not None:
            self._pump.first(taken[0].answer_id)
        await self._reception.replied(taken[0])
        self.wake(chat)

    async def _taken(self, reception: Reception, incoming: Incoming, req_id: str) -> tuple[Heard, bool] | None:
        """Stored with patience: nothing is acknowledged here, so a store that is away would lose it."""
        for pause in KEEP_PAUSES:
            try:
                return await reception.take(incoming, req=req_id)
            except StoreError as error:
                log.warning("WeCom: a message could not be stored yet: %s", type(error).__name__)
            await self._pace.sleep(pause)
        return await reception.take(incoming, req=req_id)

    async def _press(self, chat: Chat, incoming: Incoming, req_id: str) -> None:
        if self._reception is None or await self._taken(self._reception, incoming, req_id) is None:
            return
        card = await self._pressed(chat, incoming)
        if card is not None:
            await self._respond("aibot_respond_update_msg", card, req_id)
        self.wake(chat)

    async def _respond(self, cmd: str, body: Mapping[str, Any], req_id: str) -> None:
        """Best effort: it must come within five seconds, so there is no second try."""
        try:
            if self.connection is not None:
                await self.connection.request(cmd, body, req_id=req_id)
        except (NotConnected, NoAnswer, FrameRefused) as error:
            log.info("WeCom: %s had no effect: %s", cmd, error or type(error).__name__)
