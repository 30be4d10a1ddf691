"""One answer to every push within a second, at any depth of work: looks up what `passive_reply` needs.

push ─▶ seen before? the same answer
     ─▶ budget opened ─▶ the intake begins: photo downloaded, handlers, one after another for each person
     ─▶ done in time: its replies · else: what the handlers foresee, or a promise; the rest follows as messages
     ─▶ with what waited for this person to write
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from typing import Generic, TypeVar

from bot.channels.signed_posts import Malformed
from bot.channels.wechat import passive_reply
from bot.channels.wechat.account_rights import AccountRights
from bot.channels.wechat.deadlines import Deadlines
from bot.channels.wechat.events import Event
from bot.channels.wechat.incoming import CHANNEL, Incoming, chat_of
from bot.channels.wechat.passive_reply import Facts, ForHandlers, Reply, Result, Said, Sentence, ShowPicture
from bot.channels.wechat.promises import Promises
from bot.channels.wechat.replies import SILENCE, Answer
from bot.customer_messages.follower import Follower, Pending
from bot.customer_messages.follower_store import FollowerStore, Record
from bot.customer_messages.media import MediaCache
from bot.customer_messages.sender import CustomerMessages, shown_choices
from bot.metrics import Metrics
from bot.result_pages.pages import Page, Pages
from handlers.channel import Answerer
from handlers.message import Kind, Language, Outgoing
from providers.errors import LikenessError

log = logging.getLogger(__name__)

REPEAT_SECONDS = 3.0
"""The platform repeats a push after five seconds: a younger one is none of its repeats."""
SAME_LIST_SECONDS = 30.0
KEPT = 20_000
PROMISE_RETRIES = (1.0, 5.0, 20.0, 60.0)
"""Seconds before a push whose answer failed is retried."""
OVERHEARD = "a signature that carried another push"

V = TypeVar("V")


class _Newest(OrderedDict[str, V], Generic[V]):
    """What is remembered of the newest of many."""

    def put(self, key: str, value: V) -> None:
        self[key] = value
        self.move_to_end(key)
        if len(self) > KEPT:
            self.popitem(last=False)


class Answering:
    def __init__(
        self,
        *,
        people: FollowerStore,
        rights: AccountRights,
        sender: CustomerMessages,
        pages: Pages,
        media: MediaCache,
        incoming: Incoming,
        promises: Promises,
        metrics: Metrics,
        deadlines: Deadlines,
    ) -> None:
        self._people = people
        self._rights = rights
        self._sender = sender
        self._pages = pages
        self._media = media
        self._incoming = incoming
        self._intake = incoming.intake
        self._promises = promises
        self._metrics = metrics
        self._deadlines = deadlines
        self._going: dict[str, asyncio.Task[Answer]] = {}
        self._given: _Newest[Answer] = _Newest()
        self._languages: _Newest[Language] = _Newest()
        self._lists: _Newest[tuple[tuple[str, ...], float]] = _Newest()

    # --- lifecycle

    async def start(self, answerer: Answerer) -> None:
        """Take pushes from now on, beginning with those a former process promised to answer."""
        await self._incoming.start(answerer)
        for event in self._promises.left():
            self._intake.soon(self._keep_promise(event, self._answer(event, patient=True)))

    @property
    def running(self) -> bool:
        return self._intake.running

    async def idle(self) -> None:
        """Wait until everything taken so far is finished."""
        await self._intake.idle()
        while self._going:
            await asyncio.wait(self._going.values())
            await self._intake.idle()

    def reached_at(self, base: str) -> None:
        """The address the platform calls, for links; stored in parallel with the answer, not before it."""
        if self._pages.moved(base):
            self._intake.soon(self._pages.remember(base))

    # --- one push

    async def answer(self, event: Event, fresh: Awaitable[bool] | None = None) -> Answer:
        """The same for every attempt of the platform, also for two at once.

        `fresh`: whether its signature has not come with another push. Raises Malformed if it has.
        """
        if (given := self._given.get(event.key)) is not None:
            return given
        task = self._going.get(event.key)
        if task is None:
            task = self._going[event.key] = self._intake.soon(self._answer(event, fresh))
            task.add_done_callback(lambda done: self._gave(event.key, done))
        try:
            return await self._in_time(task)
        except Malformed:
            raise
        except Exception as error:  # not in time, or not at all: the store is slow, or away
            log.warning("an answer is promised and follows: %s", type(error).__name__)
        if event.key not in self._given:
            self._give(event.key, self._promise(event, task))
        return self._given[event.key]

    async def _in_time(self, task: "asyncio.Task[Answer]") -> Answer:
        """Raises what the task raises, and TimeoutError."""
        if not (await asyncio.wait({task}, timeout=self._deadlines.answer))[0]:
            raise TimeoutError
        return task.result()

    def _gave(self, key: str, task: "asyncio.Task[Answer]") -> None:
        self._going.pop(key, None)
        if not task.cancelled() and task.exception() is None:
            self._give(key, task.result())

    def _give(self, key: str, answer: Answer) -> None:
        """Once a promise is given, it stays the answer for every further attempt of the platform."""
        if key not in self._given:
            self._given.put(key, answer)

    async def _answer(self, event: Event, fresh: Awaitable[bool] | None = None, *, patient: bool = False) -> Answer:
        """`patient`: it was promised, and nobody waits for it."""
        if event.sort == "nothing":
            return SILENCE
        if patient:
            return await self._answer_now(event, fresh, patient=True)
        with self._incoming.foreground.busy():
            return await self._answer_now(event, fresh)

    async def _answer_now(self, event: Event, fresh: Awaitable[bool] | None, *, patient: bool = False) -> Answer:
        if event.sort == "unfollow":
            await _checked(fresh)
            leaving = self._incoming.message(event, ForHandlers(choice="forget:yes"))
            await self._incoming.keep(self._incoming.begin(event, leaving))
            return SILENCE
        found = await self._people.record(event.openid)
        await _checked(fresh)
        repeated = await self._repeated(event, found.person)
        person, opening = self._opened(event, found, repeated=repeated)
        if (given := person.answer_to(event.key)) is not None:
            return Answer.model_validate_json(given)
        self._metrics.message(CHANNEL)
        customer = (await self._rights.now()).customer
        flushing = None
        if customer and not repeated and any(h.page for h in person.held):
            await opening
            flushing = self._intake.soon(self._sender.flush(event.openid))
        said = await self._said(event, person, customer, patient=patient)
        if said.language is not None:
            self._languages.put(event.openid, said.language)
        results = not customer
        if flushing is not None:
            await asyncio.wait({flushing}, timeout=self._deadlines.flush)
            results = flushing.done()  # what could not be sent now (the day's quota, say) goes into the answer
        return await self._replied(event, await opening, said, results=results, repeated=repeated)

    async def _repeated(self, event: Event, person: Follower) -> bool:
        """Whether it was answered before, perhaps by another process. Then it opens no budget and carries nothing that
        came since: nobody may be there any more to read this answer. Only asked if it matters."""
        now = self._people.clock()
        old = now.timestamp() - event.at >= REPEAT_SECONDS
        matters = person.held or person.opened(event.action or "message", event.key, now) != person
        return bool(old and matters and await self._incoming.handled(event))

    def _opened(self, event: Event, found: Record, *, repeated: bool) -> "tuple[Follower, asyncio.Future[Record]]":
        """What the push opens; it is stored in parallel with the work, and awaited before the answer."""
        action = event.action or "message"
        photo = event.sort == "photo"
        person = found.person
        if not repeated:
            person = person.opened(action, event.key, self._people.clock(), photo=photo)
        if person != found.person:
            return person, self._intake.soon(
                self._people.opened(event.openid, action, event.key, photo=photo, known=found)
            )
        opening: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        opening.set_result(found)
        return person, opening

    async def _said(self, event: Event, person: Follower, customer: bool, *, patient: bool) -> Said:
        """What the push itself is answered."""
        meant = passive_reply.meaning(event, self._picked(event, person))
        match meant:
            case None:
                return passive_reply.NOTHING_SAID
            case Sentence():
                return passive_reply.sentence(meant.key, person.language)
            case ShowPicture():
                return await self._one_picture(meant, person.language)
        message = self._incoming.message(event, meant, person.language)
        work = self._incoming.begin(event, message, behind=person.awaits(self._people.clock()))
        replies = await self._incoming.said(work, patient=patient)
        if replies is None:
            return passive_reply.promised(person.language, customer=customer)
        listed = self._just_listed(event, replies)
        return passive_reply.printed(event, replies, customer=customer, just_listed=listed)

    def _picked(self, event: Event, person: Follower) -> str | None:
        """The choice whose number was typed."""
        if event.sort != "text" or not person.offered or self._incoming.answerer is None:
            return None
        return self._incoming.answerer.picked(event.text, person.offered)

    def _just_listed(self, event: Event, replies: Sequence[Outgoing]) -> tuple[str, ...]:
        """The list printed for this person within the last seconds; from now on, this one."""
        now = self._people.clock().timestamp()
        known, at = self._lists.get(event.openid, ((), 0.0))
        for outgoing in replies:
            if choices := shown_choices(outgoing.choices):
                self._lists.put(event.openid, (tuple(c.id for c in choices), now))
        return known if now - at < SAME_LIST_SECONDS else ()

    async def _one_picture(self, asked: ShowPicture, language: Language) -> Said:
        page = await self._pages.get(asked.page)
        if page is None or not 1 <= asked.number <= len(page.pictures):
            answer = passive_reply.sentence("wechat.expired", language).answer
        else:
            answer = await self._as_picture(asked.page, page, str(asked.number))
        return Said(answer=answer, substantial=True)

    # --- with what waited

    async def _replied(self, event: Event, found: Record, said: Said, *, results: bool, repeated: bool) -> Answer:
        """The answer with the text that waited, and the `results` too unless they are sent by themselves; for a
        `repeated` push the answer alone. What is taken from the record is committed together with the answer."""
        before = found.person
        if repeated or not before.held:
            reply = passive_reply.alone(said, before)
            self._send_rest(event, reply)
            offered = before.offered if reply.offered is None else reply.offered
            if (offered, reply.language) != (before.offered, before.language):
                await self._people.offer(event.openid, offered, reply.language, known=found)
            return reply.answer
        person = await self._people.read(event.openid)
        waited = passive_reply.taken_now(person, self._people.clock().timestamp(), results=results)
        facts = Facts(event=event, said=said, follower=person, waited=waited, results=await self._results(waited))
        if (result := passive_reply.wanted(facts)) is not None:
            picture = await self._as_picture(result.id, result.page, result.which)
            facts = facts.with_picture(picture)
        return await self._handed(event, passive_reply.reply(facts))

    async def _handed(self, event: Event, reply: Reply) -> Answer:
        given: str | None = None

        def handed(record: Follower) -> Follower:
            nonlocal given
            given = record.answer_to(event.key)
            # Otherwise the same push came to two processes, and the other one was faster.
            return reply.noted(event.key, record) if given is None else record

        await self._people.change(event.openid, handed)
        return reply.answer if given is None else Answer.model_validate_json(given)

    async def _results(self, waited: Sequence[Pending]) -> dict[str, Result]:
        """The results among what waited, by their id; expired ones are left out."""
        found: dict[str, Result] = {}
        for held in waited:
            page_id = held.page or ""
            page = await self._pages.get(page_id) if page_id else None
            if page is not None:
                receipt = await self._pages.receipt(page_id, page, together=len(page.pictures) > 1)
                found[held.id] = Result(id=page_id, page=page, link=await self._pages.link(page_id), receipt=receipt)
        return found

    async def _as_picture(self, page_id: str, page: Page, which: str) -> Answer:
        media_id = None
        try:
            uploading = self._intake.soon(self._media.media_id(page_id, page, which))
            await asyncio.wait({uploading}, timeout=self._deadlines.upload)
            media_id = uploading.result() if uploading.done() else None
        except LikenessError as error:
            log.warning("a picture could not be uploaded: %s", error)
        link = await self._pages.link(page_id)
        if media_id is None and link is None:
            log.error("a result can be neither uploaded nor linked: set PUBLIC_URL")
        return passive_reply.as_picture(page_id, page, media_id, link)

    def _send_rest(self, event: Event, reply: Reply) -> None:
        """What did not fit into the passive reply."""
        if reply.rest:
            outgoing = Outgoing(id=f"{event.key}:rest", kind=Kind.TEXT, text=reply.rest, language="zh")
            self._intake.soon(self._incoming.say_later(chat_of(event), outgoing))

    # --- answers that were not ready in time

    def _promise(self, event: Event, going: Awaitable[Answer]) -> Answer:
        """What is said instead of the answer, which follows when `going` has it."""
        self._promises.write(event)
        self._intake.soon(self._keep_promise(event, going))
        if event.sort in ("unfollow", "nothing"):
            return SILENCE
        if event.sort == "follow":
            return passive_reply.sentence("say.hello", "zh").answer
        customer = self._rights.known.customer
        return passive_reply.promised(self._language(event), customer=customer).answer

    def _language(self, event: Event) -> Language:
        """If the person's record cannot be read in time: their language as this process last knew it, or that of this
        text."""
        known = self._languages.get(event.openid)
        answerer = self._incoming.answerer
        return answerer.language(event.text, known) if answerer else known or "zh"

    async def _keep_promise(self, event: Event, going: Awaitable[Answer]) -> None:
        for pause in (*PROMISE_RETRIES, None):
            try:
                await self._say_late(event, await going)
                break
            except Exception as error:
                log.error("a promised answer failed: %s", type(error).__name__)
            if pause is None:
                return  # the file stays for the next start
            await asyncio.sleep(pause)
            going = self._answer(event, patient=True)
        self._promises.kept(event)

    async def _say_late(self, event: Event, answer: Answer) -> None:
        """The answer as a customer message, or held until the person writes."""
        if answer.page:
            await self._people.hold(event.openid, Pending(id=f"late:{event.key}", page=answer.page))
            await self._sender.flush(event.openid)
        elif answer.text:
            outgoing = Outgoing(id=f"{event.key}:late", kind=Kind.TEXT, text=answer.text, language="zh")
            await self._incoming.say_later(chat_of(event), outgoing)


async def _checked(fresh: Awaitable[bool] | None) -> None:
    """Before anything is changed."""
    if fresh is not None and not await fresh:
        raise Malformed(OVERHEARD)
