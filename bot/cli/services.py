"""`likeness providers`: every service: what it can do, how, and what a picture costs with it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.cli.output import json_option, print_json
from providers.base import Provider
from providers.catalog import ACTIONS, MODELS, STYLES
from providers.configure import build_providers
from providers.offers import Offer, Offers, Support
from providers.registry import Service, services
from providers.router import Router
from providers.settings import ProviderSettings
from providers.task import PICTURES, Consistency, Operation, Task
from providers.task_builders import operation_of

NOT = {"support": "no", "how": ""}
MARKS = {"native": "●", "emulated": "○", "no": "·"}
SCALED = {"upscale_2x": 2, "upscale_4x": 4}
CAPABILITIES = (
    "create", "portrait", "edit", "inpaint", "outpaint", "upscale_2x", "upscale_4x", "variations", "style_transfer",
    "remove_background", "replace_background",
)  # fmt: skip
SHORT = ("make", "face", "edit", "mask", "wide", "2×", "4×", "vary", "style", "cut", "scene")
"""The same as heads of narrow columns."""


@click.command()
@json_option
def providers(as_json: bool) -> None:
    """Every service: whether it is set up, what it can do, and what a picture costs with it.

    In the table ● is native, ○ put together from other abilities, · not at all.
    """
    rows = asyncio.run(_rows())
    if as_json:
        print_json({"success": True, "providers": rows})
    else:
        _show(rows)


def portrait_of(style: str, model: str = "nanopro") -> Task:
    return Task(operation=Operation.PORTRAIT, style=style, photos=1, model=model)


def edit_by(action: str) -> Task:
    return Task(operation=operation_of(ACTIONS[action]), action=action, photos=ACTIONS[action].photos)


async def configured() -> list[Provider]:
    """Those that are configured, without one at whose address another answers; the offers of the others were
    queried."""
    there = build_providers(ProviderSettings())
    router = Router(there)
    await router.discover()
    others = [p for p in there if router.is_another(p.name)]
    await close(others)
    return [p for p in there if p not in others]


async def close(those: Sequence[Provider]) -> None:
    for provider in those:
        await provider.aclose()


async def _rows() -> list[dict[str, Any]]:
    there = await configured()
    offered = {provider.name: provider.offers for provider in there}
    await close(there)
    return [_row(service, offered.get(service.key)) for service in services().values()]


def _row(service: Service, offered: Offers | None) -> dict[str, Any]:
    """`offered`: what it offers as configured; None if it is not: then what it could."""
    offers = service.offers() if offered is None else offered
    return {
        "name": service.key,
        "label": service.label,
        "setting": service.setting,
        "configured": offered is not None,
        "operations": list(offers.operations),
        "models": list(offers.models),
        "max_count": max((row.max_count for row in offers), default=0),
        "max_photos": max((row.max_photos for row in offers if _is_plain(row)), default=0),
        "consistency": _held(offers),
        "capabilities": {name: _capability(offers, name) for name in CAPABILITIES},
        "estimates": _estimates(offers),
        "styles": [key for key in STYLES if offers.find(portrait_of(key)) is not None],
        "actions": [key for key in ACTIONS if offers.find(edit_by(key)) is not None],
    }


def _capability(offers: Offers, name: str) -> dict[str, str]:
    """Of the rows that serve a level of quality, otherwise of those that can only be named; native if one of them
    is."""
    scale = SCALED.get(name)
    rows = [
        row
        for row in offers.of(Operation.UPSCALE if scale else Operation(name))
        if (row.max_photos or row.operation is Operation.CREATE)
        and (scale is None or row.scales is None or scale in row.scales)
    ]
    rows = [row for row in rows if row.levels != frozenset()] or rows
    best = next((row for row in rows if row.support is Support.NATIVE), next(iter(rows), None))
    return NOT if best is None else {"support": best.support.value, "how": best.how}


def _held(offers: Offers) -> list[str]:
    """The levels at which it can preserve a face in a photo."""
    rows = [*offers.of(Operation.PORTRAIT), *offers.of(Operation.EDIT)]
    held: frozenset[Consistency] = frozenset().union(
        *(row.consistency for row in rows if row.max_photos or row.trained_face)
    )
    return [level.value for level in Consistency if level in held]


def _is_plain(row: Offer) -> bool:
    """Whether a picture and words are enough for it: no trained face, no template."""
    return not row.trained_face and row.template is not True and row.operation in PICTURES


def _estimates(offers: Offers) -> dict[str, dict[str, Any]]:
    """One picture by level of quality: a portrait from a photo, or its first operation for a service that makes
    none."""
    found = {model: offer for model in MODELS if (offer := _usual(offers, model)) is not None}
    return {
        model: {"usd": offer.price.one.as_number(), "seconds": offer.seconds, "operation": offer.operation.value}
        for model, offer in found.items()
    }


def _usual(offers: Offers, model: str) -> Offer | None:
    serves: Callable[[Offer], bool] = lambda row: row.levels is None or model in row.levels  # noqa: E731
    portraits = [row for row in offers.of(Operation.PORTRAIT) if row.max_photos and _is_plain(row)]
    return next((row for row in (*portraits, *offers) if serves(row)), None)


def _show(rows: Sequence[dict[str, Any]]) -> None:
    """Narrow enough for 80 columns."""
    table = Table("provider", *SHORT, "USD a picture", box=None, padding=(0, 1, 0, 0))
    for row in rows:
        marks = [MARKS[row["capabilities"][name]["support"]] for name in CAPABILITIES]
        prices = [estimate["usd"] for estimate in row["estimates"].values()]
        cost = "free" if not any(prices) else "–".join(dict.fromkeys(f"{p:.2g}" for p in (min(prices), max(prices))))
        table.add_row(row["name"], *marks, cost)
    console = Console()
    console.print(table)
    names = zip(SHORT, CAPABILITIES, strict=True)
    legend = ", ".join(f"{short}: {name.replace('_', ' ')}" for short, name in names if short != name)
    console.print(f"● native, ○ emulated, · not at all. {legend}.", highlight=False)
    there = ", ".join(row["name"] for row in rows if row["configured"])
    missing = ", ".join(f"{row['name']} ({row['setting']})" for row in rows if not row["configured"])
    console.print(f"Set up: {there}." + (f" Not set up: {missing}." if missing else ""), highlight=False)
