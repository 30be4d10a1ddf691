"""`Inbox` on SQL: updates acknowledged before they are handled, and who works on them.

A row is found by the hash of its key; the key itself, made of the platform's ids, is deleted with the payload.
"""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from handlers.message import key_hash
from handlers.store.base import InboxRow, Lease
from handlers.store.sql.database import Database
from handlers.store.sql.prepared import change
from handlers.store.sql.schema import INBOX

_channel = INBOX.c.channel == sa.bindparam("a_channel")
_OPEN = _channel & ~INBOX.c.done
_now = sa.bindparam("now", type_=INBOX.c.at.type)
_until = sa.bindparam("until", type_=INBOX.c.at.type)
_FREE = (
    sa.select(INBOX.c.id, INBOX.c.key, INBOX.c.payload, INBOX.c.claims)
    .where(
        _OPEN
        & (
            INBOX.c.lease_until.is_(None)
            | (INBOX.c.lease_until <= _now)
            | INBOX.c.holder.in_(sa.bindparam("dead", expanding=True))
        )
    )
    .order_by(INBOX.c.at, INBOX.c.key)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_FREE_NOW = _FREE.with_for_update(skip_locked=True)
"""PostgreSQL: rows that another process is claiming at this moment are skipped. SQLite locks the file."""
_CLAIM = (
    INBOX.update()
    .where(_OPEN & INBOX.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(holder=sa.bindparam("a_holder"), lease_until=_until, claims=INBOX.c.claims + 1)
)
_MINE = _OPEN & (INBOX.c.holder == sa.bindparam("a_holder"))
_RENEW = INBOX.update().where(_MINE).values(lease_until=_until)
_RELEASE = INBOX.update().where(_MINE).values(holder="", lease_until=_until, claims=0)
_RELEASE_ONE = _RELEASE.where(INBOX.c.id == sa.bindparam("an_id"))
_DONE = (
    INBOX.update()
    .where(_channel & (INBOX.c.id == sa.bindparam("an_id")))
    .values(done=True, key="", payload="", holder="", lease_until=None, failed=sa.bindparam("has_failed"))
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
        now = self._clock()
        row = {
            "channel": channel,
            "id": key_hash(key),
            "key": key,
            "payload": payload,
            "done": False,
            "at": now,
            "holder": lease.owner if lease else "",
            "lease_until": now + timedelta(seconds=lease.seconds) if lease else None,
            "claims": 0,
            "failed": False,
        }
        return await self._write(lambda c: self.insert_new(c, INBOX, row))

    async def done_inbox(self, channel: str, key: str, *, failed: bool = False) -> None:
        facts = {"a_channel": channel, "an_id": key_hash(key), "has_failed": failed}
        await self._write(lambda c: change(c, _DONE, facts))

    async def claim_inbox(
        self, channel: str, lease: Lease, *, dead: Sequence[str] = (), limit: int = 100
    ) -> tuple[InboxRow, ...]:
        now = self._clock()
        free = {"a_channel": channel, "now": now, "dead": tuple(dead), "most": limit}
        if await self._read(lambda c: c.execute(_FREE, {**free, "most": 1}).first()) is None:
            return ()  # the usual case: no write lock is taken for it

        def work(c: sa.Connection) -> tuple[InboxRow, ...]:
            rows = c.execute(_FREE_NOW, free).all()
            if rows:
                facts = {"a_channel": channel, "a_holder": lease.owner, "until": now + timedelta(seconds=lease.seconds)}
                c.execute(_CLAIM, {**facts, "ids": tuple(row.id for row in rows)})
            return tuple(InboxRow(key=row.key, payload=row.payload, claims=row.claims + 1) for row in rows)

        return await self._write(work)

    async def renew_inbox(self, channel: str, lease: Lease) -> None:
        until = self._clock() + timedelta(seconds=lease.seconds)
        facts = {"a_channel": channel, "a_holder": lease.owner, "until": until}
        await self._write(lambda c: c.execute(_RENEW, facts))

    async def release_inbox(self, channel: str, owner: str, *, key: str | None = None, seconds: float = 0.0) -> None:
        facts = {"a_channel": channel, "a_holder": owner, "until": self._clock() + timedelta(seconds=seconds)}
        if key is None:
            await self._write(lambda c: c.execute(_RELEASE, facts))
        else:
            await self._write(lambda c: c.execute(_RELEASE_ONE, {**facts, "an_id": key_hash(key)}))

    async def failed_inbox(self, channel: str) -> int:
        return await self._read(lambda c: int(c.execute(_FAILED, {"a_channel": channel}).scalar_one()))

    async def inbox(self, channel: str, *, limit: int = 1000) -> tuple[tuple[str, str], ...]:
        facts = {"a_channel": channel, "most": limit}
        return await self._read(lambda c: tuple((row.key, row.payload) for row in c.execute(_WAITING, facts)))
