"""One writer for an SQLite file: what waits while a commit reaches the disk is committed together with the next one.

A commit costs a wait for the disk, some milliseconds, however much is in it. Each change is still whole or not at all
(a savepoint of its own), and whoever asked for it goes on only when it is on the disk.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")
Work = Callable[[sa.Connection], Any]

TOGETHER = 128
"""Changes in one commit, at most."""


class GroupCommit:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Work, asyncio.Future[Any]]] = deque()
        self._running = False

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Raises what `work` raises, and what the commit raises. Once begun, a change is not undone by a cancel."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.append((work, future))
            start, self._running = not self._running, True
        if start:
            try:
                self._thread.submit(self._drain)
            except RuntimeError:  # closed
                with self._lock:
                    self._running = False
                raise
        return await future

    def close(self) -> None:
        """Blocks until everything that waits is written."""
        self._thread.shutdown()

    def _drain(self) -> None:
        while True:
            with self._lock:
                batch = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
                if not batch:
                    self._running = False
                    return
            try:
                ends = self._commit([work for work, _ in batch])
            except BaseException as error:
                ends = [(None, error)] * len(batch)
            for (_, future), (result, fault) in zip(batch, ends, strict=True):
                _tell(future, result, fault)

    def _commit(self, batch: list[Work]) -> list[tuple[Any, BaseException | None]]:
        ends: list[tuple[Any, BaseException | None]] = []
        with self._engine.connect().execution_options(write=True) as connection, connection.begin():
            for work in batch:
                point = connection.begin_nested()
                try:
                    result = work(connection)
                    point.commit()
                    ends.append((result, None))
                except Exception as error:
                    point.rollback()
                    ends.append((None, error))
        return ends


def _tell(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    def tell() -> None:
        if future.done():  # nobody waits any more
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    loop = future.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(tell)
