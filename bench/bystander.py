"""How long somebody waits for one free picture while one person has fifty of this machine's on the queue.

python -m bench.bystander [--jobs 50] [--chats 1]

The embedded provider makes real pictures of a real photo. `--chats`: from how many chats the one person asks.
Told: the wait alone, the wait beside the queue (from asking to delivered), and how many of the fifty were done by then.
"""

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import skimage
from PIL import Image

from handlers.fake_channel import FakeChannel
from handlers.jobs.runner import JobRunner
from handlers.message import Chat
from handlers.order import Order, Shot
from handlers.store.base import ENDED, Job
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.configure import build_router
from providers.media.accept import accept
from providers.settings import ProviderSettings


async def measured(folder: Path, jobs: int, chats: int) -> None:
    settings = ProviderSettings(_env_file=None, data_dir=folder, output_dir=folder / "out", fal_key=None)  # type: ignore[call-arg]
    source = folder / "in.png"
    Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB").save(source)
    photo = await asyncio.to_thread(lambda: accept(source, into=folder / "photos").path)
    store = await SqlStore.open(sqlite_url(folder / "likeness.sqlite"))
    router = build_router(settings)
    runner = JobRunner(
        store=store, router=router, channels={"fake": FakeChannel()}, data_dir=folder, output_dir=folder / "out"
    )

    async def ask(name: str, chat: str) -> None:
        order = Order(operation="portrait", shots=(Shot(style="anime"),), photos=(photo,), provider="embedded")
        person = Chat(channel="fake", chat=chat, person=chat.partition("-")[0])
        await store.add_job(Job(id=name, chat=person, order=order, created=datetime.now(UTC)))
        await runner.enqueue(name)

    async def wait(name: str) -> float:
        begun = time.perf_counter()
        while True:
            job = await store.job(name)
            if job is not None and job.state in ENDED:
                if not job.pictures:
                    raise SystemExit(f"{name} ended without a picture: {job.error_code}")
                return time.perf_counter() - begun
            await asyncio.sleep(0.05)

    async def done() -> int:
        return sum(job.id.startswith("ann") for job in await store.jobs(states=tuple(ENDED), limit=200))

    await runner.start()
    try:
        await ask("warm", "warm")  # the worker process starts, the networks load
        await wait("warm")
        await ask("alone", "ben")
        alone = await wait("alone")
        for n in range(jobs):
            await ask(f"ann{n}", f"ann-{n % chats}")
        while not await done():  # noqa: ASYNC110 - another process could have done it
            await asyncio.sleep(0.05)
        await ask("beside", "ben")
        beside = await wait("beside")
        print(
            f"alone {alone:.1f} s · beside {jobs} jobs from {chats} chats {beside:.1f} s · done by then {await done()}"
        )
    finally:
        await runner.stop()
        await asyncio.gather(*(provider.aclose() for provider in router.providers))
        await store.aclose()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--jobs", type=int, default=50)
    options.add_argument("--chats", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measured(Path(folder), given.jobs, given.chats))


if __name__ == "__main__":
    main()
