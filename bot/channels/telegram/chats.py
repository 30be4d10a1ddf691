"""What must be remembered about chats: which cannot be written to, and which groups became supergroups.

A group that becomes a supergroup gets a new id. Everything stored about it (tables, settings, jobs) stays under its
first id, its *name* here; the two are exchanged only when something is sent or comes in. So nothing is ever moved.
"""

import asyncio
from collections import OrderedDict

from bot.channels.telegram.inbound.updates import Moved, Standing
from handlers.message import Chat
from handlers.store.base import Values

_GONE = "telegram.gone"
_NOW = "telegram.moved"
_FIRST = "telegram.origin"
_KEPT = 20_000


class Chats:
    """Reads are cached: another process finds out by itself, from the server's answer."""

    def __init__(self, store: Values) -> None:
        self._store = store
        self._cache: OrderedDict[tuple[str, str], str | None] = OrderedDict()

    async def name(self, chat_id: int) -> str:
        """Under which id this chat is known. What else is asked of it next is read with it, in one look."""
        await asyncio.gather(*(self._value(space, str(chat_id)) for space in (_FIRST, _NOW, _GONE)))
        return await self._value(_FIRST, str(chat_id)) or str(chat_id)

    async def address(self, name: str) -> int:
        """The current id of the chat with this name."""
        return int(await self._value(_NOW, name) or name)

    async def moved(self, old: int, new: int) -> None:
        """Idempotent, and may be reported from both sides."""
        name = await self.name(old)
        if name != str(new):
            await self._set(_FIRST, str(new), name)
            await self._set(_NOW, name, str(new))

    async def note(self, heard: Moved | Standing) -> None:
        """What the server says of a chat itself."""
        if isinstance(heard, Moved):
            await self.moved(heard.old, heard.new)
        else:
            await self.set_gone(await self.name(heard.chat), heard.gone)

    async def is_gone(self, name: str) -> bool:
        """Whether writing there was refused for good: blocked, deleted, removed."""
        return await self._value(_GONE, name) is not None

    async def set_gone(self, name: str, gone: bool) -> None:
        if await self.is_gone(name) != gone:
            person = Chat(channel="telegram", chat=name, person=name).owner  # a private chat has the person's id
            await self._set(_GONE, name, "gone" if gone else None, owner=person)

    async def _value(self, space: str, key: str) -> str | None:
        if (space, key) not in self._cache:
            found = await self._store.value(space, key)
            if (space, key) not in self._cache:  # what was set meanwhile is newer
                self._remember(space, key, found)
        return self._cache[space, key]

    async def _set(self, space: str, key: str, value: str | None, *, owner: str | None = None) -> None:
        await self._store.change(space, key, lambda _: value, owner=owner)
        self._remember(space, key, value)

    def _remember(self, space: str, key: str, value: str | None) -> None:
        self._cache[space, key] = value
        while len(self._cache) > _KEPT:
            self._cache.popitem(last=False)
