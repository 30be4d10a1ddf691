"""Which updates of a person are one message: the parts of an album, and of a text that their client split.

The parts of an album arrive one by one, in any order, with no sign which is the last, and other things may come in
between. They are gathered until no further part has arrived for a moment, or the person continued with text. Clients
send a text longer than a message as several; one that nearly fills a message waits a moment for its rest. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.arrivals import Arrival, Joined
from bot.channels.telegram.inbound.updates import Post, Tap
from bot.channels.telegram.mini_app.desk import Drawn
from bot.channels.telegram.outbound.ephemeral import Action

ALBUM_PAUSE = 1.5
"""Seconds after the last part; 0.6 to 2.5 are seen in running bots."""
ALBUM_LONGEST = 10.0
TEXT_PAUSE = 1.5
"""Seconds to wait for the rest of a split text."""
NEARLY_FULL = 3600
"""UTF-16 units, of the 4096 of a message: clients split at a space or a line end before the limit."""


def line_of(chat: str, person: str) -> str:
    """One person's in one chat, by the chat's name."""
    return f"{chat}|{person}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """Something a person sent, or pressed. `chat` is the chat's name; `at`: Unix time when it came."""

    chat: str
    what: Post | Tap | Drawn
    at: float = 0.0

    @property
    def message(self) -> int:
        """Its number in the chat; what came from the Mini App has none."""
        return 0 if isinstance(self.what, Drawn) else self.what.message

    @property
    def action(self) -> Action | None:
        """What may be answered for its person's eyes only."""
        if isinstance(self.what, Tap):
            return Action(at=self.at, query=self.what.query)
        if isinstance(self.what, Post) and self.what.ephemeral is not None:
            return Action(at=self.at, command=self.what.ephemeral)
        return None

    @property
    def without_photo(self) -> bool:
        return not (isinstance(self.what, Post) and self.what.photos)

    @property
    def album(self) -> str | None:
        return self.what.album if isinstance(self.what, Post) and self.what.edited is None else None

    @property
    def plain_text(self) -> bool:
        post = self.what
        return isinstance(post, Post) and bool(post.text) and post.edited is None and not (post.album or post.photos)

    @property
    def may_be_cut(self) -> bool:
        return self.plain_text and isinstance(self.what, Post) and self.what.units >= NEARLY_FULL


Waiting = Sequence[Arrival[Heard]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """Seconds; see the constants."""

    album_pause: float = ALBUM_PAUSE
    album_longest: float = ALBUM_LONGEST
    text_pause: float = TEXT_PAUSE

    def __call__(self, waiting: Waiting, now: float) -> Joined[Heard]:
        first = waiting[0].value
        if first.album is not None:
            return self._album(waiting, now, first.album)
        if first.may_be_cut:
            return self._text(waiting, now)
        return Joined(arrivals=(waiting[0],))

    def _album(self, waiting: Waiting, now: float, album: str) -> Joined[Heard]:
        parts = [arrival for arrival in waiting if arrival.value.album == album]
        begun, last = min(part.at for part in parts), max(part.at for part in parts)
        went_on = any(arrival.value.without_photo for arrival in waiting if arrival.value.album != album)
        left = 0.0 if went_on else min(last + self.album_pause, begun + self.album_longest) - now
        parts.sort(key=lambda part: part.value.message)
        return Joined(arrivals=tuple(parts), wait=max(left, 0.0), open=True)

    def _text(self, waiting: Waiting, now: float) -> Joined[Heard]:
        parts = [waiting[0]]
        for arrival in waiting[1:]:
            if not (parts[-1].value.may_be_cut and arrival.value.plain_text):
                return Joined(arrivals=tuple(parts))
            parts.append(arrival)
        left = parts[-1].at + self.text_pause - now if parts[-1].value.may_be_cut else 0.0
        return Joined(arrivals=tuple(parts), wait=max(left, 0.0), open=parts[-1].value.may_be_cut)
