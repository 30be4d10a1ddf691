"""How fast one conversation is written to: 30 messages a minute are allowed, for everybody there together.

Source: WeCom documentation 101463. Several people of a group may have a running stream each: they share the frames that
show progress, which leaves room for what must be said. A conversation that was found too fast (45009) is left alone for
a moment.
"""

from collections.abc import Callable

STILL_RUNNING = 60.0
"""Seconds after its last frame in which a stream counts."""


class Pacing:
    """`update`: seconds between two frames of progress in a conversation; `rest`: how long it is left alone. `now`:
    seconds of any clock."""

    def __init__(self, *, update: float, rest: float, now: Callable[[], float]) -> None:
        self._update = update
        self._rest = rest
        self._now = now
        self._streams: dict[str, dict[str, float]] = {}
        """By conversation: when each of its streams had its last frame."""
        self._resting: dict[str, float] = {}

    def due(self, chat: str, stream: str) -> bool:
        """Whether this stream may show its progress now: in turn with the others of the conversation."""
        running = self._streams.get(chat, {})
        for name in [name for name, at in running.items() if at <= self._now() - STILL_RUNNING]:
            del running[name]
        last = running.get(stream)
        return last is None or self._now() - last >= self._update * len(running)

    def sent(self, chat: str, stream: str) -> None:
        self._streams.setdefault(chat, {})[stream] = self._now()

    def over(self, chat: str, stream: str) -> None:
        running = self._streams.get(chat, {})
        running.pop(stream, None)
        if not running:
            self._streams.pop(chat, None)

    def too_fast(self, chat: str) -> None:
        """The platform said so, or asked to be asked again."""
        self._resting[chat] = self._now() + self._rest

    def rests(self, chat: str) -> bool:
        until = self._resting.get(chat)
        if until is not None and self._now() >= until:
            del self._resting[chat]
            return False
        return until is not None
