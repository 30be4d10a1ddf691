"""One answer to every push within a second, at any depth of work.

push ─▶ seen before? the same answer
     ─▶ budget opened ─▶ handling begins: photo fetched, handlers, one after another for each person
     ─▶ done in time: its replies · else: what the handlers foresee, or a promise; the rest follows as messages
     ─▶ with what waited for this person to write
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable
from pathlib import Path

from bot.channels.wechat.account_rights import AccountRights
from bot.channels.wechat.crypto import Malformed
from bot.channels.wechat.customer_messages import CustomerMessages
from bot.channels.wechat.deferred_replies import DeferredReplies
from bot.channels.wechat.events import Event
from bot.channels.wechat.follower import Follower
from bot.channels.wechat.follower_store import FollowerStore, Record
from bot.channels.wechat.handling import CHANNEL, Handling
from bot.channels.wechat.replies import SILENCE, Answer
from bot.channels.wechat.reply_builder import Composer, Said
from bot.channels.wechat.result_pages.pages import Pages
from bot.metrics import Metrics
from handlers.channel import Answerer
from handlers.dialogue.answer_matching import number_in
from handlers.dialogue.turn import language_of
from handlers.message import Language, Message
from handlers.session import Session
from handlers.words import words
from intent import parse
from providers.catalog import ACTIONS, STYLES

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.75
"""Then something is answered, whatever is not ready: the platform, and the person, are to wait less than a second."""
FLUSH_SECONDS = 0.35
KEPT_ANSWERS = 20_000
REPEAT_SECONDS = 3.0
"""The platform repeats a push after five seconds: a younger one is none of its repeats."""
OVERHEARD = "a signature that carried another push"


class PassiveReply:
    def __init__(
        self,
        *,
        people: FollowerStore,
        rights: AccountRights,
        sender: CustomerMessages,
        pages: Pages,
        handling: Handling,
        composer: Composer,
        metrics: Metrics,
        folder: Path,
    ) -> None:
        self._people = people
        self._rights = rights
        self._sender = sender
        self._pages = pages
        self._handling = handling
        self._composer = composer
        self._metrics = metrics
        self._going: dict[str, asyncio.Task[Answer]] = {}
        self._given: OrderedDict[str, Answer] = OrderedDict()
        self._languages: OrderedDict[str, Language] = OrderedDict()
        self._promises = DeferredReplies(
            folder=folder, handling=handling, people=people, sender=sender, answering=self._answer
        )

    # --- life

    async def start(self, answerer: Answerer) -> None:
        """Take pushes from now on, beginning with those a former process promised to handle."""
        await self._handling.start(answerer)
        self._promises.take_up()

    async def aclose(self, patience: float) -> None:
        """Take no more; finish within `patience` seconds what has begun. The rest is in the inbox."""
        self._handling.stop()
        tasks = {*self._handling.tasks, *self._going.values()}
        late = (await asyncio.wait(tasks, timeout=patience))[1] if tasks else set()
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    @property
    def running(self) -> bool:
        return self._handling.running

    async def idle(self) -> None:
        """Until everything taken so far is finished."""
        while self._handling.tasks or self._going:
            await asyncio.wait({*self._handling.tasks, *self._going.values()})

    def reached_at(self, base: str) -> None:
        """The address the platform calls, for links; written down beside the answer, not before it."""
        if self._pages.moved(base):
            self._handling.spawn(self._pages.remember(base))

    # --- one push

    async def answer(self, push: Event, fresh: Awaitable[bool] | None = None) -> Answer:
        """The same for every try of the platform, also for two at once.

        `fresh`: whether its signature has not carried another push. Raises Malformed where it has.
        """
        if (given := self._given.get(push.key)) is not None:
            return given
        task = self._going.get(push.key)
        if task is None:
            task = self._going[push.key] = asyncio.create_task(self._answer(push, fresh))
            task.add_done_callback(lambda done: self._gave(push.key, done))
        try:
            return await self._in_time(task)
        except Malformed:
            raise
        except Exception as error:  # not in time, or not at all: the database is slow, or away
            log.warning("an answer is promised and follows: %s", type(error).__name__)
        if push.key not in self._given:
            language = self._language(push)
            said = self._composer.promised(language, customer=self._rights.known.customer).answer
            self._give(push.key, self._promises.promise(push, task, language=language, said=said))
        return self._given[push.key]

    def _language(self, push: Event) -> Language:
        """Where the person's record cannot be read in time: theirs as this process last heard it, or of these words."""
        known = self._languages.get(push.openid)
        return language_of(Session(language=known), push.text, parse(push.text).language, known or "zh")

    async def _in_time(self, task: "asyncio.Task[Answer]") -> Answer:
        """Raises what the task raises, and TimeoutError."""
        if not (await asyncio.wait({task}, timeout=ANSWER_SECONDS))[0]:
            raise TimeoutError
        return task.result()

    def _gave(self, key: str, task: "asyncio.Task[Answer]") -> None:
        self._going.pop(key, None)
        if not task.cancelled() and task.exception() is None:
            self._give(key, task.result())

    def _give(self, key: str, answer: Answer) -> None:
        """Once a promise is given, it stays the answer for every further try of the platform."""
        self._given.setdefault(key, answer)
        if len(self._given) > KEPT_ANSWERS:
            self._given.popitem(last=False)

    async def _answer(self, push: Event, fresh: Awaitable[bool] | None = None) -> Answer:
        if push.sort == "nothing":
            return SILENCE
        with self._handling.calm.busy():
            return await self._answer_now(push, fresh)

    async def _answer_now(self, push: Event, fresh: Awaitable[bool] | None) -> Answer:
        if push.sort == "unfollow":
            await _checked(fresh)
            work = self._handling.begin(push, self._handling.for_handlers(push, "/forget", None))
            await self._handling.keep(work)
            self._handling.spawn(self._handling.unfollowed(work))
            return SILENCE
        found = await self._people.record(push.openid)
        await _checked(fresh)
        repeated = await self._repeated(push, found.person)
        person, opening = self._opened(push, found, repeated=repeated)
        if (given := person.answer_to(push.key)) is not None:
            return Answer.model_validate_json(given)
        self._metrics.message(CHANNEL)
        customer = (await self._rights.now()).customer
        flushing = None
        if customer and not repeated and any(h.page for h in person.held):
            await opening
            flushing = asyncio.ensure_future(self._sender.flush(push.openid))
            self._handling.spawn(flushing)
        said = await self._said(push, person, customer)
        if said.language is not None:
            self._hear(push.openid, said.language)
        results = not customer
        if flushing is not None:
            await asyncio.wait({flushing}, timeout=FLUSH_SECONDS)
            results = flushing.done()  # what could not be sent now (the day's quota, say) goes into the answer
        return await self._composer.composed(push, await opening, said, results=results, repeated=repeated)

    async def _repeated(self, push: Event, person: Follower) -> bool:
        """Whether it was answered before, perhaps by another process. Then it opens nothing and brings nothing that
        came since: nobody may be there any more to read this answer. Only asked where it matters."""
        now = self._people.clock()
        old = now.timestamp() - push.at >= REPEAT_SECONDS
        matters = person.held or person.opened(push.action or "message", push.key, now) != person
        return bool(old and matters and await self._handling.handled(push))

    def _hear(self, openid: str, language: Language) -> None:
        self._languages[openid] = language
        self._languages.move_to_end(openid)
        if len(self._languages) > KEPT_ANSWERS:
            self._languages.popitem(last=False)

    def _opened(self, push: Event, found: Record, *, repeated: bool) -> "tuple[Follower, asyncio.Future[Record]]":
        """What the push opens; it is written down beside the work, and awaited before the answer."""
        action = push.action or "message"
        photo = push.sort == "photo"
        person = found.person
        if not repeated:
            person = person.opened(action, push.key, self._people.clock(), photo=photo)
        opening: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        if person == found.person:
            opening.set_result(found)
        else:
            opening = asyncio.ensure_future(
                self._people.opened(push.openid, action, push.key, photo=photo, known=found)
            )
            self._handling.spawn(opening)
        return person, opening

    async def _said(self, push: Event, person: Follower, customer: bool) -> Said:
        """What the push itself is answered."""
        if push.sort in ("unsupported", "voice"):
            key = "wechat.voice" if push.sort == "voice" else "wechat.unsupported"
            return Said(answer=Answer(text=words(person.language, key)))
        if (shown := self._picture_asked(push, person)) is not None:
            return Said(answer=await self._one_picture(*shown, person.language), substantial=True)
        message = self._message(push, person)
        if message is None and push.sort == "text":  # nothing in it, as of some stickers
            return Said(answer=Answer(text=words(person.language, "wechat.unsupported")))
        if message is None:
            return Said(answer=SILENCE)
        work = self._handling.begin(push, message, behind=person.awaits(self._people.clock()))
        replies = await self._handling.replies(work)
        if replies is None:
            return self._composer.promised(person.language, customer=customer)
        return self._composer.printed(push, replies, customer=customer)

    # --- what it means for the handlers

    def _message(self, push: Event, person: Follower) -> Message | None:
        text, choice = push.text, None
        if push.sort in ("tap", "follow", "scan"):
            text, choice = _tapped(push)
        elif (n := number_in(text, len(person.offered))) is not None:
            text, choice = _meaning(person.offered[n - 1])
        if not (text or choice or push.sort == "photo"):
            return None
        return self._handling.for_handlers(push, text, choice, person.language)

    def _picture_asked(self, push: Event, person: Follower) -> tuple[str, int] | None:
        """The picture of a collage that a number asks for: its page and number."""
        n = number_in(push.text, len(person.offered)) if push.sort == "text" else None
        offered = person.offered[n - 1] if n is not None else push.tapped
        if not offered.startswith("show:"):
            return None
        _, page_id, number = offered.split(":", 2)
        return page_id, int(number)

    async def _one_picture(self, page_id: str, number: int, language: Language) -> Answer:
        page = await self._pages.get(page_id)
        if page is None or not 1 <= number <= len(page.pictures):
            return Answer(text=words(language, "wechat.expired"))
        return await self._composer.as_picture(page_id, page, str(number))


async def _checked(fresh: Awaitable[bool] | None) -> None:
    """Before anything is changed."""
    if fresh is not None and not await fresh:
        raise Malformed(OVERHEARD)


def _meaning(offered: str) -> tuple[str, str | None]:
    """What was offered as words or as a choice."""
    return (offered.removeprefix("say:"), None) if offered.startswith("say:") else ("", offered)


def _tapped(push: Event) -> tuple[str, str | None]:
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
