"""Journals of the Python API from earlier versions, converted to today's form: they are kept for 30 days, and
what was paid for then must be fetched by the version that is installed now.

1   a request had operation, model, count … beside its files, money was a number with a currency beside it
2   a request has its task; money is an exact amount
3   a call has preferences instead of the one provider
"""

from collections.abc import Callable
from typing import Any

from providers.catalog.records import ACTIONS
from providers.task import Parameters
from providers.task_builders import operation_of


def upgraded(document: Any, *, to: int) -> Any:
    """The document in the form of version `to`, one version after the other. Raises ValueError for what is none."""
    if not isinstance(document, dict):
        raise ValueError("no journal")
    while (version := document.get("version", 1)) < to:
        document = _STEPS[version](document) | {"version": version + 1}
    return document


def _to_2(document: dict[str, Any]) -> dict[str, Any]:
    call = document["call"]
    pieces = [_request_to_2(request) for request in call["pieces"]]
    records = {key: _record_to_2(record) for key, record in document.get("records", {}).items()}
    return document | {"call": call | {"pieces": pieces}, "records": records}


def _request_to_2(old: dict[str, Any]) -> dict[str, Any]:
    action = old.get("action") or ""
    mask = old.get("mask") is not None
    task: dict[str, Any] = {
        "operation": old["operation"],
        "style": old.get("style"),
        "action": action or None,
        "model": old["model"],
        "count": old["count"],
        "aspect_ratio": old.get("aspect_ratio"),
        "photos": len(old.get("photos", ())),
        "mask": mask,
        "variant": old.get("take", 0),
    }
    if action in ACTIONS:
        # What the words say was read by whoever made it; nobody reads them again.
        parameters = Parameters(scale=old.get("scale"), complete=not old.get("text"))
        task |= {"operation": operation_of(ACTIONS[action], parameters, mask=mask), "parameters": parameters}
    kept = {name: old[name] for name in ("key", "prompt", "text", "photos", "mask") if name in old}
    return kept | {"task": task}


def _record_to_2(old: dict[str, Any]) -> dict[str, Any]:
    """The cost of a record; that of its submission is read only where the record has none."""
    submission = old.get("submission")
    if submission is not None:
        submission = _with_charge(submission)
    return _with_charge(old) | {"submission": submission}


def _with_charge(old: dict[str, Any]) -> dict[str, Any]:
    cost, currency = old.get("cost"), old.get("currency", "USD")
    source = "free" if cost == 0 else "table"
    charge = None if cost is None else {"money": {"amount": str(cost), "currency": currency}, "source": source}
    return {name: value for name, value in old.items() if name not in ("cost", "currency")} | {"charge": charge}


def _to_3(document: dict[str, Any]) -> dict[str, Any]:
    call = dict(document["call"])
    return document | {"call": call | {"preferences": {"provider": call.pop("provider", None)}}}


_STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _to_2, 2: _to_3}
