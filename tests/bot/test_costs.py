"""`likeness costs`: charges of the bot and of the command line added up; budgets of calls without a chat."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

import providers
from bot.cli.costs import costs
from handlers.session import Session
from handlers.store.base import PartState, Turn
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.base import Charge, CostSource, Submission
from providers.money import Money
from providers.settings import ProviderSettings
from tests.contract.stores import ANN, job, picture
from tests.servers.fal import FakeFal

ENTRY = {
    "time",
    "type",
    "request",
    "job",
    "person",
    "chat",
    "provider",
    "model",
    "pictures",
    "amount",
    "currency",
    "source",
}


async def a_chat_spends(folder: Path) -> None:
    store = await SqlStore.open(sqlite_url(folder / "likeness.sqlite"))
    wanted = job("j1", estimate=Money.usd("0.5"), created=datetime.now(UTC))
    await store.commit_turn(Turn(message_key="m1", chat=ANN, session=Session(), jobs=(wanted,)))
    await store.begin_part("j1-0-0", "j1", "fal", count=2)
    charge = Charge(money=Money.usd("0.3"), source=CostSource.ANSWER)
    await store.accept_part("j1-0-0", Submission(provider="fal", request_id="r", model="banana", charge=charge))
    await store.end_part("j1-0-0", PartState.MADE, pictures=(picture(), picture("b.png")))
    await store.finish_job(wanted, None)
    await store.aclose()


def document(folder: Path, *arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(costs, [*arguments, "--json"], env={"DATA_DIR": str(folder), "DATABASE_URL": ""})
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.output)
    return found


def settings_for(fal: FakeFal, folder: Path, **more: object) -> ProviderSettings:
    return ProviderSettings(
        _env_file=None,
        data_dir=folder,
        output_dir=folder / "pictures",
        fal_key="test-key",
        fal_queue_url=fal.url,
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
def fal() -> object:
    with FakeFal.serving() as server:
        yield server


def test_nothing_spent_is_an_empty_sum(tmp_path: Path) -> None:
    assert document(tmp_path) == {
        "success": True,
        "currency": "USD",
        "total": 0.0,
        "by": "day",
        "rows": [],
        "entries": [],
    }


def test_the_bots_charges_and_those_of_calls_are_added_up(tmp_path: Path, fal: FakeFal) -> None:
    asyncio.run(a_chat_spends(tmp_path))
    made = asyncio.run(providers.generate_image("a lighthouse", settings=settings_for(fal, tmp_path)))
    assert made["success"], made
    by_day = document(tmp_path, "--entries")
    cost = made["total_cost"]
    today = datetime.now(UTC).date().isoformat()
    assert by_day["total"] == pytest.approx(0.3 + cost)
    assert by_day["rows"] == [{"key": today, "amount": pytest.approx(0.3 + cost), "pictures": 3, "requests": 2}]
    entries = by_day["entries"]
    assert isinstance(entries, list)
    assert all(set(entry) == ENTRY for entry in entries)
    assert sum(e["amount"] for e in entries if e["type"] == "charge") == pytest.approx(0.3 + cost)
    reserved = sum(e["amount"] for e in entries if e["type"] == "estimate")
    assert reserved == pytest.approx(sum(e["amount"] for e in entries if e["type"] == "give_back"))
    people = document(tmp_path, "--by", "person")["rows"]
    assert isinstance(people, list)
    assert {row["key"]: row["requests"] for row in people} == {"web|ann": 1, None: 1}
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert document(tmp_path, "--since", tomorrow)["rows"] == []


async def test_calls_at_once_pass_the_days_budget_only_as_far_as_it_reaches(tmp_path: Path, fal: FakeFal) -> None:
    settings = settings_for(fal, tmp_path, budget_bot_daily_usd=Decimal("0.31"))
    calls = [providers.generate_image(f"lighthouse {n}", settings=settings) for n in range(6)]
    ends = await asyncio.gather(*calls)
    assert sum(end["success"] for end in ends) == 2
    assert {end["error"]["code"] for end in ends if not end["success"]} == {"budget_exceeded"}
    assert len(fal.jobs) == 2, "what was refused was not submitted"
