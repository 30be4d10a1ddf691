"""Small durable facts about messages: the message of a job, the album of a picture.

Everything here is bounded: entries of a job are deleted when the job is over, those of an album after a week; and all
of it is owned by its person, so it is deleted when they are forgotten.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from bot.channels.telegram.inbound.updates import Attachment
from handlers.message import Chat
from handlers.store.base import Values

_JOBS = "telegram.jobs"
_ALBUMS = "telegram.albums"
_REFS = "telegram.refs"
_ASKED = "telegram.asked"
KEPT = timedelta(days=7)
"""How long a reply to an album finds all of it."""
_CACHED = 5_000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class JobMessage(_Frozen):
    """The message that shows a job's progress. `head` is what was understood; `at` Unix seconds of the sending.
    `reacted`: it is the person's own message, with our reaction under it."""

    message: int
    head: str
    at: float
    reacted: bool = False
    owner: str = ""
    edited: float = 0.0
    """When it was last edited; not written to disk each time."""


class _Part(_Frozen):
    file_id: str
    unique: str
    size: int | None = None
    message: int


class _Album(_Frozen):
    parts: tuple[_Part, ...] = ()
    first: tuple[int, ...] = ()
    """The messages that were handled together; those that came later are on their own."""


class MessageIndex:
    def __init__(self, store: Values, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self.now = now
        self._jobs: OrderedDict[str, JobMessage | None] = OrderedDict()

    # --- the message of a job

    async def job(self, job: str) -> JobMessage | None:
        if job not in self._jobs:
            text = await self._store.value(_JOBS, job)
            found = JobMessage.model_validate_json(text) if text else None
            if found is None:
                return None  # not cached: another process may write it at any moment
            self._remember(job, found)
        return self._jobs[job]

    async def put_job(self, chat: Chat, job: str, message: JobMessage) -> None:
        message = message.model_copy(update={"owner": chat.owner})
        await self._store.set_value(_JOBS, job, message.model_dump_json(exclude={"edited"}), owner=chat.owner)
        self._remember(job, message)

    def edited(self, job: str) -> None:
        """Record that the message was edited now."""
        message = self._jobs.get(job)
        if message is not None:
            self._remember(job, message.model_copy(update={"edited": self.now()}))

    async def drop_job(self, job: str) -> None:
        await self._store.drop_value(_JOBS, job)
        self._jobs.pop(job, None)

    def _remember(self, job: str, message: JobMessage) -> None:
        self._jobs[job] = message
        self._jobs.move_to_end(job)
        while len(self._jobs) > _CACHED:
            self._jobs.popitem(last=False)

    async def forget(self, chat: Chat) -> None:
        """What the store keeps is deleted with everything else of this person; this deletes what the process
        remembers."""
        for job in [job for job, message in self._jobs.items() if message and message.owner == chat.owner]:
            del self._jobs[job]

    # --- albums people sent: a reply names only one part of them

    async def put_album(
        self, chat: Chat, group: str, parts: tuple[Attachment, ...], *, whole: bool = True
    ) -> tuple[int, ...]:
        """Returns the messages that are handled together; not `whole`: these parts are not among them."""
        added = {a.message: _Part(file_id=a.file_id, unique=a.unique, size=a.size, message=a.message) for a in parts}

        def with_parts(stored: str | None) -> str:
            before = _Album.model_validate_json(stored) if stored else _Album()
            mine = {part.message: part for part in before.parts} | added
            first = tuple(sorted({*before.first, *added})) if whole else before.first
            return _Album(parts=tuple(mine[n] for n in sorted(mine)), first=first).model_dump_json()

        key = _album_key(chat, group)
        stored = await self._store.change(_ALBUMS, key, with_parts, owner=chat.owner, expires=self._until())
        return _Album.model_validate_json(stored or "{}").first

    async def album(self, chat: Chat, group: str) -> tuple[Attachment, ...]:
        """The parts of an album as far as we saw them, in order."""
        stored = await self._store.value(_ALBUMS, _album_key(chat, group))
        parts = _Album.model_validate_json(stored).parts if stored else ()
        return tuple(Attachment(file_id=p.file_id, unique=p.unique, size=p.size, message=p.message) for p in parts)

    # --- our own albums: their pictures have no buttons that would name the job

    async def put_refs(self, chat: Chat, messages: tuple[int, ...], job: str) -> None:
        until = self._until()
        await asyncio.gather(
            *(self._store.set_value(_REFS, _ref_key(chat, n), job, owner=chat.owner, expires=until) for n in messages)
        )

    async def job_of(self, chat: Chat, message: int) -> str | None:
        return await self._store.value(_REFS, _ref_key(chat, message))

    # --- what only one person sees: their press on it tells neither a message nor what that answered

    async def put_asked(self, chat: Chat, number: int, ref: str | None) -> None:
        """What the ephemeral message with this number answered; numbers are used again."""
        key = _ref_key(chat, f"{chat.owner}:{number}")
        await self._store.change(_ASKED, key, lambda _: ref, owner=chat.owner, expires=self._until())

    async def asked(self, chat: Chat, number: int) -> str | None:
        return await self._store.value(_ASKED, _ref_key(chat, f"{chat.owner}:{number}"))

    def _until(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC) + KEPT


def _album_key(chat: Chat, group: str) -> str:
    """An album is one person's, and may be replied to by everybody in the chat."""
    return f"{place_of(chat)}:{group}"


def _ref_key(chat: Chat, message: int | str) -> str:
    return f"{place_of(chat)}:{message}"


def place_of(chat: Chat) -> str:
    """The chat as part of a key: a private chat's id is the person's, so it is hashed."""
    return hashlib.sha256(chat.group_key.encode()).hexdigest()[:24]
