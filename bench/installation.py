"""A whole installation on one machine: PostgreSQL, a fake service, fronts and workers as processes of their own.

For the programs that put it under fire (`storm`, `flood`). Everything is on loopback and ends with the program.
"""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from starlette.requests import HTTPConnection
from starlette.responses import Response

from bot.channels.web.cookies import Sessions, load_secret
from tests.servers.fal import KEY

ROOT = Path(__file__).parents[1]
READY = re.compile(r"ready", re.IGNORECASE)
START_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@dataclass
class Program:
    """`likeness WORDS`, started, killed and started again under the same settings."""

    words: tuple[str, ...]
    home: Path
    env: dict[str, str]
    process: asyncio.subprocess.Process | None = None
    kills: int = 0
    _one_start: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> None:
        """Until it says that it is ready. Raises RuntimeError where it ends instead."""
        self.process = await self._begun()
        assert self.process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = await self.process.stdout.readline()
        if not READY.search(line.decode()):
            raise RuntimeError(f"`likeness {' '.join(self.words)}` did not start; see its log in {self.home}")

    async def keep_running(self) -> None:
        """Start it until it runs, as a service manager does: it may be killed while it starts, or find no database."""
        async with self._one_start:
            while self.process is None or self.process.returncode is not None:
                with contextlib.suppress(RuntimeError, TimeoutError):
                    await self.start()

    async def output(self) -> bytes:
        """What it prints until it ends by itself."""
        self.process = await self._begun()
        printed, _ = await self.process.communicate()
        return printed

    async def _begun(self) -> asyncio.subprocess.Process:
        log = await asyncio.to_thread((self.home / f"{self.words[0]}.log").open, "ab")
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "from bot.cli import main; main()",
                *self.words,
                cwd=self.home,
                env={"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONPATH": str(ROOT), **self.env},
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        finally:
            log.close()

    async def kill(self) -> None:
        """By signal 9."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
            self.kills += 1


@dataclass
class Installation:
    """`people` of it have cookies signed with its own secret: none needs to open the page first."""

    home: Path
    fal: httpx.AsyncClient
    env: dict[str, str]
    fronts: list[tuple[str, Program]] = field(default_factory=list)
    workers: list[Program] = field(default_factory=list)

    @property
    def sessions(self) -> Sessions:
        return Sessions(secret=load_secret(self.home / "data" / "secret"))

    def person(self) -> tuple[str, str]:
        """Somebody new: who they are, and the value of the `cookie` header."""
        connection = HTTPConnection({"type": "http", "scheme": "http", "path": "/", "headers": [], "query_string": b""})
        response = Response()
        chat = self.sessions.greet(connection, response)
        return chat.person, response.headers["set-cookie"].partition(";")[0]

    async def add_front(self, *more: str) -> None:
        port = free_port()
        program = Program(("run", "--channels", "web", "--port", str(port), *more), self.home, dict(self.env))
        await program.start()
        self.fronts.append((f"http://127.0.0.1:{port}", program))

    async def add_worker(self) -> None:
        program = Program(("worker",), self.home, dict(self.env))
        await program.start()
        self.workers.append(program)

    async def end(self) -> None:
        for program in (*self.workers, *(program for _, program in self.fronts)):
            await program.kill()


@asynccontextmanager
async def installation(
    home: Path, fal: httpx.AsyncClient, database: str | None, **env: str
) -> AsyncIterator[Installation]:
    """`env`: settings besides those that it takes to be one."""
    settings = {
        "DATA_DIR": str(home / "data"),
        "OUTPUT_DIR": str(home / "pictures"),
        "FAL_KEY": KEY,
        "PHOTO_ADVICE": "off",  # its photos show nobody
        "FAL_QUEUE_URL": str(fal.base_url).rstrip("/"),
        "BUDGET_BOT_DAILY_USD": "100000",
        "PICTURES_BOT_DAILY": "",
        "LOG_LEVEL": "info",
        **env,
    }
    if database is not None:
        settings["DATABASE_URL"] = database
    made = Installation(home=home, fal=fal, env=settings)
    try:
        yield made
    finally:
        await made.end()
