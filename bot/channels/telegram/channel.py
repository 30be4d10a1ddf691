"""Telegram as a channel: updates become messages for the handlers, what they say becomes Telegram messages.

    update ──▶ read (is it for us?) ──▶ inbox row ──acknowledged──▶ the person's line ──▶ photos fetched ──▶ handlers
    handlers, jobs ──▶ say (one message a job, edited) · reserve, deliver (the place becomes the picture)

A process that dies after the acknowledgement finds the update in its inbox at the next start.
"""

import asyncio
import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from starlette.routing import BaseRoute
from telegram import Bot, Update
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from bot.channels.telegram.buttons import Pressed, owner_mark
from bot.channels.telegram.chats import Chats
from bot.channels.telegram.gateway import Gateway
from bot.channels.telegram.ledger import Ledger
from bot.channels.telegram.limits import Clock, Flood
from bot.channels.telegram.people import ALBUM_LONGEST, ALBUM_PAUSE, People, Waiting
from bot.channels.telegram.photos import PAUSES, Lost, Photos, TooLarge
from bot.channels.telegram.places import Places
from bot.channels.telegram.profile import present
from bot.channels.telegram.receiving import MAX_CONNECTIONS, POLL_SECONDS, UPDATES, Line, Mode, cancelled, secret_for
from bot.channels.telegram.speaking import Speaker
from bot.channels.telegram.updates import (
    LARGEST_DOWNLOAD,
    Attachment,
    Me,
    Moved,
    Post,
    Standing,
    Tap,
    job_named,
    language_of,
    read,
)
from bot.metrics import Metrics
from handlers.channel import Delivered, DeliveryError, DeliveryLater, DeliveryRefused, DeliveryUnknown
from handlers.message import Chat, IncomingPhoto, Kind, Language, Message, Outgoing
from handlers.store import Job, Store
from handlers.words import words
from providers.media.threads import in_thread

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRIES: tuple[float, ...] = (0.5, 2.0, 8.0)
"""Seconds before a message is handled again after a fault of ours."""
ANSWER_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds between attempts to say an answer while Telegram is away."""
STOP_SECONDS = 3.0
DOUBLE_TAP = 2.0
ADMIN_SECONDS = 60.0
REMEMBERED = 10_000
MENUS = frozenset({"group", "groups", "edits", "language", "room"})
"""Taps that only turn a page: the answer replaces the menu it was tapped in."""
CONNECT, READ, WRITE, MEDIA_WRITE, POOL = 10.0, 25.0, 20.0, 60.0, 30.0
"""Seconds. An upload's own are in `places.py`: a slow answer does not mean it was not delivered."""
CONNECTIONS = 128


