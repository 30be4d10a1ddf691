"""`/admin …`: the operator's commands in a chat. Only in private chats, and only for the ids in ADMINS.

status                     open jobs, spent and made today, refused, paused or not
users                      who had most pictures in thirty days
costs                      by service and by day, of seven days
jobs                       the newest, with their ids
block ID · unblock ID      a person or a chat, `telegram:123`; pictures only
grant ID N                 N pictures more, today, this month and in the trial
resend JOB                 send the pictures of a job to its chat once more
pause · resume             begin no pictures; those in progress are finished
"""

import logging
import re
from collections.abc import Awaitable, Callable

from handlers.commands import is_operators
from handlers.dialogue.access import Access
from handlers.dialogue.operations import Operations, without_words
from handlers.message import Kind, Language, Message, Outgoing
from handlers.store.base import Job, JobState
from handlers.words import money, words
from providers.money import Money

log = logging.getLogger(__name__)

NAME = re.compile(r"[a-z]{2,16}:[^\s:][^\s]{0,127}")
"""What may be blocked and granted: `channel:id`, in the form of ADMINS."""
_DAYS = 7
_SHOWN = 10


class Administration:
    def __init__(self, operations: Operations, access: Access) -> None:
        self._operations = operations
        self._access = access

    async def reply(self, message: Message, language: Language) -> tuple[Outgoing, ...] | None:
        """The answer to an operator's command; None if the message is none.

        People who are no admins are told the id by which the operator could make them one, and nothing else.
        """
        if message.group or not is_operators(message.text):
            return None
        _, *rest = message.text.split()
        if not self._access.is_admin(message.chat):
            me = f"{message.chat.channel}:{message.chat.person}"
            return (_said(message, words(language, "admin.not_you", id=me), language),)
        command, *given = rest or ["help"]
        action = self._actions().get(command.lower())
        log.info("admin command: %s", command.lower() if action else "help")
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

    # --- reading

    async def _status(self, _: list[str], language: Language) -> str:
        there = await self._operations.open_jobs()
        now = await self._operations.today()
        waiting = sum(row.count for row in there if row.state is JobState.NEW)
        lines = [
            words(language, "admin.paused" if await self._operations.paused() else "admin.going"),
            words(language, "admin.open_jobs", n=sum(row.count for row in there), waiting=waiting),
            words(
                language,
                "admin.today",
                spent=money(Money(amount=now.usd), language),
                pictures=now.pictures,
                refused=sum(now.refused.values()),
            ),
        ]
        return "\n".join(lines)

    async def _users(self, _: list[str], language: Language) -> str:
        rows = await self._operations.people(_SHOWN)
        return self._table([f"{row.name} · {row.pictures} · ${row.usd:.2f}" for row in rows], language)

    async def _costs(self, _: list[str], language: Language) -> str:
        rows = (*await self._operations.costs_by_day(_DAYS), *await self._operations.costs_by_provider(_DAYS))
        lines = [f"{row.key or '-'} · {row.pictures} · ${row.usd:.2f}" for row in rows]
        return self._table(lines, language, most=2 * _SHOWN)

    async def _list(self, _: list[str], language: Language) -> str:
        return self._table([_line(job, language) for job in await self._operations.newest(_SHOWN)], language)

    @staticmethod
    def _table(lines: list[str], language: Language, *, most: int = _SHOWN) -> str:
        return "\n".join(lines[:most]) or words(language, "admin.nothing")

    # --- changing

    async def _block(self, given: list[str], language: Language) -> str:
        return await self._decide(given, language, blocked=True)

    async def _unblock(self, given: list[str], language: Language) -> str:
        return await self._decide(given, language, blocked=False)

    async def _decide(self, given: list[str], language: Language, *, blocked: bool) -> str:
        if len(given) != 1 or not NAME.fullmatch(given[0]):
            return words(language, "admin.help")
        await self._operations.block(given[0], blocked)
        return words(language, "admin.blocked" if blocked else "admin.unblocked", id=given[0])

    async def _grant(self, given: list[str], language: Language) -> str:
        if len(given) != 2 or not NAME.fullmatch(given[0]) or not re.fullmatch(r"\d{1,5}", given[1], re.ASCII):
            return words(language, "admin.help")
        pictures = await self._operations.grant(given[0], int(given[1]))
        return words(language, "admin.granted", id=given[0], n=pictures)

    async def _resend(self, given: list[str], language: Language) -> str:
        if len(given) != 1 or not await self._operations.resend(given[0]):
            return words(language, "admin.no_job")
        return words(language, "admin.resent")

    async def _pause(self, _: list[str], language: Language) -> str:
        await self._operations.pause(True)
        return words(language, "admin.paused")

    async def _resume(self, _: list[str], language: Language) -> str:
        await self._operations.pause(False)
        return words(language, "admin.going")


def _line(job: Job, language: Language) -> str:
    what = without_words(job, language)
    code = f" ({job.error_code})" if job.error_code else ""
    return f"{job.id} · {job.created:%m-%d %H:%M} · {what} · {job.state.value}{code}"


def _said(message: Message, text: str, language: Language) -> Outgoing:
    return Outgoing(id=f"{message.key}:admin", kind=Kind.TEXT, text=text, ref=message.ref, language=language)
