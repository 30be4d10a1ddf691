"""What one, two and four workers get done on one PostgreSQL: jobs a second, processor a job, memory of each process.

python -m bench.workers [--jobs 400] [--workers 1,2,4]

A front takes all wishes while no worker runs; then the workers begin together, against a fake fal that is done at
once. Counted is what happens between the first tenth and the last tenth of the jobs, so that starts and ends are left
out. The load, the fake and the database share the machine with the workers: on two cores the figures of several workers
are floors.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from bench.installation import Installation, Program, installation
from bench.processes import memory, processor
from handlers.store.base import ENDED
from tests.kill.rounds import fal_process
from tests.servers.postgres import new_database, own_server

AT_ONCE = 8
"""People who post at the same time."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """`processor`: seconds that all workers have used."""

    at: float
    ended: int
    processor: float


def pid_of(program: Program) -> int:
    assert program.process is not None
    return program.process.pid


def ended(database: str) -> int:
    states = [state.value for state in ENDED]
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM jobs WHERE state = ANY(%s)", (states,)).fetchone()
    return row[0] if row else 0


async def everybody_posts(made: Installation, jobs: int) -> None:
    (address, _), waiting = made.fronts[0], [made.person() for _ in range(jobs)]
    async with httpx.AsyncClient(timeout=60) as client:

        async def one_by_one() -> None:
            while waiting:
                _, cookie = waiting.pop()
                form = {"id": f"w-{random.getrandbits(64)}", "text": "draw a lighthouse at dusk"}
                answer = await client.post(f"{address}/api/messages", data=form, headers={"cookie": cookie})
                answer.raise_for_status()

        await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))


async def watch(made: Installation, database: str, jobs: int) -> list[Sample]:
    samples = [Sample(at=time.monotonic(), ended=0, processor=0.0)]
    while samples[-1].ended < jobs:
        await asyncio.sleep(0.2)
        done = await asyncio.to_thread(ended, database)
        used = sum(processor(pid_of(worker)) for worker in made.workers)
        samples.append(Sample(at=time.monotonic(), ended=done, processor=used))
    return samples


def between(samples: Sequence[Sample], jobs: int) -> tuple[float, float]:
    """Jobs a second and milliseconds of processor a job, from the first tenth to the last."""
    first = next(s for s in samples if s.ended >= jobs // 10)
    last = next(s for s in samples if s.ended >= jobs - jobs // 10)
    done = max(1, last.ended - first.ended)
    return done / max(1e-6, last.at - first.at), 1000 * (last.processor - first.processor) / done


async def of(workers: int, jobs: int, database: str, home: Path) -> str:
    async with fal_process() as fal, installation(home, fal, database) as made:
        await made.add_front("--no-worker")
        front = pid_of(made.fronts[0][1])
        before = processor(front)
        await everybody_posts(made, jobs)
        posting = 1000 * (processor(front) - before) / jobs
        await asyncio.gather(*(made.add_worker() for _ in range(workers)))
        rate, each = between(await watch(made, database, jobs), jobs)
        most = max(memory(pid_of(worker)) for worker in made.workers)
        return f"{workers:7} {rate:8.1f} {each:12.1f} {most:12} {posting:15.1f} {memory(front):11}"


def main() -> None:
    options = argparse.ArgumentParser(description="Throughput with 1, 2 and 4 workers.")
    options.add_argument("--jobs", type=int, default=400)
    options.add_argument("--workers", default="1,2,4")
    chosen = options.parse_args()
    print("workers   jobs/s   ms CPU/job   worker's MB   front's ms/wish   front's MB")
    with own_server() as server:
        for workers in map(int, chosen.workers.split(",")):
            with (
                tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
                new_database(server.url) as database,
            ):
                print(asyncio.run(of(workers, chosen.jobs, database, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
