"""Handling what was pushed: photos fetched, handlers asked, one message of a person after another, nothing forgotten.

Work whose outcome was promised lies in the inbox first, so a process that dies keeps the promise at its next start.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from bot.channels.wechat.customer_messages import CustomerMessages, shown_choices
from bot.channels.wechat.events import Event
from bot.channels.wechat.follower_store import FollowerStore
from bot.channels.wechat.photos import PhotoLost, Photos
from handlers.channel import Answerer, DeliveryError
from handlers.foreground import ForegroundGate
from handlers.message import Chat, IncomingPhoto, Kind, Language, Message, Outgoing
from handlers.store.base import Store
from handlers.words import words

log = logging.getLogger(__name__)

CHANNEL = "wechat"
WORK_SECONDS = 0.45
"""How long an answer waits for the work before it says what is foreseen."""
FORESEE_SECONDS = 0.2
ARRIVING_SECONDS = 0.25
"""How often it is looked whether a photo that another process fetches has arrived."""
RETRIES = (0.5, 2.0, 8.0)
"""Seconds before a message is handled again after a fault of ours (the database away for a moment)."""


class Promised(BaseModel):
    """A push in the inbox, with what its number meant when it came."""

    model_config = ConfigDict(frozen=True)

    push: Event
    text: str = ""
    choice: str | None = None
    language: Language = "zh"


@dataclass(kw_only=True)
class Work:
    """One message being handled. `told`: what the person has read about it already."""

    push: Event
    message: Message
    task: "asyncio.Task[tuple[Outgoing, ...]]" = field(init=False)
    photo: "asyncio.Task[object] | None" = None
    told: "asyncio.Future[tuple[str, ...]]" = field(init=False)
    kept: bool = False
    """Whether it is in the inbox."""
    behind: tuple[str, ...] = ()
    """Photos of this person that came before it and are being fetched by another process."""


class Handling:
    """`retries`, `sleep`: the pauses between attempts."""

    def __init__(
        self,
        *,
        store: Store,
        people: FollowerStore,
        sender: CustomerMessages,
        photos: Photos,
        calm: ForegroundGate,
        retries: Sequence[float] = RETRIES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._people = people
        self._sender = sender
        self._photos = photos
        self._retries = tuple(retries)
        self._sleep = sleep
        self.calm = calm
        self._answerer: Answerer | None = None
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pending: defaultdict[str, list[Work]] = defaultdict(list)
        self.tasks: set[asyncio.Task[object]] = set()

    # --- life

    async def start(self, answerer: Answerer) -> None:
        """Take pushes from now on, beginning with those a former process promised to handle."""
        self._answerer = answerer
        for key, payload in await self._store.inbox(CHANNEL):
            try:
                promised = Promised.model_validate_json(payload)
            except ValueError:
                log.error("a push in the inbox cannot be read and is set aside")
                await self._store.done_inbox(CHANNEL, key)
                continue
            push = promised.push
            work = self.begin(
                push, self.for_handlers(push, promised.text, promised.choice, promised.language), kept=True
            )
            self.spawn(self.unfollowed(work) if push.sort == "unfollow" else self._foretold(work))

    async def _foretold(self, work: Work) -> None:
        """It was answered by what could be foreseen then, and that came from the same session."""
        foreseen = await self._foreseen(work, patience=5.0)
        work.told.set_result(tuple(o.text for o in foreseen or ()))

    def stop(self) -> None:
        """Begin nothing more; what has begun may finish."""
        self._answerer = None

    @property
    def running(self) -> bool:
        return self._answerer is not None

    def spawn(self, work: Awaitable[object]) -> None:
        task: asyncio.Task[object] = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def handled(self, push: Event) -> bool:
        """Whether the handlers have answered it before, to whatever process it came."""
        return await self._store.turn_of(push.key) is not None

    # --- one message of a person after another

    def for_handlers(self, push: Event, text: str, choice: str | None, language: Language = "zh") -> Message:
        photo = (IncomingPhoto(key=push.key, path=self._photos.path(push.key)),) if push.sort == "photo" else ()
        return Message(
            key=push.key,
            chat=chat_of(push),
            text="" if choice else text,
            choice=choice,
            photos=photo,
            language_hint=language,
        )

    def begin(self, push: Event, message: Message, *, kept: bool = False, behind: Sequence[str] = ()) -> Work:
        here = {work.push.key for work in self._pending.get(push.openid, ())} | {push.key}
        elsewhere = tuple(key for key in behind if key not in here) if push.sort != "photo" else ()
        work = Work(push=push, message=message, kept=kept, behind=elsewhere)
        work.told = asyncio.get_running_loop().create_future()
        if push.sort == "photo":
            # Several photos of one person come side by side; only their handling waits in line.
            work.photo = asyncio.ensure_future(self._photos.fetch(push))
            work.photo.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._pending[push.openid].append(work)
        work.task = asyncio.create_task(self._handled(work))
        self.spawn(self._finish(work))
        return work

    async def _handled(self, work: Work) -> tuple[Outgoing, ...]:
        openid = work.push.openid
        try:
            async with self._lines[openid]:
                if work.photo is not None:
                    try:
                        await work.photo
                    except PhotoLost:
                        return (_own(work, "wechat.photo_lost"),)
                    # Its first answer is out; those of others go before looking at it.
                    await self.calm.wait()
                if work.behind:
                    await self._until_arrived(work)
                return await self._with_patience(work)
        finally:
            self._pending[openid].remove(work)
            if not self._pending[openid]:
                del self._pending[openid]
                self._lines.pop(openid, None)

    async def _until_arrived(self, work: Work) -> None:
        try:
            while set(work.behind) & set((await self._people.read(work.push.openid)).awaits(self._people.clock())):
                await self._sleep(ARRIVING_SECONDS)
        except Exception as error:  # the store is away: handling itself has patience
            log.warning("a photo of another process was not waited for: %s", type(error).__name__)

    async def _with_patience(self, work: Work) -> tuple[Outgoing, ...]:
        for pause in (*self._retries, None):
            if self._answerer is None:
                raise asyncio.CancelledError
            try:
                return await self._answerer.handle(work.message)
            except Exception as error:  # not the person's doing, whatever it is
                log.error("handling a WeChat message failed: %s", type(error).__name__)
                if pause is not None:
                    await self._sleep(pause)
        return (_own(work, "error.internal"),)

    async def replies(self, work: Work) -> tuple[Outgoing, ...] | None:
        """The replies in time, or those foreseen, or None: then only a promise can be made."""
        waiting = [w for w in self._pending.get(work.push.openid, ()) if w.photo is not None]
        if not waiting and not work.behind:
            await asyncio.wait({work.task}, timeout=WORK_SECONDS)
        # A photo's download takes what it takes: it, and words behind it, are answered by what is foreseen.
        replies: tuple[Outgoing, ...] | None
        if work.task.done() and not work.task.cancelled():
            replies = work.task.result()
        else:
            _, replies = await asyncio.gather(self.keep(work), self._foreseen(work, patience=FORESEE_SECONDS))
        work.told.set_result(tuple(o.text for o in replies or ()))
        return replies

    async def keep(self, work: Work) -> None:
        """Into the inbox, before anything is promised."""
        if work.kept:
            return
        work.kept = True
        message = work.message
        language = message.language_hint or "zh"
        promised = Promised(push=work.push, text=message.text, choice=message.choice, language=language)
        putting = asyncio.ensure_future(self._store.put_inbox(CHANNEL, work.push.key, promised.model_dump_json()))
        self.spawn(putting)
        await asyncio.wait({putting}, timeout=FORESEE_SECONDS)

    async def _foreseen(self, work: Work, *, patience: float) -> tuple[Outgoing, ...] | None:
        if self._answerer is None:
            return None
        before = self._pending.get(work.push.openid, [])
        messages = [*(w.message for w in before[: before.index(work)]), work.message] if work in before else []
        messages = [*(self._photo_message(work, key) for key in work.behind), *messages]
        if work not in before:
            return work.task.result() if work.task.done() and not work.task.cancelled() else None
        try:
            async with asyncio.timeout(patience):
                return await self._answerer.foresee(messages) or None
        except TimeoutError:
            return None
        except Exception as error:
            log.warning("an answer could not be foreseen: %s", type(error).__name__)
            return None

    def _photo_message(self, work: Work, key: str) -> Message:
        photo = IncomingPhoto(key=key, path=self._photos.path(key))
        return Message(key=key, chat=work.message.chat, photos=(photo,), language_hint=work.message.language_hint)

    async def _finish(self, work: Work) -> None:
        try:
            await self._finished(work)
        except Exception as error:  # the store is away: what was promised stays in the inbox, for the next start
            log.error("a WeChat message could not be finished: %s", type(error).__name__)

    async def _finished(self, work: Work) -> None:
        """When it is handled: say what was not said yet, and let go of the inbox row and the photo."""
        replies = await work.task
        if work.photo is not None:
            await self._people.change(work.push.openid, lambda person: person.arrived(work.push.key))
        told = await work.told
        for outgoing in replies:
            if outgoing.text not in told and not (told and _how_far(outgoing)):
                await self.say_later(work.message.chat, outgoing)
        if work.kept:
            await self._store.done_inbox(CHANNEL, work.push.key)
        if work.photo is not None:
            self._photos.delete(work.push.key)

    async def say_later(self, chat: Chat, outgoing: Outgoing) -> None:
        for pause in (*self._retries, None):
            try:
                await self._sender.say(chat, outgoing)
                return
            except DeliveryError as error:
                if pause is None or error.code == "delivery_refused":
                    log.warning("an answer was not delivered: %s", error.code)
                    return
                await self._sleep(pause)

    # --- the end of following

    async def unfollowed(self, work: Work) -> None:
        """Nothing is sent any more, from before the forgetting on."""
        await self._people.change(work.push.openid, lambda p: p.model_copy(update={"gone": True, "held": ()}))
        replies = await work.task
        work.told.set_result(tuple(o.text for o in replies))
        await self._people.lose(work.push.openid)

    async def forget(self, openid: str) -> None:
        await self._people.forget(openid)


def chat_of(push: Event) -> Chat:
    return Chat(channel=CHANNEL, chat=push.openid, person=push.openid)


def _how_far(outgoing: Outgoing) -> bool:
    """Whether it only says how far a job is: a second later the same with another number is worth no message."""
    return bool(outgoing.choices) and outgoing.job is None and not shown_choices(outgoing.choices)


def _own(work: Work, key: str) -> Outgoing:
    language = work.message.language_hint or "zh"
    return Outgoing(id=f"{work.push.key}:{key}", kind=Kind.TEXT, text=words(language, key), language=language)
