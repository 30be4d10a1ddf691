"""`FakeChannel`: a platform that only records, for tests, demonstrations and benchmarks.

`FileChannel` records in files, for tests that kill the process.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from handlers.channel import Answerer, Delivered, DeliveryError, Health
from handlers.message import Chat, Kind, Outgoing

_OUTGOING = TypeAdapter(Outgoing)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault that happens once at `move` (say, reserve, deliver): before it took effect, or `after`."""

    move: str
    error: DeliveryError
    after: bool = False


class FakeChannel:
    """Records what it is sent.

    A `repeatable` platform shows the pictures of a place once however often they are delivered there; the others once
    per delivery. `moment` is awaited as `moment(move, "before" | "after")`, so that a test can hold a send.
    """

    def __init__(
        self,
        name: str = "fake",
        *,
        repeatable: bool = True,
        moment: Callable[[str, str], Awaitable[None]] | None = None,
    ) -> None:
        self._name = name
        self._repeatable = repeatable
        self._moment = moment
        self._answerer: Answerer | None = None
        self._whose: dict[str, str] = {}
        self.said: list[tuple[Chat, Outgoing]] = []
        self.places: dict[str, Outgoing] = {}
        self.shown: Counter[str] = Counter()
        """How often the pictures of each place are visible."""
        self.faults: deque[Fault] = deque()
        self.said_something = asyncio.Event()

    @property
    def name(self) -> str:
        return self._name

    @property
    def repeatable(self) -> bool:
        return self._repeatable

    def fail(self, move: str, error: DeliveryError, *, after: bool = False, times: int = 1) -> None:
        """The next `times` moves of this kind fail."""
        self.faults.extend(Fault(move=move, error=error, after=after) for _ in range(times))

    async def _at(self, move: str, when: str) -> None:
        if self._moment is not None:
            await self._moment(move, when)
        fault = next((f for f in self.faults if f.move == move and f.after == (when == "after")), None)
        if fault is not None:
            self.faults.remove(fault)
            raise fault.error

    # --- lifecycle

    async def start(self, answerer: Answerer) -> None:
        self._answerer = answerer

    async def stop(self) -> None:
        self._answerer = None

    def routes(self) -> Sequence[Any]:
        return ()

    async def health(self, *, ask: bool = False) -> Health:
        return Health(listening=self._answerer is not None)

    async def forget(self, chat: Chat) -> None:
        self.said = [(whose, outgoing) for whose, outgoing in self.said if whose.key != chat.key]
        for place in [place for place, whose in self._whose.items() if whose == chat.key]:
            del self.places[place], self._whose[place], self.shown[place]

    # --- sending

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        await self._at("say", "before")
        self.said.append((chat, outgoing))
        self.said_something.set()
        await self._at("say", "after")

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        await self._at("reserve", "before")
        place = f"place-{outgoing.id}"
        await self._at("reserve", "after")
        return place

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        await self._at("deliver", "before")
        self._show(place, outgoing)
        self._whose[place] = chat.key
        await self._at("deliver", "after")
        return Delivered(refs=(place,))

    def _show(self, place: str, outgoing: Outgoing) -> None:
        self.places[place] = outgoing
        self.shown[place] = 1 if self._repeatable else self.shown[place] + 1

    # --- reading, for tests

    def statuses(self, job_id: str) -> list[Outgoing]:
        return [o for _, o in self.said if o.kind is Kind.STATUS and o.job == job_id]

    def words(self, job_id: str) -> list[Outgoing]:
        """What was said about a job, without its status."""
        return [o for _, o in self.said if o.kind is not Kind.STATUS and o.job == job_id]

    def result(self, job_id: str) -> Outgoing:
        """The pictures of a job, raising StopIteration if none came."""
        return next(o for o in self.places.values() if o.job == job_id)


class FileChannel(FakeChannel):
    """A `FakeChannel` whose deliveries are written to a folder: what a person saw, whatever happened to the process.

    One line of `shown.jsonl` is one picture message on the person's screen; a repeated one on a repeatable platform
    replaces its place's line and so adds none.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "fake",
        *,
        repeatable: bool = True,
        moment: Callable[[str, str], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(name, repeatable=repeatable, moment=moment)
        folder.mkdir(parents=True, exist_ok=True)
        self._shown = folder / "shown.jsonl"
        self._said = folder / "said.jsonl"

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        await super().say(chat, outgoing)
        if outgoing.kind is not Kind.STATUS:
            self._append(self._said, {"id": outgoing.id, "job": outgoing.job, **_as_json(outgoing)})

    def _show(self, place: str, outgoing: Outgoing) -> None:
        super()._show(place, outgoing)
        if not (self._repeatable and any(line["place"] == place for line in read_lines(self._shown))):
            self._append(self._shown, {"place": place, "job": outgoing.job, "pictures": len(outgoing.pictures)})

    @staticmethod
    def _append(file: Path, line: dict[str, object]) -> None:
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _as_json(outgoing: Outgoing) -> dict[str, object]:
    return {"text": outgoing.text, "choices": [choice.id for choice in outgoing.choices]}


def read_lines(file: Path) -> list[dict[str, object]]:
    """The lines a `FileChannel` wrote: `shown.jsonl` or `said.jsonl` of its folder."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]
