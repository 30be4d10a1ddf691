"""What dbos logs, as it goes through our log: no texts of exceptions, nothing twice a minute, nothing meant."""

import logging
import time

_MEANT = ("Asyncio task cancelled", "Workflow already exists in queue", "Current version '")
"""Letting go of a job at a stop; a job set going twice; a worker of another version beside this one."""
_TAKEN_OVER = "outcome was not recorded"
"""A run went on in another process meanwhile, as it should."""
_SAID = ("Database connection failed", "Notification listener error")
"""An outage of the database, of which our own log says that and when it is over (`outage.py`)."""
AGAIN_AFTER = 60.0
"""Seconds after which the same complaint is worth another line."""


class QuietRecords(logging.Filter):
    """An exception's text may hold anything, the database's address among it: only what stands before it is kept.

    While a database is away, each thread of dbos says so at every attempt; here that is one line.
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
    """dbos writes to a handler of its own; ours decides where and in which form."""
    logger = logging.getLogger("dbos")
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.WARNING)
    if not any(isinstance(f, QuietRecords) for f in logger.filters):
        logger.addFilter(QuietRecords())
