"""Downloads from addresses that others gave us: a person, or a provider's answer.

Public http and https only, never a private address (`addresses.py`; checked anew after every redirect), no name and
password in the address, no proxy from the environment, no step from https down to http (anyone on the way could put
another picture in), at most 5 redirects, and never more bytes or seconds than allowed, whatever the other side claims.
An origin named in the settings is trusted: its private addresses are allowed.

What goes wrong becomes, by `given_by`:

    reason                              "person": AskPerson      "provider"
    no usable address, userinfo, …      bad_url                  MadeNothing    result_refused
    private address                     url_not_public           MadeNothing    result_refused
    more than `max_bytes`               url_too_large            MadeNothing    result_refused
    4xx                                 url_not_found            MadeNothing    result_gone
    too slow                            url_timeout              WaitAndRetry   result_unreachable
    network, 408, 425, 429, 5xx, …      url_failed               WaitAndRetry   result_unreachable
"""

import asyncio
import base64
import binascii
import re
import ssl
import zlib
from collections.abc import AsyncIterator
from typing import Literal
from urllib.parse import unquote_to_bytes

import httpcore
import httpx

from providers.codes import known_code
from providers.errors import AskPerson, LikenessError, MadeNothing, WaitAndRetry
from providers.media.addresses import CheckedNetwork, NotPublic, Resolver, resolve

MAX_BYTES = 20 * 1024 * 1024
TIMEOUT = 60.0
MAX_REDIRECTS = 5
MAX_URL_LENGTH = 8192
_AT_ONCE = 16
"""Downloads side by side, each over a pool of one connection: httpcore looks at all of a pool's for each request."""
_CONNECT_TIMEOUT = 10.0
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = ((b"User-Agent", b"likeness"), (b"Accept", b"image/*,*/*;q=0.5"), (b"Accept-Encoding", b"identity"))
_WORTH_REPEATING = (408, 425, 429)
_GIVEN_BY = Literal["person", "provider"]
_REASON = Literal["bad_url", "not_public", "too_large", "not_found", "timeout", "failed"]


class _Stopped(Exception):
    def __init__(self, reason: _REASON, hint: str = "", *, retry_after: float | None = None) -> None:
        self.reason: _REASON = reason
        self.hint = hint
        self.retry_after = retry_after
        super().__init__(reason)


class Downloader:
    """One per event loop; safe for many downloads at once; `aclose` it (or `async with`) when done.

    `trusted_origins`: (host, port) as `ProviderSettings.trusted_origins` gives them. `max_bytes`: of the decoded body.
    `timeout`: seconds for one download with its redirects. `resolver`, `ssl_context` and `network` (which opens the
    connection to a checked address) replace the system's.
    """

    def __init__(
        self,
        *,
        trusted_origins: frozenset[tuple[str, int]] = frozenset(),
        max_bytes: int = MAX_BYTES,
        timeout: float = TIMEOUT,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout = timeout
        checked = CheckedNetwork(trusted_origins=trusted_origins, resolver=resolver or resolve, network=network)
        context = ssl_context or httpx.create_ssl_context()
        self._lanes = [
            httpcore.AsyncConnectionPool(
                ssl_context=context, max_connections=1, keepalive_expiry=5.0, network_backend=checked
            )
            for _ in range(_AT_ONCE)
        ]
        self._free = list(self._lanes)
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def download(self, url: str, *, given_by: _GIVEN_BY, max_bytes: int | None = None) -> bytes:
        """The body of `url` (http, https or data:). `max_bytes` replaces the downloader's own.

        Raises as the module's table says; no error carries the address.
        """
        limit = self._max_bytes if max_bytes is None else max_bytes
        try:
            if url[:5].lower() == "data:":
                return _from_data_uri(url, limit)
            async with asyncio.timeout(self._timeout):
                return await self._through_redirects(url, limit)
        except _Stopped as stopped:
            raise _sorted_error(stopped, given_by, limit) from None
        except NotPublic:
            raise _sorted_error(_Stopped("not_public", "not a public address"), given_by, limit) from None
        except (TimeoutError, httpcore.TimeoutException):
            raise _sorted_error(_Stopped("timeout", "too slow"), given_by, limit) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, OSError):
            raise _sorted_error(_Stopped("failed", "network fault"), given_by, limit) from None

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            await lane.aclose()

    async def __aenter__(self) -> "Downloader":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def _through_redirects(self, address: str, limit: int) -> bytes:
        url = _parsed(address)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._once(url, limit)
            if isinstance(answer, bytes):
                return answer
            if url.scheme == "https" and answer.scheme == "http":
                raise _Stopped("bad_url", "redirect from https to http")
            url = answer
        raise _Stopped("failed", "too many redirects")

    async def _once(self, url: httpx.URL, limit: int) -> bytes | httpx.URL:
        """One request, when a lane is free: the body, or where it redirects to."""
        async with self._room:
            lane = self._free.pop()  # the one used last: its connection is the likeliest to be open still
            try:
                return await self._asked(lane, url, limit)
            finally:
                self._free.append(lane)

    async def _asked(self, lane: httpcore.AsyncConnectionPool, url: httpx.URL, limit: int) -> bytes | httpx.URL:
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers = [(b"Host", url.netloc), *_HEADERS]
        patience = {"connect": min(_CONNECT_TIMEOUT, self._timeout), "read": self._timeout, "write": self._timeout}
        async with lane.stream("GET", target, headers=headers, extensions={"timeout": patience}) as response:
            told = {name.lower(): value for name, value in response.headers}
            if response.status in _REDIRECTS:
                return _redirected(url, told.get(b"location", b""))
            _check_status(response.status, told)
            length = told.get(b"content-length", b"")
            if length.isdigit() and (len(length) > 18 or int(length) > limit):
                raise _Stopped("too_large", "too large by its own account")
            decoder = _decoder(told.get(b"content-encoding", b"identity"))
            return await _counted(response.aiter_stream(), decoder, limit)


