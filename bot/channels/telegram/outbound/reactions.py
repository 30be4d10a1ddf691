"""A reaction under the person's message while their picture is made, where a message would be too much: in a group.

It is taken away when the picture, or the sentence that there is none, has come. Where the group allows no such
reaction, or the server knows none, the usual message is sent.
"""

import logging

from telegram import Bot
from telegram.constants import ReactionEmoji
from telegram.error import BadRequest

from bot.channels.telegram.bounded import BoundedMap
from bot.channels.telegram.message_index import MessageIndex
from bot.channels.telegram.outbound.gateway import Gateway
from handlers.channel import DeliveryLater
from handlers.message import Chat

log = logging.getLogger(__name__)

WORKING = ReactionEmoji.EYES
"""Among those that are free for everybody; a bot may set one (Bot API)."""
REFUSED_SECONDS = 3600.0
"""How long we remember that a group takes no reaction."""
REMEMBERED = 10_000
_GONE = "message to react not found"


class Reactions:
    def __init__(self, bot: Bot, gateway: Gateway, index: MessageIndex) -> None:
        self._bot = bot
        self._gateway = gateway
        self._now = index.now
        self._refused: BoundedMap[str, float] = BoundedMap(REMEMBERED)

    async def working(self, chat: Chat, message: int) -> bool:
        """Show that work on this message has begun. False if it cannot be shown so. Raises DeliveryRefused,
        DeliveryUnknown: set twice, it is there once."""
        refused = self._refused.get(chat.chat)
        if refused is not None and self._now() - refused < REFUSED_SECONDS:
            return False
        try:
            await self._gateway(chat.chat, lambda to: self._bot.set_message_reaction(to, message, WORKING))
        except BadRequest as error:
            if _GONE not in str(error).lower():
                self._refused.put(chat.chat, self._now())
            return False
        except DeliveryLater:  # an older server has no such method; of a flood the message is told, too
            self._refused.put(chat.chat, self._now())
            return False
        return True

    async def done(self, chat: Chat, message: int) -> None:
        """Take it away; the person may have deleted their message."""
        await self._gateway.quietly(chat.chat, lambda to: self._bot.set_message_reaction(to, message, []))
