"""All durations in one value; tests make them short."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.channels.arrivals import Timing as IntakeTiming
from bot.channels.telegram.inbound.joining import ALBUM_LONGEST, ALBUM_PAUSE, TEXT_PAUSE, Joining
from bot.channels.telegram.inbound.photos import PAUSES
from bot.channels.telegram.inbound.update_source import POLL_SECONDS
from bot.channels.telegram.outbound.limits import Clock

RETRIES: tuple[float, ...] = (0.5, 2.0, 8.0)
"""Seconds before a message is handled again after an error of ours."""
STOP_SECONDS = 3.0
LOOK_SECONDS = 2.0
"""Between two looks for what dead processes left."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds. `wall`: Unix time, for what is remembered across restarts."""

    clock: Clock = field(default_factory=Clock)
    album_pause: float = ALBUM_PAUSE
    album_longest: float = ALBUM_LONGEST
    text_pause: float = TEXT_PAUSE
    photo_pauses: tuple[float, ...] = PAUSES
    retries: tuple[float, ...] = RETRIES
    poll_seconds: int = POLL_SECONDS
    stop_seconds: float = STOP_SECONDS
    look: float = LOOK_SECONDS
    wall: Callable[[], float] = time.time

    @property
    def joining(self) -> Joining:
        return Joining(album_pause=self.album_pause, album_longest=self.album_longest, text_pause=self.text_pause)

    @property
    def intake(self) -> IntakeTiming:
        return IntakeTiming(
            retries=self.retries, stop=self.stop_seconds, look=self.look, sleep=self.clock.sleep, now=self.clock.now
        )
