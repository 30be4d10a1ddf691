"""Deleting everything kept about a person, on their own request."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from handlers.dialogue.facts import MessageFacts
from handlers.dialogue.turn import Decision
from handlers.message import Chat, Kind, Language, Outgoing
from handlers.order import job_id as job_of
from handlers.store.base import Store
from handlers.words import words

log = logging.getLogger(__name__)

_MOST_COUNTED = 1000
"""At most this many jobs are read to count the pictures that a deletion removes; all are deleted."""


class Forgetting:
    """`delete`: a person's photos and these files; returns how many photos there were. `in_channel` deletes what their
    channel keeps by itself; `cancel` stops a running job."""

    def __init__(
        self,
        *,
        store: Store,
        delete: Callable[[Chat, set[Path]], Awaitable[int]],
        in_channel: Callable[[Chat], Awaitable[None]] | None,
        cancel: Callable[[str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._delete = delete
        self._in_channel = in_channel
        self._cancel = cancel

    async def forget(self, heard: MessageFacts, decision: Decision, language: Language) -> Decision:
        """Delete everything kept about this person, files included; the decision's replies then say how much it was."""
        chat = heard.message.chat
        language = decision.replies[0].language if decision.replies else language
        pictures = sum(len(job.pictures) for job in await self._store.jobs(chat=chat, limit=_MOST_COUNTED))
        files = set(await self._store.forget(chat))
        if self._in_channel is not None:
            await self._in_channel(chat)
        for job_id in decision.cancel:
            await self._cancel(job_id)
        photos = await self._delete(chat, files)
        log.info("deleted a person's data: %d photos, %d pictures", photos, pictures)
        lines = [words(language, "say.forgotten", photos=photos, pictures=pictures)]
        if decision.cancel:
            lines.append(words(language, "say.forgotten_stopped"))
        said = Outgoing(
            id=f"forgotten:{job_of(heard.message.key)}",  # the key itself contains the ids of the person and the chat
            kind=Kind.TEXT,
            text="\n".join(lines),
            ref=heard.message.ref,
            language=language,
        )
        return replace(decision, replies=(said,), cancel=())
