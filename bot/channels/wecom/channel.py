"""`WeComChannel`: the smart bot as one of the bot's channels, put together from this package's parts."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bot.channels.deliveries import counted
from bot.channels.intake import Intake
from bot.channels.sealing import Seal
from bot.channels.wecom.callback import Callback
from bot.channels.wecom.envelope import Envelope
from bot.channels.wecom.heard import Heard, stream_id
from bot.channels.wecom.incoming import Incoming, Kind
from bot.channels.wecom.late import LateWay
from bot.channels.wecom.line import LongLine
from bot.channels.wecom.notes import Notes
from bot.channels.wecom.photos import Photos
from bot.channels.wecom.pictures import Fitted
from bot.channels.wecom.reception import Reception
from bot.channels.wecom.settings import WeComSettings
from bot.channels.wecom.streams import Streams
from bot.channels.wecom.talk import Answer, Item, Talk
from bot.channels.wecom.talks import CHANNEL, Talks, chat_of
from bot.channels.wecom.timing import Pace
from bot.channels.wecom.view import View, card_json, view
from bot.metrics import Metrics
from bot.result_pages.pages import Pages
from bot.result_pages.routes import ResultPages
from handlers.channel import (
    Answerer,
    Delivered,
    DeliveryError,
    DeliveryLater,
    DeliveryRefused,
    Finding,
    Health,
)
from handlers.message import Chat, Language, Outgoing
from handlers.message import Kind as Form
from handlers.store.base import Store
from handlers.words import words
from providers.media.store import at_hand

log = logging.getLogger(__name__)

STREAM_MARGIN = 20.0
"""Seconds after the end of a stream's time in which the platform may still ask for its last answer."""
LATER_SECONDS = 5.0
SAY_SECONDS = 10.0
"""How long to wait until text is shown; it is stored, so it comes later all the same."""
T = TypeVar("T")


