"""Setting jobs going without making their person wait for it: the answer is out, the queue's own commits follow."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Protocol

log = logging.getLogger(__name__)


class Jobs(Protocol):
    """What the conversation needs of the job runner."""

    async def enqueue(self, job_id: str) -> None: ...
    async def cancel(self, job_id: str) -> None: ...
    async def resend(self, job_id: str) -> None: ...


class StartsSoon:
    """Stands before the job runner. A job is committed with its turn before it is set going, so what fails here, or
    is cut off by the end of the process, is found by the runner's sweep."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._tasks: set[asyncio.Task[None]] = set()

    async def enqueue(self, job_id: str) -> None:
        """Returns at once."""
        task = asyncio.create_task(self._quietly(self._jobs.enqueue(job_id)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def cancel(self, job_id: str) -> None:
        await self._jobs.cancel(job_id)

    async def resend(self, job_id: str) -> None:
        await self._jobs.resend(job_id)

    async def idle(self) -> None:
        """Until every job so far is set going."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    @staticmethod
    async def _quietly(work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            log.warning("a job could not be set going and is left to the sweep: %s", type(error).__name__)
