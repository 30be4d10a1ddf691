"""What a connection may cost before the app sees it: sizes, times and numbers.

uvicorn's httptools protocol limits neither a request's head nor the time it takes, and closes a silent connection only
after its first answer. Below are those limits, and nothing else: the protocol stays uvicorn's.
"""

import asyncio
import logging
import resource
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger(__name__)

SPARE_FILES = 256
"""Open files reserved for the database, the providers and the pictures."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """`head`: bytes of target and headers. `head_seconds`: until a request's head has arrived, the first or a later
    one.

    A body may pause, but after `body_grace` seconds it must have arrived with `body_rate` bytes a second on average.
    `connections`: at once, of everybody; `each`: of one address beyond this machine (a proxy in front is on it, or
    counts by itself).
    """

    head: int = 32 * 1024
    head_seconds: float = 15.0
    body_grace: float = 30.0
    body_rate: float = 1024.0
    body_look: float = 5.0
    connections: int = 0
    """0: as many as the open files of this process allow."""
    each: int = 100

    @property
    def most(self) -> int:
        if self.connections:
            return self.connections
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return 4096 if soft == resource.RLIM_INFINITY else max(64, min(4096, soft - SPARE_FILES))


@dataclass
class Door:
    """The connections of this process."""

    bounds: Bounds = field(default_factory=Bounds)
    open: int = 0
    by_address: Counter[str] = field(default_factory=Counter)

    def enter(self, address: str) -> bool:
        """False if there is no room; then it is not counted."""
        if self.open >= self.bounds.most:
            log.warning("all %d connections are taken; more are turned away", self.bounds.most)
            return False
        if not _is_here(address) and self.by_address[address] >= self.bounds.each:
            log.warning("an address has %d connections open; more are turned away", self.bounds.each)
            return False
        self.open += 1
        self.by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        self.open -= 1
        self.by_address[address] -= 1
        if not self.by_address[address]:
            del self.by_address[address]


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:  # a socket file
        return True


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, door: Door, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._door = door
        self._bounds = door.bounds
        self._address = ""
        self._inside = False
        self._refused = False
        self._in_head = True
        self._head = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._body_timer: asyncio.TimerHandle | None = None
        self._body_began = 0.0
        self._body = 0

    # --- opening and closing a connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._inside = self._door.enter(self._address)
        if self._inside:
            self._expect_head()
        else:
            self._refuse(503, "Service Unavailable")

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        if self._inside:
            self._inside = False
            self._door.leave(self._address)
        super().connection_lost(exc)

    def _refuse(self, status: int, reason: str) -> None:
        """A response without a body, then close; what still arrives is not read."""
        self._refused = True
        self._stop_timers()
        self._unset_keepalive_if_required()
        head = f"HTTP/1.1 {status} {reason}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        self.transport.write(head.encode())
        self.transport.close()

    def _stop_timers(self) -> None:
        for timer in (self._head_timer, self._body_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._body_timer = None

    # --- a head

    def _expect_head(self) -> None:
        self._in_head, self._head = True, 0
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self._bounds.head_seconds, self._head_too_slow)

    def _head_too_slow(self) -> None:
        self._head_timer = None
        self._refuse(408, "Request Timeout")

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._head += len(data)
        super().data_received(data)
        if self._refused or self.transport.is_closing():
            return
        # A request that came in one piece, as nearly all do, is past both by now and has cost no timer.
        if self._in_head and self._head > self._bounds.head:
            self._refuse(431, "Request Header Fields Too Large")
        elif self._in_head and self._head and self._head_timer is None:
            self._head_timer = self.loop.call_later(self._bounds.head_seconds, self._head_too_slow)
        elif not self._in_head and self._body_timer is None:
            self._body_began = self.loop.time()
            self._body_timer = self.loop.call_later(self._bounds.body_look, self._look_at_body)

    def on_headers_complete(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self._in_head = False
        if self._head > self._bounds.head and self._head_size() > self._bounds.head:
            self._refuse(431, "Request Header Fields Too Large")
        elif self.parser.get_http_version() not in ("1.0", "1.1"):
            self._refuse(505, "HTTP Version Not Supported")
        else:
            self._body = 0
            super().on_headers_complete()

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    # --- a body

    def _look_at_body(self) -> None:
        took = self.loop.time() - self._body_began
        if self.flow.read_paused:  # it is we who are slow
            self._body_began += self._bounds.body_look
        elif took > self._bounds.body_grace and self._body < took * self._bounds.body_rate:
            log.warning("cutting off a request whose body arrives too slowly")
            self._refused = True
            self.transport.abort()
            return
        self._body_timer = self.loop.call_later(self._bounds.body_look, self._look_at_body)

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            self._body += len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None
        if not self._refused:
            self._in_head, self._head = True, 0
            super().on_message_complete()
