"""`Ledger` on SQL, and the books that the other modules write within their transactions."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from handlers.message import Chat
from handlers.store import accounting
from handlers.store.accounting import Account, Reservation, period_of
from handlers.store.base import CostKey, CostRow, Limit, Part, PartState, Period, Usage
from handlers.store.records import makers_sent_to
from handlers.store.sql.database import Database
from handlers.store.sql.media import SqlMedia
from handlers.store.sql.prepared import all_rows, change, change_each, one_row, one_value
from handlers.store.sql.rows import part_of
from handlers.store.sql.schema import JOBS, PARTS, RESERVATIONS
from providers.ledger import KEPT, EntryType, LedgerEntry
from providers.money import Money
from providers.sql.ledger import adding, counting, entry_of, row_of
from providers.sql.tables import COUNTERS, LEDGER

_id = sa.bindparam("an_id", type_=sa.Text)
_ENTRY = sa.select(LEDGER).where(LEDGER.c.id == _id)
_ACCOUNT = sa.select(
    JOBS.c.owner, JOBS.c.chat, JOBS.c.estimate, JOBS.c.provider, JOBS.c.forgotten, JOBS.c.address, JOBS.c.order
)
_ACCOUNT = _ACCOUNT.where(JOBS.c.id == _id)
_ORDER = sa.select(JOBS.c.order).where(JOBS.c.id == _id)
_RESERVATION = sa.select(RESERVATIONS).where(RESERVATIONS.c.job == _id).with_for_update()
_ACCEPTED = sa.select(PARTS).where((PARTS.c.job == _id) & (PARTS.c.state == PartState.ACCEPTED.value))
_RELEASE = RESERVATIONS.delete().where(RESERVATIONS.c.job == _id)
_COUNTED = sa.select(COUNTERS.c.amount).where(
    (COUNTERS.c.scope == sa.bindparam("a_scope")) & (COUNTERS.c.day == sa.bindparam("a_day"))
)
_COLUMNS: dict[CostKey, Any] = {
    "person": LEDGER.c.person,
    "provider": LEDGER.c.provider,
    "model": LEDGER.c.model,
    "day": LEDGER.c.day,
}


class SqlLedger(SqlMedia):
    async def usage(self, chat: Chat, *, since: datetime) -> Usage:
        mine = (LEDGER.c.owner == chat.owner) & (LEDGER.c.time >= since) & (LEDGER.c.type == EntryType.CHARGE.value)
        query = sa.select(LEDGER.c.currency, sa.func.sum(LEDGER.c.amount), sa.func.sum(LEDGER.c.pictures))
        query = query.where(mine).group_by(LEDGER.c.currency).order_by(LEDGER.c.currency)

        def work(c: sa.Connection) -> Usage:
            found = c.execute(query).all()
            cost = tuple(Money(amount=amount, currency=currency) for currency, amount, _ in found)
            return Usage(pictures=sum(int(pictures) for *_, pictures in found), cost=cost)

        return await self._read(work)

    async def sent_to(self, chat: Chat) -> tuple[str, ...]:
        jobs = sa.select(JOBS.c.id).where(JOBS.c.owner == chat.owner)
        parts = sa.select(PARTS).where(PARTS.c.job.in_(jobs))
        charged = (LEDGER.c.owner == chat.owner) & (LEDGER.c.type == EntryType.CHARGE.value)
        paid = sa.select(LEDGER.c.provider).where(charged & LEDGER.c.provider.is_not(None)).distinct()

        def work(c: sa.Connection) -> tuple[str, ...]:
            found = {maker for row in c.execute(parts).mappings() for maker in makers_sent_to(part_of(row))}
            return tuple(sorted(found | set(c.execute(paid).scalars())))

        return await self._read(work, many=True)

    async def ledger(self, *, since: datetime | None = None) -> tuple[LedgerEntry, ...]:
        query = sa.select(LEDGER).order_by(LEDGER.c.time, LEDGER.c.id)
        if since is not None:
            query = query.where(LEDGER.c.time >= since)
        return await self._read(lambda c: tuple(entry_of(row) for row in c.execute(query).mappings()), many=True)

    async def costs(self, by: CostKey, *, since: datetime | None = None) -> tuple[CostRow, ...]:
        key = _COLUMNS[by]
        usd = sa.func.sum(LEDGER.c.usd).label("usd_sum")
        query = sa.select(key, usd, sa.func.sum(LEDGER.c.pictures), sa.func.count())
        query = query.where(LEDGER.c.type == EntryType.CHARGE.value).group_by(key)
        query = query.order_by(key) if by == "day" else query.order_by(usd.desc(), key)
        if since is not None:
            query = query.where(LEDGER.c.time >= since)

        def work(c: sa.Connection) -> tuple[CostRow, ...]:
            return tuple(
                CostRow(key=row[0], usd=row[1], pictures=int(row[2]), requests=int(row[3])) for row in c.execute(query)
            )

        return await self._read(work, many=True)

    async def count(self, limit: Limit) -> bool:
        now = self._clock()

        def work(c: sa.Connection) -> bool:
            most = limit.most if limit.amount > 0 else None
            return self._books(c).count(limit.scope, period_of(limit.period, now), limit.amount, most)

        return await self._write(work)

    async def counted(self, scope: str, *, period: Period = "day") -> Decimal:
        facts = {"a_scope": scope, "a_day": period_of(period, self._clock())}
        return await self._read(lambda c: one_value(c, _COUNTED, facts)) or Decimal(0)

    def _books(self, c: sa.Connection) -> "_SqlBooks":
        return _SqlBooks(self, c)


class _SqlBooks:
    """Implements `accounting.Books` in one transaction."""

    def __init__(self, database: Database, connection: sa.Connection) -> None:
        self._database = database
        self._connection = connection

    def entry(self, entry_id: str) -> LedgerEntry | None:
        row = one_row(self._connection, _ENTRY, {"an_id": entry_id})
        return None if row is None else entry_of(row)

    def put(self, entry: LedgerEntry, owner: str | None) -> None:
        self._database.put_row(self._connection, LEDGER, row_of(entry, owner))

    def count(self, scope: str, day: str, amount: Decimal, most: Decimal | None = None) -> bool:
        if most is not None and amount > most:
            return False
        limited = most is not None
        insert = self._database.insert
        statement = self._database.statement(("count", limited), lambda: counting(insert, limited=limited))
        row = {"scope": scope, "day": day, "amount": amount}
        if most is not None:
            row["most"] = most
        return one_row(self._connection, statement, row) is not None

    def count_each(self, counters: Sequence[tuple[str, str]], amount: Decimal) -> None:
        statement = self._database.statement("count each", lambda: adding(self._database.insert))
        rows = [{"scope": scope, "day": period, "amount": amount} for scope, period in counters]
        if rows:
            change_each(self._connection, statement, rows)

    def pictures_of(self, job_id: str) -> int:
        order = one_value(self._connection, _ORDER, {"an_id": job_id})
        return order.count if order is not None else 1

    def accepted(self, job_id: str) -> tuple[Part, ...]:
        return tuple(map(part_of, all_rows(self._connection, _ACCEPTED, {"an_id": job_id})))

    def account(self, job_id: str) -> Account | None:
        row = one_row(self._connection, _ACCOUNT, {"an_id": job_id})
        if row is None:
            return None
        return Account(
            job=job_id,
            owner=row["owner"],
            chat=None if row["forgotten"] else row["chat"],
            scopes=accounting.account_scopes(row["chat"], row["address"], free=row["order"].free_try_of is not None),
            estimate=Money(amount=row["estimate"]),
            provider=row["provider"],
        )

    def reservation(self, job_id: str) -> Reservation | None:
        row = one_row(self._connection, _RESERVATION, {"an_id": job_id})
        return None if row is None else Reservation(**row)

    def keep(self, reservation: Reservation) -> None:
        if reservation.usd or reservation.counted is not None:
            row = {
                "job": reservation.job,
                "usd": reservation.usd,
                "day": reservation.day,
                "counted": reservation.counted,
            }
            self._database.put_row(self._connection, RESERVATIONS, row)
        else:
            change(self._connection, _RELEASE, {"an_id": reservation.job})


def forget(c: sa.Connection, owner: str) -> None:
    """What was spent stays, without the name; so do the counters, which do not say whom they count."""
    c.execute(LEDGER.update().where(LEDGER.c.owner == owner).values(owner=None, person=None, chat=None))


def expire(c: sa.Connection, before: datetime, now: datetime) -> None:
    """Names are deleted with everything else of their age, the entries themselves after a year; counters after their
    day."""
    old = (LEDGER.c.time < before) & LEDGER.c.owner.is_not(None)
    c.execute(LEDGER.update().where(old).values(owner=None, person=None, chat=None))
    c.execute(LEDGER.delete().where(LEDGER.c.time < now - KEPT))
    day, month = accounting.oldest_kept(now)
    of_month = sa.func.length(COUNTERS.c.day) == len(month)
    c.execute(COUNTERS.delete().where((of_month & (COUNTERS.c.day < month)) | (~of_month & (COUNTERS.c.day < day))))
