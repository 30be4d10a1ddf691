"""Telegram as a channel: updates become messages for the handlers, their replies become Telegram messages.

update ──▶ read (is it for us?) ──▶ intake: stored, acknowledged, the person's line ──▶ photos downloaded ──▶ handlers
handlers, jobs ──▶ say (one message per job, edited) · reserve, deliver (the place becomes the picture)
"""

import asyncio
import json
import logging
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from telegram import Bot, Update

from bot.channels.arrivals import Arrival, Outcome
from bot.channels.deliveries import counted
from bot.channels.intake import Intake
from bot.channels.telegram.chats import Chats
from bot.channels.telegram.doctor import found
from bot.channels.telegram.inbound.callback_answers import answer_tap
from bot.channels.telegram.inbound.dispatch import Dispatch
from bot.channels.telegram.inbound.handling import Handling
from bot.channels.telegram.inbound.joining import Heard, line_of
from bot.channels.telegram.inbound.lenient_json import UNREADABLE, update_from
from bot.channels.telegram.inbound.messages import MessageBuilder
from bot.channels.telegram.inbound.photos import Lost, Photos, TooLarge
from bot.channels.telegram.inbound.polling import Polling, PollingLease
from bot.channels.telegram.inbound.update_source import (
    MAX_CONNECTIONS,
    UPDATES,
    Mode,
    UpdateSource,
    UpdatesRequest,
    cancelled,
    secret_for,
)
from bot.channels.telegram.inbound.updates import (
    Known,
    Me,
    Moved,
    Post,
    Standing,
    Tap,
    place_of,
    read,
)
from bot.channels.telegram.message_index import MessageIndex
from bot.channels.telegram.mini_app.desk import MAX_WAITING, Desk, Drawn
from bot.channels.telegram.mini_app.tickets import Tickets
from bot.channels.telegram.outbound.bot_request import BotRequest
from bot.channels.telegram.outbound.ephemeral import Ephemeral
from bot.channels.telegram.outbound.gateway import Gateway, only_delivery_errors
from bot.channels.telegram.outbound.kept import KeptResults
from bot.channels.telegram.outbound.limits import Clock, Flood
from bot.channels.telegram.outbound.results import Results
from bot.channels.telegram.outbound.speaker import Speaker
from bot.channels.telegram.outbound.stickers import make_pack
from bot.channels.telegram.permissions import Permissions
from bot.channels.telegram.profile import present
from bot.channels.telegram.timing import Timing
from bot.metrics import Metrics
from handlers.channel import (
    Answerer,
    Delivered,
    DeliveryLater,
    Finding,
    Health,
    Sticker,
)
from handlers.foreground import ForegroundGate
from handlers.message import Chat, IncomingPhoto, Outgoing, key_hash
from handlers.store.base import Store
from handlers.words import words
from providers.media.threads import in_file_thread

log = logging.getLogger(__name__)

CONNECTIONS = 100
"""More than the concurrent calls (`AT_ONCE` in `gateway.py` and `photos.py`), so that none waits for a connection."""
TELEGRAM = "https://api.telegram.org"


