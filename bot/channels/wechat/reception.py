"""One answer to every push within a second, at any depth of work.

push ─▶ seen before? the same answer
     ─▶ budget opened ─▶ handling begins: photo fetched, handlers, one after another for each person
     ─▶ done in time: its replies · else: what the handlers foresee, or a promise; the rest follows as messages
     ─▶ with what waited for this person to write
"""

import asyncio
from collections import OrderedDict

from bot.channels.wechat.composing import Composer, Said
from bot.channels.wechat.handling import CHANNEL, Answerer, Handling
from bot.channels.wechat.ledger import People, Person
from bot.channels.wechat.pages import Pages
from bot.channels.wechat.pushes import Push
from bot.channels.wechat.replies import SILENCE, Answer
from bot.channels.wechat.rights import AccountRights
from bot.channels.wechat.sending import Sender
from bot.metrics import Metrics
from handlers.answers import number_in
from handlers.message import Language, Message
from handlers.words import words
from providers.catalog import ACTIONS, STYLES

FLUSH_SECONDS = 0.35
KEPT_ANSWERS = 20_000


class Reception:
    def __init__(
        self,
        *,
        people: People,
        rights: AccountRights,
        sender: Sender,
        pages: Pages,
        handling: Handling,
        composer: Composer,
        metrics: Metrics,
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

    # --- life

    async def start(self, answerer: Answerer) -> None:
        """Take pushes from now on, beginning with those a former process promised to handle."""
        await self._handling.start(answerer)

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
        with self._handling.calm.busy():
            return await self._answer_now(push)

    async def _answer_now(self, push: Push) -> Answer:
        if push.sort == "unfollow":
            work = self._handling.begin(push, self._handling.for_handlers(push, "/forget", None))
            await self._handling.keep(work)
            self._handling.spawn(self._handling.unfollowed(work))
            return SILENCE
        person = await self._people.opened(push.openid, push.action or "message", push.key)
        for answered in person.answered:
            if answered.key == push.key:
                return Answer.model_validate_json(answered.answer)
        self._metrics.message(CHANNEL)
        customer = (await self._rights.now()).customer
        flushing = None
        if customer and any(h.page for h in person.held):
            flushing = asyncio.ensure_future(self._sender.flush(push.openid))
            self._handling.spawn(flushing)
        said = await self._said(push, person, customer)
        if flushing is not None:
            await asyncio.wait({flushing}, timeout=FLUSH_SECONDS)
        return await self._composer.composed(push, person, said, customer=customer)

    async def _said(self, push: Push, person: Person, customer: bool) -> Said:
        """What the push itself is answered."""
        if push.sort in ("unsupported", "voice"):
            key = "wechat.voice" if push.sort == "voice" else "wechat.unsupported"
            return Said(answer=Answer(text=words(person.language, key)))
        if (shown := self._picture_asked(push, person)) is not None:
            return Said(answer=await self._one_picture(*shown, person.language), substantial=True)
        message = self._message(push, person)
        if message is None:
            return Said(answer=SILENCE)
        replies = await self._handling.replies(self._handling.begin(push, message))
        if replies is None:
            return self._composer.promised(person.language, customer=customer)
        return self._composer.printed(push, replies, customer=customer)

    # --- what it means for the handlers

    def _message(self, push: Push, person: Person) -> Message | None:
        text, choice = push.text, None
        if push.sort in ("tap", "follow", "scan"):
            text, choice = _tapped(push)
        elif (n := number_in(text, len(person.offered))) is not None:
            text, choice = _meaning(person.offered[n - 1])
        if not (text or choice or push.sort == "photo"):
            return None
        return self._handling.for_handlers(push, text, choice, person.language)

    def _picture_asked(self, push: Push, person: Person) -> tuple[str, int] | None:
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
