"""What comes after a stream is over, in callback mode: one markdown message by the `response_url`, with links.

Source: WeCom documentation 101138. Such an address takes one message within an hour; it cannot carry pictures, so they
are linked to under `PUBLIC_URL`. It is a secret, and is called only if it is under `WECOM_API_URL`.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from bot.channels.sealing import Seal
from bot.channels.wecom.talk import Answer, Item, Talk
from bot.channels.wecom.talks import Talks
from bot.channels.wecom.view import cut, numbered
from bot.result_pages.pages import Pages
from handlers.channel import DeliveryLater
from handlers.message import Chat
from handlers.words import words
from providers.net import direct
from providers.net.outcome import UNSENT

log = logging.getLogger(__name__)

LATER_SECONDS = 5.0
TIMEOUT = httpx.Timeout(10.0, connect=5.0)


class _Refused(Exception):
    """Certainly not shown, and never will be by this address."""


class _Unclear(Exception):
    """It may have been shown."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The one use of a message's address, and what it is used for."""

    answer: Answer
    items: tuple[Item, ...]


class LateWay:
    """`api_url`: the root under which addresses may be called. `seal` encrypts them for storage."""

    def __init__(self, *, talks: Talks, pages: Pages, api_url: str, seal: Seal) -> None:
        self._seal = seal
        self._talks = talks
        self._pages = pages
        self._root = api_url.rstrip("/") + "/"
        limits = httpx.Limits(max_connections=16, max_keepalive_connections=8)
        self._client = httpx.AsyncClient(transport=direct(limits=limits), limits=limits, timeout=TIMEOUT)

    async def aclose(self) -> None:
        await self._client.aclose()

    def allowed(self, url: str | None) -> str:
        """The address, sealed, if it may be called; otherwise empty."""
        return self._seal.close(url) if url and url.startswith(self._root) else ""

    async def push(self, chat: Chat) -> None:
        """Show what no stream will, if an address is left; what cannot be shown waits for the next message.

        Raises DeliveryLater if certainly nothing was sent and it is worth another try.
        """
        claim = await self._claim(chat)
        if claim is None:
            return
        text = await self._text(chat, claim)
        try:
            address = self._seal.open(claim.answer.url)
            await self._post(address, {"msgtype": "markdown", "markdown": {"content": cut(text)}})
        except _Refused:
            await self._talks.change(chat, lambda talk: _back(talk, claim, usable=False))
        except _Unclear:
            # It may have arrived, and the address is used up: the person is told with their next message.
            note = self._maybe(claim)
            await self._talks.change(chat, lambda talk: talk.waits_for(note))
        except DeliveryLater:
            await self._talks.change(chat, lambda talk: _back(talk, claim, usable=True))
            raise
        else:
            offered = next((i.choices for i in reversed(claim.items) if i.choices), ())
            if offered:
                ids = tuple(id for id, _ in offered)
                await self._talks.change(chat, lambda talk: talk.model_copy(update={"offered": ids}))

    async def _claim(self, chat: Chat) -> Claim | None:
        linkable = await self._pages.base() is not None
        found: Claim | None = None

        def claim(talk: Talk) -> Talk:
            nonlocal found
            found = None
            now = self._talks.now()
            pending = talk.pending()
            answer = _address(talk, pending, now)
            if answer is None or not pending:
                return talk
            found = Claim(answer=answer, items=pending)
            talk = talk.with_answer(answer.model_copy(update={"url_used": True}))
            for item in pending:
                if linkable or not item.pictures:
                    talk = talk.with_item(item.model_copy(update={"way": "url"}))
            return talk

        await self._talks.change(chat, claim)
        return found

    async def _text(self, chat: Chat, claim: Claim) -> str:
        parts: list[str] = []
        for item in claim.items:
            link = await self._pages.link_for(chat, item.job or item.id)
            if item.pictures and link is None:
                parts.append(words(item.language, "wecom.no_link"))
                continue
            parts.append(item.text)
            if item.pictures:
                parts += [
                    f"![{words(item.language, 'wecom.picture', n=n)}]({link}/{n})"
                    for n in range(1, len(item.pictures) + 1)
                ]
                parts.append(words(item.language, "wecom.page", url=link or ""))
        choices = next((i.choices for i in reversed(claim.items) if i.choices), ())
        if choices:
            parts.append(numbered(choices))
            parts.append(words(claim.items[-1].language, "wechat.reply_number"))
        return "\n\n".join(filter(None, parts))

    @staticmethod
    def _maybe(claim: Claim) -> Item:
        last = claim.items[-1]
        return Item(id=f"maybe:{last.id}", text=words(last.language, "wecom.maybe"), language=last.language)

    async def _post(self, url: str, message: Mapping[str, Any]) -> None:
        """No error carries the address."""
        content = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
        try:
            answer = await self._client.post(url, content=content, headers={"content-type": "application/json"})
        except UNSENT:
            raise DeliveryLater("WeCom cannot be reached", retry_after=LATER_SECONDS) from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise _Unclear from None
        if answer.status_code in (429, 503):
            raise DeliveryLater(f"HTTP {answer.status_code}", retry_after=LATER_SECONDS)
        if answer.status_code >= 500 or answer.status_code == 408:
            raise _Unclear
        code = _errcode(answer)
        if answer.status_code != 200 or code:
            log.warning("a late answer was refused: HTTP %s errcode=%s", answer.status_code, code or "-")
            raise _Refused


def _errcode(answer: httpx.Response) -> int:
    try:
        code = json.loads(answer.content).get("errcode", 0)
    except (ValueError, AttributeError):
        return 0
    return code if isinstance(code, int) else -1


def _address(talk: Talk, pending: tuple[Item, ...], now: float) -> Answer | None:
    """The message whose address is used: that of the first item, otherwise the newest that has one. Text alone leaves
    the address to a message whose picture is still being made."""
    usable = [a for a in talk.answers if a.url_usable(now) and not a.open]
    if not any(item.pictures for item in pending):
        usable = [a for a in usable if not a.running(now)]
    own = next((a for item in pending for a in usable if a.id == item.answer), None)
    return own or (usable[-1] if usable else None)


def _back(talk: Talk, claim: Claim, *, usable: bool) -> Talk:
    """It was certainly not shown."""
    for item in claim.items:
        now = talk.item(item.id)
        if now is not None and now.way == "url":
            talk = talk.with_item(now.model_copy(update={"way": ""}))
    answer = talk.answer(claim.answer.id)
    return talk.with_answer(answer.model_copy(update={"url_used": not usable})) if answer else talk
