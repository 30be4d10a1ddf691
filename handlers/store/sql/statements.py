"""The statements of `SqlStore` that every message and every job needs, built once.

Building a statement costs more than carrying it out; these are compiled at their first use and then only bound.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from handlers.store.base import ENDED, JobState
from handlers.store.sql.schema import DELIVERIES, INBOX, JOBS, PARTS, TABLES, TURNS, VALUES

ENDED_STATES = tuple(sorted(state.value for state in ENDED))
LIVE_STATES = tuple(state.value for state in JobState if state not in ENDED)

_key: sa.BindParameter[str] = sa.bindparam("a_key")

TURN = sa.select(TURNS.c.reply).where(TURNS.c.message_key == _key)
TABLE = sa.select(TABLES.c.body).where(TABLES.c.chat_key == _key)
TABLE_LOCKED = TABLE.with_for_update()
JOB = sa.select(JOBS).where(JOBS.c.id == _key)
LIVE_JOBS = (
    sa.select(JOBS)
    .where((JOBS.c.chat_key == _key) & JOBS.c.state.in_(LIVE_STATES))
    .order_by(JOBS.c.created.desc(), JOBS.c.id.desc())
)
CHANGE_JOB = JOBS.update().where(JOBS.c.id == _key)
FORGOTTEN = sa.select(JOBS.c.forgotten).where(JOBS.c.id == _key)
CANCELLED_JOBS = sa.select(JOBS.c.id).where(JOBS.c.state.in_(LIVE_STATES) & JOBS.c.cancel_asked)
PART = sa.select(PARTS).where(PARTS.c.key == _key)
PARTS_OF_JOB = sa.select(PARTS).where(PARTS.c.job == _key).order_by(PARTS.c.key)
CHANGE_PART = PARTS.update().where(PARTS.c.key == _key)
DELIVERY = sa.select(DELIVERIES).where(DELIVERIES.c.key == _key)
DONE_INBOX = (
    INBOX.update()
    .where((INBOX.c.channel == sa.bindparam("a_channel")) & (INBOX.c.key == _key))
    .values(done=True, payload="", owner="", failed=sa.bindparam("has_failed"))
)
_a_value = (VALUES.c.space == sa.bindparam("a_space")) & (VALUES.c.key == _key)
VALUE = sa.select(VALUES.c.value).where(_a_value)
DROP_VALUE = VALUES.delete().where(_a_value)
SWAP_VALUE = VALUES.update().where(_a_value & (VALUES.c.value == sa.bindparam("expected")))
DROP_VALUE_IF = VALUES.delete().where(_a_value & (VALUES.c.value == sa.bindparam("expected")))


class Inserts:
    """Of whole rows, in a dialect's own words."""

    def __init__(self, dialect: str) -> None:
        self.insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
        self._new = {table: self._if_new(table) for table in (TURNS, JOBS, PARTS, INBOX, VALUES)}
        self._put = {table: self._or_replace(table) for table in (TABLES, JOBS, DELIVERIES, VALUES)}

    def _if_new(self, table: sa.Table) -> Any:
        return self.insert(table).on_conflict_do_nothing().returning(*table.primary_key)

    def _or_replace(self, table: sa.Table) -> Any:
        keys = [column.name for column in table.primary_key]
        statement = self.insert(table)
        others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
        return statement.on_conflict_do_update(index_elements=keys, set_=others)

    def new(self, connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> bool:
        """False, and nothing changed, where a row of this key is there."""
        return connection.execute(self._new[table], row).first() is not None

    def put(self, connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> None:
        """`row` has every column of the table."""
        connection.execute(self._put[table], row)
