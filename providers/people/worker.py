"""A worker process and its calls: cheap to import here; OpenCV and the networks are loaded only in the worker.

One process, one job at a time, in the order asked. A worker that dies takes its job with it: the job is begun once
more with a new worker, then given up. The worker ends with its parent, even when the parent is killed.

A spawned process usually runs its parent's main script once more. Ours must not: a script that calls the Python API
without `if __name__ == "__main__"` would make, and pay for, everything again over there.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import connection, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.sharedctypes import Synchronized
from types import ModuleType
from typing import Any, cast

from providers.errors import MadeNothing

ATTEMPTS = 2


def start_worker(module: str, progress: "Synchronized[float]", pid: "Synchronized[int]") -> None:
    """Runs first in a new worker."""
    pid.value = os.getpid()
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    import_module(module).start(progress)


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def _called(module: str, name: str, args: tuple[Any, ...]) -> Any:
    return getattr(import_module(module), name)(*args)


@contextmanager
def _main_out_of_sight() -> Iterator[None]:
    """What `multiprocessing.spawn.get_preparation_data` finds then has no file to run."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class _Spawned(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with _main_out_of_sight():
            return SpawnProcess._Popen(process_obj)


class _Context(SpawnContext):
    Process = _Spawned


class Worker:
    """Started at first use, and again whenever it has died. Belongs to one event loop.

    `module` names what runs over there: its `start(progress)` is called first, then its functions by name.
    """

    def __init__(self, module: str) -> None:
        context = _Context()
        self._module = module
        self._context = context
        self._progress = cast("Synchronized[float]", context.Value("d", 0.0))
        self._pid = cast("Synchronized[int]", context.Value("i", 0))
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()
        self._closed = False

    @property
    def fraction(self) -> float:
        """How far the running job is, 0 to 1."""
        return float(self._progress.value)

    @property
    def pid(self) -> int | None:
        """The process id while there is a worker."""
        return (self._pid.value or None) if self._pool is not None else None

    async def call(
        self,
        name: str,
        *args: Any,
        module: str | None = None,
        began: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Any:
        """Call a function of the module, or of another `module`, when its turn comes. `began` is called when it does;
        `stopped` says whether the worker's death was meant.

        Raises MadeNothing where the worker died twice, was stopped, or this is closed; and what the function raises.
        """
        async with self._turn:
            began()
            for _ in range(ATTEMPTS):
                if stopped():
                    raise MadeNothing("stopped", code="cancelled", retryable=False)
                try:
                    return await self._run(name, args, module)
                except BrokenProcessPool:
                    await self._drop()
            if stopped():
                raise MadeNothing("stopped", code="cancelled", retryable=False)
            raise MadeNothing("the worker process died twice")

    async def check(self) -> str:
        """What the module's `ready` says. Raises BrokenProcessPool or ImportError where it cannot start."""
        async with self._turn:
            return str(await self._run("ready", ()))

    async def _run(self, name: str, args: tuple[Any, ...], module: str | None = None) -> Any:
        if self._closed:
            raise MadeNothing("closed")
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1,
                mp_context=self._context,
                initializer=start_worker,
                initargs=(self._module, self._progress, self._pid),
            )
        self._progress.value = 0.0
        return await asyncio.wrap_future(self._pool.submit(_called, module or self._module, name, args))

    def kill(self) -> None:
        """End the worker in the middle of its job."""
        pid = self.pid
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    async def _drop(self) -> None:
        pool, self._pool = self._pool, None
        self._pid.value = 0
        if pool is not None:
            # A thread of its own: `shutdown` waits for the process, and nobody else's pool may be held up by that.
            loop, ended = asyncio.get_running_loop(), asyncio.Event()

            def shut() -> None:
                pool.shutdown(wait=True, cancel_futures=True)
                with suppress(RuntimeError):  # the loop may have been closed meanwhile
                    loop.call_soon_threadsafe(ended.set)

            threading.Thread(target=shut, daemon=True).start()
            await ended.wait()

    async def close(self) -> None:
        self._closed = True
        self.kill()
        await self._drop()
