"""Jobs are set going behind the answer."""

import asyncio
from dataclasses import dataclass, field

from handlers.foreground import ForegroundGate
from handlers.jobs.deferred_start import DeferredStart


@dataclass
class SlowQueue:
    go: asyncio.Event = field(default_factory=asyncio.Event)
    fault: bool = False
    started: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    async def enqueue(self, job_id: str) -> None:
        await self.go.wait()
        if self.fault:
            raise OSError("away")
        self.started.append(job_id)

    async def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    async def resend(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    async def fetch(self, job_id: str) -> None:
        self.cancelled.append(job_id)


async def test_an_answer_does_not_wait_for_the_queue() -> None:
    queue = SlowQueue()
    soon = DeferredStart(queue, ForegroundGate())
    await soon.enqueue("j1")
    await soon.enqueue("j2")
    await soon.cancel("j0")
    assert queue.started == []
    assert queue.cancelled == ["j0"]
    queue.go.set()
    await soon.idle()
    assert sorted(queue.started) == ["j1", "j2"]


async def test_a_queue_that_is_away_costs_nobody_an_answer() -> None:
    queue = SlowQueue(fault=True)
    queue.go.set()
    soon = DeferredStart(queue, ForegroundGate())
    await soon.enqueue("j1")
    await soon.idle()
    assert queue.started == []


async def test_jobs_begin_when_nobody_waits_for_an_answer() -> None:
    queue, calm = SlowQueue(), ForegroundGate()
    queue.go.set()
    soon = DeferredStart(queue, calm)
    with calm.busy():
        await soon.enqueue("j1")
        for _ in range(5):
            await asyncio.sleep(0)
        assert queue.started == []
    await soon.idle()
    assert queue.started == ["j1"]
