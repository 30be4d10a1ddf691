"""The context of the current work: the job and message that log lines are about, and the spans of a trace if enabled.

Neither knows where it goes: `bot/logs.py` writes the one, `bot/traces.py` sends the other, and without a tracer a span
costs nothing. No words, keys, ids of people or addresses of services belong in a span.
"""

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Protocol

Fact = str | int | float | bool


class Span(Protocol):
    """A stretch of work. `note` adds what became known of it."""

    def note(self, name: str, value: Fact) -> None: ...


class Tracer(Protocol):
    def span(self, name: str, facts: Mapping[str, Fact]) -> AbstractContextManager[Span]:
        """Within it, spans are its children; an error that leaves it is named by its class."""


class _Untraced:
    """A span that records nothing."""

    def note(self, name: str, value: Fact) -> None:
        del name, value

    def __enter__(self) -> "_Untraced":
        return self

    def __exit__(self, *error: object) -> None:
        del error


_UNTRACED = _Untraced()
_tracer: Tracer | None = None
_NOTHING: Mapping[str, str] = MappingProxyType({})
_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=_NOTHING)


def use(tracer: Tracer | None) -> None:
    """For the whole process; None turns traces off."""
    global _tracer
    _tracer = tracer


def span(name: str, **facts: Fact) -> AbstractContextManager[Span]:
    """`name` is one of a few; what varies is in the facts."""
    return _UNTRACED if _tracer is None else _tracer.span(name, facts)


@contextmanager
def about(**keys: str) -> Generator[None, None, None]:
    """Log lines within are about this `job`, this `message_key`: the names of rows, nobody's words."""
    token = _about.set({**_about.get(), **keys})
    try:
        yield
    finally:
        _about.reset(token)


def now_about() -> Mapping[str, str]:
    """What the work at hand is about."""
    return _about.get()
