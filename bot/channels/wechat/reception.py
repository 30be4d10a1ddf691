"""One answer to every push within a second, at any depth of work.

    push ─▶ seen before? the same answer
         ─▶ budget opened ─▶ work begins: photo fetched, handlers, one after another for each person
         ─▶ done in time: its replies · else: what the handlers foresee, or a promise; the rest follows as messages
         ─▶ with what waited for this person to write

What is promised is in the inbox before it is promised, so a process that dies keeps the promise at its next start.
"""

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from bot.channels.wechat.ledger import Answered, Held, People, Person
from bot.channels.wechat.media import ALL, MediaShelf
from bot.channels.wechat.pages import Page, Pages
from bot.channels.wechat.photos import PhotoLost, Photos
from bot.channels.wechat.pushes import Push
from bot.channels.wechat.replies import SILENCE, Answer, fitting, numbered
from bot.channels.wechat.rights import AccountRights
from bot.channels.wechat.sending import Sender, card_title, shown_choices, shows
from bot.metrics import Metrics
from handlers.answers import number_in
from handlers.channel import DeliveryError
from handlers.message import Chat, IncomingPhoto, Kind, Message, Outgoing
from handlers.store import Store
from handlers.words import words
from providers.catalog import ACTIONS, STYLES
from providers.errors import LikenessError

log = logging.getLogger(__name__)

CHANNEL = "wechat"
WORK_SECONDS = 0.55
"""How long an answer waits for the work before it says what is foreseen."""
FORESEE_SECONDS = 0.2
CALM_SECONDS = 0.25
FLUSH_SECONDS = 0.35
UPLOAD_SECONDS = 0.4
RETRIES = (0.5, 2.0, 8.0)
"""Seconds before a message is handled again after a fault of ours (the database away for a moment)."""
KEPT_ANSWERS = 20_000
SAME_LIST_SECONDS = 30.0
ASK_AGAIN = "say:进度"
"""What "1" means on an account that cannot speak first: how far is it?"""


class Promised(BaseModel):
    """A push in the inbox, with what its number meant when it came."""

    model_config = ConfigDict(frozen=True)

    push: Push
    text: str = ""
    choice: str | None = None


class Answerer(Protocol):
    """Who decides what a message leads to: `handlers.conversation.Conversation`. Idempotent for `message.key`."""

    async def handle(self, message: Message) -> tuple[Outgoing, ...]: ...
    async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]: ...


@dataclass(kw_only=True)
class Work:
    """One message being handled. `told`: what the person has read about it already."""

    push: Push
    message: Message
    task: "asyncio.Task[tuple[Outgoing, ...]]" = field(init=False)
    photo: "asyncio.Task[object] | None" = None
    told: "asyncio.Future[tuple[str, ...]]" = field(init=False)
    kept: bool = False
    """Whether it is in the inbox."""


class Calm:
    """Photos are fetched and worked on when nobody waits for a first answer, or a little later all the same."""

    def __init__(self) -> None:
        self._answers = 0
        self._free = asyncio.Event()
        self._free.set()

    @contextmanager
    def busy(self) -> Iterator[None]:
        self._answers += 1
        self._free.clear()
        try:
            yield
        finally:
            self._answers -= 1
            if not self._answers:
                self._free.set()

    async def wait(self, seconds: float) -> None:
        if self._free.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._free.wait()


