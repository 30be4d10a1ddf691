"""`likeness styles`, `actions`, `providers`: what there is."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.cli.output import json_option, print_json
from providers.base import Provider
from providers.catalog import ACTIONS, MODELS, STYLES
from providers.catalog.listing import Row, action_rows, style_rows
from providers.configure import build_providers
from providers.router import Router
from providers.settings import ProviderSettings
from providers.task import Operation, Task
from providers.task_builders import operation_of


@click.command()
@json_option
def styles(as_json: bool) -> None:
    """The portrait styles: keys, names, and which configured providers can do each."""
    asyncio.run(_list("styles", style_rows(), _portrait, as_json))


@click.command()
@json_option
def actions(as_json: bool) -> None:
    """The edit actions: keys, names, and which configured providers can do each."""
    asyncio.run(_list("actions", action_rows(), _edit, as_json))


@click.command()
@json_option
def providers(as_json: bool) -> None:
    """The configured providers: what each can do and what a picture costs with it."""
    asyncio.run(_providers(as_json))


async def _list(name: str, rows: Sequence[Row], probe: Callable[[str], Task], as_json: bool) -> None:
    configured = await _configured()
    able = {row["key"]: _able(configured, probe(row["key"])) for row in rows}
    await _close(configured)
    if as_json:
        print_json({"success": True, name: [{**row, "providers": able[row["key"]]} for row in rows]})
        return
    table = Table("key", "name", "名称", "use", "providers", box=None)
    for row in rows:
        names = ", ".join(able[row["key"]]) or "-"
        table.add_row(row["key"], row["name"]["en"], row["name"]["zh"], row["use"]["en"], names)
    Console().print(table)


def _able(configured: Sequence[Provider], task: Task) -> list[str]:
    return [p.name for p in configured if p.offers.find(task) is not None]


def _portrait(style: str, model: str = "nanopro") -> Task:
    return Task(operation=Operation.PORTRAIT, style=style, photos=1, model=model)


def _edit(action: str) -> Task:
    return Task(operation=operation_of(ACTIONS[action]), action=action, photos=ACTIONS[action].photos)


async def _providers(as_json: bool) -> None:
    configured = await _configured()
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
    offers = provider.offers
    styles = [k for k in STYLES if offers.find(_portrait(k)) is not None]
    actions = [k for k in ACTIONS if offers.find(_edit(k)) is not None]
    style = styles[0] if styles else "professional"
    estimates = {
        model: found.estimate(_portrait(style, model))
        for model in MODELS
        if (found := offers.find(_portrait(style, model))) is not None
    }
    return {
        "name": provider.name,
        "operations": list(offers.operations),
        "models": list(estimates),
        "styles": styles,
        "actions": actions,
        "max_count": max((row.max_count for row in offers), default=0),
        "max_photos": max((row.max_photos for row in offers), default=0),
        "estimates": {m: {"usd": e.cost.as_number(), "seconds": e.seconds} for m, e in estimates.items()},
    }


async def _configured() -> list[Provider]:
    """Those that are set up, without one at whose address another answers; what the others have was asked."""
    providers = build_providers(ProviderSettings())
    router = Router(providers)
    await router.discover()
    others = [p for p in providers if router.is_another(p.name)]
    await _close(others)
    return [p for p in providers if p not in others]


async def _close(configured: Sequence[Provider]) -> None:
    for provider in configured:
        await provider.aclose()
