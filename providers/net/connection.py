"""One connection to a server, one exchange at a time: HTTP/1.1 on asyncio's transports, answers read by httptools.

Every error is one of httpx's, and tells how far the request got. Nothing is ever sent twice.

    WriteTimeout           a piece of the request did not leave within `write` seconds
    ReadTimeout            no more of the answer came within `read` seconds
    ReadError              the connection broke
    RemoteProtocolError    the server ended it in the middle of the answer or before it, or spoke no HTTP
    LocalProtocolError     the request itself is none: a line break in a header, a body of another length than promised

An answer that comes while the request is still being sent (413, say) is the answer; the rest is not sent.
"""

import asyncio
import select
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import cast

import httptools
import httpx

Headers = list[tuple[bytes, bytes]]

LARGEST_HEAD = 128 * 1024
"""Bytes of an answer that are not its body: head, chunk sizes and trailer, between two pieces of the body."""
HELD = 256 * 1024
"""Bytes of an answer kept for a slow reader before the server is made to wait."""
PIECE = 128 * 1024
"""Bytes of a request written at a time; each must leave within the write time-out."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The status line and headers of an answer."""

    status: int
    headers: Headers


class Connection(asyncio.Protocol):
    """Made by `loop.create_connection`. `send`, then `head`, then `pieces`; `finished` says whether once more."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        # What h11 lets pass, under httpx: old servers and careless proxies, whose answer may be of a paid job.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_version=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._slow = False
        """The server accepts no more just now."""
        self._fault: httpx.TransportError | None = None
        self._busy = False
        self._begin()

    def _begin(self) -> None:
        self._sent = self._done = self._keep = False
        self._head: Head | None = None
        self._headers: Headers = []
        self._pieces: deque[bytes] = deque()
        self._held = self._idle_bytes = 0
        self._until_close = self._doubtful = False

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # What create_connection makes; those of other loops (uvloop) are of a class of their own.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._busy or self._done:
            self._fail(httpx.RemoteProtocolError("an answer without a request"))
            return
        self._idle_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._done:  # what follows a whole answer only ends the connection's use
                self._fail(httpx.RemoteProtocolError(type(error).__name__))
            self._keep = False
        if self._idle_bytes > LARGEST_HEAD and not self._done:
            self._fail(httpx.RemoteProtocolError("a head without end"))
        if self._held > HELD and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        if self._until_close and self._fault is None:
            self._done = True
        self._ended(httpx.RemoteProtocolError("the server ended the connection"))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        kind = httpx.RemoteProtocolError if error is None else httpx.ReadError
        self._ended(kind("the server ended the connection"))

    def _ended(self, fault: httpx.TransportError) -> None:
        self._keep = False
        self._fault = self._fault or fault
        self._wake()

    def pause_writing(self) -> None:
        self._slow = True

    def resume_writing(self) -> None:
        self._slow = False
        self._wake()

    # --- the parser's side

    def on_message_begin(self) -> None:
        if self._done:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._head is not None:  # a second answer to one request
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200:  # "go on", or a hint: the answer is still to come
            self._headers = []
            return
        lengths = {name.lower() for name, _ in self._headers} & {b"content-length", b"transfer-encoding"}
        self._until_close = not lengths
        self._doubtful = len(lengths) > 1
        self._head = Head(status=status, headers=self._headers)

    def on_body(self, body: bytes) -> None:
        if not self._done:
            self._pieces.append(body)
            self._held += len(body)
            self._idle_bytes = 0

    def on_message_complete(self) -> None:
        if self._head is not None and not self._done:
            self._done = True
            self._keep = self._parser.should_keep_alive() and not self._doubtful

    # --- the request's side

    async def send(
        self, head: bytes, body: AsyncIterable[bytes] | None = None, *, chunked: bool, timeout: float | None
    ) -> None:
        """Returns early, and without a fault, where the answer is there or the connection is gone: see `head`.

        `body` None: it is in `head` already, or there is none.
        """
        self._begin()
        self._busy = True
        if body is None:
            self._sent = await self._write(head, timeout)
            return
        batch, size = [head], len(head)
        async for data in body:
            framed = (b"%x\r\n" % len(data), data, b"\r\n") if chunked and data else (data,)
            for part in framed:
                # Small parts leave together; a large one is not copied.
                if size + len(part) > PIECE:
                    if not await self._write(b"".join(batch), timeout):
                        return
                    batch, size = [], 0
                if len(part) > PIECE:
                    if not await self._write(part, timeout):
                        return
                else:
                    batch.append(part)
                    size += len(part)
        if chunked:
            batch.append(b"0\r\n\r\n")
        self._sent = await self._write(b"".join(batch), timeout)

    async def _write(self, data: bytes, timeout: float | None) -> bool:
        view = memoryview(data)
        for at in range(0, len(data), PIECE):
            if self._transport is None or self._done or self._fault is not None:
                return False
            self._transport.write(view[at : at + PIECE])
            while self._slow and self._fault is None and not self._done:
                await self._wait(timeout, httpx.WriteTimeout("the server takes no more"))
        return True

    async def head(self, timeout: float | None) -> Head:
        while self._head is None:
            if self._fault is not None:
                raise self._fault
            await self._wait(timeout, httpx.ReadTimeout("no answer"))
        return self._head

    async def pieces(self, timeout: float | None) -> AsyncIterator[bytes]:
        """The body as it comes; ends only after a whole one."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._held -= len(piece)
                yield piece
            if self._done:
                return
            if self._fault is not None:
                raise self._fault
            if self._transport is not None and not self._transport.is_reading():
                self._transport.resume_reading()
            await self._wait(timeout, httpx.ReadTimeout("the answer stopped"))

    async def _wait(self, timeout: float | None, error: Exception) -> None:
        """Until something happens, at most `timeout` seconds."""
        waiter = self._waiter = self._loop.create_future()
        timer = None if timeout is None else self._loop.call_later(timeout, _fail, waiter, error)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, fault: httpx.TransportError) -> None:
        self._ended(fault)
        self.abort()

    # --- the pool's side

    def finished(self) -> bool:
        """The exchange is over. Whether the connection may be used for another."""
        self._busy = False
        return self._sent and self._done and self._keep and self.alive()

    def alive(self) -> bool:
        """Whether the server has kept an unused connection open, by the very last that the system knows."""
        if self._transport is None or self._transport.is_closing() or self._fault is not None:
            return False
        if not self._transport.is_reading():
            self._transport.resume_reading()
        sock = self._transport.get_extra_info("socket")
        # Something to read on a connection without a request is its end, even where asyncio has not told yet.
        return sock is not None and not _readable(sock.fileno())

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _fail(waiter: "asyncio.Future[None]", error: Exception) -> None:
    if not waiter.done():
        waiter.set_exception(error)


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
