"""Everything that takes time, in one value; tests make it short."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.channels.telegram.inbound.photos import PAUSES
from bot.channels.telegram.inbound.update_source import POLL_SECONDS
from bot.channels.telegram.inbound.user_queues import ALBUM_LONGEST, ALBUM_PAUSE
from bot.channels.telegram.outbound.limits import Clock

RETRIES: tuple[float, ...] = (0.5, 2.0, 8.0)
"""Seconds before a message is handled again after a fault of ours."""
STOP_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds. `wall`: Unix time, for what is remembered across restarts."""

    clock: Clock = field(default_factory=Clock)
    album_pause: float = ALBUM_PAUSE
    album_longest: float = ALBUM_LONGEST
    photo_pauses: tuple[float, ...] = PAUSES
    retries: tuple[float, ...] = RETRIES
    poll_seconds: int = POLL_SECONDS
    stop_seconds: float = STOP_SECONDS
    wall: Callable[[], float] = time.time
