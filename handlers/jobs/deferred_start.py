"""Setting jobs going without making their person wait for it: the answer is out, the queue's own commits follow."""

import asyncio
import logging
from typing import Protocol

from handlers.foreground import ForegroundGate

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Jobs begun side by side: a crowd's would hold up whoever writes then."""


class Jobs(Protocol):
    """What the conversation needs of the job runner."""

    async def enqueue(self, job_id: str) -> None: ...
    async def cancel(self, job_id: str) -> None: ...
    async def resend(self, job_id: str) -> None: ...
    async def fetch(self, job_id: str) -> None: ...


class DeferredStart:
    """Stands before the job runner. A job is committed with its turn before it is set going, so what fails here, or
    is cut off by the end of the process, is found by the runner's sweep. Other people's answers go first."""

    def __init__(self, jobs: Jobs, calm: ForegroundGate) -> None:
        self._jobs = jobs
        self._calm = calm
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def enqueue(self, job_id: str) -> None:
        """Returns at once."""
        task = asyncio.create_task(self._quietly(job_id, self._calm.until()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def cancel(self, job_id: str) -> None:
        await self._jobs.cancel(job_id)

    async def resend(self, job_id: str) -> None:
        await self._jobs.resend(job_id)

    async def fetch(self, job_id: str) -> None:
        await self._jobs.fetch(job_id)

    async def idle(self) -> None:
        """Until every job so far is set going."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _quietly(self, job_id: str, until: float) -> None:
        try:
            async with self._turns:
                await self._calm.wait(until)
                await self._jobs.enqueue(job_id)
        except Exception as error:
            log.warning("a job could not be set going and is left to the sweep: %s", type(error).__name__)
