"""Worker slots: the name under which a process runs jobs, so that the jobs of a dead process are found and taken up.

A slot is held by a lock that the system drops when the process dies: `flock` on a file for SQLite, an advisory lock
of a connection for PostgreSQL. Every method blocks briefly: call it on a thread, always the same one.
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

import psycopg

SLOTS = tuple(f"w{n}" for n in range(64))
T = TypeVar("T")


class SlotTaken(RuntimeError):
    """Another live process runs under this slot; two under one name would steal each other's jobs."""


class Slots(Protocol):
    def take(self, wanted: str | None = None) -> str:
        """Hold a slot until `close`: the wanted one, else the first that is free. Raises SlotTaken."""

    def held(self) -> bool:
        """Whether the slot is still ours; once False, another process may have taken up our jobs."""

    def if_dead(self, slot: str, work: Callable[[], T]) -> T | None:
        """Do `work` while holding `slot` for a moment, if no live process holds it; else None."""

    def close(self) -> None: ...


class FileSlots:
    """Slots of the processes of one machine, as locked files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None

    def _lock(self, slot: str) -> int | None:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self._folder / f"worker-{slot}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        return file

    def take(self, wanted: str | None = None) -> str:
        for slot in (wanted,) if wanted else SLOTS:
            self._file = self._lock(slot)
            if self._file is not None:
                return slot
        raise SlotTaken(wanted or "all slots")

    def held(self) -> bool:
        return self._file is not None

    def if_dead(self, slot: str, work: Callable[[], T]) -> T | None:
        file = self._lock(slot)
        if file is None:
            return None
        try:
            return work()
        finally:
            os.close(file)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class PostgresSlots:
    """Slots of all processes on one PostgreSQL database. `url` must reach the server itself, not a pooling proxy."""

    _SPACE = 740_512_001

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._connection: psycopg.Connection[tuple[bool]] | None = None

    def _connected(self) -> "psycopg.Connection[tuple[bool]]":
        if self._connection is None:
            self._connection = psycopg.connect(self._url, autocommit=True, application_name="likeness slot")
            # So that the lock of a machine that vanished from the network is free after some ten seconds.
            for name, value in (("idle", "5"), ("interval", "2"), ("count", "3")):
                self._connection.execute("SELECT set_config(%s, %s, false)", (f"tcp_keepalives_{name}", value))
        return self._connection

    def _try(self, slot: str) -> bool:
        query = "SELECT pg_try_advisory_lock(%s, %s)"
        row = self._connected().execute(query, (self._SPACE, SLOTS.index(slot))).fetchone()
        return row is not None and bool(row[0])

    def take(self, wanted: str | None = None) -> str:
        for slot in (wanted,) if wanted else SLOTS:
            if self._try(slot):
                return slot
        raise SlotTaken(wanted or "all slots")

    def held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def if_dead(self, slot: str, work: Callable[[], T]) -> T | None:
        if slot not in SLOTS or not self._try(slot):
            return None
        try:
            return work()
        finally:
            self._connected().execute("SELECT pg_advisory_unlock(%s, %s)", (self._SPACE, SLOTS.index(slot)))

    def close(self) -> None:
        if self._connection is not None:
            # The server notices a closed connection only a moment later; the next start need not wait for that.
            with suppress(psycopg.Error):
                self._connection.execute("SELECT pg_advisory_unlock_all()")
            self._connection.close()
            self._connection = None
