"""Around every response: security headers, which host names may open the page, and the request figures."""

import time
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.channels.web.texts import language_of, word
from bot.metrics import Metrics

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), payment=(), usb=()",
}
"""On every response, unless it sets its own. `blob:` shows a chosen photo before it is sent."""
_RAW = tuple((name.encode(), value.encode()) for name, value in HEADERS.items())

_PAGE = ("/admin", "/api/", "/originals/", "/pictures/", "/previews/", "/s/", "/static/", "/steps/", "/sw.js")


def hosts_for(host: str, public_url: str | None) -> frozenset[str] | None:
    """The host names under which the page may be opened, or None for any.

    If we listen on a loopback address only, a foreign name in `Host` means that a web site has pointed its own name
    here (DNS rebinding) to use the bot of its visitor. If we listen openly, the operator's network decides, unless
    PUBLIC_URL gives the name of the page. A numeric address is nobody's name.
    """
    public = urlsplit(public_url).hostname if public_url else None
    if not is_loopback(host) and public is None:
        return None
    return frozenset({"localhost", "127.0.0.1", "::1", host.strip("[]").lower(), *((public,) if public else ())})


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def same_site(request: Request, public_origin: str | None) -> bool:
    """Whether a post comes from our own page or from a program, and not from somebody else's page."""
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() != public_origin:
        # The host alone: behind a proxy the scheme that this process sees may not be the browser's.
        host = request.headers.get("host", "").lower()
        if not host or urlsplit(origin).netloc.lower() != host:
            return False
    return request.headers.get("sec-fetch-site", "none") in ("same-origin", "none")


FORM_HEADERS = {"referrer-policy": "same-origin"}
"""On pages with a form: where a page sends no referrer at all, browsers post its forms with `Origin: null`."""


class Guard:
    """ASGI middleware. Only the chat page's own paths require a known host: webhooks have signatures of their own."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        hosts: frozenset[str] | None,
        routes: Sequence[BaseRoute],
        open_to_all: bool = False,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._hosts = hosts
        self._open = open_to_all
        self._fixed = frozenset(r.path for r in routes if isinstance(r, Route) and not r.param_convertors)
        self._routes = tuple(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, streamed = time.monotonic(), 500, False

        async def sending(message: Message) -> None:
            nonlocal status, streamed
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = dict(message.get("headers", ()))  # names are lower-case (ASGI)
                message["headers"] = [*message.get("headers", ()), *(h for h in _RAW if h[0] not in headers)]
                streamed = headers.get(b"content-type", b"").startswith(b"text/event-stream")
            await send(message)

        try:
            if self._known_host(scope):
                await self._app(scope, receive, sending)
            else:
                await _unknown_host(scope)(scope, receive, sending)
        finally:
            seconds = None if streamed else time.monotonic() - began
            self._metrics.http(_method(scope), self._route(scope), status, seconds)

    def _known_host(self, scope: Scope) -> bool:
        path = scope["path"]
        if self._hosts is None or not (path == "/" or path.startswith(_PAGE)):
            return True
        host = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
        return host in self._hosts or (self._open and _is_address(host))

    def _route(self, scope: Scope) -> str:
        """The pattern of the route, so that no address with a person's token becomes a label."""
        if scope["path"] in self._fixed:
            return str(scope["path"])
        for route in self._routes:
            if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
                return route.path
        return "other"


def _method(scope: Scope) -> str:
    known = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE")
    return scope["method"] if scope["method"] in known else "other"


def _unknown_host(scope: Scope) -> JSONResponse:
    language = language_of(Headers(scope=scope).get("accept-language", ""))
    message = word(language, "error.unknown_host")
    return JSONResponse({"error": {"code": "unknown_host", "message": message}}, 421)
