"""`/admin …`: the operator's words in a chat. In private only, and to the ids that ADMINS names.

status                     jobs open, spent and made today, refused, paused or not
users                      who had most pictures in thirty days
costs                      by service and by day, of seven days
jobs                       the newest, with their ids
block ID · unblock ID      a person or a chat, `telegram:123`; pictures only
grant ID N                 so many pictures more, today, this month and on trial
resend JOB                 the pictures of a job once more to its chat
pause · resume             no pictures are begun; what is being made comes
"""

import logging
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from handlers.commands import is_operators
from handlers.describe import describe
from handlers.dialogue.access import Access, picture_scope
from handlers.dialogue.refusals import refusal_scope
from handlers.message import Kind, Language, Message, Outgoing
from handlers.store.base import ENDED, Job, JobState, Store
from handlers.words import money, words
from providers.moderation.offence import Offence
from providers.money import Money

log = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z]{2,16}:[^\s:][^\s]{0,127}")
_DAYS, _USER_DAYS = 7, 30
_SHOWN = 10
_MOST_GRANTED = 10_000
_OPEN = tuple(state for state in JobState if state not in ENDED)


class Resends(Protocol):
    async def resend(self, job_id: str) -> None: ...


class Administration:
    def __init__(self, *, store: Store, access: Access, jobs: Resends, now: Callable[[], datetime]) -> None:
        self._store = store
        self._access = access
        self._jobs = jobs
        self._now = now

    async def reply(self, message: Message, language: Language) -> tuple[Outgoing, ...] | None:
        """The answer to the operator's words; None where the message is none of them.

        Whoever is no admin learns the name by which the operator could make them one, and nothing else.
        """
        if message.group or not is_operators(message.text):
            return None
        _, *rest = message.text.split()
        if not self._access.is_admin(message.chat):
            me = f"{message.chat.channel}:{message.chat.person}"
            return (_said(message, words(language, "admin.not_you", id=me), language),)
        command, *given = rest or ["help"]
        action = self._actions().get(command.lower())
        log.info("an admin asked for: %s", command.lower() if action else "help")
        text = await action(given, language) if action else words(language, "admin.help")
        return (_said(message, text, language),)

    def _actions(self) -> dict[str, Callable[[list[str], Language], Awaitable[str]]]:
        return {
            "status": self._status,
            "users": self._users,
            "costs": self._costs,
            "jobs": self._list,
            "block": self._block,
            "unblock": self._unblock,
            "grant": self._grant,
            "resend": self._resend,
            "pause": self._pause,
            "resume": self._resume,
        }

    # --- looking

    async def _status(self, _: list[str], language: Language) -> str:
        jobs = await self._store.jobs(states=_OPEN, limit=200)
        waiting = sum(job.state is JobState.NEW for job in jobs)
        refused = sum([await self._store.counted(refusal_scope(offence)) for offence in Offence], Decimal(0))
        spent = Money(amount=await self._store.counted("usd:bot"))
        lines = [
            words(language, "admin.paused" if await self._access.paused() else "admin.going"),
            words(language, "admin.open_jobs", n=len(jobs), waiting=waiting),
            words(
                language,
                "admin.today",
                spent=money(spent, language),
                pictures=int(await self._store.counted(picture_scope("bot", ""))),
                refused=int(refused),
            ),
        ]
        return "\n".join(lines)

    async def _users(self, _: list[str], language: Language) -> str:
        rows = await self._store.costs("person", since=self._now() - timedelta(days=_USER_DAYS))
        named = sorted((row for row in rows if row.key), key=lambda row: -row.pictures)
        return self._table(
            [f"{(row.key or '').replace('|', ':')} · {row.pictures} · ${row.usd:.2f}" for row in named], language
        )

    async def _costs(self, _: list[str], language: Language) -> str:
        since = self._now() - timedelta(days=_DAYS)
        lines = []
        for by in ("day", "provider"):
            rows = await self._store.costs(by, since=since)
            lines += [f"{row.key or '-'} · {row.pictures} · ${row.usd:.2f}" for row in rows]
        return self._table(lines, language, most=2 * _SHOWN)

    async def _list(self, _: list[str], language: Language) -> str:
        return self._table([_line(job, language) for job in await self._store.jobs(limit=_SHOWN)], language)

    @staticmethod
    def _table(lines: list[str], language: Language, *, most: int = _SHOWN) -> str:
        return "\n".join(lines[:most]) or words(language, "admin.nothing")

    # --- doing

    async def _block(self, given: list[str], language: Language) -> str:
        return await self._decide(given, language, blocked=True)

    async def _unblock(self, given: list[str], language: Language) -> str:
        return await self._decide(given, language, blocked=False)

    async def _decide(self, given: list[str], language: Language, *, blocked: bool) -> str:
        if len(given) != 1 or not _NAME.fullmatch(given[0]):
            return words(language, "admin.help")
        await self._access.set_blocked(given[0], blocked)
        return words(language, "admin.blocked" if blocked else "admin.unblocked", id=given[0])

    async def _grant(self, given: list[str], language: Language) -> str:
        if len(given) != 2 or not _NAME.fullmatch(given[0]) or not re.fullmatch(r"\d{1,5}", given[1], re.ASCII):
            return words(language, "admin.help")
        pictures = min(int(given[1]), _MOST_GRANTED)
        await self._access.grant(given[0], pictures)
        return words(language, "admin.granted", id=given[0], n=pictures)

    async def _resend(self, given: list[str], language: Language) -> str:
        job = await self._store.job(given[0]) if len(given) == 1 else None
        if job is None or job.state not in ENDED or not job.pictures:
            return words(language, "admin.no_job")
        await self._jobs.resend(job.id)
        return words(language, "admin.resent")

    async def _pause(self, _: list[str], language: Language) -> str:
        await self._access.set_paused(True)
        return words(language, "admin.paused")

    async def _resume(self, _: list[str], language: Language) -> str:
        await self._access.set_paused(False)
        return words(language, "admin.going")


def _line(job: Job, language: Language) -> str:
    """No words of people: what it is by its keys, and how it stands."""
    plain = job.order.model_copy(
        update={
            "shots": tuple(
                shot.model_copy(
                    update={
                        "scene": None,
                        "prompt": None,
                        "edits": tuple(edit.model_copy(update={"prompt": None}) for edit in shot.edits),
                    }
                )
                for shot in job.order.shots
            )
        }
    )
    what = describe(plain, language)
    code = f" ({job.error_code})" if job.error_code else ""
    return f"{job.id} · {job.created:%m-%d %H:%M} · {what} · {job.state.value}{code}"


def _said(message: Message, text: str, language: Language) -> Outgoing:
    return Outgoing(id=f"{message.key}:admin", kind=Kind.TEXT, text=text, ref=message.ref, language=language)
