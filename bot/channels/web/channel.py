"""The web page as a channel: messages are stored before they are acknowledged, replies are stored for the page to read.

browser ──POST──▶ receive: inbox row + the person's line ──202──▶ browser
                     └─ the intake: handlers, then their reply
jobs ──▶ say, reserve, deliver: lines in the store ──▶ `Feed` ──▶ browser (any process may write them)
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from anyio import to_thread

from bot.channels.arrivals import Arrival, Kept, Outcome, Timing, internal_error
from bot.channels.intake import Intake
from bot.channels.web.cookies import Sessions
from bot.channels.web.feed import Feed, Pace
from bot.channels.web.inbox import UNUSED_SECONDS, Photo, PhotoShelf, Received, folder_of, label_of, look_at
from bot.channels.web.routes import About, ChatPage
from bot.channels.web.statuses import Begun, StatusLog
from bot.channels.web.steps import StepShelf
from bot.channels.web.texts import word
from bot.channels.web.uploads import MAX_PHOTOS, Limits, Posted, Refused
from bot.metrics import Metrics
from handlers.channel import Answerer, Delivered, DeliveryLater, DeliveryRefused, Finding, Health
from handlers.message import Chat, Kind, Language, Outgoing
from handlers.store.base import Entry, LineFull, Store
from handlers.styles_shown import StylesShown
from providers.media.store import at_hand
from providers.media.threads import in_file_thread

log = logging.getLogger(__name__)

MAX_TEXT = 4000
"""Characters of one message."""
MAX_CHOICE = 64
"""Bytes of a choice's id (`handlers.message.Choice`)."""
MAX_WAITING = 20
"""Messages of one person that are acknowledged and not handled yet."""
MAX_KEPT = 512 << 20
"""Bytes of photos stored per person; deleted after the retention time, or by `/forget`."""

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_CHOICE = re.compile(r"[\x21-\x7e]+")
_ADDRESS = "/pictures/"


