"""The passive reply: words with numbers, and with what waited for this person to write."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.wechat.customer_messages import CLAIM_SECONDS, card_title, shown_choices, shows
from bot.channels.wechat.events import Event
from bot.channels.wechat.follower import Answered, Follower, Pending
from bot.channels.wechat.follower_store import FollowerStore, Record
from bot.channels.wechat.handling import Handling, chat_of
from bot.channels.wechat.media import ALL, MediaCache
from bot.channels.wechat.replies import Answer, fitting, numbered
from bot.channels.wechat.result_pages.pages import Page, Pages
from handlers.message import Choice, Kind, Language, Outgoing
from handlers.order import job_id
from handlers.words import words
from providers.errors import LikenessError

log = logging.getLogger(__name__)

UPLOAD_SECONDS = 0.4
SAME_LIST_SECONDS = 30.0
LISTS_KEPT = 20_000
ANSWERS_KEPT = 4
ASK_AGAIN = "say:进度"
"""What "1" means on an account that cannot speak first: how far is it?"""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a push itself is answered. `offered`: what its numbers mean (None: as before). `substantial`: more than
    small talk, so that a result that waited does not take its place. `language`: the person's, where it was heard."""

    answer: Answer
    offered: tuple[str, ...] | None = None
    substantial: bool = False
    language: Language | None = None


@dataclass(frozen=True, kw_only=True)
class _Full:
    """An answer with what waited. `waiting`: words it has no room for. `offered`: what numbers mean now, where a
    result is shown. `left`: results that wait for the next time."""

    answer: Answer
    waiting: str = ""
    offered: tuple[str, ...] = ()
    left: Sequence[Pending] = ()


