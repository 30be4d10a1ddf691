"""Which IP addresses a download may connect to: only those of the public internet.

Source: the IANA special-purpose registries, as `ipaddress` knows them, plus the ways an IPv4 address hides in IPv6.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence

from providers.net.connection import Connection
from providers.net.target import Origin

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) → every IP address of the name, as text. Raises OSError where there is none."""

_MAPPED = ipaddress.ip_network("::ffff:0:0/96")
_TRANSLATED = ipaddress.ip_network("::ffff:0:0:0/96")  # SIIT, RFC 2765
_COMPATIBLE = ipaddress.ip_network("::/96")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; cloud metadata lives here too
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "64:ff9b:1::/48",  # NAT64 of one's own network
        "100::/64",
        "2001::/23",  # Teredo and other tunnels
        "fec0::/10",  # the old site-local
    )
)
_MAX_ADDRESSES = 4


def is_public(text: str) -> bool:
    """Whether an IP address, as text, belongs to the public internet. What cannot be read does not."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        hidden = _hidden(address)
        if hidden is not None:
            return is_public(str(hidden))
    if any(address in network for network in _REFUSED if network.version == address.version):
        return False
    refused = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not refused


def _hidden(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a packet to this IPv6 address may end at."""
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    if any(address in network for network in (_MAPPED, _TRANSLATED, _COMPATIBLE, _NAT64)):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


async def resolve(host: str, port: int) -> Sequence[str]:
    """The system's resolver. Raises OSError, UnicodeError.

    Not in the loop's default threads, which dbos replaces, and not in a pool, which the end of the process would
    wait for: a look-up may hang for half a minute.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[list[str]] = loop.create_future()

    def answer(found: list[str] | OSError | UnicodeError) -> None:
        if answered.done():  # nobody waits any more
            return
        if isinstance(found, list):
            answered.set_result(found)
        else:
            answered.set_exception(found)

    def look_up() -> None:
        found: list[str] | OSError | UnicodeError
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            found = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        except (OSError, UnicodeError) as error:
            found = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(answer, found)

    threading.Thread(target=look_up, name="dns", daemon=True).start()
    return await answered


class NotPublic(Exception):
    """One of a name's addresses is not public, and the origin is not trusted."""


Dial = Callable[[str, int, ssl.SSLContext | None, str | None], Awaitable[Connection]]
"""(address, port, TLS, the name its certificate must bear) → a connection. Raises OSError."""


async def dial(address: str, port: int, tls: ssl.SSLContext | None, name: str | None) -> Connection:
    """Over the system's network."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(loop), address, port, ssl=tls, server_hostname=name)
    return connection


class CheckedNetwork:
    """Opens connections to public addresses only, and to the very address that was checked (a `net.transport.Opener`).

    The check sits where the connection is made: there is no second look-up in between which could answer
    differently. Certificates are still checked against the name.
    """

    def __init__(self, *, trusted_origins: frozenset[tuple[str, int]], resolver: Resolver, dial: Dial = dial) -> None:
        self._trusted = trusted_origins
        self._resolver = resolver
        self._dial = dial

    async def __call__(self, origin: Origin, tls: ssl.SSLContext | None) -> Connection:
        """Raises NotPublic; OSError or UnicodeError where there is no such name or nobody answers."""
        _, host, port = origin
        failure: OSError = ConnectionError("no address")
        for address in await self._addresses(host, port):
            try:
                return await self._dial(address, port, tls, host if tls else None)
            except OSError as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        addresses = [host] if _is_address(host) else await self._resolver(host, port)
        if (host, port) not in self._trusted and not all(is_public(address) for address in addresses):
            raise NotPublic
        return addresses[:_MAX_ADDRESSES]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
