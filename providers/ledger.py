"""What was spent: typed entries, and a ledger in files for calls on a machine where no bot has a database yet.

    estimate    reserved before anything is submitted
    charge      what a request really cost; a request whose outcome nobody knows counts as spent
    give_back   what was reserved and is not needed any more: a charge took its place, or there is none

so that at any moment `estimates - give_backs + charges` is what is spent or may still be, and once everything has
ended, `charges` alone. A day is a day in UTC.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from providers.media.files import PRIVATE_FILE, PRIVATE_FOLDER, delete_quietly
from providers.money import USD, Money

KEPT = timedelta(days=400)
"""Entries are kept for a little more than a year."""
EVERYBODY = "usd:bot"
"""The counter of the whole bot's day, calls of the command line and of Python among it."""
UNKNOWN = "unknown"
"""The source of a charge that nobody knows to have happened: it counts as spent."""


class EntryType(StrEnum):
    ESTIMATE = "estimate"
    CHARGE = "charge"
    GIVE_BACK = "give_back"


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """One line. `id` names it: the same entry twice is one, and a later one replaces it.

    `person` and `chat` are as the channel names them, with the channel before (`telegram|123`); None where there is
    none, and once they were forgotten. `money` as it was charged; `usd` what it counts in budgets and totals.
    `source`: as in `Charge`, `unknown`, or None for estimates and what is given back.
    """

    id: str
    time: datetime
    type: EntryType
    request: str
    job: str | None = None
    person: str | None = None
    chat: str | None = None
    provider: str | None = None
    model: str | None = None
    pictures: int = 0
    money: Money
    usd: Decimal
    source: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As `likeness costs --entries` shows it."""
        return {
            "time": self.time.isoformat(),
            "type": self.type.value,
            "request": self.request,
            "job": self.job,
            "person": self.person,
            "chat": self.chat,
            "provider": self.provider,
            "model": self.model,
            "pictures": self.pictures,
            "amount": self.money.as_number(),
            "currency": self.money.currency,
            "source": self.source,
        }


class CallLedger(Protocol):
    """Where calls that belong to no chat (the command line, Python) keep what they spend. Every method blocks, and has
    written to disk when it returns."""

    def reserve(self, entries: Sequence[LedgerEntry], *, most: Decimal | None) -> bool:
        """Note estimates of one moment, unless the day's spending would pass `most` with them: then False, and nothing
        is noted. Of any number of calls at once none passes the limit."""

    def add(self, *entries: LedgerEntry) -> None:
        """Charges and what is given back; an entry of an id that was there takes its place."""

    def of(self, requests: Sequence[str], *, since: date) -> list[LedgerEntry]:
        """The entries of these requests. `since`: the day on which the first of them was begun."""

    def close(self) -> None:
        """Give back connections."""


def day_of(moment: datetime) -> str:
    """The day by which budgets count, in UTC."""
    return moment.astimezone(UTC).date().isoformat()


def month_of(day: str) -> str:
    """The month of such a day, which budgets count by, too."""
    return day[:7]


def spent(entries: Sequence[LedgerEntry]) -> Decimal:
    """US dollars spent, or still reserved, by these entries."""
    return sum((-e.usd if e.type is EntryType.GIVE_BACK else e.usd for e in entries), Decimal(0))


class FileLedger:
    """A file a day under `folder`, one JSON object a line. Blocks; safe for many processes at once.

    Every method has written to disk when it returns.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def reserve(self, entries: Sequence[LedgerEntry], *, most: Decimal | None) -> bool:
        """Note estimates of one moment, unless the day's spending would pass `most` with them: then False, and nothing
        is noted.

        Looked up and written under one lock, so that of any number of calls at once none passes the limit.
        """
        with self._locked():
            day = entries[0].time.astimezone(UTC).date()
            if most is not None and spent(self._of(day)) + spent(entries) > most:
                return False
            self._append(entries)
            return True

    def add(self, *entries: LedgerEntry) -> None:
        """Charges and what is given back."""
        with self._locked():
            self._append(entries)

    def of(self, requests: Sequence[str], *, since: date) -> list[LedgerEntry]:
        wanted = set(requests)
        return [entry for entry in self.entries(since=since) if entry.request in wanted]

    def close(self) -> None:
        """Nothing is held open."""

    def hand_over(self, take: Callable[[Sequence[LedgerEntry]], None]) -> None:
        """Give everything to another ledger and keep nothing; what is written here meanwhile waits."""
        if not any(self._folder.glob("????-??-??.jsonl")):
            return
        with self._locked():
            if entries := self.entries():
                take(entries)
            delete_quietly(self._folder.glob("????-??-??.jsonl"))

    def entries(self, *, since: date | None = None) -> list[LedgerEntry]:
        """Oldest first; of entries with one id only the newest."""
        days = sorted(path.stem for path in self._folder.glob("????-??-??.jsonl"))
        found: dict[str, LedgerEntry] = {}
        for day in days:
            if since is None or day >= since.isoformat():
                found |= {entry.id: entry for entry in self._of(date.fromisoformat(day))}
        return sorted(found.values(), key=lambda entry: entry.time)

    def expire(self, now: datetime) -> None:
        """Delete days older than `KEPT`."""
        oldest = (now.astimezone(UTC).date() - KEPT).isoformat()
        delete_quietly(path for path in self._folder.glob("????-??-??.jsonl") if path.stem < oldest)

    def _path(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}.jsonl"

    def _of(self, day: date) -> list[LedgerEntry]:
        try:
            lines = self._path(day).read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        found = {entry.id: entry for line in lines[:-1] if (entry := _read(line)) is not None}
        return list(found.values())

    def _append(self, entries: Sequence[LedgerEntry]) -> None:
        days: dict[date, list[LedgerEntry]] = {}
        for entry in entries:
            days.setdefault(entry.time.astimezone(UTC).date(), []).append(entry)
        for day, some in days.items():
            self._write(self._path(day), b"".join(map(_line, some)))

    def _write(self, path: Path, lines: bytes) -> None:
        """A line that a crash cut off is ended first: it is read as none, and takes no other with it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            size = os.fstat(descriptor).st_size
            whole = not size or os.pread(descriptor, 1, size - 1) == b"\n"
            os.write(descriptor, (b"" if whole else b"\n") + lines)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _line(entry: LedgerEntry) -> bytes:
    values = asdict(entry) | {
        "time": entry.time.isoformat(),
        "money": [str(entry.money.amount), entry.money.currency],
        "usd": str(entry.usd),
    }
    return json.dumps(values).encode() + b"\n"


def _read(line: bytes) -> LedgerEntry | None:
    """None for a line that was not written whole."""
    try:
        values = json.loads(line)
        amount, currency = values["money"]
        return LedgerEntry(
            **{
                **values,
                "time": datetime.fromisoformat(values["time"]),
                "type": EntryType(values["type"]),
                "money": Money.of(amount, currency),
                "usd": Decimal(values["usd"]),
            }
        )
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return None


def in_usd(money: Money, otherwise: Decimal) -> Decimal:
    """What it counts in dollars; `otherwise` where its worth in dollars is not known to us."""
    return money.amount if money.currency == USD else otherwise
