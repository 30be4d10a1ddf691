"""Writes docs/services.md: for each service and operation what was sent and what came back, from real submits against
the fakes that the contract suite uses.

    python -m tests.docs.services_table          writes the page; a test compares it with what is sent today
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from providers.base import Provider, Request, Result
from providers.registry import label_of
from providers.task import PICTURES, Operation
from tests.contract.stages import STAGES, Stage, on_stage
from tests.docs.example import ROOT
from tests.providers.services.wishes import wish
from tests.servers.fal import FakeFal

PAGE = ROOT / "docs" / "services.md"
SERVICES = tuple(name for name in STAGES if name not in ("fake", "embedded"))
_UNGUESSABLE = re.compile(r"(?<=[/=_-])(?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,}|[a-z0-9]{20,})(?=[/._&?-]|$)")
_INTRO = """\
# What is sent to each service, and what comes back

Written by `python -m tests.docs.services_table` from submits against the fakes in `tests/servers/`; a test compares the
page with what is sent today. One request of each operation, with a photo of 640 × 480 where there is one, by the model
that a `nanopro` order leads to. *How*: what an emulation consists of. Fields are those of the body, or of the `input`
and `parameters` in it; files are parts of a form; `× 2` stands where there are two. *What came back*: the picture after
it was fetched, and how its cost is known.
"""
_HEAD = (
    "| operation | how | model | what was sent | what came back |",
    "| --- | --- | --- | --- | --- |",
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One HTTP request as the fake saw it."""

    method: str
    path: str
    fields: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    operation: Operation
    model: str
    support: str
    calls: tuple[Call, ...] = ()
    came_back: str = ""


async def rows_of(name: str) -> list[Row]:
    """Every operation of one service, done once."""
    async with on_stage(name) as stage:
        await stage.provider.discover()
        return [await _row(stage, operation) for operation in Operation if operation in PICTURES]


async def _row(stage: Stage, operation: Operation) -> Row:
    with TemporaryDirectory() as folder:
        request = wish(operation, Path(folder))
        offer = stage.provider.offers.find(request.task)
        if offer is None:
            return Row(operation=operation, model="", support="no")
        before = _seen(stage)
        result = await _made(stage.provider, request, Path(folder))
        calls = tuple(_calls(stage, before))
        support = offer.support.value + (f": {offer.how}" if offer.how else "")
        return Row(
            operation=operation, model=offer.model, support=support, calls=calls, came_back=_told(result)
        )  # fmt: skip


async def _made(provider: Provider, request: Request, folder: Path) -> Result:
    submission = await provider.submit(request)
    async for _ in provider.follow(submission):
        pass
    result = await provider.fetch(submission, folder / "made")
    return Result(pictures=result.pictures, charge=result.charge or submission.charge)


def _seen(stage: Stage) -> int:
    return len(stage.server.sent) if stage.server is not None else len(_fal(stage).bodies)


def _fal(stage: Stage) -> FakeFal:
    """The fake behind fal's stage, which is older than `FakeService` and records in its own way."""
    charged: Any = stage.charged
    fake = next(cell.cell_contents for cell in charged.__closure__ if isinstance(cell.cell_contents, FakeFal))
    assert isinstance(fake, FakeFal)
    return fake


def _calls(stage: Stage, before: int) -> Iterator[Call]:
    if stage.server is None:
        job = list(_fal(stage).jobs.values())[-1]
        yield Call(method="POST", path=f"/{job.endpoint}", fields=_names(_fal(stage).bodies[-1]))
        return
    for sent in stage.server.sent[before:]:
        files = tuple(
            sorted(name if len(parts) == 1 else f"{name} × {len(parts)}" for name, parts in sent.files.items())
        )
        yield Call(
            method=sent.method, path=_UNGUESSABLE.sub("{id}", sent.path),
            fields=_names(sent.fields), files=files,
        )  # fmt: skip


def _names(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of a body; those of an `input` or `parameters` object by a dotted name. A graph is one field."""
    found: list[str] = []
    for name, value in fields.items():
        if name in ("input", "parameters") and isinstance(value, dict):
            found += [_name(f"{name}.{inner}", inside) for inner, inside in value.items()]
        else:
            found.append(_name(name, value))
    return tuple(sorted(found))


def _name(name: str, value: Any) -> str:
    """A list of several says how many: of two pictures it is seen that both were sent."""
    return f"{name} × {len(value)}" if isinstance(value, list) and len(value) > 1 else name


def _told(result: Result) -> str:
    sizes = [f"{picture.width}×{picture.height} {picture.mime.removeprefix('image/')}" for picture in result.pictures]
    cost = "by our price list" if result.charge is None else result.charge.source.value
    if result.charge is not None and result.charge.money:
        cost += f" ({result.charge.money.rounded(6).as_number():g} {result.charge.money.currency})"
    return f"{', '.join(sizes)}; cost: {cost}"


def page(tables: Mapping[str, Sequence[Row]]) -> str:
    parts = [_INTRO]
    for name, rows in tables.items():
        parts.append(section(name, rows))
    return "\n".join(parts)


def section(name: str, rows: Sequence[Row]) -> str:
    lines = [
        f"## {label_of(name)}",
        "",
        "| operation | how | model | what was sent | what came back |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        sent = "<br>".join(_line(call, times) for call, times in _folded(row.calls))
        lines.append(
            f"| {row.operation.value} | {row.support} | {_code(row.model)} | {sent or '–'} | {row.came_back or '–'} |"
        )
    return "\n".join(lines) + "\n"


def _folded(calls: Sequence[Call]) -> list[tuple[Call, int]]:
    """Looks at a running job that follow one another are one line."""
    return [(call, len(list(same))) for call, same in groupby(calls)]


def _line(call: Call, times: int) -> str:
    said = [_code(f"{call.method} {call.path}") + (" (again)" if times > 1 else "")]
    said += [", ".join(map(_code, call.fields))] if call.fields else []
    said += ["files " + ", ".join(map(_code, call.files))] if call.files else []
    return ": ".join(said[:2]) + ("; " + said[2] if len(said) > 2 else "")


def _code(text: str) -> str:
    return f"`{text}`" if text else "–"


async def _every() -> dict[str, Sequence[Row]]:
    return {name: await rows_of(name) for name in SERVICES}


if __name__ == "__main__":
    Image.init()
    PAGE.write_text(page(asyncio.run(_every())), "utf-8")
