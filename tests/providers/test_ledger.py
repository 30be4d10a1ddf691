"""The ledger in files: of calls at once no more pass the day's budget than fit, and a line cut off harms no other."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from providers.ledger import EntryType, FileLedger, LedgerEntry, spent
from providers.money import Money

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def entry(name: str, usd: str = "0.1", kind: EntryType = EntryType.ESTIMATE, at: datetime = NOON) -> LedgerEntry:
    money = Money.usd(usd)
    return LedgerEntry(
        id=f"{name}:{kind}", time=at, type=kind, request=name, pictures=1, money=money, usd=money.amount, source=None
    )


def reserve(folder: Path, number: int) -> bool:
    return FileLedger(folder).reserve([entry(f"call{number}")], most=Decimal("0.5"))


def test_of_processes_that_reserve_at_once_no_more_pass_than_fit(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as processes:
        passed = list(processes.map(reserve, [tmp_path] * 24, range(24)))
    assert sum(passed) == 5
    assert spent(FileLedger(tmp_path).entries()) == Decimal("0.5")


def test_a_call_of_several_requests_is_reserved_whole_or_not_at_all(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path)
    assert not ledger.reserve([entry("a", "0.3"), entry("b", "0.3")], most=Decimal("0.5"))
    assert ledger.entries() == []
    assert ledger.reserve([entry("a", "0.3"), entry("b", "0.3")], most=None)


def test_what_is_given_back_makes_room_and_a_new_day_is_a_new_budget(tmp_path: Path) -> None:
    ledger, most = FileLedger(tmp_path), Decimal("0.15")
    assert ledger.reserve([entry("a")], most=most)
    assert not ledger.reserve([entry("b")], most=most)
    ledger.add(entry("a", "0.02", EntryType.CHARGE), entry("a", kind=EntryType.GIVE_BACK))
    assert ledger.reserve([entry("b")], most=most)
    assert ledger.reserve([entry("c", at=NOON + timedelta(hours=12))], most=most)


def test_the_newest_entry_of_a_name_counts_and_days_are_told_apart(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path)
    ledger.add(entry("a", "0.1", EntryType.CHARGE))
    ledger.add(entry("a", "0.3", EntryType.CHARGE, NOON + timedelta(days=1)), entry("b", "0.2", EntryType.CHARGE))
    assert [(e.request, e.usd) for e in ledger.entries()] == [("b", Decimal("0.2")), ("a", Decimal("0.3"))]
    assert [e.request for e in ledger.entries(since=date(2026, 5, 2))] == ["a"]
    ledger.expire(NOON + timedelta(days=401))
    assert [e.request for e in ledger.entries()] == ["a"]


def test_a_line_that_a_crash_cut_off_takes_no_other_with_it(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path)
    ledger.add(entry("a"), entry("b"))
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-9])
    ledger.add(entry("c"))
    assert [e.request for e in ledger.entries()] == ["a", "c"]
    assert file.stat().st_mode & 0o077 == 0
