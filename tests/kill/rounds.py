"""One round of a kill test: a worker with a job at every point, killed with signal 9, started again, and counted."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from handlers.fake_channel import read_lines
from providers.net.certificates import trusted
from tests.kill.worker import POINTS
from tests.programs import Program
from tests.waiting import LONG

"""Seconds after which something that should have happened did not, on a machine with much else to do."""
HELD_BY_FAL = {
    "POST in flight, not taken": "hold_before",
    "POST in flight, taken": "hold_after",
}
"""Points at which the fake fal holds the POST."""
DOWNLOADING = "during the download"
WAITING = "waiting"
EVERY_POINT = (*POINTS, *HELD_BY_FAL, DOWNLOADING, WAITING)
TURNS_UP = (*HELD_BY_FAL, "answered, not written down")
"""Points at which a frozen process holds the id of a paid request, which is written down when it thaws."""
WAIT_SECONDS = 4.0
"""How long the job that is killed while waiting takes upstream."""


@dataclass(frozen=True, kw_only=True)
class End:
    """What became of one job: how it ended, POSTs that reached fal, pictures on the person's screen, offers made."""

    point: str
    repeatable: bool
    state: str
    code: str | None
    submits: int
    shown: int
    offers: tuple[str, ...]

    def __str__(self) -> str:
        channel = "repeatable" if self.repeatable else "not repeatable"
        return f"{self.point} ({channel}): {self.state} submits={self.submits} shown={self.shown} {self.offers}"


def expected(point: str, *, repeatable: bool) -> tuple[str, int, int, tuple[str, ...]]:
    """State, submits, pictures shown, offers: the promise for a process killed at this point."""
    if point == "row written, not posted":
        return "uncertain", 0, 0, ("retry",)
    if point in HELD_BY_FAL or point == "answered, not written down":
        return "uncertain", 1, 0, ("retry",)
    if not repeatable and point in ("before the send", "sent, not written down"):
        return "uncertain", 1, int(point == "sent, not written down"), ("resend",)
    return "done", 1, 1, ()


def expected_after_thawing(point: str, *, repeatable: bool) -> tuple[str, int, int, tuple[str, ...]]:
    """The same for a process that was frozen there, whose jobs were taken over, and which then went on."""
    if point in TURNS_UP:
        return "done", 1, 1, ("retry",)
    if point == "before the send" and not repeatable:
        return "uncertain", 1, 1, ("resend",)  # frozen in the send itself, which goes out with the thaw
    return expected(point, repeatable=repeatable)


def harmless(end: End) -> bool:
    """Whatever the moment: at most one submit and one picture, and where it is not done the person is asked."""
    if end.state == "done":
        return (end.submits, end.shown, end.offers) == (1, 1, ())
    return end.state == "uncertain" and end.submits <= 1 and end.shown <= 1 and end.offers != ()


@asynccontextmanager
async def process(module: str, *args: str) -> AsyncIterator[Program]:
    running = Program(*args, module=module)
    try:
        yield running
    finally:
        await running.end(signal.SIGKILL)


@asynccontextmanager
async def fal_process() -> AsyncIterator[httpx.AsyncClient]:
    """The fake fal as a process, which outlives the workers, and a client to ask and tell it things."""
    async with process("tests.servers.fal") as server:
        address = (await server.readline()).strip()
        async with httpx.AsyncClient(verify=trusted(), base_url=address, timeout=LONG) as client:
            yield client


async def lines(worker: Program) -> AsyncIterator[dict[str, Any]]:
    while line := await worker.readline():
        yield json.loads(line)


async def kill(worker: Program) -> None:
    worker.kill()
    await worker.wait()


