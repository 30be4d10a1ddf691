"""Between the values of `handlers/store/base.py` and rows of `handlers/store/sql/schema.py`."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from handlers.message import Chat, Outgoing
from handlers.order import Order
from handlers.session import Session
from handlers.store.base import Delivery, DeliveryState, Entry, Job, JobState, Part, PartState
from handlers.store.sql.schema import from_text, to_text
from providers.base import PictureFile, Submission

Row = sa.RowMapping | Mapping[str, Any]

_CHAT = TypeAdapter(Chat)
_OUTGOING = TypeAdapter(Outgoing)
_REPLY = TypeAdapter(tuple[Outgoing, ...])
_PICTURES = TypeAdapter(tuple[PictureFile, ...])
_SUBMISSION = TypeAdapter(Submission)
_REFS = TypeAdapter(tuple[str, ...])
_PIECES = TypeAdapter(tuple[int, ...])

JOB_FIELDS = frozenset(f.name for f in fields(Job))


def reply_text(reply: tuple[Outgoing, ...]) -> str:
    return _REPLY.dump_json(reply).decode()


def reply_of(text: str) -> tuple[Outgoing, ...]:
    return _REPLY.validate_json(text)


def outgoing_text(outgoing: Outgoing) -> str:
    return _OUTGOING.dump_json(outgoing).decode()


def submission_text(submission: Submission) -> str:
    return _SUBMISSION.dump_json(submission).decode()


def pictures_text(pictures: Iterable[PictureFile]) -> str:
    return _PICTURES.dump_json(tuple(pictures)).decode()


def refs_text(refs: tuple[str, ...]) -> str:
    return _REFS.dump_json(refs).decode()


def session_of(text: str) -> Session:
    return Session.model_validate_json(text)


def job_columns(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Named fields of a `Job` as columns. Raises TypeError for a name that is no field."""
    unknown = changes.keys() - JOB_FIELDS
    if unknown:
        raise TypeError(f"a job has no {', '.join(sorted(unknown))}")
    columns: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "chat":
            columns["chat_key"] = value.key
            columns["chat"] = _CHAT.dump_json(value).decode()
        elif name == "order":
            columns["order"] = value.model_dump_json()
        elif name in ("created", "finished"):
            columns[name] = None if value is None else to_text(value)
        elif name == "state":
            columns["state"] = JobState(value).value
        elif name == "pieces":
            columns["pieces"] = _PIECES.dump_json(value).decode()
        elif name == "pictures":
            columns["pictures"] = pictures_text(value)
            columns["picture_count"] = len(value)
        else:
            columns[name] = value
    return columns


def job_row(job: Job) -> dict[str, Any]:
    return job_columns({f.name: getattr(job, f.name) for f in fields(job)})


def job_of(row: Row) -> Job:
    return Job(
        id=row["id"],
        chat=_CHAT.validate_json(row["chat"]),
        order=Order.model_validate_json(row["order"]),
        created=from_text(row["created"]),
        ref=row["ref"],
        state=JobState(row["state"]),
        error_code=row["error_code"],
        estimate_usd=row["estimate_usd"],
        cost=row["cost"],
        currency=row["currency"],
        provider=row["provider"],
        finished=from_text(row["finished"]) if row["finished"] else None,
        pictures=_PICTURES.validate_json(row["pictures"]),
        cancel_asked=bool(row["cancel_asked"]),
        pieces=_PIECES.validate_json(row["pieces"]),
        run=row["run"],
        delivery=row["delivery"],
        by_hand=bool(row["by_hand"]),
        forgotten=bool(row["forgotten"]),
    )


def part_of(row: Row) -> Part:
    return Part(
        key=row["key"],
        job=row["job"],
        provider=row["provider"],
        state=PartState(row["state"]),
        submission=_SUBMISSION.validate_json(row["submission"]) if row["submission"] else None,
        pictures=_PICTURES.validate_json(row["pictures"]),
        cost=row["cost"],
        currency=row["currency"],
        error_code=row["error_code"],
        updated=from_text(row["updated"]),
    )


def delivery_of(row: Row) -> Delivery:
    return Delivery(
        key=row["key"],
        job=row["job"],
        state=DeliveryState(row["state"]),
        place=row["place"],
        refs=_REFS.validate_json(row["refs"]),
    )


def entry_of(row: Row) -> Entry:
    return Entry(
        seq=row["seq"],
        id=row["id"],
        from_person=bool(row["from_person"]),
        at=from_text(row["at"]),
        outgoing=_OUTGOING.validate_json(row["outgoing"]),
    )


def files_of_job(job: Job) -> set[Path]:
    """Every local file a job names: the person's photos and the pictures made."""
    files = {picture.path for picture in job.pictures} | set(job.order.photos)
    return files | ({job.order.mask} if job.order.mask else set())


def files_of_session(session: Session) -> set[Path]:
    """Every local file a session names, waiting orders included."""
    files = {photo.path for photo in session.photos}
    orders = [session.last_order]
    if session.last_result:
        files |= set(session.last_result.pictures)
        orders.append(session.last_result.order)
    if session.question:
        orders += [session.question.order, *session.question.orders]
    for order in orders:
        if order:
            files |= set(order.photos) | ({order.mask} if order.mask else set())
    return files


def files_of_parts(parts: Iterable[Part]) -> set[Path]:
    return {picture.path for part in parts for picture in part.pictures}


def newer_result(stored: Session | None, coming: Session) -> Session:
    """`coming`, with the newer of the two last results.

    A job may finish between the reading of a session and its saving; its result must not be lost by that.
    """
    if stored is None or stored.last_result is None:
        return coming
    if coming.last_result is not None and coming.last_result.at >= stored.last_result.at:
        return coming
    return coming.model_copy(update={"last_result": stored.last_result})
