"""`Values` on SQL. A change is a read and a write in one transaction, under the row's lock."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from handlers.store.base import Change
from handlers.store.sql.database import Database
from handlers.store.sql.prepared import all_rows, one_row, one_value
from handlers.store.sql.prepared import change as drop_row
from handlers.store.sql.schema import VALUES

_here = (VALUES.c.space == sa.bindparam("a_space")) & (VALUES.c.key == sa.bindparam("a_key"))
_LIVE = VALUES.c.expires.is_(None) | (VALUES.c.expires > sa.bindparam("now", type_=VALUES.c.expires.type))
_VALUE = sa.select(VALUES.c.value).where(_here & _LIVE)
_LOCKED = sa.select(VALUES.c.value, _LIVE.label("live")).where(_here).with_for_update()
_DROP = VALUES.delete().where(_here)
_DROP_OLD = VALUES.delete().where(_here & ~_LIVE)
_DROP_EXPIRED = VALUES.delete().where(~_LIVE)
_SPACE = (
    sa.select(VALUES.c.key, VALUES.c.value)
    .where((VALUES.c.space == sa.bindparam("a_space")) & _LIVE)
    .order_by(VALUES.c.key)
)


class SqlValues(Database):
    async def value(self, space: str, key: str) -> str | None:
        facts = self._facts(space, key)
        return await self._read(lambda c: one_value(c, _VALUE, facts))

    async def change(
        self, space: str, key: str, change: Change, *, owner: str | None = None, expires: datetime | None = None
    ) -> str | None:
        facts = self._facts(space, key)

        def work(c: sa.Connection) -> str | None:
            while True:
                found = one_row(c, _LOCKED, facts)
                before = found["value"] if found is not None and found["live"] else None
                after = change(before)
                if after == before:
                    return before
                if after is None:
                    drop_row(c, _DROP, {"a_space": space, "a_key": key})
                    return None
                row = self._value_row(space, key, after, owner, expires)
                if found is not None:
                    self.put_row(c, VALUES, row)
                    return after
                if self.insert_new(c, VALUES, row):
                    return after
                # PostgreSQL: another process inserted this key first; now there is a row to lock.

        return await self._write(work)

    async def set_value(
        self, space: str, key: str, value: str, *, owner: str | None = None, expires: datetime | None = None
    ) -> None:
        row = self._value_row(space, key, value, owner, expires)
        await self._write(lambda c: self.put_row(c, VALUES, row))

    async def add_value(
        self, space: str, key: str, value: str, *, owner: str | None = None, expires: datetime | None = None
    ) -> bool:
        facts = self._facts(space, key)
        row = self._value_row(space, key, value, owner, expires)

        def work(c: sa.Connection) -> bool:
            drop_row(c, _DROP_OLD, facts)
            return self.insert_new(c, VALUES, row)

        return await self._write(work)

    async def drop_value(self, space: str, key: str) -> None:
        facts = {"a_space": space, "a_key": key}
        await self._write(lambda c: drop_row(c, _DROP, facts))

    async def drop_expired(self) -> None:
        now = {"now": self._clock()}
        await self._write(lambda c: c.execute(_DROP_EXPIRED, now))

    async def space(self, space: str) -> tuple[tuple[str, str], ...]:
        facts = {"a_space": space, "now": self._clock()}
        return await self._read(lambda c: tuple((row["key"], row["value"]) for row in all_rows(c, _SPACE, facts)))

    def _facts(self, space: str, key: str) -> dict[str, Any]:
        return {"a_space": space, "a_key": key, "now": self._clock()}

    def _value_row(
        self, space: str, key: str, value: str, owner: str | None, expires: datetime | None
    ) -> dict[str, Any]:
        return {
            "space": space,
            "key": key,
            "value": value,
            "owner": owner,
            "expires": expires,
            "updated": self._clock(),
        }
