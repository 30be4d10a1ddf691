"""What a browser reads: the conversation so far, new messages as they come, and the pictures in them."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from bot.channels.web.cookies import Sessions
from bot.channels.web.statuses import Begun, StatusLog
from bot.channels.web.steps import step_address
from bot.metrics import Metrics
from handlers.message import Chat, Kind
from handlers.store.base import Entry, Store
from providers.base import PictureFile

QUICK = 0.3
"""Seconds between looks at the store while something is in progress: the job may run in another process."""
SLOW = 2.0
LIVELY = 60.0
"""Assume that something is in progress until so many seconds after the last message."""
HEARTBEAT = 15.0
"""Silence after which a comment is sent, so that proxies keep the stream open and a dead client is noticed."""

_PAGE = 200
_REFERENCE = re.compile(r"(\d{1,18})-(\d{1,3})-([A-Za-z0-9_-]{22})")

Wire = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds; see the constants. Tests make them short."""

    quick: float = QUICK
    slow: float = SLOW
    lively: float = LIVELY
    heartbeat: float = HEARTBEAT


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture in a conversation: the entry it is in and its index there, from 0."""

    entry: Entry
    index: int
    picture: PictureFile


@dataclass(frozen=True, kw_only=True)
class Page:
    """Messages with the number to continue from, and the statuses that are still shown."""

    messages: list[Wire]
    cursor: int
    statuses: list[str]


@dataclass(eq=False)
class _Listener:
    """One open stream. `cleared`: the conversation was deleted since it last looked."""

    woken: asyncio.Event = field(default_factory=asyncio.Event)
    cleared: bool = False


class Feed:
    """Reads the store for the page. One per process; every call names its person."""

    def __init__(
        self, *, store: Store, sessions: Sessions, metrics: Metrics, statuses: StatusLog, pace: Pace | None = None
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._metrics = metrics
        self._statuses = statuses
        self._pace = pace or Pace()
        self._listeners: defaultdict[str, set[_Listener]] = defaultdict(set)
        self._stopping = False

    # --- the conversation so far

    async def conversation(self, chat: Chat, *, after: str | None = None, cursor: int = 0) -> Page:
        """Everything, oldest first; with `after` (a message's id) or `cursor` only what came or changed since.

        An unknown `after` gives everything: readers tell messages apart by their ids.
        """
        begun = (await self._statuses.read(chat)).begun
        entries = await self.entries(chat)
        since = max(cursor, self._position(entries, begun, after) if after else 0)
        ordered = sorted((e for e in entries if e.seq > since), key=lambda e: _place(e, begun))
        return Page(
            messages=[self.wire(e, begun) for e in ordered],
            cursor=max((e.seq for e in entries), default=since),
            statuses=[e.id for e in entries if e.outgoing.kind is Kind.STATUS],
        )

    async def entries(self, chat: Chat) -> list[Entry]:
        """Every entry of a person."""
        found: list[Entry] = []
        while True:
            page = await self._store.entries(chat, after=found[-1].seq if found else 0, limit=_PAGE)
            found += page
            if len(page) < _PAGE:
                return found

    @staticmethod
    def _position(entries: list[Entry], begun: Mapping[str, Begun], after: str) -> int:
        if after in begun:
            return begun[after].seq
        return next((entry.seq for entry in entries if entry.id == after), 0)

    def wire(self, entry: Entry, begun: Mapping[str, Begun]) -> Wire:
        """A message as in `contracts/running.md`, with additions: `at`, `job`, `language`; of a status `since`,
        `expected` seconds in all, `done` of it, and `step`, the address of an unfinished picture; of a picture its
        `type`."""
        said = entry.outgoing
        message: Wire = {
            "id": entry.id,
            "from": "person" if entry.from_person else "bot",
            "kind": said.kind.value,
            "text": said.text,
            "pictures": [self.wire_picture(entry, index) for index in range(len(said.pictures))],
            "choices": [{"id": choice.id, "label": choice.label} for choice in said.choices],
            "in_reply_to": said.ref,
            "at": entry.at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "job": said.job,
            "language": said.language,
        }
        if said.kind is Kind.STATUS:
            since = said.begun or (begun[entry.id].at if entry.id in begun else entry.at)
            message["since"] = since.astimezone(UTC).isoformat(timespec="milliseconds")
            message["expected"] = said.expected
            message["done"] = said.done
            steps = begun[entry.id].steps if entry.id in begun else 0
            message["step"] = step_address(self._sessions, said.job, steps) if said.job and steps else None
        return message

    # --- pictures

    def wire_picture(self, entry: Entry, index: int) -> Wire:
        picture = entry.outgoing.pictures[index]
        return {
            "url": self.address(entry, index),
            "width": picture.width,
            "height": picture.height,
            "type": picture.mime,
        }

    def address(self, entry: Entry, index: int) -> str:
        """A path that only this installation can make, and that only this person's cookie opens."""
        return f"/pictures/{entry.seq}-{index}-{self._sessions.seal(entry.id, entry.seq, index)}"

    async def picture(self, chat: Chat, reference: str) -> Shown | None:
        """The picture behind the last part of an address, if it is this person's and still exists."""
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            return None
        seq, index = int(match[1]), int(match[2])
        for entry in await self._store.entries(chat, after=seq - 1, limit=1):
            known = entry.seq == seq and index < len(entry.outgoing.pictures)
            if known and self._sessions.sealed(match[3], entry.id, seq, index):
                return Shown(entry=entry, index=index, picture=entry.outgoing.pictures[index])
        return None

    # --- live

    def wake(self, chat: Chat, *, cleared: bool = False) -> None:
        """There is something new for this person (or, `cleared`, everything was deleted)."""
        for listener in self._listeners.get(chat.key, ()):
            listener.cleared |= cleared
            listener.woken.set()

    def stop(self) -> None:
        """End every stream; the server then has nothing to wait for."""
        self._stopping = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.woken.set()

    @contextmanager
    def _listening(self, chat: Chat) -> Iterator[_Listener]:
        listener = _Listener()
        self._listeners[chat.key].add(listener)
        self._metrics.stream(+1)
        try:
            yield listener
        finally:
            self._metrics.stream(-1)
            self._listeners[chat.key].discard(listener)
            if not self._listeners[chat.key]:
                del self._listeners[chat.key]

    async def events(
        self, chat: Chat, *, after: str | None = None, cursor: int | None = None
    ) -> AsyncGenerator[str, None]:
        """Server-sent events: unnamed ones are messages, with their number as the event's id.

        Named ones are for the page: `open` once, with the `statuses` that are still shown; `gone` with the `id` of a
        status that no longer is; `cleared` when the person had everything deleted.
        """
        clock = asyncio.get_running_loop().time
        with self._listening(chat) as listener:
            entries = await self.entries(chat)
            if after is not None:
                cursor = self._position(entries, (await self._statuses.read(chat)).begun, after)
            if cursor is None:
                cursor = entries[-1].seq if entries else 0
            standing = {e.id: e.seq for e in entries if e.outgoing.kind is Kind.STATUS}
            yield "retry: 1500\n\n" + _event({"statuses": list(standing)}, name="open")
            standing = {status: seq for status, seq in standing.items() if seq <= cursor}
            lively, heard = clock() + self._pace.lively, clock()
            while not self._stopping:
                listener.woken.clear()
                if listener.cleared:
                    listener.cleared, standing = False, {}
                    yield _event({}, name="cleared")
                fresh = await self._store.entries(chat, after=cursor, limit=_PAGE)
                begun = (await self._statuses.read(chat)).begun if fresh else {}
                for entry in fresh:
                    cursor = entry.seq
                    standing.pop(entry.id, None)
                    if entry.outgoing.kind is Kind.STATUS:
                        standing[entry.id] = entry.seq
                    yield _event(self.wire(entry, begun), number=entry.seq)
                for status in await self._gone(chat, standing):
                    standing.pop(status)
                    yield _event({"id": status}, name="gone")
                if fresh:
                    lively, heard = clock() + self._pace.lively, clock()
                elif clock() - heard >= self._pace.heartbeat:
                    heard = clock()
                    yield ": still here\n\n"
                if len(fresh) < _PAGE:
                    await self._doze(listener, quick=bool(standing) or clock() < lively)

    async def _gone(self, chat: Chat, standing: Mapping[str, int]) -> list[str]:
        """Which of these statuses are no longer in the store (replaced ones come again as new entries)."""
        if not standing:
            return []
        oldest = min(standing.values())
        entries = await self._store.entries(chat, after=oldest - 1, limit=_PAGE)
        seen_up_to = entries[-1].seq if len(entries) == _PAGE else max(standing.values())
        present = {entry.id for entry in entries}
        return [status for status, seq in standing.items() if status not in present and seq <= seen_up_to]

    async def _doze(self, listener: _Listener, *, quick: bool) -> None:
        """Wait until woken, or until it is time to look at the store again."""
        try:
            async with asyncio.timeout(self._pace.quick if quick else self._pace.slow):
                await listener.woken.wait()
        except TimeoutError:
            return


def _place(entry: Entry, begun: Mapping[str, Begun]) -> int:
    """Where an entry is in the conversation: a status where it began."""
    if entry.outgoing.kind is Kind.STATUS and entry.id in begun:
        return begun[entry.id].seq
    return entry.seq


def _event(data: Wire, *, name: str | None = None, number: int | None = None) -> str:
    lines = [f"id: {number}"] if number is not None else []
    lines += [f"event: {name}"] if name else []
    return "\n".join([*lines, f"data: {json.dumps(data, ensure_ascii=False)}", "", ""])
