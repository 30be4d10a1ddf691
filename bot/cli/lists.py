"""`likeness styles` and `actions`: what exists, and which providers can do it."""

import asyncio
from collections.abc import Callable, Sequence

import click
from rich.console import Console
from rich.table import Table

from bot.cli.output import json_option, print_json
from bot.cli.services import close, configured, edit_by, portrait_of
from providers.base import Provider
from providers.catalog.listing import Row, action_rows, style_rows
from providers.task import Task


@click.command()
@json_option
def styles(as_json: bool) -> None:
    """The portrait styles: keys, names, and which configured providers can do each."""
    asyncio.run(_list("styles", style_rows(), portrait_of, as_json))


@click.command()
@json_option
def actions(as_json: bool) -> None:
    """The edit actions: keys, names, and which configured providers can do each."""
    asyncio.run(_list("actions", action_rows(), edit_by, as_json))


async def _list(name: str, rows: Sequence[Row], probe: Callable[[str], Task], as_json: bool) -> None:
    there = await configured()
    able = {row["key"]: _able(there, probe(row["key"])) for row in rows}
    await close(there)
    if as_json:
        print_json({"success": True, name: [{**row, "providers": able[row["key"]]} for row in rows]})
        return
    table = Table("key", "name", "名称", "use", "providers", box=None)
    for row in rows:
        names = ", ".join(able[row["key"]]) or "-"
        table.add_row(row["key"], row["name"]["en"], row["name"]["zh"], row["use"]["en"], names)
    Console().print(table)


def _able(there: Sequence[Provider], task: Task) -> list[str]:
    return [p.name for p in there if p.offers.find(task) is not None]
