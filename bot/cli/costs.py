"""`likeness costs`: what was spent by the bot, the command line and Python, from the ledger they share."""

import asyncio
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.cli.output import json_option, print_json
from bot.settings import Settings
from handlers.store.base import CostKey
from handlers.store.sql.store import SqlStore
from providers.api.spending import one_ledger

BY: tuple[CostKey, ...] = ("person", "provider", "model", "day")


@click.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="The first day (UTC) that counts.")
@click.option("--by", type=click.Choice(BY), default="day", show_default=True, help="What charges are added up by.")
@click.option("--entries", is_flag=True, help="Every entry of the ledger too: estimates, charges, what was given back.")
@json_option
def costs(since: datetime | None, by: CostKey, entries: bool, as_json: bool) -> None:
    """What was spent, in US dollars: by the bot in all its chats, by this command line, by Python."""
    asyncio.run(_costs(since.replace(tzinfo=UTC) if since else None, by, entries, as_json))


async def _costs(since: datetime | None, by: CostKey, entries: bool, as_json: bool) -> None:
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = await SqlStore.open(settings.database, media=settings.media)
    try:
        await asyncio.to_thread(one_ledger, settings)
        rows = await store.costs(by, since=since)
        every = await store.ledger(since=since) if entries else ()
    finally:
        await store.aclose()
    document = {
        "success": True,
        "currency": "USD",
        "total": _number(sum((row.usd for row in rows), Decimal(0))),
        "by": by,
        "rows": [
            {"key": row.key, "amount": _number(row.usd), "pictures": row.pictures, "requests": row.requests}
            for row in rows
        ],
        "entries": [entry.as_json() for entry in every],
    }
    print_json(document) if as_json else _show(document)


def _number(amount: Decimal) -> float:
    return float(amount.quantize(Decimal("0.000001"), ROUND_HALF_UP))


def _show(document: dict[str, Any]) -> None:
    table = Table(document["by"], "USD", "pictures", "requests", box=None)
    for row in document["rows"]:
        table.add_row(row["key"] or "-", f"{row['amount']:.4f}", str(row["pictures"]), str(row["requests"]))
    table.add_row("total", f"{document['total']:.4f}", "", "")
    console = Console()
    console.print(table)
    if document["entries"]:
        lines = Table("time (UTC)", "type", "request", "provider", "pictures", "amount", "source", box=None)
        for entry in document["entries"]:
            lines.add_row(
                entry["time"][:19].replace("T", " "),
                entry["type"],
                entry["request"],
                entry["provider"] or "-",
                str(entry["pictures"]),
                f"{entry['amount']:g} {entry['currency']}",
                entry["source"] or "-",
            )
        console.print(lines)
