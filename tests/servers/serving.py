"""An ASGI application on 127.0.0.1 at a port the system chose, in a thread of its own, for a `with` block."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from tests.waiting import LONG


def listening_socket(port: int = 0) -> socket.socket:
    """Bound and listening before the server runs, so that its address is known and a first request waits."""
    # asyncio switches Nagle's delay off only for sockets that say they are TCP; otherwise each answer takes 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(512)
    return sock


def config(app: ASGIApp, *, sockets: bool = False) -> uvicorn.Config:
    """`sockets`: whether it speaks WebSocket, too."""
    ws: Literal["none", "websockets-sansio"] = "websockets-sansio" if sockets else "none"
    return uvicorn.Config(
        app, loop="asyncio", http="httptools", ws=ws, lifespan="off", log_config=None, access_log=False
    )


class _Server(uvicorn.Server):
    """Ends at once: open streams of a test that is over are of no interest."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)


@contextmanager
def serving(app: ASGIApp, *, sockets: bool = False) -> Iterator[str]:
    """Yields the address, such as `http://127.0.0.1:40123`."""
    with listening_socket() as sock:
        server = _Server(config(app, sockets=sockets))
        thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=LONG)
