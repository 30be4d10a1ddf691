"""What memory a front process takes when hostile photos come from everywhere at once.

python -m bench.uploads [--people 200] [--no-worker]

Each of so many people posts one photo at the same moment, in turn of eight kinds: 64 megapixels in 76 KB, 64 megapixels
of 16 bits, a JPEG and a WebP of as many, 19 MB of noise, a header that claims 2,000 megapixels, a JPEG cut in its
middle, bytes that are no picture. Told: the peak (VmHWM) of the process and of all processes it started, the answers,
how long the posts took, and how long `GET /healthz` took meanwhile.
"""

import argparse
import asyncio
import contextlib
import re
import struct
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from bench.heavy_files import deep_png, palette_png, picture, ramp, saved
from bench.installation import Installation, Program, installation

WORDS = "oil painting"
BUSY_SECONDS = 900.0
"""Until every photo has been looked at."""


def claimed_png() -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", 45_000, 45_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


def kinds() -> list[bytes]:
    whole = saved(picture(), "JPEG", quality=60, progressive=True)
    noise = np.random.default_rng(1).integers(0, 256, (2500, 2500, 3), np.uint8)
    return [
        palette_png(),
        deep_png(),
        whole,
        saved(Image.fromarray(ramp(7900, 7900)), "WEBP", quality=60, method=0),
        saved(Image.fromarray(noise), "PNG", compress_level=1),
        claimed_png(),
        whole[: len(whole) // 2],
        np.random.default_rng(2).bytes(3_000_000),
    ]


def peak(pid: int) -> float:
    """Megabytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


class Watch:
    """The peaks of a process and of what it started, also of those that have ended by now."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.peaks: dict[int, float] = {}

    def look(self) -> None:
        for pid in (self.pid, *(child for first in children(self.pid) for child in (first, *children(first)))):
            with contextlib.suppress(OSError):
                self.peaks[pid] = max(self.peaks.get(pid, 0.0), peak(pid))

    @property
    def largest_child(self) -> float:
        return max((mb for pid, mb in self.peaks.items() if pid != self.pid), default=0.0)


async def storm(made: Installation, front: Program, address: str, people: int, files: list[bytes]) -> None:
    assert front.process is not None
    watch, answers, took, alive = Watch(front.process.pid), Counter[int](), [], []
    watch.look()
    before = watch.peaks[watch.pid]
    done = asyncio.Event()

    async def post(client: httpx.AsyncClient, n: int) -> None:
        _, cookie = made.person()
        headers = {"cookie": cookie, "x-forwarded-for": f"203.0.{n // 250}.{n % 250 + 1}"}
        began = time.monotonic()
        try:
            answer = await client.post(
                f"{address}/api/messages",
                data={"id": f"hostile-{n:04}", "text": WORDS},
                files={"photos": ("me.jpg", files[n % len(files)], "image/jpeg")},
                headers=headers,
            )
            answers[answer.status_code] += 1
        except httpx.HTTPError:
            answers[0] += 1
        took.append(time.monotonic() - began)

    async def look(client: httpx.AsyncClient) -> None:
        while not done.is_set():
            watch.look()
            began = time.monotonic()
            with contextlib.suppress(httpx.HTTPError):
                await client.get(f"{address}/healthz")
            alive.append(time.monotonic() - began)
            await asyncio.sleep(0.05)

    limits = httpx.Limits(max_connections=people + 10)
    async with httpx.AsyncClient(timeout=600, limits=limits) as client, httpx.AsyncClient(timeout=60) as other:
        looking = asyncio.create_task(look(other))
        await asyncio.gather(*(post(client, n) for n in range(people)))
        posted = max(took)
        quiet = time.monotonic()
        while time.monotonic() - quiet < BUSY_SECONDS:
            if not await asyncio.to_thread(waiting, made.home / "data"):
                break
            await asyncio.sleep(0.5)
        looked_at = time.monotonic() - quiet
        done.set()
        await looking
    alive.sort()
    print(f"{people} posts at once, {sum(map(len, files)) / len(files) / 1e6:.1f} MB each on average")
    print(f"front process: {before:.0f} MB before, {watch.peaks[watch.pid]:.0f} MB at most")
    print(f"largest process it started: {watch.largest_child:.0f} MB at most ({len(watch.peaks) - 1} of them)")
    print(f"answers {dict(sorted(answers.items()))} (0: none)")
    print(f"all posted after {posted:.1f} s, all looked at {looked_at:.0f} s later")
    p50, p99 = (1000 * alive[int(len(alive) * part)] for part in (0.5, 0.99))
    print(f"/healthz meanwhile: p50 {p50:.0f} ms, p99 {p99:.0f} ms")


def waiting(data: Path) -> bool:
    """Whether messages are still to be handled."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(f"file:{data / 'likeness.sqlite'}?mode=ro", uri=True)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM inbox WHERE NOT done").fetchone()
    return bool(count)


async def measured(people: int, *more: str) -> None:
    files = await asyncio.to_thread(kinds)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with (
            httpx.AsyncClient(base_url="http://127.0.0.1:9") as nowhere,
            installation(Path(folder), nowhere, None, FAL_KEY="", FAL_QUEUE_URL="") as made,
        ):
            await made.add_front(*more)
            address, front = made.fronts[0]
            await storm(made, front, address, people, files)


def main() -> None:
    options = argparse.ArgumentParser(description="Hostile photos at once, and the memory they take.")
    options.add_argument("--people", type=int, default=200)
    options.add_argument("--no-worker", action="store_true", help="jobs are made elsewhere")
    chosen = options.parse_args()
    asyncio.run(measured(chosen.people, *(["--no-worker"] if chosen.no_worker else [])))


if __name__ == "__main__":
    main()
