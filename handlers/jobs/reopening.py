"""Taking up an ended job: to fetch what was paid for, or to deliver its pictures once more."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from handlers.jobs.delivery import delivery_key
from handlers.store.base import ENDED, DeliveryState, Job, JobState, PartState, Store
from providers.errors import LikenessError


class NotResumable(LikenessError):
    """There is nothing to take up again: unknown, still running, delivered, or nothing was paid for."""

    code = "not_resumable"
    text_key = "error.not_resumable"


@dataclass(frozen=True, kw_only=True)
class Reopening:
    """`enqueue` starts a job; `deadline` says when one that begins now must be done."""

    store: Store
    enqueue: Callable[[Job], Awaitable[None]]
    deadline: Callable[[Job], datetime]

    async def resume(self, job_id: str) -> Job:
        """Continue a job whose paid request is known, without posting it again. Raises NotResumable."""
        job = await self.store.job(job_id)
        if job is None or job.state not in (JobState.FAILED, JobState.UNCERTAIN):
            raise NotResumable("unknown, running, delivered or cancelled")
        paid = (PartState.ACCEPTED, PartState.FAILED, PartState.MADE)
        if not any(p.state in paid and (p.submission or p.pictures) for p in await self.store.parts(job_id)):
            raise NotResumable("no request of it was accepted")
        return await self.collect_again(job)

    async def collect_again(self, job: Job) -> Job:
        """Raises NotResumable."""
        row = await self.store.delivery(delivery_key(job.id, job.delivery))
        anew = row is not None and row.state in (DeliveryState.UNCERTAIN, DeliveryState.REFUSED)
        return await self._again(job, JobState.RUNNING, job.delivery + anew)

    async def resend(self, job_id: str) -> Job:
        """Deliver its pictures once more. Raises NotResumable."""
        job = await self.store.job(job_id)
        if job is None or job.state not in ENDED or not job.pictures:
            raise NotResumable("unknown, running, or without pictures")
        return await self._again(job, JobState.DELIVERING, job.delivery + 1)

    async def _again(self, job: Job, state: JobState, delivery: int) -> Job:
        changed = await self.store.begin_run(
            job.id,
            after=job.run,
            ended=True,
            delivery=delivery,
            by_hand=True,
            deadline=self.deadline(job),
            state=state,
            finished=None,
            cancel_asked=False,
            error_code=None,
        )
        if changed is None:  # another process has just done the same
            raise NotResumable("being taken up at this moment")
        await self.enqueue(changed)
        return changed
