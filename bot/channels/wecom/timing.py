"""All durations of the channel in one value: tests turn it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.channels.arrivals import Timing


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds.

    `first`: how long the first answer waits for the handlers before it only says that the message came. `look`:
    between two looks at what other processes wrote. `silence`: a stream that nobody asked for this long is given up,
    and what was ready for it comes late. `settle`: how long a job's last words may come after its last status.
    `expecting`: how long a stream waits for something where the handlers said nothing. `update`: between two frames of
    progress in a conversation over the long connection (30 messages a minute are allowed). `rest`: how long a
    conversation is left alone that the platform found too fast. `lively`: a text older than this gets a sign that it
    goes on. `patience`: how long a delivery waits for the process that has the connection, at a time. `lease`: how
    long a dead process holds the connection's place.
    """

    first: float = 0.7
    look: float = 0.25
    silence: float = 20.0
    settle: float = 3.0
    expecting: float = 45.0
    update: float = 3.0
    rest: float = 5.0
    lively: float = 6.0
    patience: float = 30.0
    lease: float = 15.0
    photo_pauses: tuple[float, ...] = (0.5, 2.0, 6.0)
    intake: Timing = field(default_factory=Timing)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
