"""How much the whole bot may write, shared by the processes of a machine: numbers in a file, changed under its lock.

A front answers and a worker delivers; Telegram counts them together. The numbers are seconds of the machine's own
clock, which starts anew with it and is another one elsewhere: so the file is named after the start of the machine.
Machines that share a folder have a file each, and each its own measure, as they have with folders of their own.
"""

import fcntl
import hashlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from providers.media.files import PRIVATE_FILE, make_folder

WHOLE = 1.0 - 1e-6
"""A token, but for rounding: without this a wait could be too short to move a clock."""
_NUMBERS = struct.Struct("<6d")
PATIENCE, _PAUSE = 0.02, 0.0002
"""Seconds. Whoever holds the lock has it for some microseconds: where it cannot be had (its process is frozen, say) it
is not waited for any longer, and this process goes by what it knew last."""
_OLD_SECONDS = 86_400.0


@dataclass
class Bucket:
    """Fills with `rate` a second up to `size`."""

    rate: float
    size: float
    level: float = field(init=False)
    at: float = 0.0
    resting_until: float = 0.0
    careful_until: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.size

    def fill(self, now: float) -> None:
        if now > self.at:
            self.level = min(self.size, self.level + (now - self.at) * self.rate)
        self.at = max(self.at, now)

    def wait(self, now: float) -> float:
        """Seconds until one can be taken."""
        self.fill(now)
        rest = max(0.0, self.resting_until - now)
        return max(rest, (1.0 - self.level) / self.rate if self.level < WHOLE else 0.0)


class WholeBot:
    """`folder`: of the installation; None: this process writes alone."""

    def __init__(self, *, rate: float, burst: float, folder: Path | None = None, patience: float = PATIENCE) -> None:
        self._bucket = Bucket(rate, burst)
        self._burst = burst
        self._patience = patience
        self._folder = folder
        self._file: int | None = None

    @property
    def reduced(self) -> bool:
        """Whether bursts were smaller than usual when this process last looked."""
        return self._bucket.size < self._burst

    @contextmanager
    def bucket(self) -> Iterator[Bucket]:
        """As it is now; what is changed in it is changed for all. Blocks for microseconds: await nothing in it."""
        if not self._locked():
            yield self._bucket
            return
        assert self._file is not None  # noqa: S101 - it is locked
        try:
            kept = os.pread(self._file, _NUMBERS.size, 0)
            if len(kept) == _NUMBERS.size:
                self._load(*_NUMBERS.unpack(kept))
            yield self._bucket
            its = self._bucket
            numbers = (its.rate, its.size, its.level, its.at, its.resting_until, its.careful_until)
            os.pwrite(self._file, _NUMBERS.pack(*numbers), 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _load(
        self, rate: float, size: float, level: float, at: float, resting_until: float, careful_until: float
    ) -> None:
        its = self._bucket
        its.rate, its.size, its.level, its.at = rate, size, level, at
        its.resting_until, its.careful_until = resting_until, careful_until

    def _locked(self) -> bool:
        if self._folder is None:
            return False
        if self._file is None:
            self._file = _opened(self._folder)
        end = time.monotonic() + self._patience
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            if time.monotonic() > end:
                return False
            time.sleep(_PAUSE)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _opened(folder: Path) -> int:
    make_folder(folder)
    mine = folder / f"{_start_of_the_machine()}.written"
    for old in folder.glob("*.written"):
        with suppress(FileNotFoundError):
            if old != mine and time.time() - old.stat().st_mtime > _OLD_SECONDS:
                old.unlink()
    return os.open(mine, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)


def _start_of_the_machine() -> str:
    try:
        told = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
    except OSError:  # not Linux
        told = socket.gethostname()
    return hashlib.sha256(told.encode()).hexdigest()[:12]
