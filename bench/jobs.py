"""What a job costs beside the picture itself, against a fake fal (a process of its own) that answers at once.

python -m bench.jobs [--jobs 300] [--flight 200] [--database postgresql://…]

start      from the queue to the moment before the first request is posted
overhead   from the provider's completion to the delivered picture: status, result, download, decoding, saving, sending
jobs/s     from the first on the queue to the last delivered, all put there at once
memory     of this process, with so many jobs waiting upstream at once
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from handlers.channel import Delivered
from handlers.fake_channel import FakeChannel
from handlers.jobs.runner import JobRunner
from handlers.message import Chat, Outgoing
from handlers.order import Order, Shot
from handlers.store.base import Job, Part
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.base import Submission
from providers.media.download import Downloader
from providers.router import Router
from providers.services.fal.provider import FalProvider
from tests.kill.rounds import fal_process

PEOPLE = 50
"""The jobs are theirs in turn: how many of one person's are made at once is limited."""


class TimedStore(SqlStore):
    """Notes when a job was about to be posted, and when it was accepted: the fake fal has completed it then."""

    begun: dict[str, float]
    accepted: dict[str, float]

    async def begin_part(self, key: str, job: str, provider: str, *, after: Part | None = None, **facts: Any) -> bool:
        self.begun[job] = time.perf_counter()
        return await super().begin_part(key, job, provider, after=after, **facts)

    async def accept_part(self, key: str, submission: Submission) -> None:
        self.accepted[key.split("-")[0]] = time.perf_counter()
        await super().accept_part(key, submission)


class TimedChannel(FakeChannel):
    """Notes when pictures were delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.delivered: dict[str, float] = {}

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        result = await super().deliver(chat, outgoing, place)
        self.delivered[outgoing.job or ""] = time.perf_counter()
        return result


@dataclass(kw_only=True)
class Bench:
    """A runner over the fake fal."""

    store: TimedStore
    channel: TimedChannel
    runner: JobRunner
    queued: dict[str, float] = field(default_factory=dict)

    async def enqueue(self, job_id: str) -> None:
        order = Order(operation="create", shots=(Shot(prompt=f"a lighthouse [[job:{job_id}]]"),))
        person = f"person{len(self.queued) % PEOPLE}"
        chat = Chat(channel="fake", chat=person, person=person)
        self.queued[job_id] = time.perf_counter()
        await self.store.add_job(Job(id=job_id, chat=chat, order=order, created=datetime.now(UTC)))
        await self.runner.enqueue(job_id)

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(300):
            while not what():  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    def report(self, title: str, jobs: Sequence[str]) -> None:
        start = [1000 * (self.store.begun[job] - self.queued[job]) for job in jobs]
        overhead = [1000 * (self.channel.delivered[job] - self.store.accepted[job]) for job in jobs]
        whole = [1000 * (self.channel.delivered[job] - self.queued[job]) for job in jobs]
        print(
            f"{title}: queued to first post {spread(start)} ms; completion to delivered {spread(overhead)} ms;"
            f" queued to delivered {spread(whole)} ms"
        )


def spread(values: Sequence[float]) -> str:
    centiles = statistics.quantiles(values, n=100)
    return f"p50 {centiles[49]:.0f} p95 {centiles[94]:.0f}"


def resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


@asynccontextmanager
async def bench(fal: httpx.AsyncClient, folder: Path, database: str | None) -> AsyncIterator[Bench]:
    address = urlsplit(str(fal.base_url))
    origin = frozenset({(address.hostname or "", address.port or 0)})
    provider = FalProvider(key="test-key", downloader=Downloader(trusted_origins=origin), queue_url=str(fal.base_url))
    store = await TimedStore.open(database or sqlite_url(folder / "likeness.sqlite"))
    assert isinstance(store, TimedStore)
    store.accepted, store.begun = {}, {}
    channel = TimedChannel()
    runner = JobRunner(
        store=store,
        router=Router([provider]),
        channels={"fake": channel},
        data_dir=folder,
        output_dir=folder / "pictures",
        database_url=database,
    )
    await runner.start()
    try:
        yield Bench(store=store, channel=channel, runner=runner)
    finally:
        began = time.perf_counter()
        await runner.stop()
        print(f"stop: {time.perf_counter() - began:.2f} s")
        await provider.aclose()
        await store.aclose()


async def main(jobs: int, flight: int, database: str | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        async with fal_process() as fal, bench(fal, Path(name), database) as run:
            print(f"memory at rest: {resident_mb():.0f} MB")
            alone = [f"alone{n}" for n in range(40)]
            for job_id in alone:
                await run.enqueue(job_id)
                await run.until(lambda job_id=job_id: job_id in run.channel.delivered)  # type: ignore[misc]
            run.report("one job at a time", alone)

            at_once = [f"once{n}" for n in range(jobs)]
            began, used = time.perf_counter(), time.process_time()
            await asyncio.gather(*(run.enqueue(job_id) for job_id in at_once))
            await run.until(lambda: all(job_id in run.channel.delivered for job_id in at_once))
            rate, cost = jobs / (time.perf_counter() - began), 1000 * (time.process_time() - used) / jobs
            print(f"{jobs} at once: {rate:.1f} jobs/s, {cost:.1f} ms of processor a job")
            run.report(f"{jobs} at once", at_once)

            await fal.post("/_fake/plan", json={"always": True, "seconds": 3600})
            waiting = [f"wait{n}" for n in range(flight)]
            await asyncio.gather(*(run.enqueue(job_id) for job_id in waiting))
            await run.until(lambda: all(job_id in run.store.accepted for job_id in waiting))
            await asyncio.sleep(3)
            used = time.process_time()
            await asyncio.sleep(5)
            print(
                f"{flight} jobs in flight: {resident_mb():.0f} MB, {20 * (time.process_time() - used):.0f} % of a core"
            )


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="What a job costs beside the picture itself.")
    options.add_argument("--jobs", type=int, default=300)
    options.add_argument("--flight", type=int, default=200)
    options.add_argument("--database")
    chosen = options.parse_args()
    asyncio.run(main(chosen.jobs, chosen.flight, chosen.database))
