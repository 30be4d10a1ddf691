"""`likeness styles`, `actions`, `providers`: what there is."""

import asyncio
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.cli.output import json_option, print_json
from providers.base import Operation, Provider, Request
from providers.catalog import ACTIONS, MODELS, STYLES
from providers.catalog.listing import Row, action_rows, style_rows
from providers.configure import build_providers
from providers.settings import ProviderSettings


@click.command()
@json_option
def styles(as_json: bool) -> None:
    """The portrait styles: keys, names, and which configured providers can do each."""
    asyncio.run(_list("styles", style_rows(), Operation.PORTRAIT, as_json))


@click.command()
@json_option
def actions(as_json: bool) -> None:
    """The edit actions: keys, names, and which configured providers can do each."""
    asyncio.run(_list("actions", action_rows(), Operation.EDIT, as_json))


@click.command()
@json_option
def providers(as_json: bool) -> None:
    """The configured providers: what each can do and what a picture costs with it."""
    asyncio.run(_providers(as_json))


async def _list(name: str, rows: Sequence[Row], operation: Operation, as_json: bool) -> None:
    configured = build_providers(ProviderSettings())
    able = {row["key"]: _able(configured, operation, row["key"]) for row in rows}
    await _close(configured)
    if as_json:
        print_json({"success": True, name: [{**row, "providers": able[row["key"]]} for row in rows]})
        return
    table = Table("key", "name", "名称", "use", "providers", box=None)
    for row in rows:
        names = ", ".join(able[row["key"]]) or "-"
        table.add_row(row["key"], row["name"]["en"], row["name"]["zh"], row["use"]["en"], names)
    Console().print(table)


def _able(configured: Sequence[Provider], operation: Operation, key: str) -> list[str]:
    return [p.name for p in configured if p.capabilities.reason_not(_probe(operation, key)) is None]


def _probe(operation: Operation, key: str, model: str = "nanopro") -> Request:
    style = key if operation is Operation.PORTRAIT else None
    action = key if operation is Operation.EDIT else None
    return Request(key="probe", operation=operation, prompt="", style=style, action=action, model=model)


async def _providers(as_json: bool) -> None:
    configured = build_providers(ProviderSettings())
    rows = [_row(p) for p in configured]
    await _close(configured)
    if as_json:
        print_json({"success": True, "providers": rows})
        return
    table = Table("provider", "operations", "styles", "actions", "one picture (USD)", box=None)
    for row in rows:
        prices = ", ".join(f"{model} {price['usd']:g}" for model, price in row["estimates"].items())
        operations = ", ".join(row["operations"])
        table.add_row(row["name"], operations, str(len(row["styles"])), str(len(row["actions"])), prices)
    Console().print(table)


def _row(provider: Provider) -> dict[str, Any]:
    able = provider.capabilities
    styles = [k for k in STYLES if able.reason_not(_probe(Operation.PORTRAIT, k)) is None]
    actions = [k for k in ACTIONS if able.reason_not(_probe(Operation.EDIT, k)) is None]
    style = styles[0] if styles else "professional"
    models = [m for m in MODELS if m in able.models]
    estimates = {m: provider.estimate(_probe(Operation.PORTRAIT, style, m)) for m in models}
    return {
        "name": provider.name,
        "operations": sorted(able.operations),
        "models": models,
        "styles": styles,
        "actions": actions,
        "max_count": able.max_count,
        "max_photos": able.max_photos,
        "estimates": {m: {"usd": e.usd, "seconds": e.seconds} for m, e in estimates.items()},
    }


async def _close(configured: Sequence[Provider]) -> None:
    for provider in configured:
        await provider.aclose()
