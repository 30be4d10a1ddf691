"""dbos's log lines, filtered into ours: no texts of exceptions, no repeats within a minute, nothing expected."""

import logging
import time

_MEANT = ("Asyncio task cancelled", "Workflow already exists in queue", "Current version '")
"""Letting go of a job at a stop; a job started twice; a worker of another version beside this one."""
_TAKEN_OVER = "outcome was not recorded"
"""A run continued in another process meanwhile, as intended."""
_SAID = ("Database connection failed", "Notification listener error")
"""An outage of the database, which our own log reports, with its end (`outage.py`)."""
AGAIN_AFTER = 60.0
"""Seconds after which the same complaint is worth another line."""


class QuietRecords(logging.Filter):
    """An exception's text may hold anything, the database's address among it: only what precedes it is logged.

    While a database is away, each thread of dbos complains at every attempt; here that becomes one line.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if text.startswith((*_MEANT, *_SAID)) or text.endswith(_TAKEN_OVER):
            return False
        text = text.partition(":")[0]
        record.msg, record.args, record.exc_info, record.exc_text = text, (), None, None
        now = time.monotonic()
        if now - self._said.get(text, -AGAIN_AFTER) < AGAIN_AFTER:
            return False
        if len(self._said) > 100:
            self._said.clear()
        self._said[text] = now
        return True


def tame_log() -> None:
    """dbos writes to a handler of its own; ours decides the destination and the format."""
    logger = logging.getLogger("dbos")
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.WARNING)
    if not any(isinstance(f, QuietRecords) for f in logger.filters):
        logger.addFilter(QuietRecords())