class Reception:
    def __init__(
        self,
        *,
        store: Store,
        people: People,
        rights: AccountRights,
        sender: Sender,
        photos: Photos,
        media: MediaShelf,
        pages: Pages,
        metrics: Metrics,
        retries: Sequence[float] = RETRIES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._people = people
        self._rights = rights
        self._sender = sender
        self._photos = photos
        self._media = media
        self._pages = pages
        self._metrics = metrics
        self._retries = tuple(retries)
        self._sleep = sleep
        self._calm = Calm()
        self._answerer: Answerer | None = None
        self._going: dict[str, asyncio.Task[Answer]] = {}
        self._given: OrderedDict[str, Answer] = OrderedDict()
        self._lists: OrderedDict[str, tuple[tuple[str, ...], float]] = OrderedDict()
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pending: defaultdict[str, list[Work]] = defaultdict(list)
        self._tasks: set[asyncio.Task[object]] = set()

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
            work = self._begin(push, self._for_handlers(push, promised.text, promised.choice), kept=True)
            self._spawn(self._unfollowed(work) if push.sort == "unfollow" else self._foretold(work))

    async def _foretold(self, work: Work) -> None:
        """It was answered by what could be foreseen then, and that came from the same table."""
        foreseen = await self._foreseen(work, patience=5.0)
        work.told.set_result(tuple(o.text for o in foreseen or ()))

    async def aclose(self, patience: float) -> None:
        """Take no more; finish within `patience` seconds what has begun. The rest is in the inbox."""
        self._answerer = None
        tasks = {*self._tasks, *self._going.values()}
        late = (await asyncio.wait(tasks, timeout=patience))[1] if tasks else set()
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    @property
    def running(self) -> bool:
        return self._answerer is not None

    def _spawn(self, work: Awaitable[object]) -> None:
        task: asyncio.Task[object] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Until everything taken so far is finished."""
        while self._tasks or self._going:
            await asyncio.wait({*self._tasks, *self._going.values()})

    # --- one push

    async def answer(self, push: Push) -> Answer:
        """The same for every try of the platform, also for two at once."""
        if (given := self._given.get(push.key)) is not None:
            return given
        task = self._going.get(push.key)
        if task is None:
            task = self._going[push.key] = asyncio.create_task(self._answer(push))
            task.add_done_callback(lambda done: self._gave(push.key, done))
        return await asyncio.shield(task)

    def _gave(self, key: str, task: "asyncio.Task[Answer]") -> None:
        self._going.pop(key, None)
        if not task.cancelled() and task.exception() is None:
            self._given[key] = task.result()
            if len(self._given) > KEPT_ANSWERS:
                self._given.popitem(last=False)

    async def _answer(self, push: Push) -> Answer:
        if push.sort == "nothing":
            return SILENCE
        with self._calm.busy():
            return await self._answer_now(push)

    async def _answer_now(self, push: Push) -> Answer:
        if push.sort == "unfollow":
            work = self._begin(push, self._for_handlers(push, "/forget", None))
            await self._keep(work)
            self._spawn(self._unfollowed(work))
            return SILENCE
        person = await self._people.opened(push.openid, push.action or "message", push.key)
        for answered in person.answered:
            if answered.key == push.key:
                return Answer.model_validate_json(answered.answer)
        self._metrics.message(CHANNEL)
        customer = (await self._rights.now()).customer
        flushing = None
        if customer and any(h.page and not h.tried for h in person.held):
            flushing = asyncio.ensure_future(self._sender.flush(push.openid))
            self._spawn(flushing)
        answer, offered, told = await self._said(push, person, customer)
        if flushing is not None:
            await asyncio.wait({flushing}, timeout=FLUSH_SECONDS)
        return await self._composed(push, person, answer, offered, customer, substantial=told)

    async def _said(self, push: Push, person: Person, customer: bool) -> tuple[Answer, tuple[str, ...] | None, bool]:
        """What the push itself is answered; what its numbers mean; whether it is more than small talk."""
        if push.sort in ("unsupported", "voice"):
            key = "wechat.voice" if push.sort == "voice" else "wechat.unsupported"
            return Answer(text=words("zh", key)), None, False
        if (shown := self._picture_asked(push, person)) is not None:
            return await self._one_picture(*shown), None, True
        message = self._message(push, person)
        if message is None:
            return SILENCE, None, False
        replies = await self._replies(self._begin(push, message))
        if replies is None:
            return Answer(text=words("zh", "wechat.promise")), (), True
        return self._printed(push, replies, customer)

    # --- what it means for the handlers

    def _message(self, push: Push, person: Person) -> Message | None:
        text, choice = push.text, None
        if push.sort in ("tap", "follow", "scan"):
            text, choice = _tapped(push)
        elif (n := number_in(text, len(person.offered))) is not None:
            text, choice = _meaning(person.offered[n - 1])
        if not (text or choice or push.sort == "photo"):
            return None
        return self._for_handlers(push, text, choice)

    def _for_handlers(self, push: Push, text: str, choice: str | None) -> Message:
        photo = (IncomingPhoto(key=push.key, path=self._photos.path(push.key)),) if push.sort == "photo" else ()
        return Message(
            key=push.key, chat=_chat(push), text="" if choice else text, choice=choice, photos=photo,
            language_hint="zh",
        )  # fmt: skip

    def _picture_asked(self, push: Push, person: Person) -> tuple[str, int] | None:
        """The picture of a collage that a number asks for: its page and number."""
        n = number_in(push.text, len(person.offered)) if push.sort == "text" else None
        offered = person.offered[n - 1] if n is not None else push.tapped
        if not offered.startswith("show:"):
            return None
        _, page_id, number = offered.split(":", 2)
        return page_id, int(number)

    async def _one_picture(self, page_id: str, number: int) -> Answer:
        page = await self._pages.get(page_id)
        if page is None or not 1 <= number <= len(page.pictures):
            return Answer(text=words("zh", "wechat.expired"))
        return await self._as_picture(page_id, page, str(number))

    # --- handling, one message of a person after another

    def _begin(self, push: Push, message: Message, *, kept: bool = False) -> Work:
        work = Work(push=push, message=message, kept=kept)
        work.told = asyncio.get_running_loop().create_future()
        if push.sort == "photo":
            # Several photos of one person come side by side; only their handling waits in line.
            work.photo = asyncio.ensure_future(self._fetched(push))
            work.photo.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._pending[push.openid].append(work)
        work.task = asyncio.create_task(self._handled(work))
        self._spawn(self._finish(work))
        return work

    async def _fetched(self, push: Push) -> object:
        await self._calm.wait(CALM_SECONDS)
        return await self._photos.fetch(push)

    async def _handled(self, work: Work) -> tuple[Outgoing, ...]:
        openid = work.push.openid
        try:
            async with self._lines[openid]:
                if work.photo is not None:
                    try:
                        await work.photo
                    except PhotoLost:
                        return (_own(work, "wechat.photo_lost"),)
                return await self._with_patience(work)
        finally:
            self._pending[openid].remove(work)
            if not self._pending[openid]:
                del self._pending[openid]
                self._lines.pop(openid, None)

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

    async def _replies(self, work: Work) -> tuple[Outgoing, ...] | None:
        """The replies in time, or those foreseen, or None: then only a promise can be made."""
        # A photo is answered at once; its download takes what it takes.
        if work.photo is None:
            await asyncio.wait({work.task}, timeout=WORK_SECONDS)
        else:
            await self._keep(work)
        replies: tuple[Outgoing, ...] | None
        if work.task.done() and not work.task.cancelled():
            replies = work.task.result()
        else:
            await self._keep(work)
            replies = await self._foreseen(work, patience=FORESEE_SECONDS)
        work.told.set_result(tuple(o.text for o in replies or ()))
        return replies

    async def _keep(self, work: Work) -> None:
        """Into the inbox, before anything is promised."""
        if work.kept:
            return
        work.kept = True
        promised = Promised(push=work.push, text=work.message.text, choice=work.message.choice)
        putting = asyncio.ensure_future(self._store.put_inbox(CHANNEL, work.push.key, promised.model_dump_json()))
        self._spawn(putting)
        await asyncio.wait({putting}, timeout=FORESEE_SECONDS)

    async def _foreseen(self, work: Work, *, patience: float) -> tuple[Outgoing, ...] | None:
        if self._answerer is None:
            return None
        before = self._pending.get(work.push.openid, [])
        messages = [*(w.message for w in before[: before.index(work)]), work.message] if work in before else []
        if not messages:
            return work.task.result() if work.task.done() and not work.task.cancelled() else None
        try:
            async with asyncio.timeout(patience):
                return await self._answerer.foresee(messages) or None
        except TimeoutError:
            return None
        except Exception as error:
            log.warning("an answer could not be foreseen: %s", type(error).__name__)
            return None

    async def _finish(self, work: Work) -> None:
        try:
            await self._finished(work)
        except Exception as error:  # the store is away: what was promised stays in the inbox, for the next start
            log.error("a WeChat message could not be finished: %s", type(error).__name__)

    async def _finished(self, work: Work) -> None:
        """When it is handled: say what was not said yet, and let go of the inbox row and the photo."""
        replies = await work.task
        told = await work.told
        for outgoing in replies:
            if outgoing.text not in told:
                await self._say_later(work.message.chat, outgoing)
        if any(o.id == f"{work.push.key}:forgotten" for o in replies):
            await self._forget(work.push.openid, gone=False)
        if work.kept:
            await self._store.done_inbox(CHANNEL, work.push.key)
        if work.photo is not None:
            self._photos.delete(work.push.key)

    async def _say_later(self, chat: Chat, outgoing: Outgoing) -> None:
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

    async def _unfollowed(self, work: Work) -> None:
        """Nothing is sent any more, from before the forgetting on."""
        await self._people.change(work.push.openid, lambda p: p.model_copy(update={"gone": True, "held": ()}))
        replies = await work.task
        work.told.set_result(tuple(o.text for o in replies))
        await self._forget(work.push.openid, gone=True)

    async def _forget(self, openid: str, *, gone: bool) -> None:
        await self._pages.forget(openid)
        await self._people.forget(openid, gone=gone)

    # --- the passive reply

    def _printed(self, push: Push, replies: Sequence[Outgoing], customer: bool) -> tuple[Answer, tuple[str, ...], bool]:
        """The replies as one text with numbers."""
        texts: list[str] = []
        offered: tuple[str, ...] = ()
        language = replies[0].language if replies else "zh"
        if push.sort == "follow":
            texts.append(words(language, "say.hello"))
        for outgoing in replies:
            choices = shown_choices(outgoing.choices)
            if choices:
                offered = tuple(c.id for c in choices)
                texts.append(self._listed(push, outgoing, offered))
            else:
                texts.append(outgoing.text)
        waits = any(o.job or (o.choices and not shown_choices(o.choices)) for o in replies)
        if offered:
            texts.append(words(language, "wechat.reply_number"))
        elif waits and not customer:
            texts.append(words(language, "wechat.ask_again"))
            offered = (ASK_AGAIN,)
        substantial = push.sort == "photo" or bool(offered and offered != (ASK_AGAIN,)) or any(o.job for o in replies)
        return Answer(text="\n".join(t for t in texts if t)), offered, substantial

    def _listed(self, push: Push, outgoing: Outgoing, offered: tuple[str, ...]) -> str:
        """With its list; for photos sent in a row the list is printed once."""
        now = self._people.clock().timestamp()
        known, at = self._lists.get(push.openid, ((), 0.0))
        self._lists[push.openid] = (offered, now)
        self._lists.move_to_end(push.openid)
        if len(self._lists) > KEPT_ANSWERS:
            self._lists.popitem(last=False)
        if push.sort == "photo" and known == offered and now - at < SAME_LIST_SECONDS:
            return outgoing.text
        return numbered(outgoing.text, shown_choices(outgoing.choices))

    async def _composed(
        self, push: Push, before: Person, answer: Answer, offered: tuple[str, ...] | None, customer: bool,
        *, substantial: bool,
    ) -> Answer:  # fmt: skip
        """The answer with what waited. What is taken from the record is committed together with the answer."""
        rest = ""
        if not before.held:
            if answer.text and not answer.url:
                head, rest = fitting(answer.text)
                answer = answer.model_copy(update={"text": head})
            await self._later(push, rest)
            if offered is not None and offered != before.offered:
                await self._people.offer(push.openid, offered)
            return answer
        person = await self._people.read(push.openid)
        taken = [h for h in person.held if not customer or not h.page or h.tried]
        answer, waiting, shown = await self._with_held(answer, taken, substantial=substantial)
        offered = shown or offered

        def handed(now: Person) -> Person:
            held = tuple(h for h in now.held if h not in taken)
            if waiting:
                held = (*held, Held(id=f"waiting:{push.key}", text=waiting))
            kept = (*now.answered, Answered(key=push.key, answer=answer.model_dump_json()))[-4:]
            means = now.offered if offered is None else offered
            return now.model_copy(update={"held": held, "answered": kept, "offered": means})

        await self._people.change(push.openid, handed)
        return answer

    async def _later(self, push: Push, rest: str) -> None:
        """What did not fit into the passive reply."""
        if rest:
            outgoing = Outgoing(id=f"{push.key}:rest", kind=Kind.TEXT, text=rest, language="zh")
            self._spawn(self._say_later(_chat(push), outgoing))

    async def _with_held(
        self, answer: Answer, taken: Sequence[Held], *, substantial: bool
    ) -> tuple[Answer, str, tuple[str, ...]]:
        """The answer that also carries what waited; words that must wait once more because it cannot hold them; and
        what numbers mean now, where a result is shown."""
        lines = [h.text for h in taken if h.text]
        results = [(h, page) for h in taken if h.page and (page := await self._pages.get(h.page)) is not None]
        if len(results) == 1 and not results[0][0].tried and not substantial and not answer.media_id:
            held, page = results[0]
            which = "1" if len(page.pictures) == 1 else ALL
            shown = await self._as_picture(held.page or "", page, which)
            return shown, "\n".join(lines), shows(held.page or "", page)
        for held, page in results:
            if link := await self._pages.link(held.page or ""):
                key = "wechat.maybe_sent" if held.tried else "wechat.ready"
                lines.append(words(page.language, key, n=len(page.pictures), url=link))
        if answer.media_id or answer.url:
            return answer, "\n".join(lines), ()
        head, rest = fitting("\n".join([*lines, answer.text]))
        return Answer(text=head), rest, ()

    async def _as_picture(self, page_id: str, page: Page, which: str) -> Answer:
        """A picture in the answer itself; where the upload is refused or too slow, a card that opens its page."""
        media_id = None
        try:
            uploading = asyncio.ensure_future(self._media.media_id(page_id, page, which))
            self._spawn(uploading)
            await asyncio.wait({uploading}, timeout=UPLOAD_SECONDS)
            media_id = uploading.result() if uploading.done() else None
        except LikenessError as error:
            log.warning("a picture could not be uploaded: %s", error)
        if media_id is not None:
            return Answer(media_id=media_id)
        link = await self._pages.link(page_id)
        if link is None:
            log.error("a result can be neither uploaded nor linked: set PUBLIC_URL")
            return Answer(text=words(page.language, "error.delivery_later"))
        return Answer(title=card_title(page), text=page.text, cover=f"{link}/cover.jpg", url=link)


def _chat(push: Push) -> Chat:
    return Chat(channel=CHANNEL, chat=push.openid, person=push.openid)


def _own(work: Work, key: str) -> Outgoing:
    return Outgoing(id=f"{work.push.key}:{key}", kind=Kind.TEXT, text=words("zh", key), language="zh")


def _meaning(offered: str) -> tuple[str, str | None]:
    """What was offered as words or as a choice."""
    return (offered.removeprefix("say:"), None) if offered.startswith("say:") else ("", offered)


def _tapped(push: Push) -> tuple[str, str | None]:
    """A menu key, a tapped item or a scanned parameter as words or as a choice.

    `say:words` are words; the key of a style or an edit means it; anything else that comes with a follow or a scan
    leads to the menu of styles.
    """
    tapped = push.tapped
    if tapped in STYLES:
        return "", f"style:{tapped}"
    if tapped in ACTIONS:
        return "", f"action:{tapped}"
    if push.sort == "tap" or tapped.startswith(("say:", "style:", "action:", "group:", "groups", "edits")):
        return _meaning(tapped)
    return "", "groups"
