"""What does not go in a stream over the long connection: pictures, cards and late text, as messages of their own.

First as answers to the person's message (`req_id`), then as new messages. Which one is in flight is stored before it is
sent: one that was never answered, or was found so after a crash, may have arrived, and no picture is sent a second
time.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from typing import Any

from bot.channels.wecom.connection import NOT_SUBSCRIBED, Connection, FrameRefused, NoAnswer, NotConnected
from bot.channels.wecom.pictures import Fitted
from bot.channels.wecom.talk import Answer, Item, Talk
from bot.channels.wecom.talks import Talks
from bot.channels.wecom.timing import Pace
from bot.channels.wecom.upload import upload
from bot.channels.wecom.view import card_json, cut, has_card, new_card, numbered
from handlers.message import Chat
from handlers.words import words

log = logging.getLogger(__name__)

CARD = 1000
"""The number of an item's card among its messages; 0 is its text, 1… its pictures."""
AGAIN = frozenset({846601, 846602, 6000, 45009})
"""Nothing was done; the same may work in a moment."""


class _Outcome(Enum):
    SENT = auto()
    UNSURE = auto()
    REFUSED = auto()
    LATER = auto()
    """Certainly not sent; when reconnected, or when the platform has time again."""


class ItemSender:
    """`late`: the way by links if every other is refused. `too_fast`: told of a conversation that is to rest."""

    def __init__(
        self,
        *,
        talks: Talks,
        line: Connection,
        fitted: Fitted,
        late: Callable[[Chat], Awaitable[None]],
        pace: Pace,
        too_fast: Callable[[str], None],
    ) -> None:
        self._talks = talks
        self._line = line
        self._fitted = fitted
        self._late = late
        self._pace = pace
        self._too_fast = too_fast

    async def send(self, chat: Chat, talk: Talk, item: Item) -> None:
        """Send what was not sent yet, as far as there is a connection; safe to repeat."""
        text = item.text
        if item.choices and not has_card(item.choices):
            text = f"{text}\n\n{numbered(item.choices)}"
        if text and not item.tried(0):
            body = {"msgtype": "markdown", "markdown": {"content": cut(text)}}
            if not await self._step(chat, talk, item, 0, body):
                return
        for number, path in enumerate(item.pictures, 1):
            if not item.tried(number):
                data = await self._fitted.one(path)
                if data is None:  # no longer on the disk
                    continue
                picture = await self._uploaded(data, number)
                if picture is None or not await self._step(chat, talk, item, number, picture):
                    return  # the connection was lost: it is taken up again
        if has_card(item.choices) and not item.tried(CARD):
            card = new_card(talk, _task(item), item.language, item.choices)
            await self._talks.change(chat, lambda t: t.with_card(card), note=False)
            shown = {"msgtype": "template_card", "template_card": card_json(card, language=item.language)}
            if not await self._step(chat, talk, item, CARD, shown):
                return
        await self._talks.change(chat, lambda t: _done(t, item.id), note=False)

    async def _uploaded(self, data: bytes, number: int) -> dict[str, Any] | None:
        """The message of a picture; None if it is to be retried. Nobody sees anything of an upload."""
        kind = "png" if data.startswith(b"\x89P") else "jpg"
        name = f"likeness-{number}.{kind}"
        try:
            media_id = await upload(data, filename=name, kind="image", line=self._line, sleep=self._pace.sleep)
        except (NotConnected, NoAnswer, FrameRefused) as error:
            log.warning("WeCom: an upload broke off and is restarted: %s", error or type(error).__name__)
            if isinstance(error, FrameRefused) and error.code == NOT_SUBSCRIBED:
                await self._line.renew()
            return None
        return {"msgtype": "image", "image": {"media_id": media_id}}

    async def _step(self, chat: Chat, talk: Talk, item: Item, number: int, body: Mapping[str, Any]) -> bool:
        """Send one message of an item, stored before; returns whether the next one may follow."""
        began = False

        def begin(t: Talk) -> Talk:
            nonlocal began
            now = t.item(item.id)
            began = now is not None and not now.way and not now.tried(number)
            return t.with_item(now.model_copy(update={"sending": number})) if began and now is not None else t

        await self._talks.change(chat, begin, note=False)
        if not began:
            return True
        outcome = await self._send(chat, talk.answer(item.answer), talk.group, body)
        if outcome is _Outcome.UNSURE and number in (0, CARD):
            outcome = await self._send(chat, talk.answer(item.answer), talk.group, body)  # text sent twice does no harm
        refused = outcome is _Outcome.REFUSED

        def end(t: Talk) -> Talk:
            now = t.item(item.id)
            if now is None:
                return t
            if outcome in (_Outcome.SENT, _Outcome.UNSURE):
                return t.with_item(now.settled_step(sure=outcome is _Outcome.SENT))
            return t.with_item(now.model_copy(update={"sending": None, "held": refused}))

        await self._talks.change(chat, end, note=False)
        if refused:
            await self._by_link(chat)
        return outcome in (_Outcome.SENT, _Outcome.UNSURE)

    async def _send(self, chat: Chat, answer: Answer | None, group: bool, body: Mapping[str, Any]) -> _Outcome:
        """As an answer to the message, then as a new message."""
        new = {"chatid": chat.chat, "chat_type": 2 if group else 1, **body}
        ways: list[tuple[str, Mapping[str, Any], str | None]] = [("aibot_send_msg", new, None)]
        if answer is not None and answer.req and answer.streamed and body["msgtype"] != "template_card":
            ways.insert(0, ("aibot_respond_msg", body, answer.req))
        for cmd, said, req_id in ways:
            try:
                await self._line.request(cmd, said, req_id=req_id)
                return _Outcome.SENT
            except NotConnected:
                return _Outcome.LATER
            except NoAnswer:
                return _Outcome.UNSURE
            except FrameRefused as refused:
                if refused.code == NOT_SUBSCRIBED:
                    await self._line.renew()
                    return _Outcome.LATER
                if refused.code in AGAIN:
                    self._too_fast(chat.chat)
                    return _Outcome.LATER
                log.info("WeCom: %s was refused with %s", cmd, refused.code)
        return _Outcome.REFUSED

    async def _by_link(self, chat: Chat) -> None:
        """If the message's address can still be used; otherwise it waits for the person to write."""
        try:
            await self._late(chat)
        except Exception as error:
            log.warning("WeCom: sending links failed: %s", type(error).__name__)


def _task(item: Item) -> str:
    """Of its own: an answer may have several cards one after another, and a press on each is a press of its own."""
    return hashlib.sha256(item.id.encode()).hexdigest()[:32]


def _done(talk: Talk, id: str) -> Talk:
    """Every message of an item was sent, or may have been; if a picture may not have arrived, say so."""
    item = talk.item(id)
    if item is None or item.way:
        return talk
    talk = talk.with_item(item.model_copy(update={"way": "line"}))
    unsure = [number for number in item.unsure if 0 < number < CARD]
    if not unsure:
        return talk
    choices = ((f"resend:{item.job}", words(item.language, "choice.resend")),) if item.job else ()
    said = words(item.language, "wecom.maybe")
    note = Item(
        id=f"maybe:{id}", text=said, language=item.language, choices=choices, made=item.made, answer=item.answer
    )
    return talk.waits_for(note)
