"""Where each progress line of a person began, so that replacing and dropping it confuses nobody who reads along.

The store gives a replaced entry a new number. A reader who asks for what came after a status they saw must not lose
what came between its first and its newest version, and must find their place even when the status is gone. So the
first number of the newest statuses is kept, one small value for each person.
"""

import asyncio
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from handlers.message import Chat
from handlers.store.base import Store

KEPT = 60
_SPACE = "web.statuses"


class Begun(BaseModel):
    """A status: the number of its first version, when that was said, and its job."""

    model_config = ConfigDict(frozen=True)

    seq: int
    at: datetime
    job: str | None = None


class Statuses(BaseModel):
    """The newest statuses of a person, oldest first, and the newest jobs whose result has been shown."""

    model_config = ConfigDict(frozen=True)

    begun: dict[str, Begun] = {}
    shown: tuple[str, ...] = ()

    def with_begun(self, status: str, begun: Begun) -> "Statuses":
        newest = dict([*self.begun.items(), (status, begun)][-KEPT:])
        return Statuses(begun=newest, shown=self.shown)

    def with_shown(self, job: str) -> "Statuses":
        return Statuses(begun=self.begun, shown=(*(j for j in self.shown if j != job), job)[-KEPT:])

    def of_job(self, job: str) -> tuple[str, ...]:
        return tuple(status for status, begun in self.begun.items() if begun.job == job)


class StatusLog:
    """Reads and changes the `Statuses` of people."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writing = asyncio.Lock()

    async def read(self, chat: Chat) -> Statuses:
        return self._parse(await self._store.value(_SPACE, chat.key))

    async def begin(self, chat: Chat, status: str, begun: Begun) -> None:
        """Note the first version of a status; later versions change nothing."""
        async with self._writing:
            while True:
                stored = await self._store.value(_SPACE, chat.key)
                statuses = self._parse(stored)
                if status in statuses.begun or await self._save(chat, statuses.with_begun(status, begun), stored):
                    return

    async def show(self, chat: Chat, job: str) -> None:
        """Note that the result of a job has been shown: a status that comes late is not."""
        async with self._writing:
            while True:
                stored = await self._store.value(_SPACE, chat.key)
                statuses = self._parse(stored)
                if job in statuses.shown or await self._save(chat, statuses.with_shown(job), stored):
                    return

    async def forget(self, chat: Chat) -> None:
        await self._store.set_value(_SPACE, chat.key, None)

    async def _save(self, chat: Chat, statuses: Statuses, expected: str | None) -> bool:
        return await self._store.set_value(_SPACE, chat.key, statuses.model_dump_json(), expected=expected)

    @staticmethod
    def _parse(stored: str | None) -> Statuses:
        return Statuses() if stored is None else Statuses.model_validate_json(stored)
