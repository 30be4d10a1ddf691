"""Three pictures at 0.15 were `0.44999999999999996` in `likeness jobs --json`."""

from datetime import UTC, datetime

from bot.cli.jobs import _row
from handlers.message import Chat
from handlers.order import Order, Shot
from handlers.store.base import Job
from providers.money import Money


def test_a_sum_of_prices_is_shown_as_one_would_write_it() -> None:
    job = Job(
        id="j",
        chat=Chat(channel="web", chat="c", person="p"),
        order=Order(operation="portrait", shots=(Shot(style="anime", count=3),)),
        created=datetime(2026, 11, 21, tzinfo=UTC),
        estimate=Money.usd(0.15) * 3,
        cost=Money.usd(0.1) + Money.usd(0.2),
    )
    assert (_row(job)["estimate_usd"], _row(job)["cost"]) == (0.45, 0.3)
