"""The web page as a channel: what people say there is kept before it is acknowledged, what we say is kept for them.

    browser ──POST──▶ receive: inbox row + the person's line ──202──▶ browser
                         └─ in the background, one after another for each person: handlers, then their reply
    jobs ──▶ say, reserve, deliver: lines in the store ──▶ `Feed` ──▶ browser (any process may write them)

A process that dies after the 202 finds the message in its inbox at the next start.
"""

import asyncio
import logging
import re
import secrets
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from anyio import to_thread

from bot.channels.web.cookies import Sessions
from bot.channels.web.feed import Feed, Pace
from bot.channels.web.inbox import UNUSED_SECONDS, Photo, PhotoShelf, Received, label_of, look_at
from bot.channels.web.statuses import Begun, StatusLog
from bot.channels.web.texts import word
from bot.channels.web.uploads import MAX_PHOTOS, Posted, Refused
from bot.metrics import Metrics
from handlers.channel import Delivered, DeliveryLater, DeliveryRefused
from handlers.message import Chat, Kind, Language, Message, Outgoing
from handlers.store.base import Entry, Store
from providers.media.threads import in_thread

log = logging.getLogger(__name__)

MAX_TEXT = 4000
"""Characters of one message."""
MAX_WAITING = 20
"""Messages of one person that are acknowledged and not handled yet."""
RETRIES: tuple[float, ...] = (0.5, 2.0, 8.0)
"""Seconds before a message is handled again after a fault of ours (the database away for a moment)."""
STOP_SECONDS = 2.0
"""What has begun may take so long to end when the process stops."""

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_ADDRESS = "/pictures/"


class Answerer(Protocol):
    """Who decides what a message leads to: `Conversation`. Idempotent for `message.key`."""

    async def handle(self, message: Message) -> tuple[Outgoing, ...]: ...


