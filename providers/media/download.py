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
from collections.abc import AsyncIterator, Callable
from typing import Literal
from urllib.parse import unquote_to_bytes

import httpx

from providers.codes import known_code
from providers.errors import AskPerson, LikenessError, MadeNothing, WaitAndRetry
from providers.media.addresses import CheckedNetwork, Dial, NotPublic, Resolver, dial, resolve
from providers.net.target import Target, target_of, target_of_url
from providers.net.transport import Transport

MAX_BYTES = 20 * 1024 * 1024
TIMEOUT = 60.0
MAX_REDIRECTS = 5
MAX_URL_LENGTH = 8192
_AT_ONCE = 16
"""Downloads side by side."""
_KEPT_SECONDS = 5.0
_CONNECT_TIMEOUT = 10.0
_REDIRECTS = (301, 302, 303, 307, 308)
_HEAD = (
    b"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: likeness\r\nAccept: image/*,*/*;q=0.5\r\n"
    b"Accept-Encoding: identity\r\n\r\n"
)
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
    `timeout`: seconds for one download with its redirects. `resolver`, `ssl_context` and `dial` (which opens the
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
        dial: Dial = dial,
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._timeouts = {"connect": min(_CONNECT_TIMEOUT, timeout), "read": timeout, "write": timeout}
        self._transport = Transport(
            limits=httpx.Limits(
                max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE, keepalive_expiry=_KEPT_SECONDS
            ),
            ssl_context=ssl_context,
            opener=CheckedNetwork(trusted_origins=trusted_origins, resolver=resolver or resolve, dial=dial),
        )

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
        except (TimeoutError, httpx.TimeoutException):
            raise _sorted_error(_Stopped("timeout", "too slow"), given_by, limit) from None
        except (httpx.TransportError, OSError):
            raise _sorted_error(_Stopped("failed", "network fault"), given_by, limit) from None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> "Downloader":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def _through_redirects(self, address: str, limit: int) -> bytes:
        target = _checked(lambda: target_of(address.strip()))
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._asked(target, limit)
            if isinstance(answer, bytes):
                return answer
            if target.origin[0] == "https" and answer.origin[0] == "http":
                raise _Stopped("bad_url", "redirect from https to http")
            target = answer
        raise _Stopped("failed", "too many redirects")

    async def _asked(self, target: Target, limit: int) -> bytes | Target:
        """One request: the body, or where it redirects to."""
        head, body = await self._transport.exchange(
            target.origin, _HEAD % (target.path, target.authority), timeouts=self._timeouts
        )
        try:
            told = {name.lower(): value for name, value in head.headers}
            if head.status in _REDIRECTS:
                return _redirected(target, told.get(b"location", b""))
            _check_status(head.status, told)
            length = told.get(b"content-length", b"")
            if length.isdigit() and (len(length) > 18 or int(length) > limit):
                raise _Stopped("too_large", "too large by its own account")
            decoder = _decoder(told.get(b"content-encoding", b"identity"))
            return await _counted(aiter(body), decoder, limit)
        finally:
            await body.aclose()


def _checked(read: Callable[[], Target]) -> Target:
    """What may be asked for."""
    try:
        target = read()
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError, ValueError):
        raise _Stopped("bad_url", "not a public http address") from None
    if len(target.path) > MAX_URL_LENGTH:
        raise _Stopped("bad_url", "too long an address")
    if target.userinfo:
        raise _Stopped("bad_url", "name or password in the address")
    if not 0 < target.origin[2] < 65536:
        raise _Stopped("bad_url", "no such port")
    return target


def _redirected(target: Target, location: bytes) -> Target:
    if not location:
        raise _Stopped("failed", "a redirect to nowhere")
    scheme, host, port = target.origin

    def read() -> Target:
        here = httpx.URL(scheme=scheme, host=host, port=port, raw_path=target.path)
        return target_of_url(here.join(location.decode("utf-8")))

    return _checked(read)


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
