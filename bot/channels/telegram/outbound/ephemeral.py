"""Menus, prices and refusals in a group that only the person who asked sees (Bot API 10.2, 10.3).

Any bot may show one within fifteen seconds of the person's press or ephemeral command, an administrator always. It may
never arrive, so that it is never the only copy of anything: pictures, and what is said of a job, are ordinary messages.
What the server refuses becomes one, too.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from telegram import Bot, InlineKeyboardMarkup, LinkPreviewOptions, Message
from telegram.error import BadRequest

from bot.channels.telegram.message_index import MessageIndex
from bot.channels.telegram.outbound.gateway import Gateway
from bot.channels.telegram.outbound.places import thread_of
from handlers.message import Chat, Kind, Outgoing

log = logging.getLogger(__name__)

ACTION_SECONDS = 13.0
"""Of fifteen, by the server's clock: an answer takes a moment to get there."""
UNKNOWN_SECONDS = 3600.0
"""How long we remember that the server shows everybody what it is sent for one person."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a person did that may be answered for their eyes only: pressed a button (`query`), or sent an ephemeral
    command (`command`). `at`: when it came, in seconds of the wall clock."""

    at: float
    query: str | None = None
    command: int | None = None


class Ephemeral:
    """`is_admin`: whether the bot administers the group with this name."""

    def __init__(
        self, bot: Bot, gateway: Gateway, index: MessageIndex, is_admin: Callable[[str], Awaitable[bool]]
    ) -> None:
        self._bot = bot
        self._gateway = gateway
        self._index = index
        self._is_admin = is_admin
        self._unknown_until = 0.0

    async def allowed(self, chat: Chat, outgoing: Outgoing, action: Action | None) -> bool:
        """Whether this may be shown to its person alone."""
        shareable = outgoing.kind in (Kind.TEXT, Kind.CHOICES) and not outgoing.job and not outgoing.awaits
        if not shareable or not chat.chat.startswith("-") or not chat.person.isdecimal():
            return False
        now = self._index.now()
        if now < self._unknown_until:
            return False
        fresh = action is not None and now - action.at < ACTION_SECONDS
        return fresh or await self._is_admin(chat.chat)

    async def show(
        self, chat: Chat, outgoing: Outgoing, text: str, markup: InlineKeyboardMarkup | None, action: Action | None
    ) -> bool:
        """False if the server refuses it. Raises DeliveryError."""
        more: dict[str, Any] = {"ephemeral_message_parameters": {"receiver_user_id": int(chat.person)}}
        if action is not None and action.query is not None:
            more["ephemeral_message_parameters"]["callback_query_id"] = action.query
        elif action is not None and action.command is not None:
            more["reply_parameters"] = {"ephemeral_message_id": action.command}

        async def call(to: int) -> Message:
            return await self._bot.send_message(
                to,
                text,
                reply_markup=markup,
                message_thread_id=thread_of(chat),
                link_preview_options=NO_PREVIEW,
                api_kwargs=more,
            )

        try:
            sent = await self._gateway(chat.chat, call)
        except BadRequest as error:
            log.info("a message for one person's eyes was refused: %s", type(error).__name__)
            return False
        number = sent.api_kwargs.get("ephemeral_message_id")
        if isinstance(number, int):
            await self._index.put_asked(chat, number, outgoing.ref)
        else:
            self._unknown_until = self._index.now() + UNKNOWN_SECONDS
        return True

    async def edit(self, chat: Chat, number: int, text: str, markup: InlineKeyboardMarkup | None) -> bool:
        """Change the message with this number; False if it is gone. Raises DeliveryError."""

        async def call(to: int) -> object:
            where = {"chat_id": to, "receiver_user_id": int(chat.person), "ephemeral_message_id": number}
            what = {"text": text, "reply_markup": markup, "link_preview_options": NO_PREVIEW}
            return await self._bot.do_api_request("editEphemeralMessageText", api_kwargs=where | what)

        try:
            await self._gateway(chat.chat, call)
        except BadRequest as error:
            return "not modified" in str(error).lower()
        return True
