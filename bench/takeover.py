"""How soon the jobs of a worker that was killed are another's, and how soon after that they are done.

python -m bench.takeover [--rounds 5] [--jobs 20]

PostgreSQL and two workers. One has the jobs in hand when it is killed with signal 9, which releases its lock; a look at
the database every few milliseconds tells when the first and when the last of them has begun another run.
"""

import argparse
import asyncio
import time
from pathlib import Path

import httpx
import psycopg

from bench.installation import Program, installation
from bench.storm import carried_out
from tests.kill.rounds import fal_process
from tests.servers.postgres import OwnServer

RUNNING = "SELECT id, run FROM jobs WHERE state = 'running'"


async def measured(chosen: argparse.Namespace, home: Path, _server: OwnServer, database: str) -> bool:
    found = []
    async with fal_process() as fal, installation(home, fal, database) as made:
        await fal.post("/_fake/plan", json={"always": True, "seconds": chosen.seconds})
        await made.add_front("--no-worker")
        url = database.replace("+psycopg", "")
        async with (
            httpx.AsyncClient(timeout=60) as client,
            await psycopg.AsyncConnection.connect(url, autocommit=True) as look,
        ):
            await made.add_worker()
            for number in range(chosen.rounds):
                for n in range(chosen.jobs):
                    _, cookie = made.person()
                    form = {"id": f"takeover-{number}-{n:03}", "text": "draw a lighthouse at dusk"}
                    await client.post(f"{made.fronts[0][0]}/api/messages", data=form, headers={"cookie": cookie})
                while len(before := await _running(look)) < chosen.jobs:  # noqa: ASYNC110  # another process's state
                    await asyncio.sleep(0.05)
                await made.add_worker()
                found.append(await _killed(made.workers.pop(0), look, before))
                print(f"round {number + 1}: the first of {len(before)} after %.2f s, the last after %.2f s" % found[-1])
                while await _running(look):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
    print(f"the slowest last one: {max(last for _, last in found):.2f} s after the kill")
    return True


async def _running(look: psycopg.AsyncConnection) -> dict[str, int]:
    return dict(await (await look.execute(RUNNING)).fetchall())


async def _killed(worker: Program, look: psycopg.AsyncConnection, before: dict[str, int]) -> tuple[float, float]:
    """Seconds until the first, and until the last, of the jobs was begun anew."""
    await worker.kill()
    began, first = time.monotonic(), None
    while True:
        now = await _running(look)
        again = sum(now.get(job, run + 1) > run for job, run in before.items())
        if again and first is None:
            first = time.monotonic() - began
        if again == len(before) and first is not None:
            return first, time.monotonic() - began
        await asyncio.sleep(0.01)


def main() -> None:
    options = argparse.ArgumentParser(description="How soon a killed worker's jobs are another's.")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--jobs", type=int, default=20)
    options.add_argument("--seconds", type=float, default=30.0, help="what the service takes for a picture")
    carried_out(measured, options.parse_args())


if __name__ == "__main__":
    main()
