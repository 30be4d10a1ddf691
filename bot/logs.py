"""Log lines: plain text for people, JSON for machines. No secrets, no words of people, no pictures.

Ours are written with that in mind. Libraries' lines are not: they may quote an exception, and with it a statement, the
database's address, a token in an address. So of theirs only the words before such a thing are kept.
"""

import json
import logging
import re
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from bot.channels.registry import registered
from providers.tracing import now_about

SILENT = ("python_multipart",)
"""Libraries that warn about what strangers send: a line for each malformed post, which has been refused already."""
NOISY = ("httpx", "httpcore", "uvicorn", "numba", "PIL")
"""Libraries that would log addresses (with tokens in them) or chatter below a warning; channels name their own."""


OURS = ("bot", "handlers", "intent", "providers", "__main__")
"""Packages whose lines are shown unfiltered."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+|\b(?:host|hostaddr|user|password|dbname|port)=\S+")
_RAISED = re.compile(r"^([A-Za-z_][\w.]*)(?::|$)")


def said(record: logging.LogRecord) -> str:
    """The words of a line that may be shown.

    Of a library's: the first line, up to a colon or an address. If it is a whole traceback, the name of its error.
    """
    text = record.getMessage()
    if record.name.partition(".")[0] in OURS:
        return text
    first, *rest = text.strip().splitlines() or [""]
    if first.startswith("Traceback") and rest:
        raised = _RAISED.match(rest[-1])
        return raised[1].rpartition(".")[2] if raised else "Traceback"
    return _ADDRESS.sub("…", first.partition(": ")[0]).rstrip(": ")


class JsonLines(logging.Formatter):
    """One JSON object a line; `job` and `message_key` where it is about one (`Says`). An error is named by
    its class: its text may hold anything."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": said(record),
        }
        line |= getattr(record, ABOUT, {})
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


class PlainLines(logging.Formatter):
    """`12:00:01 info    handlers.jobs.runner: …`; an exception is named, its text and stack are not shown."""

    def format(self, record: logging.LogRecord) -> str:
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        text = f"{clock} {record.levelname.lower():<7} {record.name}: {said(record)}"
        if record.exc_info and record.exc_info[0]:
            text += f" ({record.exc_info[0].__name__})"
        return text


ABOUT = "likeness_about"
_JOB = re.compile(r"\bjob=(\S+)")


class Says(logging.Filter):
    """Puts on a line which `job` and which message (`message_key`) it is about: those that the work at hand is for, or
    the job that it names itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        named = _JOB.search(record.getMessage()) if record.name.partition(".")[0] in OURS else None
        setattr(record, ABOUT, {**now_about(), **({"job": named[1]} if named else {})})
        return True


AGAIN_SECONDS = 30.0
"""Seconds before the same line is written again."""
_REMEMBERED = 2000


class SaidOnce(logging.Filter):
    """Lets the same warning through once in a while, so that a fault a thousand times a second does not flood the log.

    The next one that gets through says how many were left out. `clock`: monotonic seconds.
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
    """Send every log line to stderr in the requested format."""
    logging.raiseExceptions = False  # a line that cannot be written is no reason to print a stack with its arguments
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else PlainLines())
    handler.addFilter(SaidOnce())
    if form == "json":
        handler.addFilter(Says())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in (*NOISY, *(noisy for channel in registered() for noisy in channel.noisy)):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.ERROR)
    threading.excepthook = _thread_ended


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    """A thread of a library broke: Python would print its traceback, texts of exceptions included."""
    name = args.thread.name if args.thread else "?"
    logging.getLogger(__name__).error("a thread ended: name=%s %s", name, args.exc_type.__name__)
