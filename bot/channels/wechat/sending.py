"""Customer messages: what a job says and makes, sent as far as the person's budget allows; the rest is held.

The picture always has its place: words are sent only where one message for each picture still being made is left,
and progress is the typing state, which costs nothing.
"""

import logging
from collections.abc import Sequence
from typing import Any

from bot.channels.wechat import api
from bot.channels.wechat.api import NotReached, Unclear, WeChatApi, WeChatError
from bot.channels.wechat.ledger import Held, People, Person
from bot.channels.wechat.media import ALL, MediaShelf
from bot.channels.wechat.pages import Page, Pages
from bot.channels.wechat.replies import fitting, numbered
from bot.channels.wechat.rights import AccountRights
from handlers.channel import Delivered, DeliveryLater, DeliveryRefused, DeliveryUnknown
from handlers.message import Chat, Choice, Kind, Language, Outgoing
from handlers.store import ENDED, JobState, Store
from handlers.words import words

log = logging.getLogger(__name__)

TYPING_SECONDS = 15.0
"""How long the typing state shows; it cannot be renewed before."""
LATER_SECONDS = 5.0
MAX_TYPING = 10_000

_RUNNING = tuple(state for state in JobState if state not in ENDED)


class Sender:
    """One for each process; everything it must not forget is in the store."""

    def __init__(
        self,
        *,
        store: Store,
        people: People,
        api: WeChatApi,
        rights: AccountRights,
        pages: Pages,
        media: MediaShelf,
    ) -> None:
        self._store = store
        self._people = people
        self._api = api
        self._rights = rights
        self._pages = pages
        self._media = media
        self._typing: dict[str, float] = {}

    # --- words

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        """Words of a job. Raises DeliveryLater, DeliveryRefused."""
        if outgoing.kind is Kind.STATUS:
            if outgoing.choices:  # still going on
                await self._show_typing(chat.person)
            return
        choices = shown_choices(outgoing.choices)
        keep = await self._promised(chat, None if outgoing.id.startswith("late") else outgoing.job)
        try:
            said = await self._words(chat.person, outgoing.text, choices, outgoing.language, keep=keep)
        except DeliveryUnknown:
            return  # words that may have arrived are not said twice
        if not said:
            text = numbered(outgoing.text, choices)
            await self._people.hold(chat.person, Held(id=outgoing.id, text=text))

    async def _promised(self, chat: Chat, ending: str | None) -> int:
        """Pictures still being made for this person, apart from the job that ends here."""
        jobs = await self._store.jobs(chat=chat, states=_RUNNING)
        return sum(1 for job in jobs if job.id != ending)

    async def _words(
        self, openid: str, text: str, choices: tuple[Choice, ...], language: Language, *, keep: int = 0
    ) -> bool:
        """As a menu to tap where the account may send one, else with a numbered list. False: it may not be sent now."""
        if choices and (await self._rights.now()).menus:
            tail = words(language, "wechat.tap_or_number")
            listed = [{"id": c.id, "content": c.label} for c in choices]
            menu = {"head_content": text, "list": listed, "tail_content": tail}
            try:
                sent = await self._post(openid, {"msgtype": "msgmenu", "msgmenu": menu}, keep=keep)
            except _KindRefused:
                await self._rights.lost("menus")
            else:
                if sent:
                    await self._people.offer(openid, tuple(c.id for c in choices))
                return sent
        if choices:
            text = "\n".join([numbered(text, choices), words(language, "wechat.reply_number")])
        head, rest = fitting(text)
        if not await self._post(openid, {"msgtype": "text", "text": {"content": head}}, keep=keep):
            return False
        if choices:
            await self._people.offer(openid, tuple(c.id for c in choices))
        if rest and not await self._words(openid, rest, (), language, keep=keep):
            await self._people.hold(openid, Held(id=f"rest:{hash(rest)}", text=rest))
        return True

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
        """The result's page, and its pictures uploaded, so that between the committed "sending" and the send itself
        nothing slow happens."""
        if (await self._people.read(chat.person)).gone:
            raise DeliveryRefused("the person does not follow any more")
        page_id = await self._pages.put(chat, outgoing)
        page = await self._page(page_id)
        try:
            for which in _which(len(page.pictures), (await self._people.read(chat.person)).room(self._people.clock())):
                await self._media.media_id(page_id, page, which)
        except (NotReached, Unclear) as error:
            raise DeliveryLater(error.hint, retry_after=LATER_SECONDS) from None
        except WeChatError as error:
            log.error("uploads do not work, results wait or come as cards: %s", error)
        return page_id

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        person = await self._people.read(chat.person)
        if person.gone:
            raise DeliveryRefused("the person does not follow any more")
        keep = await self._promised(chat, outgoing.job)
        held = Held(id=outgoing.id, page=place)
        # What waits already comes first.
        waiting = any(h.page for h in person.held)
        left = held if waiting else await self._show(chat.person, held, keep=keep)
        if left is not None:
            await self._people.hold(chat.person, left)
        return Delivered(refs=(place,), held=left is not None)

    async def flush(self, openid: str) -> None:
        """The results that waited, in order, now that the person wrote. What may have been sent is not sent again."""
        while True:
            person = await self._people.read(openid)
            waiting = next((h for h in person.held if h.page and not h.tried), None)
            if waiting is None or not person.room(self._people.clock()):
                return
            if await self._pages.get(waiting.page or "") is None:  # expired, or forgotten
                await self._replace(openid, waiting, None)
                continue
            tried = waiting.model_copy(update={"tried": True})
            await self._replace(openid, waiting, tried)
            try:
                left = await self._show(openid, waiting)
            except (DeliveryLater, DeliveryRefused):
                await self._replace(openid, tried, waiting)
                return
            except DeliveryUnknown:
                return  # it stays as tried: the person gets a link with the next answer
            await self._replace(openid, tried, left)
            if left is not None:
                return

    async def _replace(self, openid: str, old: Held, new: Held | None) -> None:
        def replaced(person: Person) -> Person:
            held = [new if h == old else h for h in person.held]
            return person.model_copy(update={"held": tuple(h for h in held if h is not None)})

        await self._people.change(openid, replaced)

    async def _show(self, openid: str, held: Held, *, keep: int = 0) -> Held | None:
        """Send a result from picture `held.first` on; what is left of it where the budget or the window ends."""
        page_id = held.page or ""
        page = await self._page(page_id)
        if not (await self._rights.now()).customer:
            return held
        room = (await self._people.read(openid)).room(self._people.clock())
        # One for each picture still being made stays back; but what is ready goes before what is not.
        room = max(room - keep, min(room, 1))
        which = _which(len(page.pictures), room, first=held.first)
        for number, one in enumerate(which):
            if not await self._picture(openid, page_id, page, one):
                return held.model_copy(update={"first": held.first + number})
        together = which == [ALL]
        text = await self._receipt(page_id, page, together=together)
        try:
            if together:
                sent = await self._words(openid, text, (), page.language, keep=keep)
                await self._people.offer(openid, shows(page_id, page))
            else:
                sent = await self._words(openid, text, page.offers(), page.language, keep=keep)
        except (DeliveryLater, DeliveryUnknown):
            return None  # the picture is there; its receipt is not worth a second one
        if not sent:
            log.info("no budget for a receipt")
        return None

    async def _receipt(self, page_id: str, page: Page, *, together: bool) -> str:
        lines = [page.text]
        if together:
            lines.append(words(page.language, "wechat.collage", n=len(page.pictures)))
        if link := await self._pages.link(page_id):
            lines.append(words(page.language, "wechat.full_size", url=link))
        return "\n".join(lines)

    async def _picture(self, openid: str, page_id: str, page: Page, which: str) -> bool:
        """One picture message; where it cannot be uploaded, a card that opens its page."""
        for anew in (False, True):
            try:
                media_id = await self._media.media_id(page_id, page, which, anew=anew)
            except (NotReached, Unclear) as error:
                raise DeliveryLater(error.hint, retry_after=LATER_SECONDS) from None
            except WeChatError as error:
                log.error("an upload failed: %s", error)
                return False
            message = {"msgtype": "image", "image": {"media_id": media_id}} if media_id else None
            message = message or await self._card(page_id, page)
            if message is None:
                return False
            try:
                return await self._post(openid, message)
            except _BadMedia:
                continue
        return False

    async def _card(self, page_id: str, page: Page) -> dict[str, Any] | None:
        link = await self._pages.link(page_id)
        if link is None:
            return None
        article = {
            "title": card_title(page), "description": page.text, "url": link, "picurl": f"{link}/cover.jpg",
        }  # fmt: skip
        return {"msgtype": "news", "news": {"articles": [article]}}

    async def _page(self, page_id: str) -> Page:
        page = await self._pages.get(page_id)
        if page is None:
            raise DeliveryRefused("the result is no longer kept")
        return page

    # --- one message

    async def _post(self, openid: str, message: dict[str, Any], *, keep: int = 0) -> bool:
        """Send within the budget, counted before. False: certainly not sent, and it should wait for the person."""
        if not (await self._rights.now()).customer:
            return False
        slot = await self._people.take(openid, keep=keep)
        if slot is None:
            if (await self._people.read(openid)).gone:
                raise DeliveryRefused("the person does not follow any more")
            return False
        try:
            await self._api.send(openid, message)
            return True
        except Unclear as error:
            # It may have been sent, so it stays counted.
            raise DeliveryUnknown(error.hint) from None
        except NotReached as error:
            await self._people.give_back(openid, slot)
            raise DeliveryLater(error.hint, retry_after=LATER_SECONDS) from None
        except WeChatError as error:
            await self._people.give_back(openid, slot)
            return await self._refused(openid, message["msgtype"], error)

    async def _refused(self, openid: str, kind: str, error: WeChatError) -> bool:
        """The platform's "no" to a customer message: always False, or an error, after putting things right."""
        code = error.errcode
        if code in (api.OUTSIDE_WINDOW, api.BUDGET_USED):
            # Its count is the one that matters: nothing more until the person does something.
            await self._people.change(openid, Person.exhausted)
        elif code in api.NO_FOLLOWER:
            await self._people.forget(openid, gone=True)
            raise DeliveryRefused(error.hint)
        elif code in api.BAD_MEDIA and kind == "image":
            raise _BadMedia
        elif code in api.KIND_REFUSED and kind == "msgmenu":
            raise _KindRefused
        elif code == api.UNAUTHORISED:
            await self._rights.lost("customer")
        else:
            log.error("customer messages do not work, results wait for the person to write: %s", error)
        return False


class _BadMedia(Exception):
    """The platform does not know the media id any more."""


class _KindRefused(Exception):
    """This account may not send this kind of message."""


def shown_choices(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """Without "cancel": as number 1 under every progress line it would be typed by mistake; the word stops a job."""
    return tuple(c for c in choices if not c.id.startswith("cancel:"))


def shows(page_id: str, page: Page) -> tuple[str, ...]:
    """What the numbers of a collage mean."""
    return tuple(f"show:{page_id}:{n}" for n in range(1, len(page.pictures) + 1))


def card_title(page: Page) -> str:
    n = len(page.pictures)
    return words(page.language, "wechat.card_many", n=n) if n > 1 else words(page.language, "wechat.card")


def _which(pictures: int, room: int, *, first: int = 0) -> list[str]:
    """The messages that show a result: each picture by itself where the budget allows, else all in one."""
    singles = [str(n) for n in range(first + 1, pictures + 1)]
    return singles if len(singles) <= max(room, 1) else [ALL]
