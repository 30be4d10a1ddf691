"""Kill the program with signal 9, again and again, and count what came of it.

python -m bench.kill [--rounds 20] [--moments 20]

A round is one kill while 34 jobs stand at every point of a job, on a channel that may repeat and on one that may not.
Then comes a run of 34 jobs which is killed at so many random moments before it is left to finish.
"""

import argparse
import asyncio
import random
import tempfile
from collections import Counter
from pathlib import Path

from tests.kill.rounds import End, Round, expected, fal_process, harmless


async def rounds(number: int) -> list[End]:
    ends: list[End] = []
    async with fal_process() as fal:
        for n in range(number):
            with tempfile.TemporaryDirectory() as folder:
                ends += await Round(Path(folder), fal, name=f"b{n}").kill_and_start_again()
    return ends


async def at_random(number: int) -> list[End]:
    moments = [random.uniform(0, 1.2) for _ in range(number)]
    async with fal_process() as fal:
        with tempfile.TemporaryDirectory() as folder:
            return await Round(Path(folder), fal, name="r").kill_at(moments)


def promised(end: End) -> bool:
    return (end.state, end.submits, end.shown, end.offers) == expected(end.point, repeatable=end.repeatable)


def report(title: str, ends: list[End], kept: int) -> bool:
    twice = sum(end.submits > 1 for end in ends), sum(end.shown > 1 for end in ends)
    print(f"{title}: jobs {len(ends)}, as promised {kept}, submitted twice {twice[0]}, shown twice {twice[1]}")
    return kept == len(ends)


def main() -> None:
    options = argparse.ArgumentParser(description="Kill the program with signal 9, again and again.")
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--moments", type=int, default=20)
    chosen = options.parse_args()
    ends = asyncio.run(rounds(chosen.rounds))
    for line, count in Counter(str(end) for end in ends).items():
        print(f"{count:5d}  {line}")
    good = report(f"{chosen.rounds} kills at every point", ends, sum(promised(end) for end in ends))
    ends = asyncio.run(at_random(chosen.moments))
    for state, count in Counter(f"{end.state} {end.code or ''}" for end in ends).items():
        print(f"{count:5d}  {state}")
    good &= report(f"{chosen.moments} kills at random moments", ends, sum(harmless(end) for end in ends))
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
