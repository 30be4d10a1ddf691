"""Results that no chat would take: stored per person, and shown where that person writes next."""

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from handlers.channel import Delivered
from handlers.message import Chat, Kind, Outgoing
from handlers.store.base import Job, Store
from handlers.words import words
from providers.media.store import at_hand

log = logging.getLogger(__name__)

LIFE = timedelta(days=30)
_KEPT = "telegram.kept"
_BEGUN = "telegram.kept_place"


class _Kept(BaseModel):
    """Jobs of a person, oldest first."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[str, ...] = ()


class Deliverer(Protocol):
    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str: ...
    async def deliver(self, chat: Chat, outgoing: Outgoing, name: str) -> Delivered: ...


class KeptResults:
    """`now`: Unix time."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    def _until(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC) + LIFE

    async def keep(self, chat: Chat, job: str) -> None:
        def kept(stored: str | None) -> str:
            known = _Kept.model_validate_json(stored) if stored else _Kept()
            return _Kept(jobs=(*(j for j in known.jobs if j != job), job)).model_dump_json()

        await self._store.change(_KEPT, _person(chat), kept, owner=chat.owner, expires=self._until())
        log.warning("no chat takes a result, keeping it until its person writes: job=%s", job)

    async def hand_over(self, chat: Chat, deliverer: Deliverer) -> None:
        """What is stored for this person, shown where they write now. Started twice, or by two processes, it is shown
        once: one of them makes its place, the same for all."""
        stored = await self._store.value(_KEPT, _person(chat))
        for name in _Kept.model_validate_json(stored).jobs if stored else ():
            job = await self._store.job(name)
            if job is not None and job.pictures and not await self._shown(chat, job, deliverer):
                return
            await self._let_go(chat, name)

    async def _shown(self, chat: Chat, job: Job, deliverer: Deliverer) -> bool:
        language = job.order.language
        outgoing = Outgoing(
            id=f"kept:{job.id}",
            kind=Kind.PICTURES,
            text=words(language, "telegram.kept_result"),
            pictures=job.pictures,
            job=job.id,
            language=language,
        )
        place = await self._store.value(_BEGUN, job.id)
        if place is None:
            made = await deliverer.reserve(chat, outgoing)
            place = await self._store.change(
                _BEGUN, job.id, lambda there: there or made, owner=chat.owner, expires=self._until()
            )
        for picture in job.pictures:
            await at_hand(self._store.media, picture.path)
        return not (await deliverer.deliver(chat, outgoing, place or "")).held

    async def _let_go(self, chat: Chat, job: str) -> None:
        def without(stored: str | None) -> str | None:
            jobs = tuple(j for j in _Kept.model_validate_json(stored).jobs if j != job) if stored else ()
            return _Kept(jobs=jobs).model_dump_json() if jobs else None

        # Its place stays: a process that still has this job, or stores it again after a crash, puts it where it is
        # already.
        await self._store.change(_KEPT, _person(chat), without, owner=chat.owner, expires=self._until())


def _person(chat: Chat) -> str:
    """The person, in whatever chat; a hash that says nothing about them."""
    return hashlib.sha256(f"{chat.channel}|{chat.person}".encode()).hexdigest()[:24]
