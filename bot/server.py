"""uvicorn, with a timely end: event streams are told to finish before it waits for open connections."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from bot.front_door import BoundedProtocol, Bounds, Door

GRACE_SECONDS = 3
"""How long responses in progress (a picture being saved) may continue after the signal."""


class Server(uvicorn.Server):
    """`at_end` is called when the stop begins, before open connections are waited for (event streams end then);
    `listening` with the port once connections are accepted. `bound`: a socket that has the address already."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        at_end: Callable[[], None],
        listening: Callable[[int], None] | None = None,
        bound: socket.socket | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        door = Door(bounds or Bounds())
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="asyncio",
                http=cast(Any, partial(BoundedProtocol, door=door)),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._at_end = at_end
        self._listening = listening
        self._bound = bound

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([self._bound] if self._bound is not None else sockets)
        if self.started and self._listening:
            self._listening(self.port)

    @property
    def port(self) -> int:
        """The port in use: the one the system chose if 0 was requested."""
        return int(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._at_end()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals end the server through `stop`. uvicorn's own way raises the signal again when the server has ended,
        which would end the process before the job worker and the store have released their resources.

        In a thread other than the first there are no signals to handle (as in uvicorn).
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """What a SIGTERM does."""
        self.should_exit = True
