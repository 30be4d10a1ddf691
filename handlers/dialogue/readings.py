"""Which reading people meant when they were asked: counted by kind, without their words.

The words themselves are stored only if the operator turned that on (`INTENT_KEEP_MESSAGES`), as data owned by the
person: deleted when the person is forgotten, and after the retention time.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handlers.message import Message
from handlers.order import Order, job_id
from handlers.session import Question
from handlers.store.base import Values

_COUNTS = "intent.readings"
_MESSAGES = "intent.messages"
OWN_IDEA = "own idea"


@dataclass(frozen=True, kw_only=True)
class Picked:
    """The reading that was tapped. `about`: the message that was asked about; `first`: the kind that was considered
    most likely."""

    about: str
    first: str
    meant: str


def kind_of(order: Order) -> str:
    """A style, an edit, `series`, `create`, or `own idea`: never the person's own words."""
    shot = order.shots[0]
    match order.operation:
        case "edit":
            return f"edit {shot.edits[0].action}" if shot.edits else "edit"
        case "portrait":
            return f"portrait {shot.style or OWN_IDEA}"
        case other:
            return other


def picked_from(question: Question, number: int) -> Picked | None:
    """None if the tap was not on the reading that was asked about."""
    if question.about is None:
        return None
    first, meant = kind_of(question.orders[0]), kind_of(question.orders[number])
    return Picked(about=question.about, first=first, meant=meant)


def about(message: Message) -> str:
    """A message's name in these records; it does not reveal whose it was."""
    return job_id(message.key)


async def count_picked(store: Values, message: Message, picked: Picked, *, at: datetime, days: int) -> None:
    """`message`: the tap."""

    def one_more(before: str | None) -> str:
        return str(int(before or 0) + 1)

    await store.change(_COUNTS, f"{picked.first} > {picked.meant}", one_more)

    def with_answer(before: str | None) -> str | None:
        return None if before is None else json.dumps(json.loads(before) | {"meant": picked.meant}, ensure_ascii=False)

    expires = at + timedelta(days=days)
    await store.change(_MESSAGES, picked.about, with_answer, owner=message.chat.owner, expires=expires)


async def keep_message(store: Values, message: Message, question: Question, *, at: datetime, days: int) -> None:
    """The text that was asked about, for the operator to review."""
    row = {"at": at.isoformat(), "text": message.text, "offered": [kind_of(order) for order in question.orders]}
    text = json.dumps(row, ensure_ascii=False)
    expires = at + timedelta(days=days)
    await store.set_value(_MESSAGES, about(message), text, owner=message.chat.owner, expires=expires)


async def review(store: Values, *, messages: bool) -> dict[str, Any]:
    """The counts, highest first, and the messages if they are kept."""
    counts = sorted(((key, int(value)) for key, value in await store.space(_COUNTS)), key=lambda row: (-row[1], row[0]))
    picked = [{"first": k.split(" > ")[0], "meant": k.split(" > ")[1], "times": n} for k, n in counts]
    kept = [json.loads(value) for _, value in await store.space(_MESSAGES)] if messages else []
    return {"picked": picked, "messages": sorted(kept, key=lambda row: str(row["at"]))}
