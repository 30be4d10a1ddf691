"""What a decision stands on: the message as heard, and the few pure facts it may ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from handlers.message import Message
from handlers.order import Order
from handlers.store import Job, Usage
from handlers.table import LaidPhoto, Table
from intent import Intent


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What an order would take. `usd` for all its pictures; `seconds` until the last is there.

    `basic` is true where the embedded provider would do all of it: free, on this machine.
    """

    usd: float
    seconds: float
    basic: bool = False


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A message with everything known about its sender at that moment. `photos`, `quoted` have been accepted."""

    message: Message
    now: datetime
    table: Table
    photos: tuple[LaidPhoto, ...] = ()
    quoted: tuple[LaidPhoto, ...] = ()
    refused: tuple[str, ...] = ()
    """Sentences, one for each photo that could not be accepted."""
    running: tuple[Job, ...] = ()
    named_job: Job | None = None
    """The job a tapped choice or a quoted result speaks of, if it is this person's."""
    usage: Usage | None = None


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The pure facts a decision may ask for.

    `quote` raises `AskPerson` where nothing configured can do the order, or a key is unknown.
    `read` is the intent parser. `confirm_above`: USD from which the person is asked first.
    """

    quote: Callable[[Order], Quote]
    read: Callable[[str, int], Intent]
    confirm_above: float = 2.0
    max_running: int = 6
