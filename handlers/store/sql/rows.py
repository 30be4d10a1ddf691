"""Between the values of `handlers/store/records.py` and rows of `handlers/store/sql/schema.py`."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from handlers.store.records import ENDED, JOB_FIELDS, Delivery, DeliveryState, Entry, Job, JobState, Part, PartState
from providers.money import Money
from providers.sql.columns import kept

Row = sa.RowMapping | Mapping[str, Any]

ENDED_STATES = tuple(sorted(state.value for state in ENDED))
LIVE_STATES = tuple(state.value for state in JobState if state not in ENDED)

ENDING_COLUMNS = ("state", "error_code", "cost", "currency", "provider", "finished", "pictures", "picture_count")
"""What the end of a job changes in its row."""


def job_columns(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Named fields of a `Job` as columns. Raises TypeError for a name that is no field."""
    unknown = changes.keys() - JOB_FIELDS
    if unknown:
        raise TypeError(f"a job has no {', '.join(sorted(unknown))}")
    columns = dict(changes)
    if "chat" in columns:
        columns["owner"] = columns["chat"].owner
    if "state" in columns:
        columns["state"] = JobState(columns["state"]).value
    if "estimate" in columns:
        columns["estimate"] = kept(columns["estimate"].amount)
    if "cost" in columns:
        cost: Money | None = columns["cost"]
        # No cost and a cost of zero are different.
        columns["cost"] = None if cost is None else kept(cost.amount)
        columns["currency"] = None if cost is None else cost.currency
    if "pictures" in columns:
        columns["picture_count"] = len(columns["pictures"])
    return columns


def job_row(job: Job) -> dict[str, Any]:
    return job_columns({f.name: getattr(job, f.name) for f in fields(job)})


def job_of(row: Row) -> Job:
    return Job(
        **{name: row[name] for name in JOB_FIELDS - {"state", "estimate", "cost"}},
        state=JobState(row["state"]),
        estimate=Money(amount=row["estimate"]),
        cost=None if row["cost"] is None else Money(amount=row["cost"], currency=row["currency"]),
    )


def part_of(row: Row) -> Part:
    return Part(**{**row, "state": PartState(row["state"]), "tried": row["tried"] or ()})


def delivery_of(row: Row) -> Delivery:
    return Delivery(**{**row, "state": DeliveryState(row["state"])})


def entry_of(row: Row) -> Entry:
    return Entry(**{name: value for name, value in row.items() if name != "owner"})
