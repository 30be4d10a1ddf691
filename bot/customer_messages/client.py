"""One customer message: counted before it is sent, and what each of the platform's refusals leads to."""

import logging
from typing import Any

from bot.customer_messages import api
from bot.customer_messages.api import NotReached, Unclear, WeChatApi, WeChatError
from bot.customer_messages.follower import Follower, Pending, Step
from bot.customer_messages.follower_store import FollowerStore
from bot.customer_messages.lists import fitting, numbered
from bot.customer_messages.message_names import name_of
from bot.customer_messages.rights import KnownRights
from handlers.channel import DeliveryLater, DeliveryRefused, DeliveryUnknown
from handlers.message import Choice, Language, key_hash
from handlers.words import words

log = logging.getLogger(__name__)

LATER_SECONDS = 5.0


class BadMedia(Exception):
    """The platform no longer knows the media id."""


class _KindRefused(Exception):
    """This account may not send this kind of message."""


class CustomerMessageClient:
    def __init__(self, *, people: FollowerStore, api: WeChatApi, rights: KnownRights) -> None:
        self._people = people
        self._api = api
        self._rights = rights

    async def say(
        self,
        openid: str,
        text: str,
        choices: tuple[Choice, ...],
        language: Language,
        *,
        keep: int = 0,
        step: Step | None = None,
    ) -> bool:
        """As a menu to tap if the account may send one, otherwise with a numbered list. False: it may not be sent
        now."""
        if 0 < len(choices) <= self._api.menu_most and (await self._rights.now()).menus:
            tail = words(language, "wechat.tap_or_number")
            listed = [{"id": c.id, "content": c.label} for c in choices]
            menu = {"head_content": text, "list": listed, "tail_content": tail}
            try:
                sent = await self.post(openid, {"msgtype": "msgmenu", "msgmenu": menu}, keep=keep, step=step)
            except _KindRefused:
                await self._rights.lost("menus")
            else:
                if sent:
                    await self._people.offer(openid, tuple(c.id for c in choices))
                return sent
        if choices:
            text = "\n".join([numbered(text, choices), words(language, "wechat.reply_number")])
        head, rest = fitting(text)
        if not await self.post(openid, {"msgtype": "text", "text": {"content": head}}, keep=keep, step=step):
            return False
        if choices:
            await self._people.offer(openid, tuple(c.id for c in choices))
        if rest and not await self._said_too(openid, rest, language, keep=keep):
            await self._people.hold(openid, Pending(id=f"rest:{key_hash(rest)}", text=rest))
        return True

    async def _said_too(self, openid: str, rest: str, language: Language, *, keep: int) -> bool:
        """The rest of a text whose beginning is sent: an error now must not send that a second time."""
        try:
            return await self.say(openid, rest, (), language, keep=keep)
        except DeliveryLater as error:
            log.warning("the rest of a text waits for the person: %s", error.hint)
            return False

    async def post(self, openid: str, message: dict[str, Any], *, keep: int = 0, step: Step | None = None) -> bool:
        """Send within the budget, counted before. False: certainly not sent, and it should wait for the person."""
        if not (await self._rights.now()).customer:
            return False
        slot = await self._people.take(openid, keep=keep, step=step)
        if slot is None:
            if (await self._people.read(openid)).gone:
                raise DeliveryRefused("the person does not follow any more")
            return False
        try:
            await self._api.send(openid, message, name=name_of(step))
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
        """The platform's refusal of a customer message: always False, or an error, after correcting our record."""
        code = error.errcode
        if code in (api.OUTSIDE_WINDOW, api.BUDGET_USED):
            # Its count is the one that matters: nothing more until the person does something.
            await self._people.change(openid, Follower.exhausted)
        elif code in api.NO_FOLLOWER:
            await self._people.lose(openid)
            raise DeliveryRefused(error.hint)
        elif code in api.BAD_MEDIA and kind == "image":
            raise BadMedia
        elif code in api.KIND_REFUSED and kind == "msgmenu":
            raise _KindRefused
        elif code == api.UNAUTHORISED:
            await self._rights.lost("customer")
        else:
            log.error("customer messages do not work, results wait for the person to write: %s", error)
        return False
