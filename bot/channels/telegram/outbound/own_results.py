"""Inline mode: `@bot` typed in any chat offers a person their own last results.

They are sent by the ids that Telegram gave our photos, so nothing is uploaded and no address of ours is shown. Kept are
two small things, both the person's: which jobs were shown to them, and the file ids of each. A job that is forgotten or
has expired is offered no more.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from telegram import Bot, InlineQuery, InlineQueryResultCachedPhoto, Message
from telegram.error import BadRequest, TelegramError

from handlers.store.base import Store

log = logging.getLogger(__name__)

LIFE = timedelta(days=30)
JOBS = 20
"""How many results back."""
OFFERED = 50
"""Pictures in one answer (Bot API)."""
CACHE_SECONDS = 5
"""How long Telegram may repeat an answer to the same person: a picture made meanwhile is to be there."""
_JOBS = "telegram.own_jobs"
_FILES = "telegram.own_files"


class _Jobs(BaseModel):
    """Oldest first."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[str, ...] = ()


class _Files(BaseModel):
    """File ids by the message that shows the picture: an album's order is that of its messages."""

    model_config = ConfigDict(frozen=True)

    files: dict[int, str] = {}


class OwnResults:
    """`now`: Unix time."""

    def __init__(self, bot: Bot, store: Store, now: Callable[[], float] = time.time) -> None:
        self._bot = bot
        self._store = store
        self._now = now

    async def note(self, name: str | None, message: int, sent: object) -> None:
        """`sent`: what the server answered when the message became a picture of the job `name`. What is sent as a file
        has no photo, and is not offered.

        It belongs to the chat that asked, wherever it is shown, so that forgetting there deletes it.
        """
        if name is None or not isinstance(sent, Message) or not sent.photo:
            return
        job = await self._store.job(name)
        if job is None:
            return  # forgotten meanwhile
        largest = max(sent.photo, key=lambda size: size.width * size.height).file_id
        until = datetime.fromtimestamp(self._now(), UTC) + LIFE

        def with_file(stored: str | None) -> str:
            known = _Files.model_validate_json(stored).files if stored else {}
            return _Files(files={**known, message: largest}).model_dump_json()

        def with_job(stored: str | None) -> str:
            known = _Jobs.model_validate_json(stored).jobs if stored else ()
            return _Jobs(jobs=(*(one for one in known if one != name), name)[-JOBS:]).model_dump_json()

        await self._store.change(_FILES, name, with_file, owner=job.chat.owner, expires=until)
        await self._store.change(_JOBS, _person(job.chat.person), with_job, owner=job.chat.owner, expires=until)

    async def answer(self, query: InlineQuery) -> None:
        """The person's own pictures, newest first; nothing for somebody who has none."""
        photos = await self._photos(str(query.from_user.id))
        try:
            await self._answer(query, photos)
        except BadRequest as error:  # one file the server no longer has refuses them all; a late answer does no harm
            log.info("an inline answer was refused: %s", type(error).__name__)
            if photos and "query" not in str(error).lower():
                await self._answer(query, [])
        except (TelegramError, KeyError) as error:
            log.info("an inline query was not answered: %s", type(error).__name__)

    async def _answer(self, query: InlineQuery, photos: list[InlineQueryResultCachedPhoto]) -> None:
        await self._bot.answer_inline_query(query.id, photos, cache_time=CACHE_SECONDS, is_personal=True)

    async def _photos(self, person: str) -> list[InlineQueryResultCachedPhoto]:
        stored = await self._store.value(_JOBS, _person(person))
        jobs = _Jobs.model_validate_json(stored).jobs if stored else ()
        files = await asyncio.gather(*(self._files(person, job) for job in reversed(jobs)))
        named = [(f"{job}:{n}", file) for job, found in zip(reversed(jobs), files, strict=True) for n, file in found]
        return [InlineQueryResultCachedPhoto(name, file) for name, file in named[:OFFERED]]

    async def _files(self, person: str, job_id: str) -> list[tuple[int, str]]:
        job = await self._store.job(job_id)
        if job is None or job.chat.channel != "telegram" or job.chat.person != person:
            return []
        stored = await self._store.value(_FILES, job_id)
        return sorted(_Files.model_validate_json(stored).files.items()) if stored else []


def _person(person: str) -> str:
    """A hash that says nothing about them."""
    return hashlib.sha256(f"telegram|{person}".encode()).hexdigest()[:24]
