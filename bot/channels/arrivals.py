"""What goes through an intake, and what a channel brings to it: arrivals, how they are joined, and their receiver."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

from handlers.message import Kind, Message, Outgoing
from handlers.words import words

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival(Generic[T]):
    """Something a person sent, stored in the inbox under `key`. `line`: the person's; a line is handled in order.

    `at`: seconds on the intake's clock, when it joined its line. `taken_up`: another process acknowledged it.
    """

    key: str
    line: str
    value: T
    at: float = 0.0
    taken_up: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined(Generic[T]):
    """The first arrivals of a line that form one message. `wait`: seconds for which more of it may come.

    `open`: what other processes took of this line is looked for once more before it is handled.
    """

    arrivals: tuple[Arrival[T], ...]
    wait: float = 0.0
    open: bool = False


class Kept(Enum):
    """What became of an arrival that was to be stored."""

    HERE = auto()
    """It is this process's to begin."""
    THERE = auto()
    """Another process works on its line, and has it now."""
    KNOWN = auto()
    """It was seen before."""


class Outcome(Enum):
    """What became of a message."""

    DONE = auto()
    FAILED = auto()
    """It cannot be handled, and the person was told."""
    LATER = auto()
    """Handled, but the answer could not be sent; retried in a minute."""


@dataclass(frozen=True, kw_only=True)
class Replies:
    """What the handlers answer; after repeated errors of ours, one sentence that says so."""

    outgoing: tuple[Outgoing, ...]
    failed: bool = False

    @property
    def outcome(self) -> Outcome:
        return Outcome.FAILED if self.failed else Outcome.DONE


class Receiver(Protocol[T]):
    """What a channel does with its messages."""

    async def read(self, key: str, payload: str) -> Arrival[T] | None:
        """An arrival from its inbox row. None if it no longer concerns us; raises ValueError if it cannot be read."""

    async def handle(self, arrivals: tuple[Arrival[T], ...]) -> Outcome | Awaitable[Outcome]:
        """One message: download its pictures, ask the handlers (`Intake.replies`), send their answer. Work that need
        not delay the person's next message is returned, to be awaited in parallel."""

    async def give_up(self, arrivals: tuple[Arrival[T], ...]) -> None:
        """It cannot be handled: delete its files and tell the person."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds. `retries`: pauses before the handlers are asked again; `again`: before a message is restarted."""

    lease: float = 10.0
    look: float = 2.0
    """Between two looks for rows that others left."""
    passed: float = 0.2
    """Between two looks for rows that others put into our lines, while we have any."""
    retries: tuple[float, ...] = (0.5, 2.0, 8.0)
    again: tuple[float, ...] = (1.0, 5.0, 20.0, 60.0)
    later: float = 60.0
    stop: float = 2.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], float] | None = None
    """The clock of `Arrival.at`; None for the loop's."""


def one_by_one(waiting: Sequence[Arrival[T]], _now: float) -> Joined[T]:
    """Each arrival is a message of its own."""
    return Joined(arrivals=(waiting[0],))


def internal_error(message: Message) -> Outgoing:
    """The sentence for a message that we cannot handle."""
    language = message.language_hint or "en"
    return Outgoing(
        id=f"{message.key}:error",
        kind=Kind.TEXT,
        text=words(language, "error.internal"),
        ref=message.ref,
        language=language,
    )
