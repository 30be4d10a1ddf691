"""Duplicates count once: a double press, and an edit that leaves the request unchanged.

A platform's own redeliveries carry the same key and never get here. These duplicates come from a finger, a second tab,
a client.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from handlers.dialogue.turn import Decision
from handlers.message import Message
from handlers.order import Order
from handlers.session import Question, Session
from handlers.store.base import Job, Limit

PRESS_SECONDS = 1.0
"""The same choice or text again within this time is the same press: nobody means it twice so soon."""
PRESSED_TWICE = "pressed_twice"


def press_limits(message: Message, jobs: Sequence[Job], now: datetime) -> tuple[Limit, ...]:
    """The limit that a message which starts something counts against, in the transaction that starts it.

    Time is cut into slices of `PRESS_SECONDS`, and a press takes its own slice and the next: of two presses closer than
    that, the second finds its slice taken, whichever process handles it.
    """
    if not jobs:
        return ()
    said = message.choice or message.text.casefold()
    photos = "|".join(photo.key for photo in (*message.photos, *message.quoted_photos))
    name = hashlib.sha256(f"{message.chat.key}\x1f{said}\x1f{photos}".encode()).hexdigest()[:24]
    first = int((message.at or now).timestamp() / PRESS_SECONDS)
    return tuple(
        Limit(scope=f"press:{name}:{part}", amount=Decimal(1), most=Decimal(1), code=PRESSED_TWICE)
        for part in (first, first + 1)
    )


def changes_nothing(message: Message, before: Session, decision: Decision, led_to: Sequence[Order]) -> bool:
    """Whether an edited message leads to nothing that it has not led to already (`led_to`: those orders).

    A photo not seen before is news whatever the text says; text that leads to no picture, no question and no command is
    not answered a second time.
    """
    seen = {photo.key for photo in before.photos}
    if any(photo.key not in seen for photo in message.photos):
        return False
    if decision.jobs:
        return all(any(_same_wish(job.order, order) for order in led_to) for job in decision.jobs)
    acts = decision.cancel or decision.forget or decision.resend or decision.fetch
    asked, asks = before.question, decision.session.question
    return not acts and (asks is None or (asked is not None and _question(asks) == _question(asked)))


def _question(question: Question) -> Question:
    return question.model_copy(update={"at": datetime.min})


def _same_wish(one: Order, other: Order) -> bool:
    plain = {"photos": (), "mask": None, "language": "en", "take": 0}
    return one.model_copy(update=plain) == other.model_copy(update=plain)