class TelegramChannel:
    """Implements `handlers.channel.Channel`. If not started, it only says and delivers (a worker).

    `api_url`: the root under which `/bot<token>/METHOD` and `/file/bot<token>/PATH` lie. In webhook mode `public_url`
    is where the world reaches this program, and `routes()` are to be mounted. `foreground`: the process's.
    """

    name = "telegram"
    repeatable = True

    def __init__(
        self,
        *,
        token: str,
        store: Store,
        metrics: Metrics,
        data_dir: Path,
        api_url: str = TELEGRAM,
        mode: Mode = "polling",
        public_url: str | None = None,
        webhook_secret: str | None = None,
        app_secret: bytes | None = None,
        foreground: ForegroundGate | None = None,
        pace: Timing | None = None,
    ) -> None:
        if mode == "webhook" and not public_url:
            raise ValueError("TELEGRAM_MODE=webhook needs PUBLIC_URL")
        # It logs whole addresses, and the token is in them.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        # It logs what it cannot read, including what people wrote; we log errors ourselves.
        logging.getLogger("telegram").setLevel(logging.CRITICAL + 1)
        self._pace = pace = pace or Timing()
        self._store, self._metrics = store, metrics
        self._foreground = foreground or ForegroundGate()
        self._mode, self._public_url = mode, (public_url or "").rstrip("/")
        self._secret = secret_for(token, webhook_secret)
        root = api_url.rstrip("/")
        fetching = UpdatesRequest(1)
        self._requests = (fetching, BotRequest(CONNECTIONS))
        self._bot = Bot(
            token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            request=self._requests[1],
            get_updates_request=self._requests[0],
        )
        self.chats = Chats(store)
        self._gateway = Gateway(self.chats, Flood(pace.clock, data_dir.absolute() / "telegram"), pace.clock)
        self._index = MessageIndex(store, pace.wall)
        tickets = Tickets(
            secret=app_secret or token.encode(), public_url=public_url if app_secret else None, now=pace.wall
        )
        self._permissions = Permissions(self._bot, self.chats, pace.clock)
        ephemeral = Ephemeral(self._bot, self._gateway, self._index, self._permissions.administers)
        self._speaker = Speaker(self._bot, self._gateway, self._index, ephemeral, tickets, self._foreground)
        self._desk = Desk(token=token, tickets=tickets, store=store, take=self._take_painted, now=pace.wall)
        kept = KeptResults(store, pace.wall)
        self._results = Results(
            bot=self._bot,
            gateway=self._gateway,
            index=self._index,
            speaker=self._speaker,
            store=store,
            kept=kept,
            now=pace.wall,
        )
        self._photos = Photos(
            self._bot,
            data_dir.absolute() / "inbox" / "telegram",
            pace.clock,
            pace.photo_pauses,
            own_server=root != TELEGRAM,
        )
        self._builder = MessageBuilder(store=store, index=self._index, photos=self._photos)
        self.intake = Intake[Heard](
            store=store,
            channel=self.name,
            receiver=self,
            folder=data_dir.absolute() / "intake",
            join=pace.joining,
            timing=pace.intake,
        )
        self._handling = Handling(
            store=store,
            index=self._index,
            builder=self._builder,
            photos=self._photos,
            desk=self._desk,
            dispatch=Dispatch(store=store, intake=self.intake, speaker=self._speaker, results=self._results, pace=pace),
            speaker=self._speaker,
            results=self._results,
            kept=kept,
            foreground=self._foreground,
            soon=self._soon,
        )
        self._source = UpdateSource(self._bot, fetching, pace.clock, poll_seconds=pace.poll_seconds)
        folder = data_dir.absolute() / "polling"
        # Other processes wait in real seconds, whatever clock paces what this one sends.
        lease = PollingLease(store, key=token.partition(":")[0], folder=folder, clock=Clock())
        self._polling = Polling(self._source, lease)
        self._me: Me | None = None
        self._life: asyncio.Task[None] | None = None
        self._small: set[asyncio.Task[None]] = set()

    # --- lifecycle

    async def start(self, answerer: Answerer) -> None:
        """Needs no network: if Telegram is unreachable, it retries until it answers."""
        self._life = asyncio.create_task(self._live(answerer), name="telegram")

    async def _live(self, answerer: Answerer) -> None:
        await self._source.connect([self._introduce, self._open])
        self._soon(present(self._bot, self._store, self._pace.clock))
        await self._source.connect([partial(self.intake.start, answerer)])
        self._soon(in_file_thread(self._photos.tidy))
        if self._mode == "polling":
            await self._polling.run(self._take)

    async def _introduce(self) -> None:
        await self._bot.initialize()
        user = await self._bot.get_me()
        sees_all = bool(user.can_read_all_group_messages)
        self._me = Me(id=user.id, username=user.username or "", sees_all=sees_all)
        log.info(
            "Telegram: bot %s by %s; in groups it hears %s",
            self._me.username,
            self._mode,
            "everything (privacy mode is off)" if sees_all else "commands, and replies to it (privacy mode is on)",
        )

    async def _open(self) -> None:
        if self._mode == "polling":
            await self._bot.delete_webhook(drop_pending_updates=False)
            return
        await self._bot.set_webhook(
            f"{self._public_url}/telegram",
            secret_token=self._secret,
            allowed_updates=list(UPDATES),
            max_connections=MAX_CONNECTIONS,
            drop_pending_updates=False,
        )

    @property
    def connected(self) -> bool:
        """Whether Telegram answered last."""
        return self._source.connected

    async def stop(self) -> None:
        listened = self._life is not None
        await cancelled(self._life)
        if listened and self._mode == "polling":
            await self._polling.stop()
        await self.intake.stop()
        for task in self._small:
            task.cancel()
        await asyncio.gather(*self._small, return_exceptions=True)
        for request in self._requests:
            await request.shutdown()
        self._gateway.flood.close()

    def routes(self) -> Sequence[Any]:
        """The webhook, in webhook mode; and the painter."""
        webhook = [self._source.route(self._take, secret=self._secret)] if self._mode == "webhook" else []
        return [*webhook, *self._desk.routes()]

    async def idle(self) -> None:
        """Wait until every message taken so far has been handled."""
        await self.intake.idle()
        while self._small:
            await asyncio.wait(self._small)
            await self.intake.idle()

    async def health(self, *, ask: bool = False) -> Health:
        """It listens as soon as it is started: while Telegram is unreachable, no message can be lost."""
        findings: list[Finding] = []
        if ask:
            findings = await found(self._bot, self._mode, self._public_url)
            if failed := await self._store.failed_inbox(self.name):
                message = f"{failed} messages could not be handled; the log names the errors"
                findings.append(Finding(verdict="warning", message=message))
        return Health(listening=self._life is not None and not self._life.done(), findings=tuple(findings))

    async def forget(self, chat: Chat) -> None:
        self._builder.forget(chat)
        await self._index.forget(chat)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        async def small() -> None:
            try:
                await work
            except Exception as error:  # the store is away: nobody waits for it
                log.warning("a background task of Telegram's failed: %s", type(error).__name__)

        task = asyncio.create_task(small())
        self._small.add(task)
        task.add_done_callback(self._small.discard)

    # --- incoming

    async def _take(self, update: Update) -> None:
        """Store an update that is for us, before it is acknowledged, and put it into its person's line."""
        key = str(update.update_id)
        if update.inline_query is not None:  # answered within half a minute or never: nothing to keep
            self._soon(self._results.own.answer(update.inline_query))
            return
        if not self.intake.running:  # by the webhook, before we know who we are: it is taken up as soon as we do
            await self._leave(key, update)
            return
        heard = self._heard(update)
        if isinstance(heard, Moved | Standing):
            await self.chats.note(heard)
        elif isinstance(heard, Tap) and not await self._permissions.may_press(heard):
            text = words(heard.language or "en", "telegram.not_yours")
            self._soon(answer_tap(self._bot, self._pace.clock, heard, text))
        elif isinstance(heard, Tap) and self._permissions.pressed_twice(heard):
            self._soon(answer_tap(self._bot, self._pace.clock, heard))
        elif heard is not None and await self.intake.put(await self._arrival(key, heard), update.to_json()):
            self._metrics.message(self.name)

    async def _leave(self, key: str, update: Update) -> None:
        place = place_of(update)
        if place is None:
            await self._store.put_inbox(self.name, key, update.to_json())
            return
        line = line_of(await self.chats.name(place[0]), place[1])
        await self.intake.leave(key, update.to_json(), line=line)

    def _heard(self, update: Update) -> Known | None:
        if self._me is None:
            raise RuntimeError("not introduced yet")
        try:
            return read(update, self._me)
        except UNREADABLE as error:
            # It would be the same the next time; others wait behind it.
            log.error("skipping a malformed update: %s", type(error).__name__)
            return None

    async def _arrival(self, key: str, what: Post | Tap) -> Arrival[Heard]:
        name = await self.chats.name(what.chat)
        self._gateway.saw(what.chat, what.message)
        if isinstance(what, Tap):
            self._soon(answer_tap(self._bot, self._pace.clock, what))
        else:
            if await self.chats.is_gone(name):
                await self.chats.set_gone(name, False)  # somebody writes: they are back
            if what.addressed and what.edited is None and (what.photos or what.quoted):
                self._soon(self._speaker.first_sign(self._builder.message(name, [what]).chat))
        value = Heard(chat=name, what=what, at=self._pace.wall())
        return Arrival(key=key, line=line_of(name, what.person), value=value)

    async def _take_painted(self, drawn: Drawn) -> bool:
        """From the Mini App: kept like an update, and in its person's line like one."""
        payload = json.dumps({"painted": drawn.model_dump(mode="json")})
        if not self.intake.running:
            return await self.intake.leave(drawn.key, payload, line=self._painted(drawn).line, most=MAX_WAITING)
        return await self.intake.put(self._painted(drawn), payload, most=MAX_WAITING)

    def _painted(self, drawn: Drawn) -> Arrival[Heard]:
        chat = drawn.ticket.chat
        return Arrival(key=drawn.key, line=line_of(chat, drawn.ticket.person), value=Heard(chat=chat, what=drawn))

    async def make_stickers(self, chat: Chat, *, key: str, title: str, stickers: Sequence[Sticker]) -> str:
        return await make_pack(self._bot, chat, key=key, title=title, stickers=stickers)

    async def profile_photo(self, chat: Chat, *, key: str) -> IncomingPhoto | None:
        if not chat.person.isdecimal():
            return None  # somebody who writes as a group or a channel
        try:
            return await self._photos.of_profile(int(chat.person), f"profile-{key_hash(key)}")
        except (Lost, TooLarge):
            raise DeliveryLater("profile photo") from None

    async def is_admin(self, chat: Chat) -> bool:
        """Whether this person may change the settings of the group."""
        return await self._permissions.is_admin(chat)

    # --- the intake's receiver

    async def read(self, key: str, payload: str) -> Arrival[Heard] | None:
        kept = json.loads(payload)
        if "painted" in kept:
            return self._painted(Drawn.model_validate(kept["painted"]))
        update = update_from(kept, self._bot)
        heard = None if update is None else self._heard(update)
        if isinstance(heard, Moved | Standing):
            await self.chats.note(heard)
        if not isinstance(heard, Post | Tap):
            return None
        if isinstance(heard, Tap) and not await self._permissions.may_press(heard):
            return None
        return await self._arrival(key, heard)

    async def handle(self, arrivals: tuple[Arrival[Heard], ...]) -> Outcome:
        return await self._handling.handle(arrivals)

    async def give_up(self, arrivals: tuple[Arrival[Heard], ...]) -> None:
        await self._handling.give_up(arrivals)

    # --- sending

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        await only_delivery_errors(self._speaker.say(chat, outgoing))

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        return await only_delivery_errors(self._results.reserve(chat, outgoing))

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        delivering = only_delivery_errors(self._results.deliver(chat, outgoing, place))
        return await counted(delivering, metrics=self._metrics, channel=self.name)
