"""From a callback to the handlers and back into its answer, the same in both modes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.channels.arrivals import Arrival, Outcome, internal_error
from bot.channels.intake import Intake
from bot.channels.pausing import happens_within
from bot.channels.sealing import Seal
from bot.channels.wecom.heard import HINTED, Heard, key_of
from bot.channels.wecom.incoming import Incoming
from bot.channels.wecom.media import MAX_PICTURE
from bot.channels.wecom.photos import PhotoLost, Photos, PhotoTooLarge
from bot.channels.wecom.talk import Talk
from bot.channels.wecom.talks import CHANNEL, Talks
from bot.channels.wecom.timing import Pace
from bot.channels.wecom.view import mark_of
from bot.metrics import Metrics
from handlers.channel import Answerer
from handlers.message import Chat, IncomingPhoto, Language, Message, Outgoing
from handlers.message import Kind as Form
from handlers.store.base import ENDED, Store
from handlers.words import words
from providers.media.threads import in_file_thread

log = logging.getLogger(__name__)

Fetched = tuple[tuple[IncomingPhoto, ...], tuple[IncomingPhoto, ...]]
"""Photos of a message, and those of the one it quotes."""


class Reception:
    """The intake's receiver. `changed` is called if a talk may have something to show."""

    def __init__(
        self,
        *,
        store: Store,
        talks: Talks,
        photos: Photos,
        metrics: Metrics,
        folder: Path,
        pace: Pace,
        allowed: Callable[[str | None], str],
        seal: Seal,
        changed: Callable[[Chat], Awaitable[None]],
    ) -> None:
        self._store = store
        self._talks = talks
        self._photos = photos
        self._metrics = metrics
        self._pace = pace
        self._allowed = allowed
        self._seal = seal
        self._changed = changed
        self._answerer: Answerer | None = None
        self._fetching: dict[str, asyncio.Task[Fetched]] = {}
        self._replied: dict[str, asyncio.Event] = {}
        self.intake = Intake[Heard](store=store, channel=CHANNEL, receiver=self, folder=folder, timing=pace.intake)

    async def start(self, answerer: Answerer) -> None:
        self._answerer = answerer
        await self.intake.start(answerer)

    # --- incoming

    async def take(self, incoming: Incoming, *, req: str = "") -> tuple[Heard, bool] | None:
        """Store a message or a press and start on it; returns whether it is new. None if it concerns nobody.

        Raises StoreError: it is not stored, and must not be acknowledged.
        """
        key = key_of(incoming, req)
        if not key or (incoming.other and incoming.other not in HINTED):
            return None
        heard = await self._heard(key, incoming, req)
        if heard.pressed and not await self._owns(heard):
            return None
        new = await self.intake.put(self._arrival(heard), self._seal.close(heard.model_dump_json()))
        if new and self.intake.has(key):
            self._fetch(heard)
        if new:
            self._metrics.message(CHANNEL)
        if new or self.intake.has(key):
            await self._open(heard)
        return heard, new

    async def _heard(self, key: str, incoming: Incoming, req: str) -> Heard:
        heard = Heard(key=key, incoming=incoming, began=self._talks.now(), req=req)
        session = await self._store.session(heard.chat)
        talk = await self._talks.read(heard.chat)
        language: Language = session.language or "zh"
        choice: str | None = incoming.choice if heard.pressed else None
        if self._answerer is not None and incoming.text:
            language = self._answerer.language(incoming.text, session.language or "zh")
            choice = self._answerer.picked(incoming.text, talk.offered if talk else ())
        return heard.model_copy(update={"language": language, "choice": choice})

    async def _owns(self, heard: Heard) -> bool:
        """Whether a card is this person's; anybody in a group may press it."""
        talk = await self._talks.read(heard.chat)
        mark = mark_of(talk or Talk(chat=heard.chat.chat, person=heard.chat.person))
        return bool(heard.choice) and heard.incoming.task.endswith(f"-{mark}")

    async def _open(self, heard: Heard) -> Talk:
        answer = heard.answer(self._allowed(heard.incoming.response_url))
        return await self._talks.change(heard.chat, lambda talk: talk.opened(answer), group=heard.incoming.group)

    async def replied(self, heard: Heard) -> None:
        """Wait until the handlers have answered it, no longer than the first answer may take."""
        came = self._replied.setdefault(heard.key, asyncio.Event())
        try:
            await happens_within(came, self._pace.sleep(self._pace.first))
        finally:
            self._replied.pop(heard.key, None)

    # --- the intake's receiver

    @staticmethod
    def _arrival(heard: Heard) -> Arrival[Heard]:
        return Arrival(key=heard.key, line=heard.chat.key, value=heard)

    async def read(self, key: str, payload: str) -> Arrival[Heard]:
        heard = Heard.model_validate_json(self._seal.open(payload))
        self._fetch(heard)
        return self._arrival(heard)

    def _fetch(self, heard: Heard) -> None:
        """At once: the addresses live five minutes, however long the person's line is."""
        incoming = heard.incoming
        if heard.key in self._fetching or not (incoming.photos or incoming.quoted):
            return
        task = self.intake.soon(self._fetched(heard))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._fetching[heard.key] = task

    async def _fetched(self, heard: Heard) -> Fetched:
        photos = await self._photos.fetch(heard.incoming.photos, heard.key)
        quoted = await self._photos.fetch(heard.incoming.quoted, f"{heard.key} quoted")
        return photos, quoted

    async def handle(self, arrivals: tuple[Arrival[Heard], ...]) -> Outcome:
        heard = arrivals[0].value
        await self._open(heard)
        if (hint := heard.hinted) is not None:
            return await self._say(heard, (own(heard, hint),))
        fetched: Fetched = ((), ())
        try:
            message = heard.message()
            if await self._store.turn_of(message.key) is None:
                fetched = await self._photos_of(heard)
                message = heard.message(*fetched)
            return await self._converse(heard, message)
        except PhotoTooLarge:
            return await self._say(heard, (own(heard, "error.photo_too_large_file", max_mb=MAX_PICTURE >> 20),))
        except PhotoLost:
            return await self._say(heard, (own(heard, "wecom.photo_lost"),))
        finally:
            await in_file_thread(self._photos.discard, (*fetched[0], *fetched[1]))

    async def _photos_of(self, heard: Heard) -> Fetched:
        self._fetch(heard)
        task = self._fetching.get(heard.key)
        if task is None:
            return (), ()
        try:
            return await asyncio.shield(task)
        finally:
            if task.done():
                self._fetching.pop(heard.key, None)

    async def _converse(self, heard: Heard, message: Message) -> Outcome:
        replies = await self.intake.replies(message)
        running = [o.job for o in replies.outgoing if o.job and (o.begins or not await self._is_over(o.job))]
        await self._say(heard, replies.outgoing, running=running)
        return replies.outcome

    async def _say(self, heard: Heard, outgoing: tuple[Outgoing, ...], running: list[str] | None = None) -> Outcome:
        answer = heard.answer(self._allowed(heard.incoming.response_url))
        now = self._talks.now()
        talk = await self._talks.change(
            heard.chat,
            # Opened anew if the message was "forget me": its answer is still owed.
            lambda talk: talk.opened(answer).replied(answer.id, outgoing, running or (), now),
            group=heard.incoming.group,
        )
        if (came := self._replied.get(heard.key)) is not None:
            came.set()
        await self._offer(heard.chat, talk, outgoing)
        await self._changed(heard.chat)
        return Outcome.DONE

    async def _offer(self, chat: Chat, talk: Talk, outgoing: tuple[Outgoing, ...]) -> None:
        """What a typed number means from now on."""
        if talk.offered and any(o.text for o in outgoing):
            await self._talks.change(chat, lambda t: t.model_copy(update={"offered": ()}), note=False)

    async def _is_over(self, job_id: str) -> bool:
        job = await self._store.job(job_id)
        return job is None or job.state in ENDED

    async def give_up(self, arrivals: tuple[Arrival[Heard], ...]) -> None:
        heard = arrivals[0].value
        await self._open(heard)
        await self._say(heard, (internal_error(heard.message()),))


def own(heard: Heard, key: str, **params: int) -> Outgoing:
    """A sentence of the channel's own."""
    return Outgoing(
        id=f"{CHANNEL}:{heard.key}:{key}",
        kind=Form.TEXT,
        text=words(heard.language, key, **params),
        ref=heard.answer_id,
        language=heard.language,
    )