class Round:
    """A folder, the jobs in it and the fake fal they go to."""

    def __init__(self, folder: Path, fal: httpx.AsyncClient, *, name: str, database: str | None = None) -> None:
        self._folder = folder
        self._fal = fal
        self._database = database
        self.points = {f"{channel}{name}x{n}": p for channel in ("fake", "once") for n, p in enumerate(EVERY_POINT)}

    def wish(self, **more: object) -> str:
        folder = str(self._folder)
        return json.dumps({"folder": folder, "fal": str(self._fal.base_url), "database": self._database, **more})

    async def plan(self) -> None:
        """Tell the fake fal which jobs to keep waiting, and whose first download to hold."""
        for job_id, point in self.points.items():
            if point == WAITING:
                await self._fal.post("/_fake/plan", json={"match": f"[[job:{job_id}]]", "seconds": WAIT_SECONDS})
            if point == DOWNLOADING:
                held = {"match": f"[[job:{job_id}]]", "picture": "held", "bad_links": 1}
                await self._fal.post("/_fake/plan", json=held)

    async def until_held(self, worker: Program) -> None:
        """Until every job of the worker stands at its point."""
        own = {job_id for job_id, point in self.points.items() if point in POINTS}
        async with asyncio.timeout(LONG):
            async for line in lines(worker):
                own.discard(line.get("held", ""))
                if not own:
                    break
            assert not own, f"never got to their points: {own}"
            others = [point for point in self.points.values() if point in HELD_BY_FAL or point == DOWNLOADING]
            waiting = [job_id for job_id, point in self.points.items() if point == WAITING]
            await self._fal_says(lambda state: state["held"] == len(others))
            await self._fal_says(lambda state: all(state["markers"].get(job_id) for job_id in waiting))

    async def _fal_says(self, what: Callable[[dict[str, Any]], bool]) -> None:
        while not what(await self._state()):  # noqa: ASYNC110  # another process's state
            await asyncio.sleep(0.02)

    async def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = (await self._fal.get("/_fake/state")).json()
        return state

    async def until_ended(self, worker: Program) -> dict[str, list[str]]:
        async with asyncio.timeout(LONG):
            async for line in lines(worker):
                if "ended" in line:
                    ended: dict[str, list[str]] = line["ended"]
                    return ended
        raise AssertionError("the worker ended before its jobs")

    async def kill_and_start_again(self) -> list[End]:
        """The round."""
        await self._fal.post("/_fake/reset")
        await self.plan()
        async with process("tests.kill.worker", self.wish(jobs=self.points, faults=HELD_BY_FAL)) as worker:
            await self.until_held(worker)
            await kill(worker)
        await self._fal.post("/_fake/release")
        async with process("tests.kill.worker", self.wish(wait_for=list(self.points))) as worker:
            ended = await self.until_ended(worker)
            assert await worker.wait() == 0
        return await self.ends(ended)

    async def kill_beside_another(self) -> list[End]:
        """The same with a second worker that is there all the time and takes the jobs over (PostgreSQL)."""
        await self._fal.post("/_fake/reset")
        await self.plan()
        async with process("tests.kill.worker", self.wish(jobs=self.points, faults=HELD_BY_FAL)) as first:
            await self.until_held(first)
            async with process("tests.kill.worker", self.wish(wait_for=list(self.points))) as second:
                assert await anext(lines(second)) == {"ready": True}
                await kill(first)
                await self._fal.post("/_fake/release")
                return await self.ends(await self.until_ended(second))

    async def freeze_beside_another(self) -> list[End]:
        """The first worker is frozen, a second one takes the jobs over, then the first one thaws and goes on from
        where each job stood; what it learns then is fetched. Both live until nothing changes any more."""
        await self._fal.post("/_fake/reset")
        await self.plan()
        thawed = self._folder / "thawed"
        wish = self.wish(jobs=self.points, faults=HELD_BY_FAL, thawed=str(thawed))
        async with process("tests.kill.worker", wish) as first:
            await self.until_held(first)
            first.send_signal(signal.SIGSTOP)
            async with process("tests.kill.worker", self.wish(wait_for=list(self.points))) as second:
                assert await anext(lines(second)) == {"ready": True}
                await self.until_ended(second)
                thawed.touch()
                first.send_signal(signal.SIGCONT)
                await self._fal.post("/_fake/release")
                known = {job_id for job_id, point in self.points.items() if point in TURNS_UP}
                async with process(
                    "tests.kill.worker", self.wish(wait_for=list(self.points), but_done=sorted(known))
                ) as third:
                    return await self.ends(await self.until_ended(third))

    async def kill_at(self, moments: Sequence[float]) -> list[End]:
        """No stops: the worker is killed so many seconds after it was ready, again and again, then left to finish."""
        await self._fal.post("/_fake/reset")
        await self._fal.post("/_fake/plan", json={"always": True, "seconds": 0.3})
        free = dict.fromkeys(self.points, "")
        for moment in moments:
            async with process("tests.kill.worker", self.wish(jobs=free)) as worker:
                assert await anext(lines(worker)) == {"ready": True}
                await asyncio.sleep(moment)
                await kill(worker)
        async with process("tests.kill.worker", self.wish(jobs=free, wait_for=list(free))) as worker:
            return await self.ends(await self.until_ended(worker))

    async def ends(self, ended: dict[str, list[str]]) -> list[End]:
        markers = (await self._state())["markers"]
        shown = [line for name in ("fake", "once") for line in read_lines(self._folder / name / "shown.jsonl")]
        said = [line for name in ("fake", "once") for line in read_lines(self._folder / name / "said.jsonl")]
        ends = []
        for job_id, point in self.points.items():
            state, code = ended[job_id]
            offers = {str(c).partition(":")[0] for line in said if line["job"] == job_id for c in _choices(line)}
            ends.append(
                End(
                    point=point,
                    repeatable=job_id.startswith("fake"),
                    state=state,
                    code=code,
                    submits=markers.get(job_id, 0),
                    shown=sum(line["job"] == job_id for line in shown),
                    offers=tuple(sorted(offers - {"cancel"})),
                )
            )
        return ends


def _choices(line: dict[str, object]) -> list[object]:
    choices = line["choices"]
    return choices if isinstance(choices, list) else []
