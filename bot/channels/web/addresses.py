"""The network address behind a request: a hash of it, and how often it may post.

Behind a proxy on this machine uvicorn puts the forwarded address in place (for another proxy, see uvicorn's variable
FORWARDED_ALLOW_IPS). This machine itself has no hash: nothing is counted against it.
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
"""Bits of an IPv6 address that belong to one customer, who may change the rest at will."""


def address_of(connection: HTTPConnection, sessions: Sessions) -> str | None:
    """128 bits that only this installation can compute; None for this machine, or if the address is unknown."""
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
    """Counts posts by address and minute; counters are dropped with their minute, so memory cannot grow for ever."""

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
