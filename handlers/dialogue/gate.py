"""The check between a decision and its commit: whether this person gets pictures at all, and how many.

See `access.py` for the rules; limits of groups and repeated presses are counted in the same transaction.
"""

from collections.abc import Sequence
from datetime import datetime

from handlers.dialogue.access import Access, refused
from handlers.dialogue.group_policy import GroupRules, group_limits
from handlers.dialogue.repeats import press_limits
from handlers.free_retries import taken_once
from handlers.message import Language, Message
from handlers.owner_notes import OwnerNotes
from handlers.store.accounting import BUDGET_EXCEEDED
from handlers.store.base import Job, Limit

BRAKES = {
    ("budget", "day"): "admin.budget_day",
    ("budget", "month"): "admin.budget_month",
    ("pictures", "day"): "admin.pictures_day",
    ("pictures", "month"): "admin.pictures_month",
}
"""What the owner is told when everybody is stopped."""


class Gate:
    def __init__(self, access: Access, owner: OwnerNotes | None) -> None:
        self._access = access
        self._owner = owner

    async def refusal(self, message: Message, language: Language) -> str | None:
        """The sentence in place of jobs, if this person gets no pictures."""
        refusal = await self._access.refusal(message.chat)
        return None if refusal is None else refused(refusal, language)

    async def limits(
        self, message: Message, jobs: Sequence[Job], rules: GroupRules | None, now: datetime
    ) -> tuple[Limit, ...]:
        """Everything that the jobs of a message are counted against, besides the budgets."""
        own = tuple(job for job in jobs if not job.order.free_try_of)
        return (
            *group_limits(own, message.chat, rules),
            *press_limits(message, jobs, now),
            *taken_once(tuple(jobs)),
            *await self._access.limits(message.chat, own, message.address),
        )

    async def reached(self, limit: Limit) -> None:
        """Tell the owner if it was the limit for everybody."""
        if self._owner is not None and limit.whose == "bot":
            kind = "budget" if limit.code == BUDGET_EXCEEDED else "pictures"
            await self._owner.tell(f"{kind}:{limit.period}", BRAKES[kind, limit.period])
