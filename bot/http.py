"""The HTTP app of a process that listens: the channels' routes, and the operator's endpoints.

GET /healthz   200 when alive
GET /readyz    200 when messages can be taken
GET /metrics   figures for Prometheus: to this machine, elsewhere with METRICS_TOKEN
"""

import errno
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from ipaddress import ip_address
from typing import Any

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels.web.middleware import Guard
from bot.channels.web.texts import language_of, word
from bot.metrics import Metrics
from handlers.channel import Channel
from handlers.store.base import Store, StoreUnavailable

log = logging.getLogger(__name__)

_AS_THEY_ARE = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "image/bmp", "image/heic", "image/heif", "image/tiff")
"""Sent as they are: event streams, which must not be held back, and pictures, which gain nothing."""
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers of a proxy: its requests come from elsewhere, though the proxy is on this machine."""


def create_app(
    *,
    channels: Sequence[Channel],
    store: Store,
    metrics: Metrics,
    ready: Callable[[], Awaitable[bool]] | None = None,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None,
    hosts: frozenset[str] | None = None,
    open_to_all: bool = False,
    metrics_token: SecretStr | None = None,
    more: Sequence[Route] = (),
) -> Starlette:
    """The app.

    `ready`: whether messages can be taken; without it, whether every channel listens. In both cases the store is asked
    too. `hosts`: the names under which the page may be opened (`middleware.hosts_for`); None for any. `more`: routes
    that belong to no channel. `open_to_all`: it listens beyond this machine, so a numeric address is as good as a name.
    """
    operator = _Operator(channels=channels, store=store, metrics=metrics, ready=ready, token=metrics_token)
    # Channels' routes first: they are requested most, and each route before one costs it a comparison.
    routes = [*(route for channel in channels for route in channel.routes()), *operator.routes(), *more]
    faults: dict[Any, Any] = {StoreUnavailable: _out_of_order, OSError: _out_of_order, Exception: _broken}
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=faults)
    app.add_middleware(GZipMiddleware, compresslevel=6, exclude_content_types=_AS_THEY_ARE)
    app.add_middleware(Guard, metrics=metrics, hosts=hosts, routes=routes, open_to_all=open_to_all)
    return app


async def _out_of_order(request: Request, error: Exception) -> Response:
    """Nothing was taken, and it is worth another try: a page or a platform retries after a 503."""
    code = "no_room" if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT) else "out_of_order"
    log.warning("a request could not be taken: %s (%s)", code, type(error).__name__)
    message = word(language_of(request.headers.get("accept-language", "")), f"error.{code}")
    headers = {"retry-after": "30", "cache-control": "no-store"}
    return JSONResponse({"error": {"code": code, "message": message}}, 503, headers=headers)


async def _broken(request: Request, _error: Exception) -> Response:
    """A bug of ours, which is raised again after this response and logged by its name."""
    message = word(language_of(request.headers.get("accept-language", "")), "error.internal")
    return JSONResponse({"error": {"code": "internal", "message": message}}, 500, headers={"cache-control": "no-store"})


class _Operator:
    """For the operator: alive, ready, figures."""

    def __init__(
        self,
        *,
        channels: Sequence[Channel],
        store: Store,
        metrics: Metrics,
        ready: Callable[[], Awaitable[bool]] | None,
        token: SecretStr | None,
    ) -> None:
        self._channels = channels
        self._store = store
        self._metrics = metrics
        self._ready = ready
        self._token = token
        self._unready = ""

    def routes(self) -> list[Route]:
        return [Route("/healthz", self.alive), Route("/readyz", self.is_ready), Route("/metrics", self.figures)]

    async def alive(self, _: Request) -> Response:
        return JSONResponse({"alive": True})

    async def is_ready(self, _: Request) -> Response:
        ready = await self._can_take_messages()
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    async def _can_take_messages(self) -> bool:
        try:
            await self._store.ping()
            ready = await (self._ready() if self._ready else self._all_listen())
        except Exception as error:
            self._say(type(error).__name__)
            return False
        self._say("" if ready else "not started")
        return ready

    async def _all_listen(self) -> bool:
        return all([(await channel.health()).listening for channel in self._channels])

    def _say(self, why: str) -> None:
        """Once, however often it is requested."""
        if why != self._unready:
            log.warning("not ready: %s", why) if why else log.info("ready again")
        self._unready = why

    async def figures(self, request: Request) -> Response:
        if not self._may_read(request):
            return Response(status_code=403)
        return Response(await self._metrics.exposition(self._store), media_type=self._metrics.content_type)

    def _may_read(self, request: Request) -> bool:
        if self._token is not None:
            given = request.headers.get("authorization", "").encode("latin-1", "replace")
            if hmac.compare_digest(given, f"Bearer {self._token.get_secret_value()}".encode()):
                return True
        forwarded = any(name in request.headers for name in _FORWARDED)
        return not forwarded and request.client is not None and _is_loopback(request.client.host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
