"""Telegram as a channel: updates become messages for the handlers, what they say becomes Telegram messages.

    update ──▶ read (is it for us?) ──▶ inbox row ──acknowledged──▶ the person's line ──▶ photos fetched ──▶ handlers
    handlers, jobs ──▶ say (one message a job, edited) · reserve, deliver (the place becomes the picture)

A process that dies after the acknowledgement finds the update in its inbox at the next start.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from starlette.routing import BaseRoute
from telegram import Bot, Update
from telegram.error import TelegramError

from bot.channels.telegram.bounded import BoundedMap
from bot.channels.telegram.chats import Chats
from bot.channels.telegram.doctor import what_is_wrong
from bot.channels.telegram.inbound.callback_answers import answer_tap
from bot.channels.telegram.inbound.dispatch import Answerer, Answering
from bot.channels.telegram.inbound.lenient_json import UNREADABLE, update_from
from bot.channels.telegram.inbound.messages import Hearing
from bot.channels.telegram.inbound.photos import Lost, Photos, TooLarge
from bot.channels.telegram.inbound.update_source import (
    MAX_CONNECTIONS,
    UPDATES,
    Fetching,
    Line,
    Mode,
    cancelled,
    secret_for,
)
from bot.channels.telegram.inbound.updates import LARGEST_DOWNLOAD, Heard, Me, Moved, Post, Standing, Tap, read
from bot.channels.telegram.inbound.user_queues import People, Waiting
from bot.channels.telegram.message_index import Ledger
from bot.channels.telegram.outbound.bot_request import Calling
from bot.channels.telegram.outbound.gateway import Gateway
from bot.channels.telegram.outbound.limits import Flood
from bot.channels.telegram.outbound.results import Results
from bot.channels.telegram.outbound.speaker import Speaker
from bot.channels.telegram.permissions import Rights
from bot.channels.telegram.profile import present
from bot.channels.telegram.timing import Timing
from bot.metrics import Metrics
from handlers.channel import Delivered, DeliveryError, DeliveryLater, DeliveryRefused, DeliveryUnknown
from handlers.message import Chat, IncomingPhoto, Outgoing
from handlers.store.base import Store
from handlers.words import words
from providers.media.threads import in_thread

log = logging.getLogger(__name__)

T = TypeVar("T")

CONNECTIONS = 100
"""More than the calls at once (`AT_ONCE` in `gateway.py` and `photos.py`), so that none waits for a connection."""
BEGUN_KEPT = 10_000
TELEGRAM = "https://api.telegram.org"


class TelegramChannel:
    """Implements `handlers.channel.Channel`. Not started, it only says and delivers (a worker).

    `api_url`: the root under which `/bot<token>/METHOD` and `/file/bot<token>/PATH` lie. In webhook mode `public_url`
    is where the world reaches this program, and `routes()` are to be mounted.
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
        pace: Timing | None = None,
    ) -> None:
        if mode == "webhook" and not public_url:
            raise ValueError("TELEGRAM_MODE=webhook needs PUBLIC_URL")
        # It logs whole addresses, and the token is in them.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        # It logs what it cannot read, whatever people wrote there; we say ourselves what went wrong.
        logging.getLogger("telegram").setLevel(logging.CRITICAL + 1)
        self._pace = pace = pace or Timing()
        self._store = store
        self._metrics = metrics
        self._mode: Mode = mode
        self._public_url = (public_url or "").rstrip("/")
        self._secret = secret_for(token, webhook_secret)
        root = api_url.rstrip("/")
        fetching = Fetching(1)
        self._requests = (fetching, Calling(CONNECTIONS))
        self._bot = Bot(
            token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            request=self._requests[1],
            get_updates_request=self._requests[0],
        )
        self.chats = Chats(store)
        self._gateway = Gateway(self.chats, Flood(pace.clock), pace.clock)
        self._ledger = Ledger(store, pace.wall)
        self._speaker = Speaker(self._bot, self._gateway, self._ledger)
        self._places = Results(
            bot=self._bot, gateway=self._gateway, ledger=self._ledger, speaker=self._speaker, store=store, now=pace.wall
        )
        self._photos = Photos(
            self._bot,
            data_dir.absolute() / "inbox" / "telegram",
            pace.clock,
            pace.photo_pauses,
            own_server=root != TELEGRAM,
        )
        self._rights = Rights(self._bot, self.chats, pace.clock)
        self._hearing = Hearing(store=store, ledger=self._ledger, photos=self._photos, speaker=self._speaker)
        self._answering = Answering(store=store, speaker=self._speaker, places=self._places, pace=pace)
        self._people = People(self._handle, pace.clock, album_pause=pace.album_pause, album_longest=pace.album_longest)
        self._line = Line(self._bot, fetching, pace.clock, poll_seconds=pace.poll_seconds)
        self._answerer: Answerer | None = None
        self._me: Me | None = None
        self._ready = False
        self._begun: BoundedMap[str, None] = BoundedMap(BEGUN_KEPT)
        self._in_hand: set[str] = set()
        self._life: asyncio.Task[None] | None = None
        self._small: set[asyncio.Task[None]] = set()

    # --- life

    async def start(self, answerer: Answerer) -> None:
        """Take messages from now on. Needs no network: where Telegram is away, it is tried until it answers."""
        self._answerer = answerer
        self._life = asyncio.create_task(self._live(), name="telegram")

    async def _live(self) -> None:
        await self._line.connect([self._introduce, self._open])
        self._soon(present(self._bot, self._store, self._pace.clock))
        await self._line.connect([self._take_up])
        self._soon(in_thread(self._photos.tidy))
        if self._mode == "polling":
            await self._line.poll(self._take)

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

    async def _take_up(self) -> None:
        """What a former process acknowledged and did not finish; then what came by the webhook in the meantime."""
        while True:
            rows = [row for row in await self._store.inbox(self.name, limit=100_000) if row[0] not in self._in_hand]
            if not rows:
                self._ready = True
                return
            for key, payload in rows:
                update = update_from(json.loads(payload), self._bot)
                if update is None or not await self._begin(key, update):
                    await self._store.done_inbox(self.name, key)

    @property
    def connected(self) -> bool:
        """Whether Telegram answered last."""
        return self._line.connected

    async def aclose(self) -> None:
        """Take no more; finish within `stop_seconds` what has begun. The rest stays in the inbox."""
        self._ready = False
        await cancelled(self._life)
        await self._people.stop(self._pace.stop_seconds)
        if self._answerer is not None and self._mode == "polling":
            try:
                async with asyncio.timeout(1.0):
                    await self._line.confirm()
            except TimeoutError:
                log.debug("the last updates were not confirmed in time")
        for task in self._small:
            task.cancel()
        await asyncio.gather(*self._small, return_exceptions=True)
        self._answerer = None
        for request in self._requests:
            await request.shutdown()

    def routes(self) -> Sequence[BaseRoute]:
        """The webhook, in webhook mode."""
        return [self._line.route(self._take, secret=self._secret)] if self._mode == "webhook" else []

    async def idle(self) -> None:
        """Until every message taken so far has been handled."""
        while tasks := {*self._people.tasks(), *self._small}:
            await asyncio.wait(tasks)

    async def check(self) -> list[str]:
        """For `likeness doctor`: what is wrong, as sentences for the operator; nothing where all is well."""
        return await what_is_wrong(self._bot, self._mode)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        async def small() -> None:
            try:
                await work
            except Exception as error:  # the store is away: nobody waits for it
                log.warning("a small task of Telegram's failed: %s", type(error).__name__)

        task = asyncio.create_task(small())
        self._small.add(task)
        task.add_done_callback(self._small.discard)

    # --- what comes in

    async def _take(self, update: Update) -> None:
        """Store an update that is for us, before it is acknowledged, and put it in its person's line."""
        key = str(update.update_id)
        if not self._is_ready():
            stored = await self._store.put_inbox(self.name, key, update.to_json())
            # While it was stored, `_take_up` may have looked for the last time.
            if self._is_ready() and stored and key not in self._begun and not await self._begin(key, update):
                await self._store.done_inbox(self.name, key)
            return
        heard = self._heard(update)
        if isinstance(heard, Moved):
            await self.chats.moved(heard.old, heard.new)
        elif isinstance(heard, Standing):
            await self.chats.set_gone(await self.chats.name(heard.chat), heard.gone)
        elif isinstance(heard, Tap) and not await self._rights.may_press(heard):
            self._soon(
                answer_tap(self._bot, self._pace.clock, heard, words(heard.language or "en", "telegram.not_yours"))
            )
        elif isinstance(heard, Tap) and self._rights.pressed_twice(heard):
            self._soon(answer_tap(self._bot, self._pace.clock, heard))
        elif heard is not None and await self._store.put_inbox(self.name, key, update.to_json()):
            self._metrics.message(self.name)
            await self._begin(key, update)

    def _is_ready(self) -> bool:
        return self._ready

    def _heard(self, update: Update) -> Heard | None:
        if self._me is None:
            raise RuntimeError("not introduced yet")
        try:
            return read(update, self._me)
        except UNREADABLE as error:
            # It would be the same the next time; others wait behind it.
            log.error("an update is not what it should be and is passed over: %s", type(error).__name__)
            return None

    async def _begin(self, key: str, update: Update) -> bool:
        """False where the update is nothing to us after all."""
        heard = self._heard(update)
        if isinstance(heard, Moved | Standing):
            await self._take(update)
        if not isinstance(heard, Post | Tap):
            return False
        if isinstance(heard, Tap):
            if not await self._rights.may_press(heard):
                return False
            self._soon(answer_tap(self._bot, self._pace.clock, heard))
        self._gateway.saw(heard.chat, heard.message)
        name = await self.chats.name(heard.chat)
        if not isinstance(heard, Tap) and await self.chats.is_gone(name):
            await self.chats.set_gone(name, False)  # somebody writes: they are back
        self._begun.put(key, None)
        self._in_hand.add(key)
        self._people.put(Waiting(key=key, chat=name, heard=heard))
        if isinstance(heard, Post) and heard.album and heard.addressed:
            self._soon(self._speaker.act(self._hearing.message(name, [heard]).chat))  # its parts are waited for
        return True

    async def is_admin(self, chat: Chat) -> bool:
        """Whether this person may change the settings of the group."""
        return await self._rights.is_admin(chat)

    # --- one message of one person

    async def _handle(self, parts: tuple[Waiting, ...]) -> None:
        try:
            answerer, first = self._answerer, parts[0].heard
            if answerer is None:  # stopping: it stays in the inbox
                return
            if isinstance(first, Tap):
                finished = await self._handle_tap(answerer, parts[0].chat, first)
            else:
                posts = [part.heard for part in parts if isinstance(part.heard, Post)]
                finished = await self._handle_posts(answerer, parts[0].chat, posts)
            if finished:
                for part in parts:
                    await self._store.done_inbox(self.name, part.key)
        except Exception as error:  # the store is away: the message stays in the inbox, for the next start
            log.error("a Telegram message could not be finished: %s", type(error).__name__)
        finally:
            self._in_hand.difference_update(part.key for part in parts)

    async def _handle_posts(self, answerer: Answerer, name: str, posts: Sequence[Post]) -> bool:
        posts, late = await self._hearing.album(name, posts)
        if not any(post.addressed for post in posts) or not self._hearing.is_news(posts):
            return True
        message = self._hearing.message(name, posts, late=late)
        unusable = posts[0].unusable and not any(post.photos for post in posts)  # an album may hold videos too
        if unusable and posts[0].private:
            return await self._answering.say_word(message, "telegram.only_photos")
        if unusable and not message.text:
            return True
        if posts[0].quoted_unusable and message.text and not message.text.startswith("/"):
            return await self._answering.say_word(message, "telegram.only_photos")
        if any(post.photos or post.quoted for post in posts):
            self._soon(self._speaker.act(message.chat))
        fetched: tuple[IncomingPhoto, ...] = ()
        try:
            if await self._store.turn_of(message.key) is None:
                message, fetched = await self._hearing.with_photos(message, posts)
            return await self._answering.converse(answerer, message)
        except TooLarge:
            limit = LARGEST_DOWNLOAD >> 20
            return await self._answering.say_word(message, "error.photo_too_large_file", max_mb=limit)
        except Lost:
            return await self._answering.say_word(message, "telegram.photo_lost")
        finally:
            await in_thread(self._photos.discard, fetched)

    async def _handle_tap(self, answerer: Answerer, name: str, tap: Tap) -> bool:
        message = self._hearing.tapped(name, tap)
        if (message.choice or "").startswith("file:"):
            return await self._answering.send_files(message)
        return await self._answering.converse(answerer, message, menu=tap.message)

    # --- what we say

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        await _only_delivery_errors(self._speaker.say(chat, outgoing))

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        return await _only_delivery_errors(self._places.reserve(chat, outgoing))

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        try:
            delivered = await _only_delivery_errors(self._places.deliver(chat, outgoing, place))
        except DeliveryRefused:
            self._metrics.delivery(self.name, "refused")
            raise
        except DeliveryLater:
            self._metrics.delivery(self.name, "later")
            raise
        except DeliveryError:
            self._metrics.delivery(self.name, "unknown")
            raise
        self._metrics.delivery(self.name, "sent")
        return delivered


async def _only_delivery_errors(work: Awaitable[T]) -> T:
    try:
        return await work
    except DeliveryError:
        raise
    except TelegramError as error:
        raise DeliveryUnknown(type(error).__name__) from None
    except Exception as error:  # the store is away
        raise DeliveryLater(type(error).__name__) from None