class Composer:
    def __init__(self, *, people: FollowerStore, pages: Pages, media: MediaCache, handling: Handling) -> None:
        self._people = people
        self._pages = pages
        self._media = media
        self._handling = handling
        self._lists: OrderedDict[str, tuple[tuple[str, ...], float]] = OrderedDict()

    def printed(self, push: Event, replies: Sequence[Outgoing], *, customer: bool) -> Said:
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
        begun = any(o.job in {job_id(push.key, n) for n in range(len(replies))} for o in replies)
        waits = begun or any(o.choices and not shown_choices(o.choices) for o in replies)
        if offered:
            texts.append(words(language, "wechat.reply_number"))
        elif waits and not customer:
            texts.append(words(language, "wechat.ask_again"))
            offered = (ASK_AGAIN,)
        elif begun:
            texts.append(words(language, "wechat.meanwhile"))
        substantial = push.sort == "photo" or bool(offered and offered != (ASK_AGAIN,)) or any(o.job for o in replies)
        text = "\n".join(t for t in texts if t)
        return Said(answer=Answer(text=text), offered=offered, substantial=substantial, language=language)

    def promised(self, language: Language, *, customer: bool) -> Said:
        """Where nothing is known yet in time."""
        text = words(language, "wechat.promise")
        if customer:
            return Said(answer=Answer(text=text), offered=(), substantial=True)
        text = "\n".join([text, words(language, "wechat.ask_again")])
        return Said(answer=Answer(text=text), offered=(ASK_AGAIN,), substantial=True)

    def _listed(self, push: Event, outgoing: Outgoing, offered: tuple[str, ...]) -> str:
        """With its list; for photos sent in a row the list is printed once."""
        now = self._people.clock().timestamp()
        known, at = self._lists.get(push.openid, ((), 0.0))
        self._lists[push.openid] = (offered, now)
        self._lists.move_to_end(push.openid)
        if len(self._lists) > LISTS_KEPT:
            self._lists.popitem(last=False)
        if push.sort == "photo" and known == offered and now - at < SAME_LIST_SECONDS:
            return outgoing.text
        return numbered(outgoing.text, shown_choices(outgoing.choices))

    async def composed(
        self, push: Event, found: Record, said: Said, *, results: bool, repeated: bool = False
    ) -> Answer:
        """The answer with the words that waited, and the `results` too where they are not sent by themselves; for a
        `repeated` push the answer alone.

        What is taken from the record is committed together with the answer.
        """
        before = found.person
        answer, offered = said.answer, said.offered
        if repeated or not before.held:
            rest = ""
            if answer.text and not answer.url:
                head, rest = fitting(answer.text)
                answer = answer.model_copy(update={"text": head})
            await self._later(push, rest)
            offered = before.offered if offered is None else offered
            language = said.language or before.language
            if (offered, language) != (before.offered, before.language):
                await self._people.offer(push.openid, offered, language, known=found)
            return answer
        person = await self._people.read(push.openid)
        now = self._people.clock().timestamp()
        taken = [h for h in person.held if not h.page or (results and now - h.claimed >= CLAIM_SECONDS)]
        language = said.language or person.language
        numbers = not said.offered and not any(h.page for h in taken)
        lines, meant = _in_words(taken, language, numbers=numbers)
        full = await self._with_held(answer, taken, lines, substantial=said.substantial)
        answer, waiting = full.answer, full.waiting
        taken = [h for h in taken if h not in full.left]
        offered = full.offered or meant or offered

        given: str | None = None

        def handed(record: Follower) -> Follower:
            nonlocal given
            given = record.answer_to(push.key)
            if given is not None:  # the same push came to two processes, and the other one was faster
                return record
            held = tuple(h for h in record.held if h not in taken)
            if waiting:
                held = (*held, Pending(id=f"waiting:{push.key}", text=waiting))
            kept = (*record.answered, Answered(key=push.key, answer=answer.model_dump_json()))[-ANSWERS_KEPT:]
            means = record.offered if offered is None else offered
            changes = {"held": held, "answered": kept, "offered": means, "language": language}
            return record.model_copy(update=changes)

        await self._people.change(push.openid, handed)
        return answer if given is None else Answer.model_validate_json(given)

    async def _later(self, push: Event, rest: str) -> None:
        """What did not fit into the passive reply."""
        if rest:
            outgoing = Outgoing(id=f"{push.key}:rest", kind=Kind.TEXT, text=rest, language="zh")
            self._handling.spawn(self._handling.say_later(chat_of(push), outgoing))

    async def _with_held(
        self, answer: Answer, taken: Sequence[Pending], lines: list[str], *, substantial: bool
    ) -> "_Full":
        """The answer that also carries what waited."""
        results = [(h, page) for h in taken if h.page and (page := await self._pages.get(h.page)) is not None]
        if results and not substantial and not answer.media_id:
            held, page = results[0]
            which = "1" if len(page.pictures) == 1 else ALL
            shown = await self.as_picture(held.page or "", page, which)
            if shown.media_id:  # a picture carries no words
                lines.append(await self._pages.receipt(held.page or "", page, together=which == ALL))
            if shown.media_id or len(results) == 1:
                left = [h for h, _ in results[1:]]
                offered = shows(held.page or "", page) if len(page.pictures) > 1 or not left else (ASK_AGAIN,)
                return _Full(answer=shown, waiting="\n".join(lines), offered=offered, left=left)
        for held, page in results:
            if link := await self._pages.link(held.page or ""):
                lines.append(words(page.language, "wechat.ready", n=len(page.pictures), url=link))
        if answer.media_id or answer.url:
            return _Full(answer=answer, waiting="\n".join(lines))
        head, rest = fitting("\n".join([*lines, answer.text]))
        return _Full(answer=Answer(text=head), waiting=rest)

    async def as_picture(self, page_id: str, page: Page, which: str) -> Answer:
        """A picture in the answer itself; where the upload is refused or too slow, a card that opens its page."""
        media_id = None
        try:
            uploading = asyncio.ensure_future(self._media.media_id(page_id, page, which))
            self._handling.spawn(uploading)
            await asyncio.wait({uploading}, timeout=UPLOAD_SECONDS)
            media_id = uploading.result() if uploading.done() else None
        except LikenessError as error:
            log.warning("a picture could not be uploaded: %s", error)
        if media_id is not None:
            return Answer(media_id=media_id, page=page_id)
        link = await self._pages.link(page_id)
        if link is None:
            log.error("a result can be neither uploaded nor linked: set PUBLIC_URL")
            return Answer(text=words(page.language, "error.delivery_later"))
        return Answer(title=card_title(page), text=page.text, cover=f"{link}/cover.jpg", url=link, page=page_id)


def _in_words(taken: Sequence[Pending], language: Language, *, numbers: bool) -> tuple[list[str], tuple[str, ...]]:
    """The words that waited, one list among them numbered, and what its numbers mean. Not `numbers`: the answer has a
    list of its own."""
    listed = [h for h in taken if h.text and h.choices]
    chosen = listed[-1] if listed and numbers else None
    lines = []
    for held in taken:
        if held is chosen:
            text = numbered(held.text, tuple(Choice(id=i, label=label) for i, label in held.choices))
            lines.append("\n".join([text, words(language, "wechat.reply_number")]))
        elif held.text:
            lines.append(held.text)
    return lines, tuple(i for i, _ in chosen.choices) if chosen else ()
