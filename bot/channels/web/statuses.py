"""Where each progress line of a person began, so that replacing and deleting it confuses no reader.

The store gives a replaced entry a new number. A reader who asks for what came after a status they saw must not lose
what came between its first and its newest version, and must find their place even if the status is gone. So the first
number of the newest statuses is stored, one small value per person.
"""

from collections.abc import Callable
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from handlers.message import Chat
from handlers.store.base import Values

KEPT = 60
_SPACE = "web.statuses"


class Begun(BaseModel):
    """A status: the number of its first version, when that was sent, its job, and how many unfinished pictures of it
    there were."""

    model_config = ConfigDict(frozen=True)

    seq: int
    at: datetime
    job: str | None = None
    steps: int = 0


class Statuses(BaseModel):
    """The newest statuses of a person, oldest first, and the newest jobs whose result has been shown."""

    model_config = ConfigDict(frozen=True)

    begun: dict[str, Begun] = {}
    shown: tuple[str, ...] = ()

    def with_begun(self, status: str, begun: Begun) -> "Statuses":
        newest = dict([*self.begun.items(), (status, begun)][-KEPT:])
        return Statuses(begun=newest, shown=self.shown)

    def with_step(self, job: str, number: int) -> "Statuses":
        begun = {
            status: one.model_copy(update={"steps": number}) if one.job == job else one
            for status, one in self.begun.items()
        }
        return Statuses(begun=begun, shown=self.shown)

    def with_shown(self, job: str) -> "Statuses":
        return Statuses(begun=self.begun, shown=(*(j for j in self.shown if j != job), job)[-KEPT:])

    def of_job(self, job: str) -> tuple[str, ...]:
        return tuple(status for status, begun in self.begun.items() if begun.job == job)


class StatusLog:
    """Reads and changes the `Statuses` of people."""

    def __init__(self, store: Values) -> None:
        self._store = store

    async def read(self, chat: Chat) -> Statuses:
        return _parsed(await self._store.value(_SPACE, chat.owner))

    async def begin(self, chat: Chat, status: str, begun: Begun) -> None:
        """Record the first version of a status; later versions change nothing."""

        def change(statuses: Statuses) -> Statuses:
            return statuses if status in statuses.begun else statuses.with_begun(status, begun)

        await self._change(chat, change)

    async def step(self, chat: Chat, job: str, number: int) -> None:
        """Record that this many unfinished pictures of a job have been shown."""
        await self._change(chat, lambda statuses: statuses.with_step(job, number))

    async def show(self, chat: Chat, job: str) -> None:
        """Record that the result of a job has been shown: a late status is not."""

        def change(statuses: Statuses) -> Statuses:
            return statuses if job in statuses.shown else statuses.with_shown(job)

        await self._change(chat, change)

    async def _change(self, chat: Chat, change: Callable[[Statuses], Statuses]) -> None:
        def changed(stored: str | None) -> str:
            return change(_parsed(stored)).model_dump_json()

        await self._store.change(_SPACE, chat.owner, changed, owner=chat.owner)


def _parsed(stored: str | None) -> Statuses:
    return Statuses() if stored is None else Statuses.model_validate_json(stored)
