"""2,000 jobs while everything goes wrong at once; then it is counted: submits, charges, deliveries, duplicates, lost.

python -m bench.chaos [--jobs 2000] [--workers 4] [--kill-every 5] [--restarts 2] [--faults 0.25] [--jump-every 7]

`bench.storm` (workers and a front killed with signal 9, the database restarted) with more: a share of the requests
meets an upstream fault when it is first posted (errors before and after the job was taken, connections slow, reset and
cut, results that come late or in pieces), and every few seconds the clock of one process, front or worker, is set
forward or back by up to an hour. That takes a C compiler (`set_clock.c`); without one it is left out, and said so.
(libfaketime is no way: under it `time.sleep` fails in threads once a clock was set, which ends threads of dbos that a
real clock leaves running.)
Exit code 1 where anything was paid or delivered twice, or somebody is left without a picture and without a word.
"""

import argparse
import asyncio
import random
import struct
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which

from bench.installation import Installation, installation
from bench.storm import Outcome, Storm, asked, carried_out, outcomes, told_why
from tests.kill.rounds import fal_process
from tests.servers.postgres import OwnServer

FAULTS = (
    "429",
    "503_retry_after",
    "502_ingress",
    "500_before",
    "500_after",
    "reset_before",
    "reset_after",
    "completed_error",
    "expired_once",
    "stream_cut",
    "stream_off",
    "slow",
    "cut",
)
"""Of `tests.servers.fal.FAULTS`: in the POST, while it is followed, and when the picture is fetched."""
HOPELESS = "cut"
"""Such a picture can never be fetched. A worker is patient with it for a minute and a half."""
CALM = 0.97
"""Of the others have ended: then no worker is killed any more."""
JUMPS = (3600, -3600, 600, -600, 0)
"""Seconds by which a clock is off after it was set."""
SOURCE = Path(__file__).with_name("set_clock.c")


@dataclass
class Clocks:
    """The time of day of each process, moved by what a file of its own holds. What only passes is left as it is."""

    library: Path
    folder: Path
    files: list[Path] = field(default_factory=list)
    jumps: int = 0

    @classmethod
    def built(cls, folder: Path) -> "Clocks | None":
        """None where there is no C compiler."""
        compiler, library = which("cc"), folder / "set_clock.so"
        if compiler is None:
            return None
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        return cls(library=library, folder=folder)

    def another(self) -> dict[str, str]:
        """The environment of one more process."""
        file = self.folder / f"clock{len(self.files)}"
        file.write_bytes(struct.pack("q", 0))
        self.files.append(file)
        return {"LD_PRELOAD": str(self.library), "SET_CLOCK": str(file)}

    async def jump_for_ever(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            with random.choice(self.files).open("r+b", buffering=0) as file:
                file.write(struct.pack("q", random.choice(JUMPS)))
            self.jumps += 1


@dataclass
class Chaos(Storm):
    """`faulty`: the share of people whose request meets a fault."""

    faulty: float = 0.25
    met: dict[int, str] = field(default_factory=dict)

    def wish(self, number: int) -> str:
        if number not in self.met:
            self.met[number] = random.choice(FAULTS) if random.random() < self.faulty else ""
        fault = f" [[fault_once:{self.met[number]}]]" if self.met[number] else ""
        return super().wish(number) + fault

    def is_over(self) -> bool:
        """Nearly everybody is served who can be: no worker that lives for twenty seconds comes to the end of its
        patience with what can never be fetched."""
        hopeless = sum(fault == HOPELESS for fault in self.met.values())
        return self.ended >= CALM * (len(self.people) - hopeless)


def report(found: Sequence[Outcome], chaos: Chaos, clocks: Clocks | None, seconds: float) -> bool:
    paid_twice = sum(o.charged > 1 for o in found)
    shown_twice = sum(o.pictures > 1 for o in found)
    lost = sum(o.pictures == 0 and o.words == 0 for o in found)
    rows = {
        "people who were acknowledged": chaos.posted,
        "workers killed with signal 9": sum(worker.kills for worker in chaos.made.workers),
        "restarts of the database": chaos.restarts,
        "jumps of a process's clock": clocks.jumps if clocks else 0,
        "requests that met an upstream fault": sum(bool(fault) for fault in chaos.met.values()),
        "submits that reached the service": sum(o.submits for o in found),
        "charged by the service": sum(o.charged for o in found),
        "pictures delivered": sum(o.pictures for o in found),
        "no picture, and told why": sum(o.pictures == 0 and o.words > 0 for o in found),
        "  of these uncertain": sum(o.state == "uncertain" for o in found),
        "PAID TWICE": paid_twice,
        "DELIVERED TWICE": shown_twice,
        "LOST (no picture, no word)": lost,
        "seconds": round(seconds),
    }
    for title, number in rows.items():
        print(f"{title:42} {number:6}")
    print("states:", dict(Counter(o.state for o in found)))
    told_why(found, chaos.met)
    return (paid_twice, shown_twice, lost) == (0, 0, 0) and chaos.posted == len(found)


async def _add_programs(made: Installation, clocks: Clocks | None, workers: int) -> None:
    for add in (*[lambda: made.add_front("--no-worker")] * 2, *[made.add_worker] * workers):
        if clocks is not None:
            made.env.update(clocks.another())
        await add()


async def chaos_of(chosen: argparse.Namespace, home: Path, server: OwnServer, database: str) -> bool:
    clocks = await asyncio.to_thread(Clocks.built, home) if chosen.jump_every else None
    if clocks is None and chosen.jump_every:
        print("no C compiler here: clocks do not jump")
    # A worker that lives for twenty seconds is not to begin more than it can end in them.
    room = {"WORKER_CONCURRENCY": str(chosen.at_once)}
    async with fal_process() as fal, installation(home, fal, database, **room) as made:
        await fal.post("/_fake/plan", json={"always": True, "seconds": chosen.seconds})
        await _add_programs(made, clocks, chosen.workers)
        people = [made.person() for _ in range(chosen.jobs)]
        chaos = Chaos(made, server, database, people, chosen.kill_every, chosen.restarts, faulty=chosen.faults)
        chaos.say(f"{chosen.jobs} people, {chosen.workers} workers, two fronts")
        jumping = asyncio.create_task(clocks.jump_for_ever(chosen.jump_every)) if clocks else None
        try:
            await chaos.run()
        finally:
            if jumping is not None:
                jumping.cancel()
                with suppress(asyncio.CancelledError):
                    await jumping
        return report(await outcomes(chaos), chaos, clocks, time.monotonic() - chaos.began)


def main() -> None:
    options = asked("Many jobs while everything that can go wrong does.", jobs=2000, workers=4)
    options.add_argument("--at-once", type=int, default=32, help="jobs that a worker has in hand at a time")
    options.add_argument("--faults", type=float, default=0.25, help="the share of requests that meet an upstream fault")
    options.add_argument("--jump-every", type=float, default=7.0, help="seconds between two jumps of a clock, 0: none")
    carried_out(chaos_of, options.parse_args())


if __name__ == "__main__":
    main()
