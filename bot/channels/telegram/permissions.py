"""Who may press which button, and who may change the settings of a group."""

import logging

from telegram import Bot
from telegram.error import TelegramError

from bot.channels.telegram.bounded import BoundedMap
from bot.channels.telegram.chats import Chats
from bot.channels.telegram.inbound.updates import Tap
from bot.channels.telegram.outbound.buttons import Pressed, owner_mark
from bot.channels.telegram.outbound.limits import Clock
from handlers.message import Chat

log = logging.getLogger(__name__)

ADMIN_SECONDS = 60.0
"""How long an answer about somebody's rights is valid."""
DOUBLE_TAP = 2.0
REMEMBERED = 10_000


class Permissions:
    def __init__(self, bot: Bot, chats: Chats, clock: Clock) -> None:
        self._bot = bot
        self._chats = chats
        self._clock = clock
        self._admins: BoundedMap[tuple[int, str], tuple[float, bool]] = BoundedMap(REMEMBERED)
        self._tapped: BoundedMap[tuple[int, int, str, str], float] = BoundedMap(REMEMBERED)

    async def may_press(self, tap: Tap) -> bool:
        """Buttons respond only to the person who asked."""
        owner = Pressed.parse(tap.data).owner
        if owner is None or owner == owner_mark(tap.person):
            return True
        # Somebody who asked anonymously, as the group, presses under their own name.
        return owner == owner_mark(f"c{tap.chat}") and await self._is_admin(tap.chat, tap.person)

    def pressed_twice(self, tap: Tap) -> bool:
        """A double tap counts once."""
        now = self._clock.now()
        key = (tap.chat, tap.message or -(tap.ephemeral or 0), tap.person, tap.data)
        before = self._tapped.get(key)
        self._tapped.put(key, now)
        return before is not None and now - before < DOUBLE_TAP

    async def is_admin(self, chat: Chat) -> bool:
        """Whether this person may change the settings of the group (in private: always)."""
        if not chat.chat.startswith("-"):
            return True
        address = await self._chats.address(chat.chat)
        if chat.person.startswith("c"):
            # Only the group's own anonymous admins write as the group itself.
            return chat.person in (f"c{chat.chat}", f"c{address}")
        return await self._is_admin(address, chat.person)

    async def administers(self, name: str) -> bool:
        """Whether the bot itself is an administrator of the group with this name."""
        return await self._is_admin(await self._chats.address(name), self._bot.token.partition(":")[0])

    async def _is_admin(self, chat: int, person: str) -> bool:
        key, now = (chat, person), self._clock.now()
        known = self._admins.get(key)
        if known is None or now - known[0] > ADMIN_SECONDS:
            try:
                member = await self._bot.get_chat_member(chat, int(person))
            except (TelegramError, KeyError) as error:
                log.info("asking for a person's rights failed: %s", type(error).__name__)
                return False
            known = (now, member.status in ("administrator", "creator"))
            self._admins.put(key, known)
        return known[1]