class Answerer(Protocol):
    """Who decides what a message leads to: `handlers.conversation.Conversation`. Idempotent for `message.key`."""

    async def handle(self, message: Message) -> tuple[Outgoing, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Everything that takes time; tests make it short."""

    clock: Clock = field(default_factory=Clock)
    album_pause: float = ALBUM_PAUSE
    album_longest: float = ALBUM_LONGEST
    photo_pauses: tuple[float, ...] = PAUSES
    retries: tuple[float, ...] = RETRIES
    poll_seconds: int = POLL_SECONDS
    stop_seconds: float = STOP_SECONDS
    wall: Callable[[], float] = time.time


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
        api_url: str = "https://api.telegram.org",
        mode: Mode = "polling",
        public_url: str | None = None,
        webhook_secret: str | None = None,
        pace: Pace | None = None,
    ) -> None:
        if mode == "webhook" and not public_url:
            raise ValueError("TELEGRAM_MODE=webhook needs PUBLIC_URL")
        # It logs whole addresses, and the token is in them.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._pace = pace = pace or Pace()
        self._store = store
        self._metrics = metrics
        self._mode: Mode = mode
        self._public_url = (public_url or "").rstrip("/")
        self._secret = secret_for(token, webhook_secret)
        root = api_url.rstrip("/")
        self._requests = (
            HTTPXRequest(1, connect_timeout=CONNECT, read_timeout=READ, write_timeout=WRITE, pool_timeout=POOL),
            HTTPXRequest(
                CONNECTIONS, connect_timeout=CONNECT, read_timeout=READ, write_timeout=WRITE, pool_timeout=POOL,
                media_write_timeout=MEDIA_WRITE,
            ),
        )  # fmt: skip
        self._bot = Bot(
            token, base_url=f"{root}/bot", base_file_url=f"{root}/file/bot", request=self._requests[1],
            get_updates_request=self._requests[0],
        )  # fmt: skip
        self.chats = Chats(store)
        self._gateway = Gateway(self.chats, Flood(pace.clock), pace.clock)
        self._ledger = Ledger(store, pace.wall)
        self._speaker = Speaker(self._bot, self._gateway, self._ledger)
        self._places = Places(
            bot=self._bot, gateway=self._gateway, ledger=self._ledger, speaker=self._speaker, store=store, now=pace.wall
        )
        self._photos = Photos(self._bot, data_dir.absolute() / "inbox" / "telegram", pace.clock, pace.photo_pauses)
        self._people = People(self._handle, pace.clock, album_pause=pace.album_pause, album_longest=pace.album_longest)
        self._line = Line(self._bot, pace.clock, poll_seconds=pace.poll_seconds)
        self._answerer: Answerer | None = None
        self._me: Me | None = None
        self._ready = False
        self._in_hand: set[str] = set()
        self._life: asyncio.Task[None] | None = None
        self._small: set[asyncio.Task[None]] = set()
        self._texts: OrderedDict[tuple[int, int], str] = OrderedDict()
        self._tapped: OrderedDict[tuple[object, ...], float] = OrderedDict()
        self._admins: OrderedDict[str, tuple[float, bool]] = OrderedDict()

    # --- life

    async def start(self, answerer: Answerer) -> None:
        """Take messages from now on. Needs no network: where Telegram is away, it is tried until it answers."""
        self._answerer = answerer
        self._life = asyncio.create_task(self._live(), name="telegram")

    async def _live(self) -> None:
        await self._line.connect([self._introduce, self._open])
        self._soon(self._present())
        await self._take_up()
        await in_thread(self._photos.tidy)
        if self._mode == "polling":
            await self._line.poll(self._take)

    async def _introduce(self) -> None:
        await self._bot.initialize()
        user = await self._bot.get_me()
        sees_all = bool(user.can_read_all_group_messages)
        self._me = Me(id=user.id, username=user.username or "", sees_all=sees_all)
        log.info(
            "Telegram: bot %s by %s; in groups it hears %s", self._me.username, self._mode,
            "everything (privacy mode is off)" if sees_all else "commands, and replies to it (privacy mode is on)",
        )  # fmt: skip

    async def _open(self) -> None:
        if self._mode == "polling":
            await self._bot.delete_webhook(drop_pending_updates=False)
            return
        await self._bot.set_webhook(
            f"{self._public_url}/telegram", secret_token=self._secret, allowed_updates=list(UPDATES),
            max_connections=MAX_CONNECTIONS, drop_pending_updates=False,
        )  # fmt: skip

    async def _present(self) -> None:
        try:
            await present(self._bot, self._store)
        except (TelegramError, KeyError) as error:
            log.warning("the bot's commands could not be set: %s; tried again at the next start", type(error).__name__)

    async def _take_up(self) -> None:
        """What a former process acknowledged and did not finish; then what came by the webhook in the meantime."""
        while True:
            rows = [row for row in await self._store.inbox(self.name, limit=100_000) if row[0] not in self._in_hand]
            if not rows:
                self._ready = True
                return
            for key, payload in rows:
                update = Update.de_json(json.loads(payload), self._bot)
                if not await self._begin(key, update):
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
        try:
            await self._bot.get_me()
            info = await self._bot.get_webhook_info()
        except TelegramError as error:
            kind = type(error).__name__
            if kind == "InvalidToken":
                return ["Telegram does not know TELEGRAM_BOT_TOKEN. Get the token from @BotFather."]
            return [f"Telegram cannot be reached ({kind}). Check the network and TELEGRAM_API_URL."]
        wrong = []
        if self._mode == "webhook" and info.last_error_date is not None and info.pending_update_count:
            wrong.append("Telegram cannot reach the webhook. Check PUBLIC_URL and its certificate.")
        if self._mode == "polling" and info.url:
            wrong.append("A webhook is set for this bot; starting in polling mode takes it away.")
        return wrong

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._small.add(task)
        task.add_done_callback(self._small.discard)

    # --- what comes in

    async def _take(self, update: Update) -> None:
        """Store an update that is for us, before it is acknowledged, and put it in its person's line."""
        key = str(update.update_id)
        if not self._ready:
            await self._store.put_inbox(self.name, key, update.to_json())
            return
        heard = read(update, self._known_me())
        if isinstance(heard, Moved):
            await self.chats.moved(heard.old, heard.new)
        elif isinstance(heard, Standing):
            await self.chats.set_gone(await self.chats.name(heard.chat), heard.gone)
        elif isinstance(heard, Tap) and not await self._may_press(heard):
            self._soon(self._answer_tap(heard, words(heard.language or "en", "telegram.not_yours")))
        elif isinstance(heard, Tap) and self._twice(heard):
            self._soon(self._answer_tap(heard))
        elif heard is not None and await self._store.put_inbox(self.name, key, update.to_json()):
            self._metrics.message(self.name)
            await self._begin(key, update)

    def _known_me(self) -> Me:
        if self._me is None:
            raise RuntimeError("not introduced yet")
        return self._me

    async def _begin(self, key: str, update: Update) -> bool:
        """False where the update is nothing to us after all."""
        heard = read(update, self._known_me())
        if isinstance(heard, Moved | Standing):
            await self._take(update)
        if not isinstance(heard, Post | Tap):
            return False
        if isinstance(heard, Tap):
            if not await self._may_press(heard):
                return False
            self._soon(self._answer_tap(heard))
        name = await self.chats.name(heard.chat)
        if not isinstance(heard, Tap) and await self.chats.is_gone(name):
            await self.chats.set_gone(name, False)  # somebody writes: they are back
        self._in_hand.add(key)
        self._people.put(Waiting(key=key, chat=name, heard=heard))
        return True

    async def _may_press(self, tap: Tap) -> bool:
        pressed = Pressed.parse(tap.data)
        if pressed.owner is None or pressed.owner == owner_mark(tap.person):
            return True
        # Somebody who asked anonymously presses under their own name.
        anonymous = pressed.owner == owner_mark(f"c{tap.chat}")
        return anonymous and await self._is_admin(tap.chat, tap.person)

    def _twice(self, tap: Tap) -> bool:
        now = self._pace.clock.now()
        key = (tap.chat, tap.message, tap.person, tap.data)
        before = self._tapped.get(key)
        self._tapped[key] = now
        _shorten(self._tapped)
        return before is not None and now - before < DOUBLE_TAP

    async def _answer_tap(self, tap: Tap, text: str | None = None) -> None:
        """End the client's waiting sign; a late answer is refused and does no harm."""
        try:
            await self._bot.answer_callback_query(tap.query, text=text, show_alert=bool(text))
        except (TelegramError, KeyError) as error:
            log.debug("a tap was not answered: %s", type(error).__name__)

    async def is_admin(self, chat: Chat) -> bool:
        """Whether this person may change the settings of the group."""
        if not chat.chat.startswith("-"):
            return True
        address = await self.chats.address(chat.chat)
        if chat.person.startswith("c"):
            # Only the group's own anonymous admins write as the group itself.
            return chat.person in (f"c{chat.chat}", f"c{address}")
        return await self._is_admin(address, chat.person)

    async def _is_admin(self, chat: int, person: str) -> bool:
        key, now = f"{chat}/{person}", self._pace.clock.now()
        known = self._admins.get(key)
        if known is None or now - known[0] > ADMIN_SECONDS:
            try:
                member = await self._bot.get_chat_member(chat, int(person))
            except (TelegramError, KeyError) as error:
                log.info("the rights of a person could not be asked for: %s", type(error).__name__)
                return False
            known = self._admins[key] = (now, member.status in ("administrator", "creator"))
            _shorten(self._admins)
        return known[1]

    # --- one message of one person

    async def _handle(self, parts: tuple[Waiting, ...]) -> None:
        try:
            first = parts[0].heard
            if isinstance(first, Tap):
                finished = await self._handle_tap(parts[0].chat, first)
            else:
                finished = await self._handle_posts(
                    parts[0].chat, [p.heard for p in parts if isinstance(p.heard, Post)]
                )
            if finished:
                for part in parts:
                    await self._store.done_inbox(self.name, part.key)
        except Exception as error:  # the store is away: the message stays in the inbox, for the next start
            log.error("a Telegram message could not be finished: %s", type(error).__name__)
        finally:
            self._in_hand.difference_update(part.key for part in parts)

    async def _handle_posts(self, name: str, posts: list[Post]) -> bool:
        first = posts[0]
        if first.album and first.edited is None:
            await self._ledger.put_album(name, first.album, tuple(a for post in posts for a in post.photos))
        if not any(post.addressed for post in posts) or not self._news(posts):
            return True
        chat = Chat(
            channel=self.name,
            chat=name,
            person=first.person,
            thread=None if first.thread is None else str(first.thread),
        )
        message = Message(
            key=_key(name, first), chat=chat, text="\n".join(dict.fromkeys(p.text for p in posts if p.text)),
            language_hint=first.language, ref=str(first.message), group=not first.private,
        )  # fmt: skip
        if first.unusable and first.private:
            return await self._say_word(message, "telegram.only_photos")
        if first.unusable and not message.text:
            return True
        fetched: tuple[IncomingPhoto, ...] = ()
        try:
            if await self._store.turn_of(message.key) is None:
                message, fetched = await self._with_photos(message, posts)
            return await self._converse(message)
        except TooLarge:
            return await self._say_word(message, "error.photo_too_large_file", max_mb=LARGEST_DOWNLOAD >> 20)
        except Lost:
            return await self._say_word(message, "telegram.photo_lost")
        finally:
            await in_thread(self._photos.discard, fetched)

    def _news(self, posts: Sequence[Post]) -> bool:
        """Whether the words are new: clients also report an edit when nothing was written."""
        news = False
        for post in posts:
            key = (post.chat, post.message)
            news = news or post.edited is None or self._texts.get(key) != post.text
            self._texts[key] = post.text
            _shorten(self._texts)
        return news

    async def _with_photos(self, message: Message, posts: Sequence[Post]) -> tuple[Message, tuple[IncomingPhoto, ...]]:
        """The message with its pictures on our disk. Raises TooLarge, Lost."""
        first, name = posts[0], message.chat.chat
        photos = tuple(a for post in posts for a in post.photos)
        if first.edited is not None and first.album:
            photos = await self._ledger.album(name, first.album) or photos
        job = await self._quoted_job(message.chat, first)
        quoted = () if job else await self._quoted(name, first)
        if photos or quoted:
            self._soon(self._speaker.act(message.chat))
        stem = hashlib.sha256(message.key.encode()).hexdigest()[:20]
        fetched = await self._photos.fetch((*photos, *quoted), stem)
        came, replied = fetched[: len(photos)], fetched[len(photos) :]
        if replied and not came and not message.text:
            # A picture taken up without a word lies on the table like one just sent.
            came, replied = replied, ()
        full = replace(message, photos=came, quoted_photos=replied, quoted_job=job.id if job else None)
        return full, fetched

    async def _quoted(self, name: str, post: Post) -> tuple[Attachment, ...]:
        """The pictures of the message it replies to: of an album, all that we saw."""
        if post.quoted_album:
            return await self._ledger.album(name, post.quoted_album) or post.quoted
        return post.quoted

    async def _quoted_job(self, chat: Chat, post: Post) -> Job | None:
        """The job whose result it replies to, where it is this person's and its pictures are here."""
        named = post.quoted_job
        if named is None and post.quoted_message is not None and post.quoted:
            named = await self._ledger.job_of(chat.chat, post.quoted_message)
        job = await self._store.job(named) if named else None
        if job is None or job.chat.key != chat.key or not job.pictures:
            return None
        here = await in_thread(lambda: all(picture.path.is_file() for picture in job.pictures))
        return job if here else None

    async def _handle_tap(self, name: str, tap: Tap) -> bool:
        pressed = Pressed.parse(tap.data)
        anonymous = pressed.owner == owner_mark(f"c{tap.chat}")
        person = f"c{tap.chat}" if anonymous else tap.person
        thread = None if tap.thread is None else str(tap.thread)
        chat = Chat(channel=self.name, chat=name, person=person, thread=thread)
        about = tap.message if job_named(tap.data) else tap.replies_to or tap.message
        message = Message(
            key=f"telegram:tap:{tap.query}", chat=chat, choice=pressed.choice, language_hint=tap.language,
            ref=str(about), group=not tap.private,
        )  # fmt: skip
        verb = pressed.choice.partition(":")[0]
        if verb == "file":
            return await self._send_files(message)
        return await self._converse(message, menu=tap.message if verb in MENUS else None)

    async def _send_files(self, message: Message) -> bool:
        job = await self._store.job((message.choice or "").partition(":")[2])
        if job is None or job.chat.key != message.chat.key or not job.pictures:
            return await self._say_word(message, "say.nothing_open")
        outgoing = Outgoing(
            id=message.key, kind=Kind.PICTURES, pictures=job.pictures, ref=message.ref, job=job.id,
            language=job.order.language,
        )  # fmt: skip
        try:
            await self._patiently(lambda: self._places.send_file(message.chat, outgoing, message.key))
        except DeliveryRefused:
            return await self._say_word(message, "error.result_gone")
        return True

    # --- answering

    async def _converse(self, message: Message, *, menu: int | None = None) -> bool:
        """Ask the handlers and say what they answer. False where the message is to stay in the inbox."""
        answerer = self._answerer
        if answerer is None:
            return False
        for pause in (*self._pace.retries, None):
            try:
                replies = await answerer.handle(message)
                break
            except Exception as error:  # not the person's doing, whatever it is
                log.error("handling a Telegram message failed: %s", type(error).__name__)
                if pause is not None:
                    await self._pace.clock.sleep(pause)
        else:
            return await self._say_word(message, "error.internal")
        for outgoing in replies:
            if menu is not None and not outgoing.job and await self._turn_page(message.chat, menu, outgoing):
                menu = None
            elif not await self._answer(message.chat, outgoing):
                return False
        return True

    async def _turn_page(self, chat: Chat, menu: int, outgoing: Outgoing) -> bool:
        if outgoing.kind not in (Kind.TEXT, Kind.CHOICES):
            return False
        try:
            return await self._speaker.edit(chat, menu, outgoing.text, outgoing.choices)
        except DeliveryError:
            return False

    async def _answer(self, chat: Chat, outgoing: Outgoing) -> bool:
        """Say it, with patience where Telegram is away. False where it was not said and is worth more tries."""
        try:
            await self._patiently(lambda: self._speaker.say(chat, outgoing, first=True))
        except DeliveryRefused:
            log.info("an answer was refused by the chat")
        except DeliveryError:
            return False
        return True

    async def _patiently(self, say: Callable[[], Awaitable[None]]) -> None:
        """Words twice are no harm, words lost are: an unknown outcome is repeated, once."""
        unknown = 0
        for pause in (*ANSWER_PAUSES, None):
            try:
                await say()
                return
            except DeliveryUnknown:
                unknown += 1
                if unknown > 1:
                    return
            except DeliveryLater as error:
                if pause is None:
                    raise
                await self._pace.clock.sleep(max(pause, error.retry_after))

    async def _say_word(self, message: Message, key: str, **params: int) -> bool:
        """A sentence of the channel's own, in the person's language."""
        table = await self._store.table(message.chat)
        language: Language = table.language or message.language_hint or "en"
        outgoing = Outgoing(
            id=f"{message.key}:{key}", kind=Kind.TEXT, text=words(language, key, **params), ref=message.ref,
            language=language,
        )  # fmt: skip
        return await self._answer(message.chat, outgoing)

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


def _key(name: str, post: Post) -> str:
    """An edit is a message of its own; an album is one message, named by its group."""
    if post.edited is not None:
        return f"telegram:{name}:{post.message}:{post.edited}"
    return f"telegram:{name}:{post.album or post.message}"


def _shorten(kept: OrderedDict[Any, Any]) -> None:
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)


__all__ = ["Answerer", "Pace", "TelegramChannel", "language_of"]