class WeComChannel:
    """Implements `handlers.channel.Channel`. A process that does not listen (a worker) only says and delivers: what it
    stores is shown by the one that does. Raises ValueError for settings that turn nothing on."""

    name = CHANNEL
    repeatable = True
    """The talk records which pictures were shown, or may have been: none is shown twice."""

    def __init__(
        self,
        *,
        settings: WeComSettings,
        store: Store,
        metrics: Metrics,
        data_dir: Path,
        secret: bytes,
        pace: Pace | None = None,
    ) -> None:
        if settings.mode is None:
            raise ValueError(f"{settings.turned_on_by} are not set")
        self._settings = settings
        self._pace = pace = pace or Pace()
        self._store = store
        self._metrics = metrics
        self.talks = Talks(store, clock=pace.clock, noted=settings.mode == "line")
        self._notes = Notes(store, clock=pace.clock)
        pages = Pages(store=store, clock=pace.clock, secret=secret, account=CHANNEL, public_url=settings.public_url)
        self._pages, self._result_pages = pages, ResultPages(pages)
        seal = Seal(secret, CHANNEL)
        self._late = LateWay(talks=self.talks, pages=pages, api_url=settings.wecom_api_url, seal=seal)
        self._fitted = Fitted(store.media)
        self._streams = Streams(talks=self.talks, fitted=self._fitted, look=self._look)
        envelope = _envelope(settings)
        self._photos = Photos(
            folder=data_dir.absolute() / "inbox" / CHANNEL,
            hosts=settings.media_hosts,
            bot_key=envelope.media_key if envelope else None,
            pace=pace,
        )
        self._reception = Reception(
            store=store,
            talks=self.talks,
            photos=self._photos,
            metrics=metrics,
            folder=data_dir.absolute() / "intake",
            pace=pace,
            allowed=self._late.allowed,
            seal=seal,
            changed=self._changed,
        )
        self._callback = (
            Callback(
                envelope=envelope,
                answer=self._answer,
                bot_id=settings.wecom_bot_id,
                bot_name=settings.wecom_bot_name,
                running=lambda: self.intake.running,
                verified=self._notes.called,
                clock=pace.clock,
            )
            if envelope
            else None
        )

        self.line = (
            LongLine(
                settings=settings,
                store=store,
                talks=self.talks,
                notes=self._notes,
                folder=data_dir.absolute() / "line",
                look=self._look,
                late=self._late.push,
                pressed=self.pressed_card,
                language=self._language,
                pace=pace,
            )
            if settings.mode == "line"
            else None
        )

    def _look(self, talk: Talk, answer: Answer) -> View:
        pace = self._pace
        return view(
            talk,
            answer,
            self.talks.now(),
            stream_seconds=self._settings.wecom_stream_seconds,
            expecting=pace.expecting,
            lively=pace.lively,
            cards=self.line is None,
        )

    # --- lifecycle

    async def start(self, answerer: Answerer) -> None:
        await self._reception.start(answerer)
        if self.line is not None:
            await self.line.start(self._reception)

    async def stop(self) -> None:
        await self.intake.stop()
        if self.line is not None:
            await self.line.stop()
        await self._photos.aclose()
        await self._late.aclose()

    def routes(self) -> Sequence[Any]:
        found = list(self._result_pages.routes())
        return [*self._callback.routes(), *found] if self._callback else found

    @property
    def intake(self) -> Intake[Heard]:
        return self._reception.intake

    async def idle(self) -> None:
        """Wait until everything taken so far has been handled."""
        await self.intake.idle()

    async def health(self, *, ask: bool = False) -> Health:
        findings = await self._findings() if ask else ()
        return Health(listening=self.intake.running, findings=findings)

    async def _findings(self) -> tuple[Finding, ...]:
        found = list(await self._notes.findings(self._settings))
        if self.line is not None:
            found.append(await self.line.finding())
        if failed := await self._store.failed_inbox(self.name):
            message = f"{failed} messages could not be handled; the log names the errors"
            found.append(Finding(verdict="warning", message=message))
        return tuple(found)

    async def forget(self, chat: Chat) -> None:
        await self.talks.forget(chat)

    # --- callback mode: what the platform posts, and what it is answered

    async def _answer(self, incoming: Incoming) -> Mapping[str, Any] | None:
        chat = chat_of(incoming.chat, incoming.person)
        if incoming.kind is Kind.STREAM:
            return await self._streams.given(chat, incoming.stream, language=await self._language(chat))
        if incoming.kind is Kind.ENTER:
            return {"msgtype": "text", "text": {"content": words(await self._language(chat), "wecom.greeting")}}
        if incoming.kind is Kind.FEEDBACK:
            await self._notes.feedback(chat, incoming)
            return None
        if incoming.kind is Kind.PRESS:
            return await self._press(chat, incoming)
        return await self._message(chat, incoming) if incoming.kind is Kind.MESSAGE else None

    async def _message(self, chat: Chat, incoming: Incoming) -> Mapping[str, Any] | None:
        taken = await self._reception.take(incoming)
        if taken is None:
            return None
        heard, new = taken
        if new:
            await self._reception.replied(heard)
        elif not await self._known(chat, heard):
            return None  # answered long ago
        return await self._streams.given(chat, heard.answer_id, language=heard.language, first=True)

    async def _known(self, chat: Chat, heard: Heard) -> bool:
        talk = await self.talks.read(chat)
        return talk is not None and talk.answer(heard.answer_id) is not None

    async def _press(self, chat: Chat, incoming: Incoming) -> Mapping[str, Any] | None:
        taken = await self._reception.take(incoming)
        return None if taken is None else await self.pressed_card(chat, incoming)

    async def pressed_card(self, chat: Chat, incoming: Incoming) -> Mapping[str, Any] | None:
        """The card with the chosen option marked; None if it is no longer known."""
        talk = await self.talks.read(chat)
        card = talk.card(incoming.task) if talk else None
        if card is None:
            return None
        shown = card_json(card, pressed=incoming.choice, language=await self._language(chat))
        return {"response_type": "update_template_card", "template_card": shown}

    async def _language(self, chat: Chat) -> Language:
        return (await self._store.session(chat)).language or "zh"

    # --- sending

    async def _changed(self, chat: Chat) -> None:
        """There may be something that no stream will show."""
        if self.line is not None:
            self.line.wake(chat)
            return
        try:
            await self._late.push(chat)
        except DeliveryError as error:
            log.warning("text waits until the person writes: %s", error.code)

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        await _safely(self._say(chat, outgoing))

    async def _say(self, chat: Chat, outgoing: Outgoing) -> None:
        now = self.talks.now()
        status = outgoing.kind is Form.STATUS
        await self.talks.change(chat, lambda t: t.heard(outgoing, now, grace=self._pace.settle), note=not status)
        if self.line is not None:
            self.line.wake(chat)
            if not status:
                await self._until_shown(chat, outgoing, seconds=SAY_SECONDS)
        elif not status:
            await self._late.push(chat)

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        """The result's page, in case its stream ends before it can show it. The place is named after the result
        itself."""
        await _safely(self._pages.put(chat, outgoing))
        return stream_id(outgoing.id)

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        deliver = self._fetched if self.line is None else self._sent
        return await counted(_safely(deliver(chat, outgoing, place)), metrics=self._metrics, channel=self.name)

    async def _sent(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        """Store it for the process that has the connection, and wait."""
        await self._there(outgoing)
        now = self.talks.now()
        await self.talks.change(chat, lambda t: t.staged(outgoing, now))
        item = await self._until_shown(chat, outgoing, seconds=self._pace.patience)
        if item is not None and not item.way and not item.held:
            raise DeliveryLater("the long connection is not there", retry_after=LATER_SECONDS)
        return Delivered(refs=(place,), held=item is not None and not item.way)

    async def _until_shown(self, chat: Chat, outgoing: Outgoing, *, seconds: float) -> Item | None:
        """The item once it was shown or is held, or as it is after so many seconds; None if it was forgotten, or goes
        with a running stream."""
        waited = 0.0
        while True:
            talk = await self.talks.read(chat)
            item = talk.item(outgoing.id) if talk else None
            shown = (
                item.way or item.held if item else talk is None or not _about_to_end(talk, outgoing, self.talks.now())
            )
            if shown or waited >= seconds:
                return item
            if self.line is not None:
                self.line.wake(chat)
            await self._pace.sleep(self._pace.look)
            waited += self._pace.look

    async def _fetched(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        """With the last answer of its stream, which the platform requests; late if it does not."""
        await self._there(outgoing)
        await self._fitted.all([picture.path for picture in outgoing.pictures])
        now = self.talks.now()
        talk = await self.talks.change(chat, lambda t: t.staged(outgoing, now))
        waited = 0.0
        while (item := talk.item(outgoing.id)) is not None and not item.way:
            stream = talk.answer(item.answer)
            if stream is None or not stream.open:
                await self._late.push(chat)
                break
            now = self.talks.now()
            over = now - stream.began >= self._settings.wecom_stream_seconds + STREAM_MARGIN
            if over or waited >= self._pace.silence:
                await self._streams.settled(chat, item)
            else:
                await self._pace.sleep(self._pace.look)
                waited += 0.0 if stream.running(now) else self._pace.look
            talk = await self.talks.read(chat) or Talk(chat=chat.chat, person=chat.person)
        talk = await self.talks.read(chat) or talk
        item = talk.item(outgoing.id)
        return Delivered(refs=(place,), held=item is not None and not item.way)

    async def _there(self, outgoing: Outgoing) -> None:
        """Raises DeliveryRefused if a picture is no longer on the disk."""
        for picture in outgoing.pictures:
            if not await at_hand(self._store.media, picture.path):
                raise DeliveryRefused("a picture of the result is no longer on the disk")


def _about_to_end(talk: Talk, outgoing: Outgoing, now: float) -> bool:
    """Whether text went into a stream that ends now: it is in its last frame, or becomes a message of its own."""
    about = [a for a in talk.answers if a.open and any(id == outgoing.id for id, _ in a.said)]
    return any(not answer.running(now) for answer in about)


async def _safely(work: Awaitable[T]) -> T:
    """Only `DeliveryError`s leave. Any other error happens before anything is shown."""
    try:
        return await work
    except (DeliveryError, asyncio.CancelledError):
        raise
    except Exception as error:
        log.error("a message could not be stored: %s", type(error).__name__)
        raise DeliveryLater(f"not sent: {type(error).__name__}") from None


def _envelope(settings: WeComSettings) -> Envelope | None:
    token, key = settings.wecom_bot_token, settings.wecom_bot_aes_key
    if settings.mode != "callback" or token is None or key is None:
        return None
    return Envelope(token=token.get_secret_value(), aes_key=key.get_secret_value())
