"""A push on its way through the handlers: photos downloaded, one message of a person after another.

A push is answered before it need be stored: the platform repeats what it gets no answer to. Only if its work outlasts
the answer does it go into the inbox, before anything is promised.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict

from bot.channels.arrivals import Arrival, Outcome, Replies, Timing, internal_error
from bot.channels.intake import Intake
from bot.channels.wechat.deadlines import Deadlines
from bot.channels.wechat.events import Event
from bot.channels.wechat.passive_reply import ForHandlers
from bot.channels.wechat.photos import PhotoLost, Photos
from bot.customer_messages.follower_store import FollowerStore
from bot.customer_messages.sender import CustomerMessages, shown_choices
from handlers.channel import Answerer, DeliveryError
from handlers.foreground import ForegroundGate
from handlers.message import Chat, IncomingPhoto, Kind, Language, Message, Outgoing
from handlers.store.base import Store
from handlers.words import words

log = logging.getLogger(__name__)

CHANNEL = "wechat"
FORESEE_AGAIN_SECONDS = 5.0
"""The same for a message that another process answered: nobody waits."""
ARRIVING_SECONDS = 0.25
"""How often to check whether a photo that another process downloads has arrived."""

Said = tuple[Outgoing, ...]


class Kept(BaseModel):
    """A push in the inbox, with what its number meant when it came."""

    model_config = ConfigDict(frozen=True)

    push: Event
    text: str = ""
    choice: str | None = None
    came_by: str | None = None
    language: Language = "zh"


@dataclass(kw_only=True, eq=False)
class Work:
    """One message on its way. `behind`: photos of this person that came before it and that another process
    downloads."""

    event: Event
    message: Message
    behind: tuple[str, ...] = ()
    photo: "asyncio.Task[Path] | None" = None
    replies: "asyncio.Future[Said]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    already_said: "asyncio.Future[tuple[str, ...]]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    """What the person has read about it before its real replies were known."""

    def say(self, outgoing: Sequence[Outgoing]) -> None:
        if not self.already_said.done():
            self.already_said.set_result(tuple(o.text for o in outgoing))


class Incoming:
    """The intake's receiver. `photos`: how they are downloaded; `sender` sends what is not in the answer."""

    def __init__(
        self,
        *,
        store: Store,
        people: FollowerStore,
        sender: CustomerMessages,
        photos: Photos,
        foreground: ForegroundGate,
        folder: Path,
        timing: Timing,
        deadlines: Deadlines,
    ) -> None:
        self._store = store
        self._people = people
        self._sender = sender
        self._photos = photos
        self._timing = timing
        self._deadlines = deadlines
        self.foreground = foreground
        self.answerer: Answerer | None = None
        self._begun: WeakValueDictionary[str, Work] = WeakValueDictionary()
        self.intake = Intake[Work](
            store=store, channel=CHANNEL, receiver=self, folder=folder, timing=timing, in_lines=False
        )

    async def start(self, answerer: Answerer) -> None:
        self.answerer = answerer
        await self.intake.start(answerer)

    async def handled(self, event: Event) -> bool:
        """Whether the handlers have answered it before, in whatever process."""
        return await self._store.turn_of(event.key) is not None

    # --- a message

    def message(self, event: Event, meant: ForHandlers, language: Language = "zh") -> Message:
        photo = (IncomingPhoto(key=event.key, path=self._photos.path(event.key)),) if event.sort == "photo" else ()
        return Message(
            key=event.key,
            chat=chat_of(event),
            text=meant.text,
            choice=meant.choice,
            came_by=meant.came_by,
            photos=photo,
            language_hint=language,
            at=event.moment,
        )

    def begin(self, event: Event, message: Message, *, behind: Sequence[str] = ()) -> Work:
        if (begun := self._begun.get(event.key)) is not None:
            return begun  # taken up from the inbox, and promised in a file too
        here = {work.event.key for work in self.intake.line(event.openid)} | {event.key}
        elsewhere = tuple(key for key in behind if key not in here) if event.sort != "photo" else ()
        work = self._begun[event.key] = Work(event=event, message=message, behind=elsewhere)
        self._fetch(work)
        self.intake.begin(self._arrival(work))
        return work

    def _fetch(self, work: Work) -> None:
        """Several photos of one person arrive concurrently; only their handling waits in line."""
        if work.event.sort == "photo" and work.photo is None:
            work.photo = self.intake.soon(self._photos.fetch(work.event))
            work.photo.add_done_callback(lambda task: task.cancelled() or task.exception())

    def _arrival(self, work: Work) -> Arrival[Work]:
        return Arrival(key=work.event.key, line=work.event.openid, value=work)

    async def keep(self, work: Work) -> None:
        """Into the inbox, before anything is promised; a slow store is not waited for."""
        message = work.message
        kept = Kept(
            push=work.event,
            text=message.text,
            choice=message.choice,
            came_by=message.came_by,
            language=message.language_hint or "zh",
        )
        putting = self.intake.soon(self.intake.keep(self._arrival(work), kept.model_dump_json()))
        await asyncio.wait({putting}, timeout=self._deadlines.foresee)

    async def said(self, work: Work, *, patient: bool = False) -> Said | None:
        """The replies in time, or those foreseen, or None: then only a promise can be made. `patient`: one was made,
        and nobody waits for this answer."""
        fetching = any(w.photo is not None for w in self.intake.line(work.event.openid))
        if patient or not (fetching or work.behind):
            await asyncio.wait({work.replies}, timeout=None if patient else self._deadlines.work)
        # A photo's download takes its time: the photo, and text behind it, are answered with what is foreseen.
        said: Said | None = None
        try:
            if work.replies.done() and not work.replies.cancelled():
                said = work.replies.result()
            else:
                _, said = await asyncio.gather(self.keep(work), self._foreseen(work, patience=self._deadlines.foresee))
        finally:
            work.say(said or ())
        return said

    async def _foreseen(self, work: Work, *, patience: float) -> Said | None:
        line = self.intake.line(work.event.openid)
        if self.answerer is None or work not in line:
            return work.replies.result() if work.replies.done() and not work.replies.cancelled() else None
        before = (w.message for w in line[: line.index(work)])
        messages = [*(self._photo_message(work, key) for key in work.behind), *before, work.message]
        try:
            async with asyncio.timeout(patience):
                return await self.answerer.foresee(messages) or None
        except TimeoutError:
            return None
        except Exception as error:
            log.warning("an answer could not be foreseen: %s", type(error).__name__)
            return None

    def _photo_message(self, work: Work, key: str) -> Message:
        photo = IncomingPhoto(key=key, path=self._photos.path(key))
        return Message(key=key, chat=work.message.chat, photos=(photo,), language_hint=work.message.language_hint)

    # --- the intake's receiver

    async def read(self, key: str, payload: str) -> Arrival[Work]:
        kept = Kept.model_validate_json(payload)
        meant = ForHandlers(text=kept.text, choice=kept.choice, came_by=kept.came_by)
        work = self._begun[key] = Work(event=kept.push, message=self.message(kept.push, meant, kept.language))
        self._fetch(work)
        return self._arrival(work)

    async def handle(self, arrivals: tuple[Arrival[Work], ...]) -> Awaitable[Outcome]:
        (arrival,) = arrivals
        work = arrival.value
        if arrival.taken_up:
            # It was answered with what could be foreseen then, from the same session.
            work.say(await self._foreseen(work, patience=FORESEE_AGAIN_SECONDS) or ())
        try:
            replies = await self._replies(work)
        except asyncio.CancelledError:
            work.replies.cancel()
            raise
        if not work.replies.done():
            work.replies.set_result(replies.outgoing)
        return self._finish(work, replies)

    async def give_up(self, arrivals: tuple[Arrival[Work], ...]) -> None:
        for work in (arrival.value for arrival in arrivals):
            work.replies.cancel()
            self._photos.delete(work.event.key)
            await self.say_later(work.message.chat, internal_error(work.message))

    async def _replies(self, work: Work) -> Replies:
        if work.event.sort == "unfollow":
            # Nothing from before the forgetting is sent any more.
            await self._people.change(work.event.openid, lambda p: p.model_copy(update={"gone": True, "held": ()}))
        if work.photo is not None:
            try:
                await work.photo
            except PhotoLost:
                return Replies(outgoing=(_own(work, "wechat.photo_lost"),))
            # Its first answer is out; those of others come before looking at it.
            await self.foreground.wait()
        if work.behind:
            await self._until_arrived(work)
        return await self.intake.replies(work.message)

    async def _until_arrived(self, work: Work) -> None:
        try:
            while set(work.behind) & set((await self._people.read(work.event.openid)).awaits(self._people.clock())):
                await self._timing.sleep(ARRIVING_SECONDS)
        except Exception as error:  # the store is away: handling itself has patience
            log.warning("waiting for another process's photo failed: %s", type(error).__name__)

    async def _finish(self, work: Work, replies: Replies) -> Outcome:
        """Send what was not sent yet, and delete the photo."""
        if work.photo is not None:
            await self._people.change(work.event.openid, lambda person: person.arrived(work.event.key))
        if work.event.sort == "unfollow":
            await self._people.lose(work.event.openid)
        else:
            said = await work.already_said
            for outgoing in replies.outgoing:
                if outgoing.text not in said and not (said and _how_far(outgoing)):
                    await self.say_later(work.message.chat, outgoing)
        if work.photo is not None:
            self._photos.delete(work.event.key)
        return replies.outcome

    async def say_later(self, chat: Chat, outgoing: Outgoing) -> None:
        for pause in (*self._timing.retries, None):
            try:
                await self._sender.say(chat, outgoing)
                return
            except DeliveryError as error:
                if pause is None or error.code == "delivery_refused":
                    log.warning("an answer was not delivered: %s", error.code)
                    return
                await self._timing.sleep(pause)


def chat_of(event: Event) -> Chat:
    return Chat(channel=CHANNEL, chat=event.openid, person=event.openid)


def _how_far(outgoing: Outgoing) -> bool:
    """Whether it only says how far a job is: a second later the same with another number is worth no message."""
    return bool(outgoing.choices) and outgoing.job is None and not shown_choices(outgoing.choices)


def _own(work: Work, key: str) -> Outgoing:
    language = work.message.language_hint or "zh"
    return Outgoing(id=f"{work.event.key}:{key}", kind=Kind.TEXT, text=words(language, key), language=language)
