"""`likeness intent --review`: where people were asked what they meant, and what they tapped."""

import asyncio
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.cli.output import print_json
from bot.settings import Settings
from handlers.dialogue.readings import review
from handlers.store.sql.store import SqlStore


def show_review(*, as_json: bool) -> None:
    document = asyncio.run(_review())
    print_json(document) if as_json else _show(document)


async def _review() -> dict[str, Any]:
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = await SqlStore.open(settings.database, media=settings.media)
    try:
        found = await review(store, messages=settings.intent_keep_messages)
    finally:
        await store.aclose()
    return {"success": True, "keeps_messages": settings.intent_keep_messages, **found}


def _show(document: dict[str, Any]) -> None:
    table = Table("thought likeliest", "tapped", "times", box=None)
    for row in document["picked"]:
        table.add_row(row["first"], row["meant"], str(row["times"]))
    Console().print(table)
    if not document["keeps_messages"]:
        click.echo("Messages are not kept (INTENT_KEEP_MESSAGES).")
    for row in document["messages"]:
        click.echo(f"{row['at'][:16]}  {row['text']}  [{', '.join(row['offered'])}]  {row.get('meant', '-')}")
