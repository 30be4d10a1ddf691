"""One thread for an SQLite file's reads and one for its writes: requests that arrive meanwhile are done together.

A hop to a thread, a transaction and above all a commit (a wait for the disk, some milliseconds) cost the same however
much is in them. Each change is still atomic, and its caller continues only when it is on disk.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")
Work = Callable[[sa.Connection], Any]
End = tuple[Any, BaseException | None]
"""What a piece of work returned, or what it raised."""

TOGETHER = 128
"""Pieces of work in one transaction, at most."""


class GroupCommit:
    """`write`: the engine's transactions begin with the write lock, and work may be run twice, after a rollback."""

    def __init__(self, engine: sa.Engine, *, write: bool) -> None:
        self._engine = engine
        self._run = self._written if write else self._read
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-write" if write else "store-read")
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Work, asyncio.Future[Any]]] = deque()
        self._running = False
        self._closed = False

    async def do(self, work: Callable[[sa.Connection], T]) -> T:
        """Raises what `work` raises, and what the commit raises. Once begun, a change is not undone by a cancel.

        A read sees every change that had returned before it was requested: its transaction begins after that.
        """
        loop = asyncio.get_running_loop()
        if self._closed:
            raise RuntimeError("the store is closed")
        future: asyncio.Future[T] = loop.create_future()
        with self._lock:
            self._waiting.append((work, future))
            start, self._running = not self._running, True
        if start:
            # Not at once: other requests of this round of the loop are included.
            loop.call_soon(self._thread.submit, self._drain)
        return await future

    async def aclose(self) -> None:
        """Finishes what was requested until now; raises RuntimeError for later requests."""
        self._closed = True
        await asyncio.sleep(0)  # what was requested in this round has been handed over
        with ThreadPoolExecutor(1) as closing:
            await asyncio.get_running_loop().run_in_executor(closing, self._thread.shutdown)

    def _drain(self) -> None:
        while True:
            with self._lock:
                batch = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
                if not batch:
                    self._running = False
                    return
            try:
                ends = self._run([work for work, _ in batch])
            except BaseException as error:
                ends = [(None, error)] * len(batch)
            _tell([future for _, future in batch], ends)

    def _read(self, batch: Sequence[Work]) -> list[End]:
        with self._engine.connect() as connection, connection.begin():
            return [_end(work, connection) for work in batch]

    def _written(self, batch: Sequence[Work]) -> list[End]:
        """All in one transaction; if one of them fails, none takes effect, and each gets a transaction of its own."""
        with self._engine.connect() as connection:
            with suppress(Exception), connection.begin():
                return [(work(connection), None) for work in batch]
            return [_end(_alone(work), connection) for work in batch]


def _alone(work: Work) -> Work:
    def committed(connection: sa.Connection) -> Any:
        with connection.begin():
            return work(connection)

    return committed


def _end(work: Work, connection: sa.Connection) -> End:
    try:
        return work(connection), None
    except Exception as error:
        return None, error


def _tell(futures: Sequence["asyncio.Future[Any]"], ends: Sequence[End]) -> None:
    """Wakes each loop once."""
    told: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], End]]] = {}
    for future, end in zip(futures, ends, strict=True):
        told.setdefault(future.get_loop(), []).append((future, end))
    for loop, its in told.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, its)


def _settle(its: Sequence[tuple["asyncio.Future[Any]", End]]) -> None:
    for future, (result, error) in its:
        if future.done():  # nobody is waiting any more
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
