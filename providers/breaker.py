"""The breaker: a service that keeps failing is skipped for a while, then tried with a single request.

    closed      fewer than BREAKER_FAILURES failures in a row: it is asked as usual
    open        for BREAKER_SECONDS since the last failure: skipped
    half open   after that one request is let through; while it runs the others still skip

A refusal of a request (bad input, policy) is no failure, and any job that is taken closes it. What is remembered lies
in a file beside the other state, so that commands of the shell, each a process of its own, share it with the bot.
"""

import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from providers.media.files import PRIVATE_FILE, PRIVATE_FOLDER, write_file

log = logging.getLogger(__name__)

FAILURES = 3
SECONDS = 60.0
_NAME = "breaker.json"
_LOCK = "breaker.lock"


class Breaker:
    """`folder`: where it is remembered; None: in this process only. `clock`: seconds since the epoch."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        failures: int = FAILURES,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._failures = failures
        self._seconds = seconds
        self._clock = clock
        self._rows: dict[str, list[float]] = {}
        """By service: failures in a row, and when it may be asked again."""
        self._read: int | None = None

    def lets(self, name: str) -> bool:
        """Whether the service may be asked now. If it is half open, this request is the one let through."""
        self._refresh()
        if not self._tripped(name):
            return True
        if self.is_open(name):
            return False
        with self._exclusive():
            if self._tripped(name) and self._rests(name):
                return False  # another process has let its own request through
            self._rows[name] = [self._failures, self._clock() + self._seconds]
        return True

    def is_open(self, name: str) -> bool:
        """Whether it would be skipped. Looks only."""
        self._refresh()
        return self._tripped(name) and self._rests(name)

    def failed(self, name: str) -> None:
        with self._exclusive():
            failures = self._rows.get(name, [0.0, 0.0])[0] + 1
            self._rows[name] = [failures, self._clock() + self._seconds]

    def worked(self, name: str) -> None:
        self._refresh()
        if name in self._rows:
            with self._exclusive():
                self._rows.pop(name, None)

    def _rests(self, name: str) -> bool:
        """No longer than `seconds` from now, whatever is written: whoever wrote it may have another time of day."""
        return 0.0 < self._rows[name][1] - self._clock() <= self._seconds

    def _tripped(self, name: str) -> bool:
        return self._rows.get(name, [0.0, 0.0])[0] >= self._failures

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """A change of the rows that no other process's change comes between. Takes well under a millisecond."""
        if self._folder is None:
            yield
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
            lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        except OSError as error:
            _cannot(error)
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._refresh()
            yield
            self._write(self._folder)
        finally:
            os.close(lock)

    def _refresh(self) -> None:
        """What another process has written since we looked."""
        if self._folder is None:
            return
        path = self._folder / _NAME
        try:
            written = path.stat().st_mtime_ns
            if written != self._read:
                self._rows = _rows_of(json.loads(path.read_bytes()))
                self._read = written
        except (OSError, ValueError):
            return

    def _write(self, folder: Path) -> None:
        try:
            write_file(json.dumps(self._rows).encode(), into=folder, name=_NAME, synced=False)
            self._read = (folder / _NAME).stat().st_mtime_ns
        except OSError as error:
            _cannot(error)


def _cannot(error: OSError) -> None:
    """Remembering is a convenience: the request itself continues."""
    log.warning("the breaker's state could not be saved: %s", type(error).__name__)


def _rows_of(data: Any) -> dict[str, list[float]]:
    if not isinstance(data, dict):
        return {}
    return {
        name: [float(row[0]), float(row[1])]
        for name, row in data.items()
        if isinstance(row, list) and len(row) == 2 and all(isinstance(value, int | float) for value in row)
    }
