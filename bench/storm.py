"""Many jobs, and everything that can die dies: workers, a front, the database. Then it is counted.

python -m bench.storm [--jobs 800] [--workers 3] [--kill-every 5] [--restarts 2] [--seconds 2]

PostgreSQL (installed here), two fronts that only listen, workers, and a fake fal that counts its bill. Each person
asks for one picture at the page, through whichever front answers; whoever gets no answer asks again with the same id.
A worker is killed with signal 9 every so many seconds and started again, one front is killed for good at a third of
the posts, and the database is restarted in between. Exit code 1 where anything was paid or delivered twice, or somebody
is left without a picture and without a word.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import httpx
import psycopg

from bench.installation import Installation, installation
from handlers.message import Chat, Kind
from handlers.store.base import ENDED, Job, Part, PartState
from handlers.store.sql.store import SqlStore
from tests.kill.rounds import fal_process
from tests.servers.postgres import OwnServer, new_database, own_server

AT_ONCE = 8
"""People who post at the same time."""
OUTCOMES = ("error", "stopped", "unsure")
"""How the ids of words begin that end a job without a picture."""
PATIENCE = 900.0
"""Seconds without a single job ending after which the storm is called off and counted as it is."""


@dataclass
class Storm:
    """What goes on, and what was seen."""

    made: Installation
    server: OwnServer
    database: str
    people: list[tuple[str, str]]
    kill_every: float
    restarts: int
    posted: int = 0
    asked_again: int = 0
    ended: int = 0
    connections: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)
    starting: set[asyncio.Task[None]] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:6.0f} s  {text}", flush=True)

    async def run(self) -> None:
        fire = [asyncio.create_task(each) for each in (self._kill_workers(), self._restart_database(), self._watch())]
        try:
            await self._everybody_posts()
            self.say(f"{self.posted} posts acknowledged, {self.asked_again} asked again")
            await self.done.wait()
        finally:
            for task in (*fire, *self.starting):
                task.cancel()
            await asyncio.gather(*fire, *self.starting, return_exceptions=True)

    # --- people

    async def _everybody_posts(self) -> None:
        waiting = list(enumerate(self.people))
        front_dies = len(waiting) // 3
        async with httpx.AsyncClient(timeout=30) as client:

            async def one_by_one() -> None:
                while waiting:
                    number, (_, cookie) = waiting.pop()
                    await self._posts(client, number, cookie)
                    if self.posted == front_dies and len(self.made.fronts) > 1:
                        await self._kill_front()

            await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))

    def is_over(self) -> bool:
        """Whether it has had its time: workers are killed until then."""
        return False

    def wish(self, number: int) -> str:
        """Marked, so that the fake service can tell whose it is."""
        return f"draw a lighthouse at dusk [[job:s{number}]]"

    async def _posts(self, client: httpx.AsyncClient, number: int, cookie: str) -> None:
        form = {"id": f"storm-{number:06}", "text": self.wish(number)}
        while True:
            address, _ = random.choice(self.made.fronts)
            try:
                answer = await client.post(f"{address}/api/messages", data=form, headers={"cookie": cookie})
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code == 202:
                self.posted += 1
                return
            if answer is not None and answer.status_code < 500:
                raise RuntimeError(f"a post was refused: {answer.status_code} {answer.text}")
            self.asked_again += 1
            await asyncio.sleep(0.5)

    # --- fire

    async def _kill_front(self) -> None:
        address, program = self.made.fronts.pop()
        await program.kill()
        self.say(f"killed the front at {address.rpartition(':')[2]}, for good")

    async def _kill_workers(self) -> None:
        while not self.is_over():
            await asyncio.sleep(self.kill_every)
            worker = random.choice(self.made.workers)
            await worker.kill()
            again = asyncio.create_task(worker.keep_running())
            self.starting.add(again)
            again.add_done_callback(self.starting.discard)

    async def _restart_database(self) -> None:
        for number in range(1, self.restarts + 1):
            while self.ended < number * len(self.people) // (self.restarts + 1):  # noqa: ASYNC110  # another process's state
                await asyncio.sleep(0.5)
            self.say("the database is restarted")
            await asyncio.to_thread(self.server.stop)
            await asyncio.sleep(3)
            await asyncio.to_thread(self.server.start)

    async def _watch(self) -> None:
        """How many have ended, asked of the database itself."""
        last = time.monotonic()
        while self.ended < len(self.people) and time.monotonic() - last < PATIENCE:
            await asyncio.sleep(1)
            with suppress(psycopg.Error):
                before, (self.ended, now) = self.ended, await asyncio.to_thread(self._counted)
                self.connections = max(self.connections, now)
                if self.ended != before:
                    last = time.monotonic()
                if self.ended // 100 != before // 100:
                    self.say(f"{self.ended} of {len(self.people)} jobs have ended")
        self.done.set()

    def _counted(self) -> tuple[int, int]:
        states = [state.value for state in ENDED]
        with psycopg.connect(self.database.replace("+psycopg", ""), autocommit=True) as connection:
            jobs = connection.execute("SELECT count(*) FROM jobs WHERE state = ANY(%s)", (states,)).fetchone()
            open_now = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL").fetchone()
        return (jobs or (0,))[0], (open_now or (0,))[0] - 1


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one person."""

    state: str
    submits: int
    charged: int
    pictures: int
    words: int
    why: str = ""
    """Without a picture: how the job ended, and what each service that was asked for it answered."""


