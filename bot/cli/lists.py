"""`likeness styles`, `actions`, `providers`: what there is."""

import asyncio

import click
from rich.console import Console
from rich.table import Table

from bot.cli.output import json_option, print_json
from providers.base import Estimate, Operation, Provider, Request
from providers.catalog import ACTIONS, MODELS, STYLES
from providers.configure import build_providers
from providers.settings import ProviderSettings


@click.command()
@json_option
def styles(as_json: bool) -> None:
    """The 46 portrait styles: keys, names, and which configured providers can do each."""
    _list(as_json, Operation.PORTRAIT)


@click.command()
@json_option
def actions(as_json: bool) -> None:
    """The 23 edit actions: keys, names, and which configured providers can do each."""
    _list(as_json, Operation.EDIT)


@click.command()
@json_option
def providers(as_json: bool) -> None:
    """The configured providers: what each can do and what a picture costs with it."""
    asyncio.run(_providers(as_json))


def _list(as_json: bool, operation: Operation) -> None:
    asyncio.run(_rows(as_json, operation))


async def _rows(as_json: bool, operation: Operation) -> None:
    records = STYLES if operation is Operation.PORTRAIT else ACTIONS
    configured = build_providers(ProviderSettings())
    rows = []
    for key, record in records.items():
        request = _probe(operation, key)
        able = [p.name for p in configured if p.capabilities.reason_not(request) is None]
        row = {
            "key": key,
            "group": record.group,
            "name": {"en": record.name_en, "zh": record.name_zh},
            "use": {"en": record.use_en, "zh": record.use_zh},
            "needs": list(record.needs),
            "aspect_ratio": record.aspect_ratio,
            "providers": able,
        }
        rows.append(row)
    await _close(configured)
    if as_json:
        print_json({"success": True, "styles" if operation is Operation.PORTRAIT else "actions": rows})
        return
    table = Table("key", "name", "名称", "use", "providers", box=None)
    for key, record in records.items():
        able = next(r["providers"] for r in rows if r["key"] == key)  # type: ignore[assignment]
        table.add_row(key, record.name_en, record.name_zh, record.use_en, ", ".join(able) or "-")
    Console().print(table)


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


def _row(provider: Provider) -> dict[str, object]:
    able = provider.capabilities
    styles = [k for k in STYLES if able.reason_not(_probe(Operation.PORTRAIT, k)) is None]
    actions = [k for k in ACTIONS if able.reason_not(_probe(Operation.EDIT, k)) is None]
    estimates: dict[str, object] = {}
    for model in MODELS:
        request = _probe(Operation.PORTRAIT, "professional", model)
        if model in able.models:
            estimate: Estimate = provider.estimate(request)
            estimates[model] = {"usd": estimate.usd, "seconds": estimate.seconds}
    return {
        "name": provider.name,
        "operations": sorted(able.operations),
        "models": [m for m in MODELS if m in able.models],
        "styles": styles,
        "actions": actions,
        "max_count": able.max_count,
        "max_photos": able.max_photos,
        "free": provider.repeatable and all(provider.estimate(_probe(Operation.PORTRAIT, k)).usd == 0 for k in styles),
        "estimates": estimates,
    }


async def _close(configured: list[Provider]) -> None:
    for provider in configured:
        await provider.aclose()
