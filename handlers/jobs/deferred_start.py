"""Starting jobs without making their person wait: the reply goes out first, the queue's own commits follow."""

import asyncio
import logging
from typing import Protocol

from handlers.foreground import ForegroundGate

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Jobs started concurrently: more would hold up people who write at that moment."""


class Jobs(Protocol):
    """What the conversation needs of the job runner."""

    async def enqueue(self, job_id: str) -> None: ...
    async def cancel(self, job_id: str) -> None: ...
    async def resend(self, job_id: str) -> None: ...
    async def fetch(self, job_id: str) -> None: ...


class DeferredStart:
    """Wraps the job runner. A job is committed with its turn before it is started, so what fails here, or is cut off by
    the end of the process, is found by the runner's sweep. Replies to other people go first."""

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
        """Wait until every job so far is started."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _quietly(self, job_id: str, until: float) -> None:
        try:
            async with self._turns:
                await self._calm.wait(until)
                await self._jobs.enqueue(job_id)
        except Exception as error:
            log.warning("could not start a job, leaving it to the sweep: %s", type(error).__name__)