class WebChannel:
    """Implements `handlers.channel.Channel`. A process without the page (a worker) only says and delivers.

    `public_url`: where the world reaches the page, to check that a post comes from it.
    """

    name = "web"
    repeatable = True

    def __init__(
        self,
        *,
        store: Store,
        sessions: Sessions,
        metrics: Metrics,
        data_dir: Path,
        public_url: str | None = None,
        limits: Limits | None = None,
        pace: Pace | None = None,
        timing: Timing | None = None,
        about: About | None = None,
    ) -> None:
        self._store = self.store = store
        self._statuses = StatusLog(store)
        self.steps = StepShelf(store)
        self.feed = Feed(store=store, sessions=sessions, metrics=metrics, statuses=self._statuses, pace=pace)
        self.shelf = PhotoShelf(data_dir.absolute() / "web" / "photos", store.media or folder_of(data_dir))
        self.intake = Intake[Received](
            store=store, channel=self.name, receiver=self, folder=data_dir.absolute() / "intake", timing=timing
        )
        self._page = ChatPage(
            web=self, sessions=sessions, public_url=public_url, limits=limits or Limits(), about=about
        )
        self._metrics = metrics
        self.tidied = asyncio.Event()
        self._tidying: asyncio.Task[None] | None = None

    # --- lifecycle

    async def start(self, answerer: Answerer) -> None:
        await self.intake.start(answerer)
        self._tidying = asyncio.create_task(self._tidy())

    async def stop(self) -> None:
        self.feed.stop()
        await self.intake.stop()
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)

    def show_styles(self, styles: StylesShown) -> None:
        self._page.styles.gallery = styles

    def routes(self) -> Sequence[Any]:
        return self._page.routes()

    async def health(self, *, ask: bool = False) -> Health:
        failed = await self._store.failed_inbox(self.name) if ask else 0
        message = f"{failed} messages could not be handled; the log names the errors"
        findings = (Finding(verdict="warning", message=message),) if failed else ()
        return Health(listening=self.intake.running, findings=findings)

    async def at_hand(self, path: Path) -> bool:
        """Whether a picture of the conversation is on this machine, downloaded if need be."""
        return await at_hand(self._store.media, path)

    async def idle(self) -> None:
        """Wait until every message acknowledged so far has been handled."""
        await self.intake.idle()

    # --- incoming

    async def receive(self, chat: Chat, posted: Posted, language: Language) -> str:
        """Store a post and return its id; it is handled in the background. Raises Refused.

        The same `posted.id` again is the same message: the same id is returned and nothing else happens.
        """
        try:
            received = await self._received(chat, posted, language)
            payload = received.model_dump_json(context=self._store.media)
            own = [*(photo.path for photo in received.photos), *received.marks]
            try:
                kept = await self.intake.keep(self._arrival(received), payload, most=MAX_WAITING)
            except LineFull:
                await self.shelf.delete(own)
                raise Refused(429, "too_fast") from None
            if kept is Kept.KNOWN:
                await self.shelf.delete(own)
                return received.id
        except BaseException:
            posted.discard()
            raise
        try:
            await self._store.add_entry(chat, received.line(), from_person=True)
        finally:  # it is in the inbox: a repeat would not restart it
            if kept is Kept.HERE:
                self.intake.begin(self._arrival(received))
        self._metrics.message(self.name)
        self.feed.wake(chat)
        return received.id

    async def _received(self, chat: Chat, posted: Posted, language: Language) -> Received:
        if not self.intake.running:
            raise Refused(503, "starting")
        if posted.id is not None and not _ID.fullmatch(posted.id):
            raise Refused(400, "bad_id")
        if not (posted.text or posted.choice or posted.photos or posted.pictures):
            raise Refused(400, "empty")
        if posted.painted and len(posted.photos) + len(posted.pictures) != 1:
            raise Refused(400, "painted_on_what")
        if len(posted.text) > MAX_TEXT:
            raise Refused(413, "text_too_long")
        if posted.choice and not (len(posted.choice) <= MAX_CHOICE and _CHOICE.fullmatch(posted.choice)):
            raise Refused(400, "bad_form")
        if len(posted.photos) + len(posted.pictures) > MAX_PHOTOS:
            raise Refused(400, "too_many_photos", n=MAX_PHOTOS)
        if (posted.photos or posted.mask) and await self.shelf.size(chat) > MAX_KEPT:
            raise Refused(413, "too_much_kept", mb=MAX_KEPT >> 20)
        quoted, job = await self._quoted(chat, posted.pictures)
        label = label_of(await self.feed.entries(chat), posted.choice) or posted.text if posted.choice else ""
        photos = []
        for upload in posted.photos:
            path = await self.shelf.keep(chat, upload.path)
            photos.append(await in_file_thread(look_at, path, f"web:{upload.sha256}"))
        mask = await self.shelf.keep(chat, posted.mask.path) if posted.mask else None
        margins = posted.margins
        return Received(
            id=posted.id or secrets.token_urlsafe(12),
            person=chat.person,
            text=posted.text,
            choice=posted.choice,
            label=label,
            photos=tuple(photos),
            quoted=tuple(quoted),
            quoted_job=job,
            mask=mask,
            margins=(margins.left, margins.right, margins.top, margins.bottom),
            language=language,
            address=posted.address,
            at=datetime.now(UTC),
        )

    async def _quoted(self, chat: Chat, addresses: Sequence[str]) -> tuple[list[Photo], str | None]:
        """The pictures at these addresses, and the job that made the first of them."""
        quoted: list[Photo] = []
        jobs: list[str | None] = []
        for address in addresses:
            shown = await self.feed.picture(chat, address.removeprefix(_ADDRESS).partition("?")[0])
            if shown is None:
                raise Refused(400, "no_picture")
            key = f"web:picture:{shown.entry.id}:{shown.index}"
            if not await self.at_hand(shown.picture.path):
                raise Refused(400, "no_picture")
            quoted.append(await in_file_thread(look_at, shown.picture.path, key))
            jobs.append(shown.entry.outgoing.job)
        return quoted, jobs[0] if jobs else None

    # --- the intake's receiver

    def _arrival(self, received: Received) -> Arrival[Received]:
        return Arrival(key=received.key, line=received.chat.key, value=received)

    async def read(self, key: str, payload: str) -> Arrival[Received]:
        return self._arrival(Received.model_validate_json(payload, context=self._store.media))

    async def handle(self, arrivals: tuple[Arrival[Received], ...]) -> Outcome:
        (arrival,) = arrivals
        received = arrival.value
        if arrival.taken_up and received.id not in {e.id for e in await self.feed.entries(received.chat)}:
            await self._store.add_entry(received.chat, received.line(), from_person=True)
        for path in (*(photo.path for photo in (*received.photos, *received.quoted)), *received.marks):
            await self.at_hand(path)  # what is gone is said by the handlers
        replies = await self.intake.replies(received.message())
        for outgoing in replies.outgoing:
            await self._show(received.chat, outgoing)
        unused = [*(photo.path for photo in received.photos if not photo.width), *received.marks]
        await self.shelf.delete(unused)
        return replies.outcome

    async def give_up(self, arrivals: tuple[Arrival[Received], ...]) -> None:
        for arrival in arrivals:
            await self._show(arrival.value.chat, internal_error(arrival.value.message()))

    # --- housekeeping

    async def forget(self, chat: Chat) -> None:
        """The conversation itself is the store's; open pages are cleared, and the photos on the disk are deleted
        later."""
        self.feed.wake(chat, cleared=True)
        received = self.intake.waiting(chat.key)
        waiting = {path for each in received for path in (*(photo.path for photo in each.photos), *each.marks)}
        used = _files(await self.feed.entries(chat)) | waiting
        await self.shelf.tidy(chat, used)
        self._page.thumbnails.drop_gone()
        self._page.styles.forget(chat)

    async def _tidy(self) -> None:
        """Every hour, delete photos that no conversation shows any more (expired, forgotten, never acknowledged)."""
        while self.intake.running:
            try:
                await to_thread.run_sync(self.shelf.tidy_arriving)
                await self.shelf.delete(await self._store.unnamed(await self.shelf.unused()))
            except Exception as error:
                log.warning("deleting unused photos of the web page failed: %s", type(error).__name__)
            self.tidied.set()
            await asyncio.sleep(UNUSED_SECONDS)

    # --- sending

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        """A job's text replaces its progress line; a progress line that comes after its result is not shown."""
        try:
            if outgoing.kind is Kind.STATUS and outgoing.job in (await self._statuses.read(chat)).shown:
                return
            await self._show(chat, outgoing)
            if outgoing.kind is not Kind.STATUS and outgoing.job is not None:
                await self._settle(chat, outgoing.job)
        except Exception as error:
            raise DeliveryLater(f"the store did not take a line: {type(error).__name__}") from error

    async def show_step(self, chat: Chat, job: str, picture: bytes) -> None:
        """Seen with the job's next status."""
        try:
            if job in (await self._statuses.read(chat)).shown:
                return
            await self._statuses.step(chat, job, await self.steps.put(chat, job, picture))
        except Exception as error:
            raise DeliveryLater(f"the store did not take a step: {type(error).__name__}") from error

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        """The place is the line's own id: putting a line there twice shows it once."""
        return outgoing.id

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        for picture in outgoing.pictures:
            if not await self.at_hand(picture.path):
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
        for picture in outgoing.pictures:
            await self.shelf.share(picture.path)  # any front may be asked for it
        entry = await self._store.add_entry(chat, outgoing)
        if outgoing.kind is Kind.STATUS:
            await self._statuses.begin(chat, entry.id, Begun(seq=entry.seq, at=entry.at, job=outgoing.job))
        self.feed.wake(chat)

    async def _settle(self, chat: Chat, job: str) -> None:
        """Delete the progress lines of a job, and what there was of its picture."""
        await self.steps.drop(job)
        for status in (await self._statuses.read(chat)).of_job(job):
            await self._store.drop_entry(chat, status)
        self.feed.wake(chat)


def _files(entries: Sequence[Entry]) -> set[Path]:
    return {picture.path for entry in entries for picture in entry.outgoing.pictures}
