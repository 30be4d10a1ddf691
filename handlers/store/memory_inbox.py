"""`Inbox` of `MemoryStore`: updates acknowledged before they are handled, and who works on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handlers.store.base import InboxRow, Lease, LineFull


@dataclass(frozen=True, kw_only=True)
class Update:
    """A row of the inbox. `until`: when its lease ends, or ended. `line` and `passed`: as in `Inbox`."""

    payload: str
    at: datetime
    until: datetime
    owner: str = ""
    claims: int = 0
    done: bool = False
    failed: bool = False
    line: str = ""
    passed: bool = False


class MemoryInbox:
    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._inbox: dict[tuple[str, str], Update] = {}

    async def put_inbox(self, channel: str, key: str, payload: str, *, lease: Lease | None = None) -> bool:
        if (channel, key) in self._inbox:
            return False
        now = self._clock()
        until = now + timedelta(seconds=lease.seconds) if lease else now
        self._inbox[channel, key] = Update(payload=payload, at=now, owner=lease.owner if lease else "", until=until)
        return True

    async def put_in_line(
        self, channel: str, key: str, payload: str, *, line: str, lease: Lease | None = None, most: int | None = None
    ) -> str | None:
        now, nobody = self._clock(), {"", lease.owner if lease else ""}
        line_of = [row for _, row in self._open(channel) if row.line == line]
        if most is not None and len(line_of) >= most and (channel, key) not in self._inbox:
            raise LineFull
        ahead = next((row for row in line_of if row.owner not in nobody and row.until > now), None)
        if not await self.put_inbox(channel, key, payload, lease=lease):
            return None
        mine = replace(self._inbox[channel, key], line=line)
        if ahead is not None:
            mine = replace(mine, owner=ahead.owner, until=ahead.until, passed=True)
        self._inbox[channel, key] = mine
        return mine.owner

    async def passed_on(self, channel: str, lease: Lease) -> tuple[InboxRow, ...]:
        until = self._clock() + timedelta(seconds=lease.seconds)
        passed = [(key, row) for key, row in self._open(channel) if row.owner == lease.owner and row.passed]
        for key, row in passed:
            self._inbox[channel, key] = replace(row, passed=False, until=until)
        return tuple(InboxRow(key=key, payload=row.payload, claims=row.claims) for key, row in passed)

    async def done_inbox(self, channel: str, key: str, *, failed: bool = False) -> None:
        if row := self._inbox.get((channel, key)):
            self._inbox[channel, key] = replace(row, payload="", done=True, failed=failed, owner="", passed=False)

    async def claim_inbox(
        self, channel: str, lease: Lease, *, dead: Sequence[str] = (), limit: int = 100
    ) -> tuple[InboxRow, ...]:
        now = self._clock()
        until = now + timedelta(seconds=lease.seconds)
        rows_now = self._open(channel)
        gone = {"", lease.owner, *dead}
        elsewhere = {row.line for _, row in rows_now if row.line and row.until > now and row.owner not in gone}
        free = [key for key, row in rows_now if (row.until <= now or row.owner in dead) and row.line not in elsewhere][
            :limit
        ]
        for key in free:
            row = self._inbox[channel, key]
            self._inbox[channel, key] = replace(
                row, owner=lease.owner, until=until, claims=row.claims + 1, passed=False
            )
        rows = ((key, self._inbox[channel, key]) for key in free)
        return tuple(InboxRow(key=key, payload=row.payload, claims=row.claims) for key, row in rows)

    async def renew_inbox(self, channel: str, lease: Lease) -> None:
        until = self._clock() + timedelta(seconds=lease.seconds)
        for key, row in self._open(channel):
            if row.owner == lease.owner and not row.passed:
                self._inbox[channel, key] = replace(row, until=until)

    async def release_inbox(self, channel: str, owner: str, *, key: str | None = None, seconds: float = 0.0) -> None:
        until = self._clock() + timedelta(seconds=seconds)
        for name, row in self._open(channel):
            if row.owner == owner and key in (None, name):
                self._inbox[channel, name] = replace(row, owner="", until=until, claims=0, passed=False)

    async def failed_inbox(self, channel: str) -> int:
        return sum(1 for (name, _), row in self._inbox.items() if name == channel and row.failed)

    async def inbox(self, channel: str, *, limit: int = 1000) -> tuple[tuple[str, str], ...]:
        return tuple((key, row.payload) for key, row in self._open(channel))[:limit]

    def _open(self, channel: str) -> list[tuple[str, Update]]:
        """The rows not yet done, oldest first."""
        waiting = [(key, row) for (name, key), row in self._inbox.items() if name == channel and not row.done]
        return sorted(waiting, key=lambda pair: (pair[1].at, pair[0]))
