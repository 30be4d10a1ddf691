"""Limits that nobody passes, however many ask at once: a group's pictures a day, and the budgets."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from handlers.dialogue.conversation import Conversation
from handlers.dialogue.group_policy import GroupRules, Groups
from handlers.message import Chat, Message, Outgoing
from handlers.order import Order
from handlers.quote import Quote
from handlers.store.base import Budgets, Store
from handlers.store.memory import MemoryStore
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.money import Money


class Queue:
    """Takes jobs and does nothing with them."""

    async def enqueue(self, job_id: str) -> None: ...
    async def cancel(self, job_id: str) -> None: ...
    async def resend(self, job_id: str) -> None: ...
    async def fetch(self, job_id: str) -> None: ...


async def _nothing(path: Path, into: Path) -> object:
    raise AssertionError("no photos here")


def cents(order: Order) -> Quote:
    return Quote(cost=Money.usd("0.1") * order.count, seconds=10)


def conversation(store: Store, tmp_path: Path, budgets: Budgets | None = None) -> Conversation:
    async def everybody(_chat: Chat) -> bool:
        return True

    return Conversation(
        store=store,
        jobs=Queue(),
        quote=cents,
        accept=_nothing,  # type: ignore[arg-type]
        photos_dir=tmp_path,
        groups=Groups(store, {"telegram": everybody}),
        budgets=budgets or Budgets(),
    )


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    if request.param == "memory":
        yield MemoryStore()
        return
    opened = await SqlStore.open(sqlite_url(tmp_path / "likeness.sqlite"))
    yield opened
    await opened.aclose()


def asks(n: int, *, chat: str = "-100", text: str = "draw 8 pictures of a lighthouse in a storm") -> Message:
    person = Chat(channel="telegram", chat=chat, person=str(n))
    return Message(key=f"telegram:{chat}:{n}", chat=person, text=text, group=chat.startswith("-"))


def started(replies: tuple[Outgoing, ...]) -> bool:
    return any(outgoing.job for outgoing in replies)


async def test_of_fifty_requests_of_eight_pictures_a_group_of_ten_a_day_gets_one(store: Store, tmp_path: Path) -> None:
    here = conversation(store, tmp_path)
    rules = GroupRules(daily=10)
    await store.set_value("group.rules", "telegram|-100", rules.model_dump_json())
    replies = await asyncio.gather(*(here.handle(asks(n)) for n in range(50)))
    assert sum(map(started, replies)) == 1
    refused = [reply[0].text for reply in replies if not started(reply)]
    assert len(refused) == 49
    assert all("10" in text for text in refused)
    assert len(await store.jobs(limit=100)) == 1
    again = await here.handle(asks(50, text="draw a lighthouse in a storm"))
    assert started(again), "two are left"


@pytest.mark.parametrize(
    ("budgets", "fit"),
    [(Budgets(bot=Decimal("2.5")), 3), (Budgets(chat=Decimal("0.8")), 1), (Budgets(person=Decimal("0.79")), 0)],
)
async def test_no_budget_is_passed_by_many_at_once(store: Store, tmp_path: Path, budgets: Budgets, fit: int) -> None:
    here = conversation(store, tmp_path, budgets)
    replies = await asyncio.gather(*(here.handle(asks(n)) for n in range(20)))
    assert sum(map(started, replies)) == fit
    jobs = await store.jobs(limit=100)
    assert len(jobs) == fit
    assert sum(job.estimate.amount for job in jobs) <= max(b for b in (budgets.bot, budgets.chat, budgets.person) if b)
    assert any("budget" in outgoing.text for reply in replies for outgoing in reply)
