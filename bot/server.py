"""uvicorn, with an end that comes in time: event streams are told to finish before it waits for open connections."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 4
"""How long answers in progress (a picture being saved) may go on after the signal."""


class Server(uvicorn.Server):
    """`end_streams` is called when the stop begins; `listening` with the port once connections are taken."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        end_streams: Callable[[], None],
        listening: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="asyncio",
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._end_streams = end_streams
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._listening:
            self._listening(self.port)

    @property
    def port(self) -> int:
        """The port in use: the one the system chose where 0 was asked for."""
        return int(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_streams()
        await super().shutdown(sockets)

    def stop(self) -> None:
        """What a SIGTERM does."""
        self.should_exit = True
