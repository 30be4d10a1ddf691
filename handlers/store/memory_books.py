"""The books of `MemoryStore`: ledger, counters and reservations, in dictionaries."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from handlers.store.accounting import Account, Reservation, account_of, is_over
from handlers.store.records import CostRow, Job, Part, PartState, Usage
from providers.ledger import KEPT, EntryType, LedgerEntry, day_of
from providers.money import total


class MemoryBooks:
    """Implements `accounting.Books`. `jobs`, `parts`: the store's own."""

    def __init__(self, jobs: Mapping[str, Job], parts: Mapping[str, Part]) -> None:
        self._jobs = jobs
        self._parts = parts
        self._entries: dict[str, tuple[LedgerEntry, str | None]] = {}
        self._counters: dict[tuple[str, str], Decimal] = {}
        self._reservations: dict[str, Reservation] = {}

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All of it or, if something raises, nothing."""
        before = dict(self._entries), dict(self._counters), dict(self._reservations)
        try:
            yield
        except BaseException:
            self._entries, self._counters, self._reservations = before
            raise

    def entry(self, entry_id: str) -> LedgerEntry | None:
        found = self._entries.get(entry_id)
        return found[0] if found else None

    def put(self, entry: LedgerEntry, owner: str | None) -> None:
        self._entries[entry.id] = entry, owner

    def count(self, scope: str, day: str, amount: Decimal, most: Decimal | None = None) -> bool:
        now = self._counters.get((scope, day), Decimal(0)) + amount
        if most is not None and now > most:
            return False
        self._counters[scope, day] = now
        return True

    def counted(self, scope: str, day: str) -> Decimal:
        return self._counters.get((scope, day), Decimal(0))

    def count_each(self, counters: Sequence[tuple[str, str]], amount: Decimal) -> None:
        for scope, period in counters:
            self.count(scope, period, amount)

    def pictures_of(self, job_id: str) -> int:
        job = self._jobs.get(job_id)
        return job.order.count if job else 1

    def accepted(self, job_id: str) -> tuple[Part, ...]:
        return tuple(p for p in self._parts.values() if p.job == job_id and p.state is PartState.ACCEPTED)

    def account(self, job_id: str) -> Account | None:
        job = self._jobs.get(job_id)
        return None if job is None else account_of(job)

    def reservation(self, job_id: str) -> Reservation | None:
        return self._reservations.get(job_id)

    def keep(self, reservation: Reservation) -> None:
        if reservation.usd or reservation.counted is not None:
            self._reservations[reservation.job] = reservation
        else:
            self._reservations.pop(reservation.job, None)

    # --- queries

    def entries(self, since: datetime | None) -> tuple[LedgerEntry, ...]:
        found = (entry for entry, _ in self._entries.values() if since is None or entry.time >= since)
        return tuple(sorted(found, key=lambda entry: (entry.time, entry.id)))

    def usage(self, owner: str, since: datetime) -> Usage:
        mine = [e for e, whose in self._entries.values() if whose == owner and e.time >= since and _charge(e)]
        currencies = sorted({entry.money.currency for entry in mine})
        sums = (total([e.money for e in mine if e.money.currency == currency]) for currency in currencies)
        return Usage(pictures=sum(entry.pictures for entry in mine), cost=tuple(sums))

    def charged_by(self, owner: str) -> set[str]:
        """The providers that charged for this person."""
        mine = [e for e, whose in self._entries.values() if whose == owner and _charge(e)]
        return {entry.provider for entry in mine if entry.provider is not None}

    def costs(self, key: Callable[[LedgerEntry], str | None], since: datetime | None) -> tuple[CostRow, ...]:
        groups: dict[str | None, list[LedgerEntry]] = {}
        for entry in self.entries(since):
            if _charge(entry):
                groups.setdefault(key(entry), []).append(entry)
        return tuple(
            CostRow(
                key=name,
                usd=sum((e.usd for e in some), Decimal(0)),
                pictures=sum(e.pictures for e in some),
                requests=len(some),
            )
            for name, some in groups.items()
        )

    # --- deletion

    def forget(self, owner: str) -> None:
        self._unnamed(lambda _entry, whose: whose == owner)

    def expire(self, before: datetime, now: datetime) -> None:
        self._unnamed(lambda entry, _whose: entry.time < before)
        self._entries = {i: found for i, found in self._entries.items() if found[0].time >= now - KEPT}
        self._counters = {at: amount for at, amount in self._counters.items() if not is_over(at[1], now)}

    def _unnamed(self, which: Callable[[LedgerEntry, str | None], bool]) -> None:
        for entry_id, (entry, owner) in self._entries.items():
            if which(entry, owner):
                self._entries[entry_id] = replace(entry, person=None, chat=None), None


def _charge(entry: LedgerEntry) -> bool:
    return entry.type is EntryType.CHARGE


def keyed(by: str) -> Callable[[LedgerEntry], str | None]:
    """What `Ledger.costs` groups by."""
    if by == "day":
        return lambda entry: day_of(entry.time)
    return lambda entry: getattr(entry, by)
