"""A client of httpx that sends plain requests straight over our transport.

httpx's own way to a request merges addresses and headers and looks for cookies, keys and redirects, at three times the
price of sending it. A service needs none of that. What is not plain (forms, files, queries) goes httpx's way.
"""

import json as _json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from providers.net.target import Target, target_of
from providers.net.transport import Transport

_OURS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "likeness"}
_PLAIN = frozenset({"content", "json", "headers", "timeout", "follow_redirects"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class LeanClient(httpx.AsyncClient):
    """Follows no redirect and keeps no cookie. `transport` is closed with it."""

    def __init__(self, transport: Transport, *, timeout: httpx.Timeout) -> None:
        super().__init__(transport=transport, timeout=timeout, trust_env=False, follow_redirects=False)
        self._straight = transport

    async def request(self, method: str, url: httpx.URL | str, **given: Any) -> httpx.Response:
        """As httpx's; the answer of a plain one has no `request`."""
        if (plain := self._plain(url, given)) is None:
            return await super().request(method, url, **given)
        response = await self._sent(method, *plain)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response

    @asynccontextmanager
    async def stream(self, method: str, url: httpx.URL | str, **given: Any) -> AsyncGenerator[httpx.Response, None]:
        """As httpx's; the answer of a plain one has no `request`."""
        if (plain := self._plain(url, given)) is None:
            async with super().stream(method, url, **given) as response:
                yield response
            return
        response = await self._sent(method, *plain)
        try:
            yield response
        finally:
            await response.aclose()

    def _plain(self, url: httpx.URL | str, given: Mapping[str, Any]) -> tuple[Target, dict[str, Any]] | None:
        """Where it goes and what of these was given, where it is nothing that httpx must see to."""
        said = {k: v for k, v in given.items() if v is not None and v is not httpx.USE_CLIENT_DEFAULT}
        if self.is_closed or not said.keys() <= _PLAIN or said.get("follow_redirects"):
            return None
        if not isinstance(said.get("content", b""), bytes):
            return None
        target = target_of(str(url))
        return None if target.userinfo else (target, said)

    async def _sent(self, method: str, target: Target, given: Mapping[str, Any]) -> httpx.Response:
        content: bytes | None = given.get("content")
        headers = _OURS | {name.lower(): value for name, value in given.get("headers", {}).items()}
        if "json" in given:
            content = _json.dumps(given["json"], ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
            headers.setdefault("content-type", "application/json")
        if content is not None or method in _WITH_BODY:
            headers["content-length"] = str(len(content or b""))
        timeout: httpx.Timeout | float = given.get("timeout", self.timeout)
        patience = (timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout)).as_dict()
        return await self._straight.plain(method, target, headers, content or b"", timeouts=patience)
