"""`EngineRuns`: the runs of jobs as dbos's tables have them, one workflow a run, named after the job and the run."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from dbos import DBOSClient, WorkflowStatus, WorkflowStatusString

T = TypeVar("T")

PENDING = WorkflowStatusString.PENDING.value
_WAITING = WorkflowStatusString.ENQUEUED.value
GOING = {PENDING, _WAITING, WorkflowStatusString.DELAYED.value}
_CANCELLED = WorkflowStatusString.CANCELLED.value
BROKEN = WorkflowStatusString.ERROR.value
_ENDED = {status.value for status in WorkflowStatusString} - GOING


def workflow_id_of(job_id: str, run: int) -> str:
    return job_id if run == 0 else f"{job_id}~{run}"


def job_and_run(workflow_id: str) -> tuple[str, int]:
    job_id, _, run = workflow_id.partition("~")
    return job_id, int(run or 0)


class OnThread(Protocol):
    def __call__(self, work: Callable[[], T], /) -> "asyncio.Future[T]": ...


@dataclass(frozen=True, kw_only=True)
class EngineRuns:
    """`call` does on one of the engine's threads what would block the loop."""

    client: DBOSClient
    call: OnThread

    async def of(self, ids: Sequence[str]) -> list[WorkflowStatus]:
        """Those of these runs that are in the tables."""
        return await self.call(lambda: self._listed(workflow_ids=list(ids)))

    async def in_hand(self, worker: str) -> list[WorkflowStatus]:
        """Those this worker has begun and not ended."""
        return await self.call(lambda: self._listed(executor_id=worker, status=PENDING))

    async def cancel_all(self, ids: Sequence[str]) -> None:
        """As `cancel`, by their workflows."""
        await self.call(lambda: self.client.cancel_workflows(list(ids)))

    async def times_broken(self, job_id: str) -> int:
        """How many runs of a job ended with an error of ours."""
        return await self._runs_that(job_id, BROKEN)

    async def times_taken_up(self, job_id: str) -> int:
        """How many runs of a job were lost with their worker."""
        return await self._runs_that(job_id, _CANCELLED)

    async def _runs_that(self, job_id: str, status: str) -> int:
        found = await self.call(lambda: self._listed(workflow_id_prefix=job_id, status=status))
        return sum(job_and_run(each.workflow_id)[0] == job_id for each in found)

    async def wake(self, job_id: str, run: int) -> None:
        """Wake a sleeping run now; does nothing for any other."""
        await self.call(lambda: self.client.set_workflow_delay(workflow_id_of(job_id, run), delay_seconds=0))

    async def cancel(self, job_id: str, run: int) -> None:
        """Take a run that is no longer to be followed off the queue."""
        await self.cancel_all([workflow_id_of(job_id, run)])

    async def forget_ended(self, *, before: datetime) -> int:
        """Delete dbos's rows of runs that ended; returns how many."""

        def old() -> list[str]:
            when = before.isoformat()
            return [s.workflow_id for s in self._listed(status=sorted(_ENDED), end_time=when, limit=500)]

        gone = 0
        while ids := await self.call(old):
            await self.call(lambda ids=ids: self.client.delete_workflows(ids))  # type: ignore[misc]
            gone += len(ids)
        return gone

    def _listed(self, **which: Any) -> list[WorkflowStatus]:
        return self.client.list_workflows(load_input=False, load_output=False, **which)
