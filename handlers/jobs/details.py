"""A job with its write-ahead rows, for the operator."""

from dataclasses import dataclass

from handlers.jobs.delivery import delivery_key
from handlers.store.base import Delivery, Job, Part, Store


@dataclass(frozen=True, kw_only=True)
class JobDetails:
    """`deliveries`: of its result, the first and each that was requested again."""

    job: Job
    parts: tuple[Part, ...]
    deliveries: tuple[Delivery, ...]


async def job_details(store: Store, job_id: str) -> JobDetails | None:
    """None for an unknown job."""
    job = await store.job(job_id)
    if job is None:
        return None
    rows = [await store.delivery(delivery_key(job_id, n)) for n in range(job.delivery + 1)]
    deliveries = tuple(row for row in rows if row is not None)
    return JobDetails(job=job, parts=await store.parts(job_id), deliveries=deliveries)
