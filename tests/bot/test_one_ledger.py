"""One pot: what chats and calls may spend in a day is one counter, whoever takes it and from whichever process."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import providers
from handlers.session import Session
from handlers.store.base import Budgets, LimitReached, Store, Turn
from handlers.store.sql.store import SqlStore
from providers.api.spending import FOLDER, CallSpending, call_ledger, one_ledger
from providers.base import Request
from providers.errors import AskPerson
from providers.ledger import EVERYBODY, EntryType, FileLedger, LedgerEntry
from providers.money import Money
from providers.settings import ProviderSettings
from providers.sql.ledger import DatabaseLedger, LedgerUnavailable
from providers.task import Operation, Task
from tests.contract.stores import ANN, job
from tests.servers.fal import FakeFal
from tests.servers.postgres import new_database

DIME = Money.usd("0.1")
MOST = Decimal("1.05")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        yield url


def settings_for(folder: Path, database_url: str | None = None, **more: object) -> ProviderSettings:
    values: dict[str, object] = {"data_dir": folder, "output_dir": folder / "pictures", "database_url": database_url}
    return ProviderSettings(_env_file=None, **{**values, **more})  # type: ignore[arg-type]


def call_reserves(folder: Path, database_url: str | None, number: int) -> bool:
    """A call in a process of its own."""
    request = Request(key=f"call{number}", task=Task(operation=Operation.CREATE), prompt="a boat")
    with closing(call_ledger(settings_for(folder, database_url))) as ledger:
        try:
            CallSpending(ledger, most=MOST).reserve([(request, DIME)])
        except AskPerson:
            return False
    return True


async def chat_reserves(store: Store, number: int) -> bool:
    order = job(f"j{number}", ANN, estimate=DIME, created=datetime.now(UTC))
    turn = Turn(message_key=f"m{number}", chat=ANN, session=Session(), jobs=(order,), budgets=Budgets(bot=MOST))
    try:
        return await store.commit_turn(turn)
    except LimitReached:
        return False


async def test_of_chats_and_calls_of_other_processes_at_once_no_more_pass_than_fit(
    tmp_path: Path, database_url: str | None
) -> None:
    settings = settings_for(tmp_path, database_url)
    store = await SqlStore.open(settings.database)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as others:
        calls = [loop.run_in_executor(others, call_reserves, tmp_path, database_url, n) for n in range(12)]
        chats = [chat_reserves(store, n) for n in range(12)]
        passed = await asyncio.gather(*calls, *chats)
    assert sum(passed) == 10
    assert await store.counted(EVERYBODY) == Decimal("1.0")
    assert len(await store.ledger()) == 10
    await store.aclose()


async def test_a_call_is_counted_where_chats_are_and_settled_there(tmp_path: Path, database_url: str | None) -> None:
    with FakeFal.serving() as fal:
        budget = {
            "fal_key": "test-key",
            "fal_queue_url": fal.url,
            "poll_scale": 0.01,
            "budget_bot_daily_usd": Decimal("0.2"),
        }
        settings = settings_for(tmp_path, database_url, **budget)
        store = await SqlStore.open(settings.database)
        first = await providers.generate_image("a boat", settings=settings)
        second = await providers.generate_image("a boat", settings=settings)
        assert first["success"], first
        assert (second["success"], second["error"]["code"]) == (False, "budget_exceeded")
    assert await store.counted(EVERYBODY) == Decimal(str(first["total_cost"]))
    assert [entry.type for entry in await store.ledger()] == [
        EntryType.ESTIMATE,
        EntryType.CHARGE,
        EntryType.GIVE_BACK,
    ]
    assert not await chat_reserves_within(store, Decimal("0.2")), "the chats' budget knows of it"
    await store.aclose()


async def chat_reserves_within(store: Store, most: Decimal) -> bool:
    order = job("j1", ANN, estimate=DIME, created=datetime.now(UTC))
    try:
        return await store.commit_turn(
            Turn(message_key="m", chat=ANN, session=Session(), jobs=(order,), budgets=Budgets(bot=most))
        )
    except LimitReached:
        return False


async def test_what_was_spent_before_there_was_a_bot_is_taken_over_once(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    now = datetime.now(UTC)
    assert call_reserves(tmp_path, None, 1)
    assert (tmp_path / FOLDER / f"{now:%Y-%m-%d}.jsonl").is_file(), "no bot has been here"
    charge = LedgerEntry(
        id="call0:charge", time=now, type=EntryType.CHARGE, request="call0", money=DIME, usd=DIME.amount
    )
    FileLedger(tmp_path / FOLDER).add(charge)
    store = await SqlStore.open(settings.database)
    for _ in range(2):
        one_ledger(settings)
        assert await store.counted(EVERYBODY) == Decimal("0.2")
    assert {entry.request for entry in await store.ledger()} == {"call0", "call1"}
    assert not list((tmp_path / FOLDER).glob("*.jsonl"))
    await store.aclose()


async def test_a_charge_that_is_corrected_and_an_estimate_given_back_count_once(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    store = await SqlStore.open(settings.database)
    now = datetime.now(UTC)

    def entry(kind: EntryType, usd: str) -> LedgerEntry:
        money = Money.usd(usd)
        return LedgerEntry(id=f"c:{kind}", time=now, type=kind, request="c", money=money, usd=money.amount)

    with closing(call_ledger(settings)) as ledger:
        assert isinstance(ledger, DatabaseLedger)
        assert ledger.reserve([entry(EntryType.ESTIMATE, "0.3")], most=None)
        ledger.add(entry(EntryType.CHARGE, "0.3"), entry(EntryType.GIVE_BACK, "0.3"))
        ledger.add(entry(EntryType.CHARGE, "0.12"))
        ledger.add(entry(EntryType.GIVE_BACK, "0.3"))
    assert await store.counted(EVERYBODY) == Decimal("0.12")
    await store.aclose()


def test_a_database_that_is_away_is_no_reason_to_count_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable) as caught:
        call_ledger(settings_for(tmp_path, "postgresql://likeness:secret@127.0.0.1:9/likeness"))
    assert caught.value.code == "ledger_unavailable"
    assert "secret" not in str(caught.value)
