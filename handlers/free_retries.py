"""One more try on the operator, where a picture plainly came out with another face (LIKENESS_FREE_RETRY).

What was offered is written down with the job's end, so that a tap alone proves nothing; that it is taken once is a
limit counted in the transaction of the turn that takes it.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from handlers.store.base import Job, Limit, Values

TAKEN = "free_used"
"""The code of the limit."""
_OFFERED_FOR = timedelta(days=1)
_SPACE = "free.retries"


class FreeRetries:
    def __init__(self, values: Values) -> None:
        self._values = values

    async def offer(self, job: Job, *, at: datetime) -> None:
        expires = at + _OFFERED_FOR
        await self._values.add_value(_SPACE, job.id, "offered", owner=job.chat.owner, expires=expires)

    async def offered(self, job_id: str) -> bool:
        return await self._values.value(_SPACE, job_id) is not None


def taken_once(jobs: tuple[Job, ...]) -> tuple[Limit, ...]:
    """What free tries among these jobs are counted against: one of each job, ever."""
    return tuple(
        Limit(scope=f"free:{job.order.free_try_of}", amount=Decimal(1), most=Decimal(1), code=TAKEN, period="ever")
        for job in jobs
        if job.order.free_try_of
    )
