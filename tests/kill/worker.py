"""The program as a process to be killed: jobs on the fake fal, delivered to files, stopped at exact points.

python -m tests.kill.worker '{"folder": …, "fal": …, "jobs": {"job": "point", …}}'

`jobs`: each is placed unless it is there; a job whose point is one of `POINTS` stops for ever when it gets there, and
a line `{"held": job}` is printed. `thawed`: a file; once it is there, what was stopped goes on. `database`: a
PostgreSQL address instead of SQLite. `wait_for`: end once these jobs have ended (those of `but_done`: are done), with a
line `{"ended": {job: [state, code]}}`; without it the process runs until it is killed.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from handlers.channel import Delivered
from handlers.fake_channel import FileChannel
from handlers.jobs.runner import JobRunner
from handlers.message import Chat, Outgoing
from handlers.order import Order, Shot
from handlers.store.base import ENDED, Delivery, DeliveryState, Job, JobState, Store
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.base import Cancelled, Progress, ProviderDefaults, Request, Result, Submission
from providers.media.download import Downloader
from providers.offers import Offers
from providers.router import Router
from providers.services.fal.provider import FalProvider

POINTS: Mapping[str, str] = {
    "row not yet written": "begin_part:before",
    "row written, not posted": "begin_part:after",
    "answered, not written down": "accept_part:before",
    "accepted": "accept_part:after",
    "completed": "fetch:before",
    "downloaded, not written down": "end_part:before",
    "made, written down": "end_part:after",
    "place made, not written down": "reserve:after",
    "before the send": "deliver:before",
    "sent, not written down": "deliver:after",
    "sent, written down": "sent:after",
    "before the end": "finish_job:before",
    "after the end": "finish_job:after",
}
"""Points of this process. The others are the fake fal's: it holds a POST or a download."""

Hold = Callable[[str, str], Awaitable[None]]


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


class HoldingStore:
    """The real store, with stops before and after what is written."""

    WRITES = ("begin_part", "accept_part", "end_part", "save_delivery", "finish_job")

    def __init__(self, store: Store, hold: Hold) -> None:
        self._store = store
        self._hold = hold

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in self.WRITES:
            return method

        async def held(first: Any, *args: Any, **named: Any) -> Any:
            job = first.split("-")[0] if isinstance(first, str) else first.id if isinstance(first, Job) else first.job
            point = "sent" if isinstance(first, Delivery) and first.state is DeliveryState.SENT else name
            await self._hold(job, f"{point}:before")
            result = await method(first, *args, **named)
            await self._hold(job, f"{point}:after")
            return result

        return held


class HoldingChannel(FileChannel):
    """A channel in files, with stops around its moves."""

    hold: Hold

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        place = await super().reserve(chat, outgoing)
        await self.hold(outgoing.job or "", "reserve:after")
        return place

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        await self.hold(outgoing.job or "", "deliver:before")
        delivered = await super().deliver(chat, outgoing, place)
        await self.hold(outgoing.job or "", "deliver:after")
        return delivered


class HoldingFal(ProviderDefaults):
    """fal, with a stop between the end of a job and its download."""

    def __init__(self, fal: FalProvider, hold: Hold) -> None:
        self._fal = fal
        self._hold = hold
        self._jobs: dict[str, str] = {}
        self.name = fal.name

    @property
    def offers(self) -> Offers:
        return self._fal.offers

    async def submit(self, request: Request) -> Submission:
        submission = await self._fal.submit(request)
        self._jobs[submission.request_id] = request.key.split("-")[0]
        return submission

    def follow(self, submission: Submission) -> AsyncIterator[Progress]:
        return self._fal.follow(submission)

    async def fetch(self, submission: Submission, into: Path) -> Result:
        await self._hold(self._jobs.get(submission.request_id, ""), "fetch:before")
        return await self._fal.fetch(submission, into)

    async def cancel(self, submission: Submission) -> Cancelled:
        return await self._fal.cancel(submission)

    async def check(self) -> None:
        await self._fal.check()

    async def aclose(self) -> None:
        await self._fal.aclose()


def order_of(job_id: str, fault: str | None) -> Order:
    """A paid picture whose words carry marks for the fake fal: to count its submits, and how it is to behave."""
    prompt = f"a lighthouse [[job:{job_id}]]" + (f" [[fault:{fault}]]" if fault else "")
    return Order(operation="create", shots=(Shot(prompt=prompt),))


async def main(wish: dict[str, Any]) -> None:
    folder = Path(wish["folder"])
    jobs: dict[str, str] = wish.get("jobs", {})
    thawed = Path(wish["thawed"]) if "thawed" in wish else None

    async def hold(job_id: str, point: str) -> None:
        if POINTS.get(jobs.get(job_id, "")) == point:
            say(held=job_id)
            while not (thawed and thawed.exists()):  # noqa: ASYNC110  # another process makes the file
                await asyncio.sleep(0.05)

    store = cast(
        Store, HoldingStore(await SqlStore.open(wish.get("database") or sqlite_url(folder / "l.sqlite")), hold)
    )
    address = urlsplit(wish["fal"])
    origin = frozenset({(address.hostname or "", address.port or 0)})
    fal = FalProvider(key="test-key", downloader=Downloader(trusted_origins=origin), queue_url=wish["fal"])
    channels = {}
    for name, repeatable in (("fake", True), ("once", False)):
        channels[name] = HoldingChannel(folder / name, name, repeatable=repeatable)
        channels[name].hold = hold
    runner = JobRunner(
        store=store,
        router=Router([HoldingFal(fal, hold)]),
        channels=channels,
        data_dir=folder,
        output_dir=folder / "pictures",
        database_url=wish.get("database"),
    )
    await runner.start()
    say(ready=True)
    for job_id, point in jobs.items():
        channel = "once" if job_id.startswith("once") else "fake"
        chat = Chat(channel=channel, chat=job_id, person=job_id)  # of one person's jobs only so many go side by side
        fault = wish.get("faults", {}).get(point)
        job = Job(id=job_id, chat=chat, order=order_of(job_id, fault), created=datetime.now(UTC))
        if await store.add_job(job):
            await runner.enqueue(job_id)
    if "wait_for" in wish:
        done = wish.get("but_done", ())
        ended = {job_id: await end_of(store, job_id, done=job_id in done) for job_id in wish["wait_for"]}
        say(ended={job_id: [job.state, job.error_code] for job_id, job in ended.items()})
    else:
        await asyncio.Event().wait()
    await runner.stop()
    await fal.aclose()
    await store.aclose()


async def end_of(store: Store, job_id: str, *, done: bool) -> Job:
    while True:
        job = await store.job(job_id)
        if job is not None and (job.state is JobState.DONE or (job.state in ENDED and not done)):
            return job
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
