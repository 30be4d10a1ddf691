"""The network address behind a request: a name for it that tells nothing, and how often it may post.

Behind a proxy on this machine uvicorn puts the forwarded address in place (another proxy's is named by the variable
FORWARDED_ALLOW_IPS of uvicorn). This machine itself has no name: nothing is counted against it.
"""

import time
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from starlette.requests import HTTPConnection

from bot.channels.web.cookies import Sessions

POSTS_PER_MINUTE = 120
"""Of one address, in one process; more than anybody types, and a school or an office still fits."""
_PREFIX = 64
"""Bits of an IPv6 address that one customer has: the rest they may change as they like."""


def address_of(connection: HTTPConnection, sessions: Sessions) -> str | None:
    """128 bits that only this installation can make; None for this machine, or where nothing is known."""
    try:
        address = ip_address(connection.client.host if connection.client else "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return None
    if isinstance(address, IPv6Address):
        address = IPv6Address(int(address) >> (128 - _PREFIX) << (128 - _PREFIX))
    return sessions.seal("address", str(address))


class PostPace:
    """Counts posts by address and minute; what is counted goes with its minute, so it cannot grow for ever."""

    def __init__(self, *, most: int = POSTS_PER_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._minute = 0
        self._posts: Counter[str] = Counter()

    def lets(self, address: str | None) -> bool:
        if address is None:
            return True
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._posts.clear()
        self._posts[address] += 1
        return self._posts[address] <= self._most