def _parsed(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address.strip())
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise _Stopped("bad_url", "not a URL") from None
    return _checked(url)


def _checked(url: httpx.URL) -> httpx.URL:
    if url.scheme not in ("http", "https") or not url.raw_host or len(url.raw_path) > MAX_URL_LENGTH:
        raise _Stopped("bad_url", "not a public http address")
    if url.userinfo:
        raise _Stopped("bad_url", "name or password in the address")
    if url.port is not None and not 0 < url.port < 65536:
        raise _Stopped("bad_url", "no such port")
    return url


def _redirected(url: httpx.URL, location: bytes) -> httpx.URL:
    if not location:
        raise _Stopped("failed", "a redirect to nowhere")
    try:
        return _checked(url.join(location.decode("utf-8")))
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise _Stopped("bad_url", "a redirect to no URL") from None


def _check_status(status: int, headers: dict[bytes, bytes]) -> None:
    if status == 200:
        return
    if 400 <= status < 500 and status not in _WORTH_REPEATING:
        raise _Stopped("not_found", f"HTTP {status}")
    after = headers.get(b"retry-after", b"")
    raise _Stopped("failed", f"HTTP {status}", retry_after=float(after) if re.fullmatch(rb"\d{1,6}", after) else None)


class _Plain:
    """A body as it is: the same face as zlib's decompressor."""

    eof = True
    unconsumed_tail = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        del max_length
        return data


def _decoder(encoding: bytes) -> "_Plain | zlib._Decompress":
    """We ask for none, but some servers compress all the same."""
    name = encoding.strip().lower()
    if name in (b"", b"identity"):
        return _Plain()
    if name in (b"gzip", b"x-gzip", b"deflate"):
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its head
    raise _Stopped("failed", "an encoding we did not ask for")


async def _counted(stream: AsyncIterator[bytes], decoder: "_Plain | zlib._Decompress", limit: int) -> bytes:
    """The decoded body; stops at the first byte above `limit`, decoded or not."""
    body = bytearray()
    received = 0
    async for chunk in stream:
        received += len(chunk)
        try:
            while chunk:
                body += decoder.decompress(chunk, limit + 1 - len(body))
                if len(body) > limit or received > limit:
                    raise _Stopped("too_large", "too large")
                chunk = decoder.unconsumed_tail
        except zlib.error:
            raise _Stopped("failed", "damaged encoding") from None
    if not decoder.eof:
        raise _Stopped("failed", "cut off")
    return bytes(body)


def _from_data_uri(url: str, limit: int) -> bytes:
    head, comma, payload = url[5:].partition(",")
    if not comma:
        raise _Stopped("bad_url", "not a data: URI")
    encoded = head.lower().endswith(";base64")
    if len(payload) > (limit * 4 // 3 + 4 if encoded else limit * 3) * 1.05:  # line breaks
        raise _Stopped("too_large", "too large")
    try:
        data = unquote_to_bytes(payload)
        if encoded:
            data = base64.b64decode(b"".join(data.split()), validate=True)
    except (binascii.Error, UnicodeError):
        raise _Stopped("bad_url", "damaged base64") from None
    if len(data) > limit:
        raise _Stopped("too_large", "too large")
    return data


def _sorted_error(stopped: _Stopped, given_by: _GIVEN_BY, limit: int) -> LikenessError:
    reason, hint = stopped.reason, stopped.hint
    if given_by == "person":
        code = known_code("bad_url" if reason == "bad_url" else f"url_{reason}")
        params = {"max_mb": max(1, limit // (1024 * 1024))} if reason == "too_large" else None
        return AskPerson(hint, code=code, params=params, retryable=reason in ("timeout", "failed"))
    if reason in ("timeout", "failed"):
        return WaitAndRetry(hint, code="result_unreachable", retry_after=stopped.retry_after)
    return MadeNothing(hint, code="result_gone" if reason == "not_found" else "result_refused")
