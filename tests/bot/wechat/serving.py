"""uvicorn in the test's own loop, at a port the system chose."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from tests.servers.serving import config, listening_socket
from tests.waiting import LONG


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The test's process keeps its own."""


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    with listening_socket() as sock:
        server = _Server(config(app))
        serving = asyncio.create_task(server._serve([sock]))
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            server.force_exit = True
            await asyncio.wait_for(serving, LONG)
