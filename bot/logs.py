"""Log lines: plain text for people, JSON for machines. No secret, no words of people, no picture."""

import json
import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from bot.channels.registry import registered

NOISY = ("httpx", "httpcore", "uvicorn", "numba", "PIL")
"""Libraries that would log addresses (with tokens in them) or chatter below a warning; channels name their own."""


class JsonLines(logging.Formatter):
    """One JSON object a line. A traceback is reduced to the names of its frames: its text may hold anything."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


class PlainLines(logging.Formatter):
    """`12:00:01 info    handlers.jobs.runner: …`; an exception is named, its text and stack are not shown."""

    def format(self, record: logging.LogRecord) -> str:
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        text = f"{clock} {record.levelname.lower():<7} {record.name}: {record.getMessage()}"
        if record.exc_info and record.exc_info[0]:
            text += f" ({record.exc_info[0].__name__})"
        return text


AGAIN_SECONDS = 30.0
"""The same line is not written again before."""
_REMEMBERED = 2000


class SaidOnce(logging.Filter):
    """Lets the same warning through once in a while: what is wrong a thousand times a second is said, not shouted.

    The next one that gets through says how many were left out. `clock`: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        key = (record.name, record.levelno, record.getMessage())
        now = self._clock()
        at, left_out = self._said.get(key, (now - AGAIN_SECONDS, 0))
        if now - at < AGAIN_SECONDS:
            self._said[key] = (at, left_out + 1)
            return False
        self._said[key] = (now, 0)
        self._said.move_to_end(key)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        if left_out:
            record.msg, record.args = f"{key[2]} (and {left_out} times more before)", ()
        return True


def configure(level: str, form: str) -> None:
    """Send every log line to stderr in the form asked for."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else PlainLines())
    handler.addFilter(SaidOnce())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in (*NOISY, *(noisy for channel in registered() for noisy in channel.noisy)):
        logging.getLogger(name).setLevel(logging.WARNING)
