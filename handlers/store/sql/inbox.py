"""The inbox of `SqlStore`: updates acknowledged before they are handled, and who works on them.

Inside the caller's transaction. A row without a lease has an empty `lease_until`, which sorts before every moment.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from handlers.store.base import InboxRow, Lease
from handlers.store.sql.schema import INBOX, to_text

_OPEN = (INBOX.c.channel == sa.bindparam("a_channel")) & ~INBOX.c.done
_FREE = (
    sa.select(INBOX.c.key, INBOX.c.payload, INBOX.c.claims)
    .where(
        _OPEN & ((INBOX.c.lease_until <= sa.bindparam("now")) | INBOX.c.owner.in_(sa.bindparam("dead", expanding=True)))
    )
    .order_by(INBOX.c.at, INBOX.c.key)
    .limit(sa.bindparam("most"))
)
_FREE_NOW = _FREE.with_for_update(skip_locked=True)
"""PostgreSQL: rows that another process is claiming this moment are passed over. SQLite locks the file."""
_CLAIM = (
    INBOX.update()
    .where(_OPEN & INBOX.c.key.in_(sa.bindparam("keys", expanding=True)))
    .values(owner=sa.bindparam("an_owner"), lease_until=sa.bindparam("until"), claims=INBOX.c.claims + 1)
)
_MINE = _OPEN & (INBOX.c.owner == sa.bindparam("an_owner"))
_RENEW = INBOX.update().where(_MINE).values(lease_until=sa.bindparam("until"))
_RELEASE = INBOX.update().where(_MINE).values(owner="", lease_until=sa.bindparam("until"), claims=0)
_RELEASE_ONE = _RELEASE.where(INBOX.c.key == sa.bindparam("a_key"))
_FAILED = sa.select(sa.func.count()).where((INBOX.c.channel == sa.bindparam("a_channel")) & INBOX.c.failed)


def new_row(channel: str, key: str, payload: str, lease: Lease | None, now: datetime) -> dict[str, Any]:
    return {
        "channel": channel,
        "key": key,
        "payload": payload,
        "done": False,
        "at": to_text(now),
        "owner": lease.owner if lease else "",
        "lease_until": _end(lease, now) if lease else "",
        "claims": 0,
        "failed": False,
    }


def _end(lease: Lease, now: datetime) -> str:
    return to_text(now + timedelta(seconds=lease.seconds))


def free(
    c: sa.Connection, channel: str, now: datetime, dead: Sequence[str], limit: int, *, lock: bool = False
) -> tuple[InboxRow, ...]:
    """Rows that may be claimed. `lock` keeps them from others until the transaction ends."""
    facts = {"a_channel": channel, "now": to_text(now), "dead": tuple(dead), "most": limit}
    rows = c.execute(_FREE_NOW if lock else _FREE, facts)
    return tuple(InboxRow(key=row.key, payload=row.payload, claims=row.claims + 1) for row in rows)


def claim(
    c: sa.Connection, channel: str, lease: Lease, now: datetime, dead: Sequence[str], limit: int
) -> tuple[InboxRow, ...]:
    rows = free(c, channel, now, dead, limit, lock=True)
    if rows:
        facts = {"a_channel": channel, "an_owner": lease.owner, "until": _end(lease, now)}
        c.execute(_CLAIM, {**facts, "keys": tuple(row.key for row in rows)})
    return rows


def renew(c: sa.Connection, channel: str, lease: Lease, now: datetime) -> None:
    c.execute(_RENEW, {"a_channel": channel, "an_owner": lease.owner, "until": _end(lease, now)})


def release(c: sa.Connection, channel: str, owner: str, key: str | None, until: datetime) -> None:
    facts = {"a_channel": channel, "an_owner": owner, "until": to_text(until)}
    c.execute(*((_RELEASE, facts) if key is None else (_RELEASE_ONE, {**facts, "a_key": key})))


def failed(c: sa.Connection, channel: str) -> int:
    return int(c.execute(_FAILED, {"a_channel": channel}).scalar_one())
