"""A server on 127.0.0.1 that says exactly what a test wants, byte by byte, over connections that are kept open."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Served:
    """`connections`: how many there were; `heads`: the heads of the requests, in order."""

    talk: Callable[["Served", Reader, Writer], Awaitable[None]]
    url: str = ""
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """A request's head is there."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """A connection ended."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def request(self, reader: Reader) -> bytes:
        """The next request's body; its head is kept. Raises IncompleteReadError at the end of the connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        self.asked.set()
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        return await reader.readexactly(int(lines.get(b"content-length", b"0")))

    async def connected(self, reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await self.talk(self, reader, writer)
        finally:
            self.tasks.discard(task)
            self.ended.set()
            writer.transport.abort()


Talk = Callable[[Served, Reader, Writer], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Served]:
    served = Served(talk=talk)
    server = await asyncio.start_server(served.connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    served.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/a?b=c"
    try:
        yield served
    finally:
        server.close()
        left = list(served.tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()


def always(*answers: bytes) -> Talk:
    """Each request of a connection gets the next answer; after the last the connection ends."""

    async def talk(served: Served, reader: Reader, writer: Writer) -> None:
        for answer in answers:
            await served.request(reader)
            writer.write(answer)
            await writer.drain()

    return talk


async def forever(served: Served, reader: Reader, writer: Writer) -> None:
    while True:
        await served.request(reader)
        writer.write(OK)
        await writer.drain()


async def silent(served: Served, reader: Reader, writer: Writer) -> None:
    await served.request(reader)
    await reader.read()