async def outcomes(storm: Storm) -> list[Outcome]:
    state = (await storm.made.fal.get("/_fake/state")).json()
    charged = Counter(
        job["prompt"].partition("[[job:")[2].partition("]]")[0]
        for job in state["jobs"].values()
        if not job["cancelled"]
    )
    store = await SqlStore.open(storm.database)
    found = []
    try:
        for number, (person, _) in enumerate(storm.people):
            chat, name = Chat(channel="web", chat=person, person=person), f"s{number}"
            jobs: Sequence[Job] = await store.jobs(chat=chat)
            entries = [entry.outgoing for entry in await store.entries(chat, limit=100)]
            said = [o for o in entries if o.id.startswith(OUTCOMES)]
            parts = [part for job in jobs for part in await store.parts(job.id)]
            unsure = any(part.state in (PartState.UNCERTAIN, PartState.SUBMITTING) for part in parts)
            found.append(
                Outcome(
                    state="uncertain" if unsure else ",".join(job.state.value for job in jobs) or "no job",
                    submits=state["markers"].get(name, 0),
                    charged=charged[name],
                    pictures=sum(o.kind is Kind.PICTURES for o in entries),
                    words=len(said),
                    why=_why(jobs, parts),
                )
            )
    finally:
        await store.aclose()
    return found


def _why(jobs: Sequence[Job], parts: Sequence[Part]) -> str:
    ends = [job.error_code or job.state.value for job in jobs]
    tried = [f"{each.outcome.value} {each.code or ''}".strip() for part in parts for each in part.tried]
    codes = [part.error_code for part in parts if part.error_code]
    return " < ".join(["/".join(ends), *dict.fromkeys(codes), *tried])


def told_why(found: Sequence[Outcome], met: Mapping[int, str]) -> None:
    """Everybody without a picture, by the reason that is recorded. `met`: which fault a request was given."""
    kinds = Counter((o.why, met.get(number, "") or "none") for number, o in enumerate(found) if not o.pictures)
    print("without a picture, by what is recorded and the fault that the request was given:")
    for (why, fault), count in kinds.most_common():
        print(f"{count:6}  {fault:18} {why}")


def report(found: Sequence[Outcome], storm: Storm, seconds: float) -> bool:
    twice = sum(o.submits > 1 for o in found), sum(o.pictures > 1 for o in found)
    nothing = sum(o.pictures == 0 and o.words == 0 for o in found)
    unsure = [o for o in found if o.state == "uncertain"]
    rows = {
        "people who were acknowledged": storm.posted,
        "workers killed": sum(worker.kills for worker in storm.made.workers),
        "paid twice": twice[0],
        "delivered twice": twice[1],
        "without a picture and without an outcome": nothing,
        "got their picture": sum(o.pictures == 1 for o in found),
        "uncertain, and told so": len(unsure),
        "  of these charged by the service": sum(o.charged > 0 for o in unsure),
        "connections to the database, at most": storm.connections,
        "seconds": round(seconds),
    }
    for title, number in rows.items():
        print(f"{title:42} {number:6}")
    print("states:", dict(Counter(o.state for o in found)))
    return twice == (0, 0) and nothing == 0 and storm.posted == len(found)


async def storm_of(chosen: argparse.Namespace, home: Path, server: OwnServer, database: str) -> bool:
    async with fal_process() as fal, installation(home, fal, database) as made:
        await fal.post("/_fake/plan", json={"always": True, "seconds": chosen.seconds})
        await made.add_front("--no-worker")
        await made.add_front("--no-worker")
        for _ in range(chosen.workers):
            await made.add_worker()
        people = [made.person() for _ in range(chosen.jobs)]
        storm = Storm(made, server, database, people, chosen.kill_every, chosen.restarts)
        storm.say(f"{chosen.jobs} people, {chosen.workers} workers, two fronts")
        await storm.run()
        return report(await outcomes(storm), storm, time.monotonic() - storm.began)


def asked(description: str, *, jobs: int, workers: int) -> argparse.ArgumentParser:
    """What every storm can be asked for; `jobs` and `workers` where nothing is said."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--jobs", type=int, default=jobs)
    options.add_argument("--workers", type=int, default=workers)
    options.add_argument("--kill-every", type=float, default=5.0)
    options.add_argument("--restarts", type=int, default=2)
    options.add_argument("--seconds", type=float, default=2.0, help="what the service takes for a picture")
    return options


def carried_out(
    storm: Callable[[argparse.Namespace, Path, OwnServer, str], Awaitable[bool]], chosen: argparse.Namespace
) -> NoReturn:
    """On a PostgreSQL of its own; ends the program, with 1 where the storm was not weathered."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        own_server() as server,
        new_database(server.url) as database,
    ):
        raise SystemExit(not asyncio.run(storm(chosen, Path(folder), server, database)))


def main() -> None:
    options = asked("Many jobs while workers, a front and the database die.", jobs=800, workers=3)
    carried_out(storm_of, options.parse_args())


if __name__ == "__main__":
    main()
