"""The talks of all people, durable: each change is one step, safe for any number of processes."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.channels.wecom.talk import Talk
from handlers.message import Chat
from handlers.store.base import Values

CHANNEL = "wecom"
SPACE = "wecom.talk"
OPEN = "wecom.open"
"""Talks that the holder of the long connection has something to send to."""
OPEN_LIFE = timedelta(days=2)

Change = Callable[[Talk], Talk]


def chat_of(chat: str, person: str) -> Chat:
    return Chat(channel=CHANNEL, chat=chat, person=person)


class Talks:
    def __init__(self, store: Values, *, clock: Callable[[], datetime], noted: bool) -> None:
        """`noted`: whether talks with something to send are recorded for the holder of the long connection."""
        self._store = store
        self._clock = clock
        self._noted = noted

    def now(self) -> float:
        return self._clock().timestamp()

    async def read(self, chat: Chat) -> Talk | None:
        raw = await self._store.value(SPACE, chat.owner)
        return None if raw is None else self._talk(raw)

    async def change(self, chat: Chat, change: Change, *, group: bool = False, note: bool = True) -> Talk:
        """Apply a pure change to the talk as stored by then; a stranger's is empty. `note`: there may be something to
        send."""
        empty = Talk(chat=chat.chat, person=chat.person, group=group or chat.chat != chat.person)

        def changed(raw: str | None) -> str | None:
            before = empty if raw is None else self._talk(raw)
            after = change(before)
            if after == before:
                return raw
            return after.model_dump_json(exclude_defaults=True, context=self._store.media)

        if self._noted and note:  # before the change: a process that dies in between has recorded it in vain
            await self.note(chat)
        raw = await self._store.change(SPACE, chat.owner, changed, owner=chat.owner)
        return empty if raw is None else self._talk(raw)

    async def note(self, chat: Chat) -> None:
        names = json.dumps([chat.chat, chat.person])
        await self._store.set_value(OPEN, chat.owner, names, owner=chat.owner, expires=self._clock() + OPEN_LIFE)

    async def noted(self) -> tuple[Chat, ...]:
        """Talks that may have something to send."""
        rows = await self._store.space(OPEN)
        return tuple(chat_of(*json.loads(value)) for _, value in rows)

    async def done(self, chat: Chat) -> None:
        """Nothing is to be sent there any more."""
        await self._store.drop_value(OPEN, chat.owner)

    async def forget(self, chat: Chat) -> None:
        await self._store.drop_value(SPACE, chat.owner)
        await self._store.drop_value(OPEN, chat.owner)

    def _talk(self, raw: str) -> Talk:
        return Talk.model_validate_json(raw, context=self._store.media)
