"""The ledger of calls in the bot's own database, shared by chats, the command line and Python.

A budget is a counter of the day, taken in one conditional write (`counting`), whoever takes it: a turn of a chat inside
its transaction, or a call inside one of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from providers.errors import LikenessError
from providers.ledger import EVERYBODY, EntryType, LedgerEntry, day_of, month_of
from providers.money import Money
from providers.sql.columns import kept
from providers.sql.engine import make_engine
from providers.sql.tables import COUNTERS, LEDGER

_KEYS = [COUNTERS.c.scope, COUNTERS.c.day]


class LedgerUnavailable(LikenessError):
    """The database is away: what a call would cost cannot be reserved, so nothing is submitted."""

    code = "ledger_unavailable"
    text_key = "error.ledger_unavailable"
    retryable = True


def inserting(dialect: str) -> Any:
    """`insert` in a dialect's own syntax, with its clause for a row that exists already."""
    return sqlite.insert if dialect == "sqlite" else postgresql.insert


def counting(insert: Any, *, limited: bool) -> Any:
    """Add to a counter, in one statement: exceeding the limit (`most`) changes nothing and returns no row."""
    statement = insert(COUNTERS)
    after = COUNTERS.c.amount + statement.excluded.amount
    within = after <= sa.bindparam("most", type_=COUNTERS.c.amount.type) if limited else None
    changed = statement.on_conflict_do_update(index_elements=_KEYS, set_={"amount": after}, where=within)
    return changed.returning(COUNTERS.c.amount)


def adding(insert: Any) -> Any:
    """Add to counters, whatever their value."""
    statement = insert(COUNTERS)
    added = {"amount": COUNTERS.c.amount + statement.excluded.amount}
    return statement.on_conflict_do_update(index_elements=_KEYS, set_=added)


def row_of(entry: LedgerEntry, owner: str | None) -> dict[str, Any]:
    return {
        "id": entry.id,
        "owner": owner,
        "time": entry.time,
        "day": day_of(entry.time),
        "type": entry.type.value,
        "request": entry.request,
        "job": entry.job,
        "person": entry.person,
        "chat": entry.chat,
        "provider": entry.provider,
        "model": entry.model,
        "pictures": entry.pictures,
        "amount": kept(entry.money.amount),
        "currency": entry.money.currency,
        "usd": kept(entry.usd),
        "source": entry.source,
    }


def entry_of(row: sa.RowMapping | Mapping[str, Any]) -> LedgerEntry:
    return LedgerEntry(
        id=row["id"],
        time=row["time"],
        type=EntryType(row["type"]),
        request=row["request"],
        job=row["job"],
        person=row["person"],
        chat=row["chat"],
        provider=row["provider"],
        model=row["model"],
        pictures=row["pictures"],
        money=Money(amount=row["amount"], currency=row["currency"]),
        usd=row["usd"],
        source=row["source"],
    )


class DatabaseLedger:
    """The tables of the bot, opened for a moment by a call. Blocks; on disk when a method returns.

    Raises LedgerUnavailable where the database is away.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        insert = inserting(engine.dialect.name)
        self._count, self._add = counting(insert, limited=True), adding(insert)
        put = insert(LEDGER)
        others = {column.name: put.excluded[column.name] for column in LEDGER.c if column.name != "id"}
        self._put = put.on_conflict_do_update(index_elements=["id"], set_=others)

    @classmethod
    def found(cls, url: str) -> "DatabaseLedger | None":
        """None where no bot has made its tables yet. Raises LedgerUnavailable."""
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite" and not (parsed.database and Path(parsed.database).is_file()):
            return None
        ledger = cls(make_engine(url, pool_size=1, write=True))
        with ledger._connected() as connection:
            tables = sa.inspect(connection).get_table_names()
        if {LEDGER.name, COUNTERS.name} <= set(tables):
            return ledger
        ledger.close()
        return None

    def close(self) -> None:
        self._engine.dispose()

    def reserve(self, entries: Sequence[LedgerEntry], *, most: Decimal | None) -> bool:
        """As `FileLedger.reserve`, in one conditional write."""
        usd = kept(sum((entry.usd for entry in entries), Decimal(0)))
        counted = {"scope": EVERYBODY, "day": day_of(entries[0].time), "amount": usd}
        with self._connected() as connection:
            if most is None:
                connection.execute(self._add, counted)
            elif usd > most or connection.execute(self._count, counted | {"most": most}).first() is None:
                return False
            connection.execute(self._add, counted | {"day": month_of(day_of(entries[0].time))})
            connection.execute(self._put, [row_of(entry, None) for entry in entries])
        return True

    def add(self, *entries: LedgerEntry) -> None:
        """Charges and what is given back; an entry that was there is replaced."""
        with self._connected() as connection:
            for entry in entries:
                self._book(connection, entry, self._entry(connection, entry.id))

    def take_over(self, entries: Sequence[LedgerEntry]) -> None:
        """Entries that were kept elsewhere until now. Those that are here already stay as they are."""
        with self._connected() as connection:
            for entry in sorted(entries, key=lambda entry: list(EntryType).index(entry.type)):
                if self._entry(connection, entry.id) is None:
                    self._book(connection, entry, None)

    def of(self, requests: Sequence[str], *, since: date) -> list[LedgerEntry]:
        """The entries of these requests. `since`: the day on which the first of them was begun."""
        query = sa.select(LEDGER).where(LEDGER.c.request.in_(requests) & (LEDGER.c.day >= since.isoformat()))
        with self._connected() as connection:
            return [entry_of(row) for row in connection.execute(query).mappings()]

    def _entry(self, connection: sa.Connection, entry_id: str) -> LedgerEntry | None:
        row = connection.execute(sa.select(LEDGER).where(LEDGER.c.id == entry_id)).mappings().one_or_none()
        return None if row is None else entry_of(row)

    def _book(self, connection: sa.Connection, entry: LedgerEntry, before: LedgerEntry | None) -> None:
        """The entry, and what it changes in the counter of its day: what is given back, in that of the estimate's."""
        more = kept(entry.usd - (before.usd if before else Decimal(0)))
        at: datetime = before.time if before is not None and more < 0 else entry.time
        if entry.type is EntryType.GIVE_BACK:
            estimate = self._entry(connection, f"{entry.request}:{EntryType.ESTIMATE}")
            more, at = -more, estimate.time if estimate else at
        if more:
            day = day_of(at)
            for period in (day, month_of(day)):
                connection.execute(self._add, {"scope": EVERYBODY, "day": period, "amount": more})
        connection.execute(self._put, row_of(entry, None))

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """One transaction. Its errors hold addresses and people's words: they are told by their kind alone."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise LedgerUnavailable(type(error).__name__) from None
