"""`Entries` on SQL: lines of a conversation, numbered under a lock."""

from typing import Any

import sqlalchemy as sa

from handlers.message import Chat, Outgoing
from handlers.store.base import Entry
from handlers.store.sql import rows
from handlers.store.sql.media import SqlMedia
from handlers.store.sql.prepared import all_rows, change, one_row, one_value
from handlers.store.sql.schema import ENTRIES, SEQUENCES

_FROM = (
    sa.select(ENTRIES)
    .where((ENTRIES.c.owner == sa.bindparam("an_owner")) & (ENTRIES.c.seq > sa.bindparam("after")))
    .order_by(ENTRIES.c.seq)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_ADD = ENTRIES.insert()
_ONE = sa.select(ENTRIES).where((ENTRIES.c.owner == sa.bindparam("an_owner")) & (ENTRIES.c.id == sa.bindparam("an_id")))
_DROP = ENTRIES.delete().where((ENTRIES.c.owner == sa.bindparam("an_owner")) & (ENTRIES.c.id == sa.bindparam("an_id")))


class SqlEntries(SqlMedia):
    async def add_entry(self, chat: Chat, outgoing: Outgoing, *, from_person: bool = False) -> Entry:
        owner, now = chat.owner, self._clock()
        # A conversation begins with the microseconds of 1970: after all of it was forgotten, and its last number with
        # it, the next number is still above every one that a browser has seen.
        first = int(now.timestamp() * 1_000_000)

        def work(c: sa.Connection) -> Entry:
            seq = int(one_value(c, self.statement("next entry", self._counting), {"owner": owner, "last": first}))
            named = {"an_owner": owner, "an_id": outgoing.id}
            if from_person and (known := one_row(c, _ONE, named)) is not None:
                return rows.entry_of(known)  # looked for under the lock of the numbers
            change(c, _DROP, named)
            row = {
                "owner": owner,
                "seq": seq,
                "id": outgoing.id,
                "from_person": from_person,
                "at": now,
                "outgoing": outgoing,
            }
            change(c, _ADD, row)
            self.note_files(c, owner, (picture.path for picture in outgoing.pictures), now)
            return rows.entry_of(row)

        return await self._write(work)

    def _counting(self) -> Any:
        counted = self.insert(SEQUENCES).on_conflict_do_update(
            index_elements=["owner"], set_={"last": SEQUENCES.c.last + 1}
        )
        return counted.returning(SEQUENCES.c.last)

    async def drop_entry(self, chat: Chat, entry_id: str) -> None:
        facts = {"an_owner": chat.owner, "an_id": entry_id}
        await self._write(lambda c: change(c, _DROP, facts))

    async def entries(self, chat: Chat, *, after: int = 0, limit: int = 200) -> tuple[Entry, ...]:
        facts = {"an_owner": chat.owner, "after": after, "most": limit}
        return await self._read(lambda c: tuple(map(rows.entry_of, all_rows(c, _FROM, facts))))
