"""`Inbox` on SQL: updates acknowledged before they are handled, and who works on them.

A row is found by the hash of its key; the key itself, made of the platform's ids, is deleted with the payload. So is
its line: who owns a line is told by the open rows in it, and by nothing else that could outlive them. Whoever puts a
row into a line or claims one does so under the line's lock: on PostgreSQL an advisory one, on SQLite the file's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from handlers.message import key_hash
from handlers.store.base import InboxRow, Lease, LineFull
from handlers.store.sql.database import Database
from handlers.store.sql.prepared import all_rows, change, one_row, one_value
from handlers.store.sql.schema import INBOX

_channel = INBOX.c.channel == sa.bindparam("a_channel")
_OPEN = _channel & ~INBOX.c.done
_now = sa.bindparam("now", type_=INBOX.c.at.type)
_until = sa.bindparam("until", type_=INBOX.c.at.type)
_holder: sa.BindParameter[str] = sa.bindparam("a_holder")
_dead: sa.BindParameter[str] = sa.bindparam("dead", expanding=True)
_dead_beside: sa.BindParameter[str] = sa.bindparam("dead_beside", expanding=True)
"""The same in a parameter of its own: an empty list is written out differently for `in` and for `not in`."""
_beside = INBOX.alias("beside")
_ELSEWHERE = (
    sa.exists()
    .where(_beside.c.line == INBOX.c.line, ~_beside.c.done, _beside.c.lease_until > _now)
    .where(_beside.c.holder != "", _beside.c.holder != _holder, _beside.c.holder.not_in(_dead_beside))
)
"""Another process works on the line that it stands in."""
_FREE = (
    sa.select(INBOX.c.id, INBOX.c.key, INBOX.c.payload, INBOX.c.claims, INBOX.c.line)
    .where(_OPEN & (INBOX.c.lease_until.is_(None) | (INBOX.c.lease_until <= _now) | INBOX.c.holder.in_(_dead)))
    .where(~_ELSEWHERE)
    .order_by(INBOX.c.at, INBOX.c.key)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_FREE_NOW = _FREE.where(
    INBOX.c.line.is_(None) | INBOX.c.line.in_(sa.bindparam("lines", expanding=True))
).with_for_update(skip_locked=True, of=INBOX)
"""PostgreSQL: rows that another process is claiming at this moment are skipped. SQLite locks the file."""
_LOCK_LINE = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:line, 0))")
_LOCK_LINES = sa.text(
    "SELECT line FROM unnest(CAST(:lines AS text[])) AS line WHERE pg_try_advisory_xact_lock(hashtextextended(line, 0))"
)
_AHEAD = (
    sa.select(INBOX.c.holder, INBOX.c.lease_until)
    .where((INBOX.c.line == sa.bindparam("a_line")) & ~INBOX.c.done)
    .where((INBOX.c.holder != "") & (INBOX.c.holder != _holder) & (INBOX.c.lease_until > _now))
    .order_by(INBOX.c.at)
    .limit(1)
    .with_for_update()
)
"""Locked, so that its owner does not end it, and look for the last time what was passed on, before the new row is
there."""
_IN_LINE = sa.select(sa.func.count()).where((INBOX.c.line == sa.bindparam("a_line")) & ~INBOX.c.done)
_SEEN = sa.select(INBOX.c.id).where(_channel & (INBOX.c.id == sa.bindparam("an_id")))
_CLAIM = (
    INBOX.update()
    .where(_OPEN & INBOX.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(holder=_holder, lease_until=_until, claims=INBOX.c.claims + 1, passed=None)
)
_MINE = _OPEN & (INBOX.c.holder == _holder)
_PASSED = _MINE & INBOX.c.passed
_ANY_PASSED = sa.select(INBOX.c.id).where(_PASSED).limit(1)
_NOTICE = (
    INBOX.update()
    .where(_PASSED)
    .values(passed=None, lease_until=_until)
    .returning(INBOX.c.at, INBOX.c.key, INBOX.c.payload, INBOX.c.claims)
)
_RENEW = INBOX.update().where(_MINE & INBOX.c.passed.is_(None)).values(lease_until=_until)
_RELEASE = INBOX.update().where(_MINE).values(holder="", lease_until=_until, claims=0, passed=None)
_RELEASE_ONE = _RELEASE.where(INBOX.c.id == sa.bindparam("an_id"))
_DONE = (
    INBOX.update()
    .where(_channel & (INBOX.c.id == sa.bindparam("an_id")))
    .values(
        done=True,
        key="",
        payload="",
        holder="",
        lease_until=None,
        line=None,
        passed=None,
        failed=sa.bindparam("has_failed"),
    )
)
_FAILED = sa.select(sa.func.count()).where(_channel & INBOX.c.failed)
_WAITING = (
    sa.select(INBOX.c.key, INBOX.c.payload)
    .where(_OPEN)
    .order_by(INBOX.c.at, INBOX.c.key)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


class SqlInbox(Database):
    async def put_inbox(self, channel: str, key: str, payload: str, *, lease: Lease | None = None) -> bool:
        return await self._write(
            lambda c: self.insert_new(c, INBOX, self._inbox_row(channel, key, payload, lease, self._moment(c)))
        )

    async def put_in_line(
        self, channel: str, key: str, payload: str, *, line: str, lease: Lease | None = None, most: int | None = None
    ) -> str | None:
        name = _line(channel, line)

        def work(c: sa.Connection) -> str | None:
            if c.dialect.name == "postgresql":
                c.execute(_LOCK_LINE, {"line": name})
            row = self._inbox_row(channel, key, payload, lease, self._moment(c)) | {"line": name}
            if most is not None and one_value(c, _IN_LINE, {"a_line": name}) >= most:
                if one_value(c, _SEEN, {"a_channel": channel, "an_id": row["id"]}) is not None:
                    return None
                raise LineFull
            ahead = one_row(c, _AHEAD, {"a_line": name, "a_holder": row["holder"], "now": row["at"]})
            mine = row if ahead is None else row | ahead | {"passed": True}
            return str(mine["holder"]) if self.insert_new(c, INBOX, mine) else None

        return await self._write(work)

    @staticmethod
    def _inbox_row(channel: str, key: str, payload: str, lease: Lease | None, now: datetime) -> dict[str, Any]:
        return {
            "channel": channel,
            "id": key_hash(key),
            "key": key,
            "payload": payload,
            "done": False,
            "at": now,
            "holder": lease.owner if lease else "",
            "lease_until": _end(now, lease) if lease else None,
            "claims": 0,
            "failed": False,
            "line": None,
            "passed": None,
        }

    async def passed_on(self, channel: str, lease: Lease) -> tuple[InboxRow, ...]:
        mine = {"a_channel": channel, "a_holder": lease.owner}
        if await self._read(lambda c: one_value(c, _ANY_PASSED, mine)) is None:
            return ()  # the usual case: no write lock is taken for it
        rows = await self._write(lambda c: all_rows(c, _NOTICE, {**mine, "until": _end(self._moment(c), lease)}))
        rows.sort(key=lambda row: (row["at"], row["key"]))
        return tuple(InboxRow(key=row["key"], payload=row["payload"], claims=row["claims"]) for row in rows)

    async def done_inbox(self, channel: str, key: str, *, failed: bool = False) -> None:
        facts = {"a_channel": channel, "an_id": key_hash(key), "has_failed": failed}
        await self._write(lambda c: change(c, _DONE, facts))

    async def claim_inbox(
        self, channel: str, lease: Lease, *, dead: Sequence[str] = (), limit: int = 100
    ) -> tuple[InboxRow, ...]:
        free: dict[str, Any] = {"a_channel": channel, "a_holder": lease.owner, "most": limit}
        free |= {"dead": tuple(dead), "dead_beside": tuple(dead)}
        if await self._read(lambda c: c.execute(_FREE, {**free, "now": self._moment(c), "most": 1}).first()) is None:
            return ()  # the usual case: no write lock is taken for it

        def work(c: sa.Connection) -> tuple[InboxRow, ...]:
            free["now"] = now = self._moment(c)
            lines = [row.line for row in c.execute(_FREE, free) if row.line is not None]
            rows = c.execute(_FREE_NOW, {**free, "lines": _locked(c, lines)}).all()
            if rows:
                facts = {"a_channel": channel, "a_holder": lease.owner, "until": _end(now, lease)}
                c.execute(_CLAIM, {**facts, "ids": tuple(row.id for row in rows)})
            return tuple(InboxRow(key=row.key, payload=row.payload, claims=row.claims + 1) for row in rows)

        return await self._write(work)

    async def renew_inbox(self, channel: str, lease: Lease) -> None:
        mine = {"a_channel": channel, "a_holder": lease.owner}
        await self._write(lambda c: c.execute(_RENEW, {**mine, "until": _end(self._moment(c), lease)}))

    async def release_inbox(self, channel: str, owner: str, *, key: str | None = None, seconds: float = 0.0) -> None:
        which = {"a_channel": channel, "a_holder": owner} | ({} if key is None else {"an_id": key_hash(key)})
        statement = _RELEASE if key is None else _RELEASE_ONE
        pause = timedelta(seconds=seconds)
        await self._write(lambda c: c.execute(statement, {**which, "until": self._moment(c) + pause}))

    async def failed_inbox(self, channel: str) -> int:
        return await self._read(lambda c: int(c.execute(_FAILED, {"a_channel": channel}).scalar_one()))

    async def inbox(self, channel: str, *, limit: int = 1000) -> tuple[tuple[str, str], ...]:
        facts = {"a_channel": channel, "most": limit}
        return await self._read(lambda c: tuple((row.key, row.payload) for row in c.execute(_WAITING, facts)))


def _line(channel: str, line: str) -> str:
    return key_hash(f"{channel}|{line}")


def _end(now: datetime, lease: Lease) -> datetime:
    return now + timedelta(seconds=lease.seconds)


def _locked(c: sa.Connection, lines: Sequence[str]) -> tuple[str, ...]:
    """Those of the lines that nobody else is putting something into, or claiming, at this moment."""
    distinct = sorted(set(lines))
    if c.dialect.name != "postgresql" or not distinct:
        return tuple(distinct)
    return tuple(c.execute(_LOCK_LINES, {"lines": distinct}).scalars())
