"""Where a request goes, read from its address once. Plain addresses are read by one pattern; httpx reads the others.

httpx looks at an address letter by letter, several times for each request, which costs more than sending it.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

import httpx

PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str, int]
"""Scheme, host and port."""

_PLAIN = re.compile(
    r"(https?)://([a-z0-9]+(?:[.-][a-z0-9]+)*)(?::([0-9]{1,5}))?"
    r"((?:/(?:[A-Za-z0-9_~:-](?:[A-Za-z0-9._~:-]|%[0-9A-F]{2})*)?)+(?:\?(?:[A-Za-z0-9/._~&=:-]|%[0-9A-F]{2})*)?)"
)
"""What httpx would leave as it is: no name and password, no fragment, nothing to be quoted, no step up in the path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """`authority`: the `Host` of the request; `path`: with its query. `userinfo`: a name or password stood there."""

    origin: Origin
    authority: bytes
    path: bytes
    userinfo: bool = False


def target_of(address: str) -> Target:
    """Raises httpx.InvalidURL, and httpx.UnsupportedProtocol for what is no http."""
    plain = _PLAIN.fullmatch(address)
    return (_of_plain(*plain.groups()) if plain else None) or target_of_url(httpx.URL(address))


def target_of_url(url: httpx.URL) -> Target:
    """Raises httpx.UnsupportedProtocol for what is no http."""
    if url.scheme not in PORTS or not url.raw_host:
        raise httpx.UnsupportedProtocol("not an http address")
    port = PORTS[url.scheme] if url.port is None else url.port
    origin = url.scheme, url.raw_host.decode("ascii"), port
    return Target(origin=origin, authority=url.netloc, path=url.raw_path, userinfo=bool(url.userinfo))


def _of_plain(scheme: str, host: str, port: str | None, path: str) -> Target | None:
    """None where more than the pattern is to be looked at: numbers that are no address, names of other letters."""
    number = int(port) if port else PORTS[scheme]
    if not 0 < number < 65536 or "xn--" in host:
        return None
    if host.replace(".", "").isdigit():
        try:
            IPv4Address(host)
        except ValueError:
            return None
    authority = host if number == PORTS[scheme] else f"{host}:{number}"
    return Target(origin=(scheme, host, number), authority=authority.encode(), path=path.encode())
