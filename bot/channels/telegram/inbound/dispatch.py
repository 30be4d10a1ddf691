"""Asking the handlers what a message leads to, and sending their answer, with patience if Telegram is unreachable."""

import logging
from collections.abc import Awaitable, Callable

from bot.channels.arrivals import Outcome
from bot.channels.intake import Intake
from bot.channels.telegram.inbound.joining import Heard
from bot.channels.telegram.inbound.updates import Tap
from bot.channels.telegram.outbound.ephemeral import Action
from bot.channels.telegram.outbound.media_format import NotAllowed
from bot.channels.telegram.outbound.results import Results
from bot.channels.telegram.outbound.speaker import Speaker
from bot.channels.telegram.timing import Timing
from handlers.channel import DeliveryError, DeliveryLater, DeliveryRefused, DeliveryUnknown
from handlers.commands import is_command
from handlers.message import Chat, Kind, Language, Message, Outgoing
from handlers.store.base import ENDED, JobState, Store
from handlers.words import words

log = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds between attempts to send an answer while Telegram is unreachable."""
MENUS = frozenset({"group", "groups", "edits", "language", "room"})
"""Taps that only turn a page: the answer replaces the menu that was tapped."""


class Dispatch:
    """Its methods return what became of the message."""

    def __init__(
        self, *, store: Store, intake: Intake[Heard], speaker: Speaker, results: Results, pace: Timing
    ) -> None:
        self._store = store
        self._intake = intake
        self._speaker = speaker
        self._results = results
        self._pace = pace

    async def converse(self, message: Message, *, tap: Tap | None = None, action: Action | None = None) -> Outcome:
        """`tap`: the press that it is. `action`: what may be answered for this person's eyes only."""
        replies = await self._intake.replies(message)
        if replies.failed:
            await self.say_word(message, "error.internal")
            return Outcome.FAILED
        turns_page = tap is not None and (message.choice or "").partition(":")[0] in MENUS
        for outgoing in replies.outgoing:
            if turns_page and tap and not outgoing.job and await self._turn_page(message.chat, tap, outgoing):
                turns_page = False
            elif await self._answer(message, outgoing, action) is Outcome.LATER:
                return Outcome.LATER
        return Outcome.DONE

    async def _turn_page(self, chat: Chat, tap: Tap, outgoing: Outgoing) -> bool:
        if outgoing.kind not in (Kind.TEXT, Kind.CHOICES):
            return False
        try:
            return await self._speaker.turn_page(chat, tap.message, outgoing, ephemeral=tap.ephemeral)
        except DeliveryError:
            return False

    async def _answer(self, message: Message, outgoing: Outgoing, action: Action | None = None) -> Outcome:
        # Errors about a request are sent as a reply to it; a command or a tap needs no quoting.
        quote = message.choice is None and not is_command(message.text)
        came = message.photos if outgoing.kind is Kind.CHOICES and outgoing.job is None else ()
        photo = came[0].key if len(came) == 1 else None
        late = False

        async def say() -> None:
            nonlocal late
            if not (late and outgoing.job and await self._is_over(outgoing.job)):
                late = True
                await self._speaker.say(message.chat, outgoing, first=True, quote=quote, photo=photo, action=action)

        try:
            await self._patiently(say)
        except DeliveryRefused:
            log.info("an answer was refused by the chat")
        except DeliveryError:
            return Outcome.LATER
        return Outcome.DONE

    async def _is_over(self, job_id: str) -> bool:
        """Whether what was to be announced has arrived already, or is forgotten."""
        job = await self._store.job(job_id)
        return job is None or job.state is JobState.DELIVERING or job.state in ENDED

    async def _patiently(self, say: Callable[[], Awaitable[None]]) -> None:
        """Text sent twice does no harm, lost text does: an unknown outcome is repeated, once."""
        unknown = 0
        for pause in (*PAUSES, None):
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

    async def say_word(self, message: Message, key: str, **params: int) -> Outcome:
        """A sentence of the channel's own, in the person's language."""
        session = await self._store.session(message.chat)
        language: Language = session.language or message.language_hint or "en"
        outgoing = Outgoing(
            id=f"{message.key}:{key}",
            kind=Kind.TEXT,
            text=words(language, key, **params),
            ref=message.ref,
            language=language,
        )
        return await self._answer(message, outgoing)

    async def send_files(self, message: Message) -> Outcome:
        """The pictures of a job as files, at full size; the tapped button names the job."""
        job = await self._store.job((message.choice or "").partition(":")[2])
        if job is None or job.chat.key != message.chat.key or not job.pictures:
            return await self.say_word(message, "say.nothing_open")
        outgoing = Outgoing(
            id=message.key,
            kind=Kind.PICTURES,
            pictures=job.pictures,
            ref=message.ref,
            job=job.id,
            language=job.order.language,
        )
        try:
            await self._patiently(lambda: self._results.send_file(message.chat, outgoing, message.key))
        except NotAllowed:
            return await self.say_word(message, "telegram.no_media")
        except DeliveryRefused:
            return await self.say_word(message, "error.result_gone")
        return Outcome.DONE
