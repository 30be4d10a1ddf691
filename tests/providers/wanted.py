"""Requests for tests, written in one line: what belongs to the task and what to its sending is sorted out here."""

import itertools
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from handlers.jobs.parameters import parameters_of
from providers.base import Request
from providers.catalog import ACTIONS
from providers.offers import Offer
from providers.task import Operation, Parameters, Task
from providers.task_builders import operation_of

_OF_TASK = frozenset(f.name for f in fields(Task)) - {"photos", "mask", "parameters", "face"}
_OF_PARAMETERS = frozenset(f.name for f in fields(Parameters))


def wanted(
    key: str = "job-1",
    *,
    photos: Iterable[Path] = (),
    mask: Path | None = None,
    face: str | None = None,
    **values: Any,
) -> Request:
    """`values`: of the task, of its parameters (`scale=2`), or of the request."""
    files = tuple(photos)
    given = {name: values.pop(name) for name in _OF_PARAMETERS & values.keys()}
    parameters = replace(values.pop("parameters", Parameters()), **given)
    task = {name: values.pop(name) for name in _OF_TASK & values.keys()}
    return Request(
        key=key,
        task=Task(**task, parameters=parameters, photos=len(files), mask=mask is not None, face=face is not None),
        photos=files,
        mask=mask,
        face=face,
        **{"prompt": "A portrait in oils.", **values},
    )


def portrait(key: str = "job-1", **values: Any) -> Request:
    """A portrait from words alone, which needs no photo."""
    return wanted(key, **{"operation": Operation.PORTRAIT, "style": "oil_painting", **values})


def changed(request: Request, **values: Any) -> Request:
    """The request with another task."""
    return replace(request, task=replace(request.task, **values))


def every(offers: Iterable[Offer], **values: Any) -> list[Offer]:
    return [replace(offer, **values) for offer in offers]


_keys = itertools.count(1)


def embedded_edit(action: str, *photos: Path, text: str = "", count: int = 1) -> Request:
    """An edit as this machine makes it, under a key of its own."""
    parameters = parameters_of(action, text)
    operation = operation_of(ACTIONS[action], parameters)
    key = f"job-{next(_keys)}"
    return wanted(key, operation=operation, action=action, parameters=parameters, text=text, photos=photos, count=count)
