"""Kill the program with signal 9 at every point of a job, N times, and count what came of it.

python -m bench.kill [--rounds 20]
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from tests.kill.rounds import End, Round, expected, fal_process


async def rounds(number: int) -> list[End]:
    ends: list[End] = []
    async with fal_process() as fal:
        for n in range(number):
            with tempfile.TemporaryDirectory() as folder:
                ends += await Round(Path(folder), fal, name=f"b{n}").kill_and_start_again()
    return ends


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=20)
    ends = asyncio.run(rounds(options.parse_args().rounds))
    counts = Counter(str(end) for end in ends)
    for line, count in counts.items():
        print(f"{count:5d}  {line}")
    kept = [end for end in ends if (end.state, end.submits, end.shown, end.offers) == expected(
        end.point, repeatable=end.repeatable)]  # fmt: skip
    twice = sum(end.submits > 1 for end in ends), sum(end.shown > 1 for end in ends)
    print(f"kills {len(ends)}, as promised {len(kept)}, submitted twice {twice[0]}, shown twice {twice[1]}")
    raise SystemExit(len(kept) != len(ends))


if __name__ == "__main__":
    main()
