"""Small durable facts between what was said and what comes of it: the message of a job, the album of a picture.

Everything here is bounded: what is kept for a job goes when the job is over, what is kept for a chat are its newest.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from bot.channels.telegram.inbound.updates import Attachment
from handlers.message import Chat
from handlers.store.base import Store

_JOBS = "telegram.jobs"
_ALBUMS = "telegram.albums"
_REFS = "telegram.refs"
ALBUMS_KEPT = 12
REFS_KEPT = 200
_CACHED = 5_000


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class JobMessage(_Frozen):
    """The message that shows how a job goes. `head` is what was understood; `at` Unix seconds of the sending."""

    message: int
    head: str
    at: float
    edited: float = 0.0
    """When it was last edited; not written to disk each time."""


class _Part(_Frozen):
    file_id: str
    unique: str
    size: int | None = None
    message: int


class _Album(_Frozen):
    group: str
    person: str = ""
    parts: tuple[_Part, ...]
    first: tuple[int, ...] = ()
    """The messages that were taken together; those that came later are on their own."""


class _Albums(_Frozen):
    newest: tuple[_Album, ...] = ()


class _Refs(_Frozen):
    """By message: its job, and whose that is."""

    jobs: dict[int, str] = {}
    people: dict[int, str] = {}


async def exchanged(store: Store, space: str, key: str, old: str | None, new: str) -> bool:
    """Whether the value is the new one now; False where it was no longer the old one."""
    if old is None:
        return await store.add_value(space, key, new)
    return await store.set_value(space, key, new, expected=old)


class MessageIndex:
    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self.now = now
        self._jobs: OrderedDict[str, JobMessage | None] = OrderedDict()

    # --- the message of a job

    async def job(self, job: str) -> JobMessage | None:
        if job not in self._jobs:
            text = await self._store.value(_JOBS, job)
            found = JobMessage.model_validate_json(text) if text else None
            if found is None:
                return None  # not cached: another process may say it any moment
            self._remember(job, found)
        return self._jobs[job]

    async def put_job(self, job: str, message: JobMessage) -> None:
        await self._store.set_value(_JOBS, job, message.model_dump_json(exclude={"edited"}))
        self._remember(job, message)

    def edited(self, job: str) -> None:
        """Note that the message was edited now."""
        message = self._jobs.get(job)
        if message is not None:
            self._remember(job, message.model_copy(update={"edited": self.now()}))

    async def drop_job(self, job: str) -> None:
        await self._store.set_value(_JOBS, job, None)
        self._jobs.pop(job, None)

    def _remember(self, job: str, message: JobMessage) -> None:
        self._jobs[job] = message
        self._jobs.move_to_end(job)
        while len(self._jobs) > _CACHED:
            self._jobs.popitem(last=False)

    # --- albums people sent: a reply names one part of them only

    async def put_album(
        self, chat: str, person: str, group: str, parts: tuple[Attachment, ...], *, whole: bool = True
    ) -> tuple[int, ...]:
        """Returns the messages that are taken together; not `whole`: these parts are not among them."""
        while True:
            stored = await self._store.value(_ALBUMS, chat)
            known = _Albums.model_validate_json(stored) if stored else _Albums()
            before = next((a for a in known.newest if a.group == group), _Album(group=group, parts=()))
            mine = {p.message: p for p in before.parts} | {
                a.message: _Part(file_id=a.file_id, unique=a.unique, size=a.size, message=a.message) for a in parts
            }
            first = tuple(sorted({*before.first, *(a.message for a in parts)})) if whole else before.first
            album = _Album(group=group, person=person, parts=tuple(mine[n] for n in sorted(mine)), first=first)
            newest = (*(a for a in known.newest if a.group != group), album)[-ALBUMS_KEPT:]
            if await exchanged(self._store, _ALBUMS, chat, stored, _Albums(newest=newest).model_dump_json()):
                return first

    async def album(self, chat: str, group: str) -> tuple[Attachment, ...]:
        """The parts of an album as far as we saw them, in order."""
        stored = await self._store.value(_ALBUMS, chat)
        known = _Albums.model_validate_json(stored) if stored else _Albums()
        parts = next((a.parts for a in known.newest if a.group == group), ())
        return tuple(Attachment(file_id=p.file_id, unique=p.unique, size=p.size, message=p.message) for p in parts)

    # --- our own albums: their pictures have no buttons that would name the job

    async def put_refs(self, chat: Chat, messages: tuple[int, ...], job: str) -> None:
        while True:
            stored = await self._store.value(_REFS, chat.chat)
            known = _Refs.model_validate_json(stored) if stored else _Refs()
            jobs = dict([*known.jobs.items(), *((m, job) for m in messages)][-REFS_KEPT:])
            people = {m: p for m, p in known.people.items() if m in jobs} | dict.fromkeys(messages, chat.person)
            newest = _Refs(jobs=jobs, people=people).model_dump_json()
            if await exchanged(self._store, _REFS, chat.chat, stored, newest):
                return

    async def job_of(self, chat: str, message: int) -> str | None:
        stored = await self._store.value(_REFS, chat)
        return _Refs.model_validate_json(stored).jobs.get(message) if stored else None

    # --- when a person asks to be forgotten

    async def forget(self, chat: Chat) -> None:
        """The ids of their photos, and which messages showed their results; what others of a group sent stays."""
        for job in await self._store.jobs(chat=chat):  # those still running end without a word
            await self.drop_job(job.id)
        if chat.chat == chat.person:
            await self._store.set_value(_ALBUMS, chat.chat, None)
            await self._store.set_value(_REFS, chat.chat, None)
            return
        while True:
            stored = await self._store.value(_ALBUMS, chat.chat)
            albums = _Albums.model_validate_json(stored) if stored else _Albums()
            others = tuple(album for album in albums.newest if album.person not in ("", chat.person))
            if stored is None or await exchanged(
                self._store, _ALBUMS, chat.chat, stored, _Albums(newest=others).model_dump_json()
            ):
                break
        while True:
            stored = await self._store.value(_REFS, chat.chat)
            refs = _Refs.model_validate_json(stored) if stored else _Refs()
            people = {message: person for message, person in refs.people.items() if person != chat.person}
            jobs = {message: job for message, job in refs.jobs.items() if message in people}
            newest = _Refs(jobs=jobs, people=people).model_dump_json()
            if stored is None or await exchanged(self._store, _REFS, chat.chat, stored, newest):
                return
