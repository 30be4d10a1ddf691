"""Customer messages: what a job says and makes, sent as far as the person's budget allows; the rest is held.

Pictures have priority: text is sent only if one message is left for each picture still being made, and progress is the
typing state, which costs nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from bot.customer_messages import api
from bot.customer_messages.api import NotReached, Unclear, WeChatApi, WeChatError
from bot.customer_messages.client import LATER_SECONDS, BadMedia, CustomerMessageClient
from bot.customer_messages.follower import RECEIPT, Follower, Pending, Step
from bot.customer_messages.follower_store import FollowerStore
from bot.customer_messages.media import ALL, MediaCache
from bot.customer_messages.message_names import named
from bot.customer_messages.rights import KnownRights
from bot.result_pages.pages import Page, Pages
from handlers.channel import Delivered, DeliveryError, DeliveryLater, DeliveryRefused, DeliveryUnknown
from handlers.message import Chat, Choice, Kind, Outgoing
from handlers.store.base import ENDED, JobState, Store
from handlers.words import words

log = logging.getLogger(__name__)

T = TypeVar("T")

TYPING_SECONDS = 15.0
"""How long the typing state shows; it cannot be renewed before."""
CLAIM_SECONDS = 60.0
"""How long a result that waited is left to the sender that has begun with it."""
UPLOAD_PATIENCE = 120.0
"""Seconds after which a card is sent for a picture whose upload does not work."""
CARD = "card"
MAX_TYPING = 10_000

_RUNNING = tuple(state for state in JobState if state not in ENDED)


class CustomerMessages:
    """One per process; everything it must not forget is in the store."""

    def __init__(
        self,
        *,
        store: Store,
        people: FollowerStore,
        api: WeChatApi,
        rights: KnownRights,
        pages: Pages,
        media: MediaCache,
    ) -> None:
        self._store = store
        self._people = people
        self._api = api
        self._rights = rights
        self._pages = pages
        self._media = media
        self._poster = CustomerMessageClient(people=people, api=api, rights=rights)
        self._typing: dict[str, float] = {}

    # --- text

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        """Text of a job. Raises DeliveryLater, DeliveryRefused."""
        if outgoing.kind is Kind.STATUS:
            if outgoing.choices:  # still in progress
                await self._show_typing(chat.person)
            return
        choices = shown_choices(outgoing.choices)
        keep = await self._promised(chat, None if outgoing.id.startswith("late") else outgoing.job)
        try:
            said = await self._poster.say(chat.person, outgoing.text, choices, outgoing.language, keep=keep)
        except DeliveryUnknown:
            return  # text that may have arrived is not sent twice
        if not said:
            listed = tuple((c.id, c.label) for c in choices)
            await self._people.hold(chat.person, Pending(id=outgoing.id, text=outgoing.text, choices=listed))

    async def _promised(self, chat: Chat, ending: str | None) -> int:
        """Pictures still being made for this person, apart from the job that ends here."""
        jobs = await self._store.jobs(chat=chat, states=_RUNNING)
        return sum(1 for job in jobs if job.id != ending)

    async def _show_typing(self, openid: str) -> None:
        """Best effort: it needs the person to have been active in the last 30 seconds."""
        now = self._people.clock()
        if now.timestamp() - self._typing.get(openid, 0.0) < TYPING_SECONDS:
            return
        person = await self._people.read(openid)
        if person.gone or not person.active(now) or not (await self._rights.now()).customer:
            return
        if len(self._typing) > MAX_TYPING:
            self._typing.clear()
        self._typing[openid] = now.timestamp()
        try:
            await self._api.typing(openid)
        except WeChatError as error:
            if error.errcode == api.UNAUTHORISED:
                await self._rights.lost("customer")

    # --- results

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        """The result's page, with its pictures uploaded, so that they are ready when they are requested. A failed
        upload is retried when the pictures are sent."""
        if (await self._people.read(chat.person)).gone:
            raise DeliveryRefused("the person does not follow any more")
        page_id = await self._pages.put(chat, outgoing)
        page = await self._page(page_id)
        try:
            for which in _which(len(page.pictures), (await self._people.read(chat.person)).room(self._people.clock())):
                await self._media.media_id(page_id, page, which)
        except WeChatError as error:
            log.warning("a picture was not uploaded yet: %s", error)
        return page_id

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        """Safe to repeat after a crash: what was sent before, or may have been, is not sent again."""
        person = await self._people.read(chat.person)
        if person.gone:
            raise DeliveryRefused("the person does not follow any more")
        if any(h.id == outgoing.id for h in person.held):
            return Delivered(refs=(place,), held=True)
        keep = await self._promised(chat, outgoing.job)
        held = Pending(id=outgoing.id, page=place)
        # What waits already comes first.
        waiting = any(h.page for h in person.held)
        left = held if waiting else await self._show(chat.person, held, keep=keep)
        if left is not None:
            await self._people.hold(chat.person, left)
        return Delivered(refs=(place,), held=left is not None)

    async def lost(self, chat: Chat, name: str) -> None:
        """The platform says afterwards that the message with this name did not arrive: if it is of a result, that waits
        for the person to write, and what did arrive is not sent again."""
        found = named(name)
        if found is None:
            return
        job, step = found
        page_id = self._pages.id_for(chat, job)
        if await self._pages.get(page_id) is not None:
            await self._people.change(chat.person, lambda person: person.missed(step, page_id))

    async def flush(self, openid: str) -> None:
        """The results that waited, in order, now that the person wrote. What may have been sent is not sent again."""
        while True:
            waiting = await self._claimed(openid)
            if waiting is None:
                return
            if await self._pages.get(waiting.page or "") is None:  # expired, or forgotten
                await self._replace(openid, waiting, None)
                continue
            try:
                left = await self._show(openid, waiting)
            except (DeliveryLater, DeliveryRefused):
                left = waiting
            if left is not None:
                await self._replace(openid, waiting, left.model_copy(update={"claimed": 0.0}))
                return
            await self._replace(openid, waiting, None)

    async def _claimed(self, openid: str) -> Pending | None:
        """The result that waits longest, now ours to send; None if there is none, or another sender has it."""
        claimed: Pending | None = None

        def claim(person: Follower) -> Follower:
            nonlocal claimed
            claimed = None
            at = self._people.clock()
            first = next((h for h in person.held if h.page), None)
            if first is None or not person.room(at) or at.timestamp() - first.claimed < CLAIM_SECONDS:
                return person
            claimed = first.model_copy(update={"claimed": at.timestamp()})
            return person.model_copy(update={"held": tuple(claimed if h == first else h for h in person.held)})

        await self._people.change(openid, claim)
        return claimed

    async def _replace(self, openid: str, old: Pending, new: Pending | None) -> None:
        def replaced(person: Follower) -> Follower:
            held = [new if h == old else h for h in person.held]
            return person.model_copy(update={"held": tuple(h for h in held if h is not None)})

        await self._people.change(openid, replaced)

    async def _show(self, openid: str, held: Pending, *, keep: int = 0) -> Pending | None:
        """Send the parts of a result that were not sent before, and its receipt; the result again if budget or window
        ends."""
        page_id = held.page or ""
        page = await self._page(page_id)
        if not (await self._rights.now()).customer:
            return held
        person = await self._people.read(openid)
        way = person.way(held.id)
        if RECEIPT in way.tried:
            return None
        room = person.room(self._people.clock())
        # One for each picture still being made stays back; but what is ready goes before what is not.
        room = max(room - keep, min(room, 1))
        which = _which(len(page.pictures), room, tried=way.tried)
        unsure = bool(way.unsure or way.open)
        sure = not way.open
        try:
            for one in which:
                try:
                    sent = await self._picture(openid, page_id, page, Step(id=held.id, which=one, sure=sure))
                except DeliveryUnknown:
                    sure, unsure = False, True
                    continue
                if sent is None:
                    await self._people.rest(openid, held.id, sure=sure)
                    return held
                sure = True
                if sent == CARD:
                    break  # its page shows them all
            step = Step(id=held.id, which=RECEIPT, sure=sure)
            await self._say_receipt(openid, held, page, step, keep=keep, unsure=unsure)
        except DeliveryLater:
            await self._people.rest(openid, held.id, sure=sure)
            raise
        return None

    async def _say_receipt(
        self, openid: str, held: Pending, page: Page, step: Step, *, keep: int, unsure: bool
    ) -> None:
        """The receipt, where the full size is, and what can be done next. `unsure`: a picture may not have arrived."""
        page_id = held.page or ""
        together = ALL in (await self._people.read(openid)).way(held.id).tried
        text = await self._pages.receipt(page_id, page, together=together, unsure=unsure)
        choices = () if together else page.offers()
        if unsure and not together and held.id.startswith("result:"):
            job = held.id.split(":")[1]
            choices = (Choice(id=f"resend:{job}", label=words(page.language, "choice.resend")), *choices)
        try:
            sent = await self._poster.say(openid, text, choices, page.language, keep=keep, step=step)
            if together:
                await self._people.offer(openid, shows(page_id, page))
        except DeliveryUnknown:
            return  # the picture has arrived; its receipt is not worth a second one
        if not sent:
            await self._people.hold(openid, Pending(id=f"receipt:{held.id}", text=text))

    async def _picture(self, openid: str, page_id: str, page: Page, step: Step) -> str | None:
        """One picture message; if it cannot be uploaded, a card that opens its page. Returns what was sent:
        `step.which`, CARD, or None if certainly nothing was."""
        for anew in (False, True):
            media_id = await self._media_id(page_id, page, step.which, anew=anew)
            message = {"msgtype": "image", "image": {"media_id": media_id}} if media_id else None
            if message is None:
                message, step = await self._card(page_id, page), step.model_copy(update={"which": CARD})
            if message is None:
                return None
            try:
                return step.which if await self._poster.post(openid, message, step=step) else None
            except BadMedia:
                continue
        return None

    async def _media_id(self, page_id: str, page: Page, which: str, *, anew: bool) -> str | None:
        """None if a card has to do: there is no upload, or it has not worked for too long."""
        try:
            return await self._media.media_id(page_id, page, which, anew=anew)
        except (NotReached, Unclear) as error:
            if self._people.clock().timestamp() - page.made < UPLOAD_PATIENCE:
                raise DeliveryLater(error.hint, retry_after=LATER_SECONDS) from None
            log.warning("uploads have failed for too long, a card is sent instead: %s", error)
        except WeChatError as error:
            log.error("an upload failed, a card is sent instead: %s", error)
        return None

    async def _card(self, page_id: str, page: Page) -> dict[str, Any] | None:
        link = await self._pages.link(page_id)
        if link is None:
            return None
        article = {
            "title": card_title(page),
            "description": page.text,
            "url": link,
            "picurl": f"{link}/cover.jpg",
        }
        return {"msgtype": "news", "news": {"articles": [article]}}

    async def _page(self, page_id: str) -> Page:
        page = await self._pages.get(page_id)
        if page is None:
            raise DeliveryRefused("the result is no longer kept")
        return page


def shown_choices(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """Without "cancel": as number 1 under every progress line it would be typed by mistake; typing the word stops a
    job."""
    return tuple(c for c in choices if not c.id.startswith("cancel:"))


def shows(page_id: str, page: Page) -> tuple[str, ...]:
    """What the numbers of a collage mean."""
    return tuple(f"show:{page_id}:{n}" for n in range(1, len(page.pictures) + 1))


def card_title(page: Page) -> str:
    n = len(page.pictures)
    return words(page.language, "wechat.card_many", n=n) if n > 1 else words(page.language, "wechat.card")


def _which(pictures: int, room: int, *, tried: Sequence[str] = ()) -> list[str]:
    """The messages that show a result: each picture by itself if the budget allows, otherwise all in one."""
    if ALL in tried or CARD in tried:
        return []
    singles = [str(n) for n in range(1, pictures + 1) if str(n) not in tried]
    return singles if len(singles) <= max(room, 1) else [ALL]


async def safely(work: Awaitable[T]) -> T:
    """Only `DeliveryError`s leave. Any other error happens before the send, so it was certainly not sent."""
    try:
        return await work
    except (DeliveryError, asyncio.CancelledError):
        raise
    except WeChatError as error:
        raise DeliveryLater(error.hint, retry_after=5.0) from None
    except Exception as error:
        log.error("a message could not be sent: %s", type(error).__name__)
        raise DeliveryLater(f"not sent: {type(error).__name__}") from None