class WebChannel:
    """Implements `handlers.channel.Channel`. A process without the page (a worker) only says and delivers."""

    name = "web"
    repeatable = True

    def __init__(
        self,
        *,
        store: Store,
        sessions: Sessions,
        metrics: Metrics,
        data_dir: Path,
        pace: Pace | None = None,
        retries: Sequence[float] = RETRIES,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._store = store
        self._statuses = StatusLog(store)
        self.feed = Feed(store=store, sessions=sessions, metrics=metrics, statuses=self._statuses, pace=pace)
        self.shelf = PhotoShelf(data_dir.absolute() / "web" / "photos")
        self._metrics = metrics
        self._retries = tuple(retries)
        self._stop_seconds = stop_seconds
        self.tidied = asyncio.Event()
        self._answerer: Answerer | None = None
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tidying: asyncio.Task[None] | None = None

    # --- life

    async def start(self, answerer: Answerer) -> None:
        """Take messages from now on, beginning with those a former process acknowledged and did not finish."""
        self._answerer = answerer
        for key, payload in await self._store.inbox(self.name):
            try:
                received = Received.model_validate_json(payload)
            except ValueError:
                log.error("a message in the web inbox cannot be read and is set aside")
                await self._store.done_inbox(self.name, key)
                continue
            if received.id not in {entry.id for entry in await self.feed.entries(received.chat)}:
                await self._store.add_entry(received.chat, received.line(), from_person=True)
            self._begin(received)
        self._tidying = asyncio.create_task(self._tidy())

    @property
    def running(self) -> bool:
        return self._answerer is not None

    async def aclose(self) -> None:
        """Take no more; finish within `stop_seconds` what has begun. The rest stays in the inbox."""
        self._answerer = None
        self.feed.stop()
        late = (await asyncio.wait(self._tasks, timeout=self._stop_seconds))[1] if self._tasks else set()
        ending = [*late, self._tidying] if self._tidying else [*late]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def idle(self) -> None:
        """Until every message acknowledged so far has been handled."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # --- what the person says

    async def receive(self, chat: Chat, posted: Posted, language: Language) -> str:
        """Keep a post and answer with its id; it is handled in the background. Raises Refused.

        The same `posted.id` again is the same message: its id is the answer and nothing else happens.
        """
        try:
            received = await self._received(chat, posted, language)
            if not await self._store.put_inbox(self.name, received.key, received.model_dump_json()):
                await to_thread.run_sync(_discard, received.photos)
                return received.id
        except BaseException:
            posted.discard()
            raise
        try:
            await self._store.add_entry(chat, received.line(), from_person=True)
        finally:  # it is in the inbox: a repeat would not begin it
            self._begin(received)
        self._metrics.message(self.name)
        self.feed.wake(chat)
        return received.id

    async def _received(self, chat: Chat, posted: Posted, language: Language) -> Received:
        if self._answerer is None:
            raise Refused(503, "starting")
        if posted.id is not None and not _ID.fullmatch(posted.id):
            raise Refused(400, "bad_id")
        if not (posted.text or posted.choice or posted.photos or posted.pictures):
            raise Refused(400, "empty")
        if len(posted.text) > MAX_TEXT:
            raise Refused(413, "text_too_long")
        if len(posted.photos) + len(posted.pictures) > MAX_PHOTOS:
            raise Refused(400, "too_many_photos", n=MAX_PHOTOS)
        if self._waiting[chat.key] >= MAX_WAITING:
            raise Refused(429, "too_fast")
        quoted, job = await self._quoted(chat, posted.pictures)
        label = label_of(await self.feed.entries(chat), posted.choice) or posted.text if posted.choice else ""
        photos = []
        for upload in posted.photos:
            path = await to_thread.run_sync(self.shelf.keep, chat, upload.path)
            photos.append(await in_thread(look_at, path, f"web:{upload.sha256}"))
        return Received(
            id=posted.id or secrets.token_urlsafe(12),
            person=chat.person,
            text=posted.text,
            choice=posted.choice,
            label=label,
            photos=tuple(photos),
            quoted=tuple(quoted),
            quoted_job=job,
            language=language,
        )

    async def _quoted(self, chat: Chat, addresses: Sequence[str]) -> tuple[list[Photo], str | None]:
        """The pictures of these addresses, and the job that made the first of them."""
        quoted: list[Photo] = []
        jobs: list[str | None] = []
        for address in addresses:
            shown = await self.feed.picture(chat, address.removeprefix(_ADDRESS).partition("?")[0])
            if shown is None:
                raise Refused(400, "no_picture")
            key = f"web:picture:{shown.entry.id}:{shown.index}"
            quoted.append(await in_thread(look_at, shown.picture.path, key))
            jobs.append(shown.entry.outgoing.job)
        return quoted, jobs[0] if jobs else None

    def _begin(self, received: Received) -> None:
        self._waiting[received.chat.key] += 1
        task = asyncio.create_task(self._handle(received))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, received: Received) -> None:
        """Handle one message, after those of the same person before it."""
        chat = received.chat
        try:
            async with self._turns[chat.key]:
                if self._answerer is None:  # stopping: it stays in the inbox
                    return
                replies = await self._answers(self._answerer, received)
                for outgoing in replies:
                    await self._show(chat, outgoing)
                await self._store.done_inbox(self.name, received.key)
                await self._after_forgetting(received)
        except Exception as error:  # the store is away: the message stays in the inbox, for the next start
            log.error("a web message could not be finished: %s", type(error).__name__)
        finally:
            self._waiting[chat.key] -= 1
            if not self._waiting[chat.key]:
                del self._waiting[chat.key], self._turns[chat.key]

    async def _answers(self, answerer: Answerer, received: Received) -> tuple[Outgoing, ...]:
        """The handlers' reply; after repeated faults of ours, one sentence that says so."""
        for pause in (*self._retries, None):
            try:
                return await answerer.handle(received.message())
            except Exception as error:  # not the person's doing, whatever it is
                log.error("handling a web message failed: %s", type(error).__name__)
                if pause is not None:
                    await asyncio.sleep(pause)
        return (
            Outgoing(
                id=f"{received.id}-fault",
                kind=Kind.TEXT,
                text=word(received.language, "error.internal"),
                ref=received.id,
                language=received.language,
            ),
        )

    async def _after_forgetting(self, received: Received) -> None:
        """If the message led to everything being forgotten, its own line is gone: the pages and files follow."""
        chat = received.chat
        entries = await self.feed.entries(chat)
        if any(entry.id == received.id for entry in entries):
            return
        await self._statuses.forget(chat)
        self.feed.wake(chat, cleared=True)
        await to_thread.run_sync(lambda: self.shelf.tidy(chat, _files(entries), older_than=0.0))

    async def _tidy(self) -> None:
        """Each hour, delete photos that no conversation shows any more (expired, forgotten, never acknowledged)."""
        while self.running:
            try:
                await to_thread.run_sync(self.shelf.tidy_arriving)
                for chat in await to_thread.run_sync(self.shelf.people):
                    used = _files(await self.feed.entries(chat))
                    await to_thread.run_sync(self.shelf.tidy, chat, used)
            except Exception as error:
                log.warning("tidying the web page's photos failed: %s", type(error).__name__)
            self.tidied.set()
            await asyncio.sleep(UNUSED_SECONDS)

    # --- what we say

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        """Words of a job end the progress line of that job; a progress line after its result is not shown."""
        try:
            if outgoing.kind is Kind.STATUS and outgoing.job in (await self._statuses.read(chat)).shown:
                return
            await self._show(chat, outgoing)
            if outgoing.kind is not Kind.STATUS and outgoing.job is not None:
                await self._settle(chat, outgoing.job)
        except Exception as error:
            raise DeliveryLater(f"the store did not take a line: {type(error).__name__}") from error

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        """The place is the line's own id: putting a line there twice shows it once."""
        return outgoing.id

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        for picture in outgoing.pictures:
            if not await to_thread.run_sync(picture.path.is_file):
                lost = replace(outgoing, kind=Kind.TEXT, pictures=(), text=word(outgoing.language, "error.no_picture"))
                await self.say(chat, lost)
                self._metrics.delivery(self.name, "refused")
                raise DeliveryRefused("a picture of the result is no longer on the disk")
        try:
            await self._show(chat, replace(outgoing, id=place))
            if outgoing.job is not None:
                await self._statuses.show(chat, outgoing.job)
                await self._settle(chat, outgoing.job)
        except Exception as error:
            self._metrics.delivery(self.name, "later")
            raise DeliveryLater(f"the store did not take a result: {type(error).__name__}") from error
        self._metrics.delivery(self.name, "sent")
        return Delivered(refs=(place,))

    async def _show(self, chat: Chat, outgoing: Outgoing) -> None:
        entry = await self._store.add_entry(chat, outgoing)
        if outgoing.kind is Kind.STATUS:
            await self._statuses.begin(chat, entry.id, Begun(seq=entry.seq, at=entry.at, job=outgoing.job))
        self.feed.wake(chat)

    async def _settle(self, chat: Chat, job: str) -> None:
        """Drop the progress lines of a job."""
        for status in (await self._statuses.read(chat)).of_job(job):
            await self._store.drop_entry(chat, status)
        self.feed.wake(chat)


def _discard(photos: Sequence[Photo]) -> None:
    for photo in photos:
        photo.path.unlink(missing_ok=True)


def _files(entries: Sequence[Entry]) -> set[Path]:
    return {picture.path for entry in entries for picture in entry.outgoing.pictures}
