"""How the Bot API is called: through the library's interface, directly over our transport.

httpx's client around it would merge headers, look for cookies and follow redirects, none of which a bot needs, at twice
the price of the call itself. If Telegram is reached through a proxy, httpx's client makes the calls.
"""

from typing import Any

import httpx
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, HTTPXRequest, RequestData

from bot.channels.telegram.inbound.lenient_json import answered
from providers.net import Transport, direct
from providers.net.target import target_of

CONNECT, READ, WRITE, MEDIA_WRITE, POOL = 10.0, 25.0, 20.0, 60.0, 30.0
"""Seconds. An upload's own are in `places.py`: a slow answer does not mean it was not delivered."""
KEPT = 4.0
"""Seconds an idle connection is kept. Many servers close one after five: a call must not be in flight just then."""
_FORM = "application/x-www-form-urlencoded"
_HEADERS = {"user-agent": BaseRequest.USER_AGENT, "accept-encoding": "gzip, deflate"}


class BotRequest(HTTPXRequest):
    """At most `connections` concurrent calls. Errors carry httpx's error as their cause: see `gateway.py`."""

    def __init__(self, connections: int) -> None:
        self._direct = direct(limits=httpx.Limits(max_connections=connections, keepalive_expiry=KEPT))
        super().__init__(
            connections,
            connect_timeout=CONNECT,
            read_timeout=READ,
            write_timeout=WRITE,
            pool_timeout=POOL,
            media_write_timeout=MEDIA_WRITE,
            httpx_kwargs={"transport": self._direct},
        )

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The answer to a call may hold things that the library cannot read: the call has been made all the same."""
        return answered(HTTPXRequest.parse_json_payload(payload))

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """The status and the body of the answer. Raises TimedOut, NetworkError."""
        if self._direct is None or self._client.is_closed:
            return await super().do_request(
                url, method, request_data, read_timeout, write_timeout, connect_timeout, pool_timeout
            )
        uploads = request_data is not None and request_data.contains_files
        patience = {
            "read": _seconds(read_timeout, READ),
            "write": _seconds(write_timeout, MEDIA_WRITE if uploads else WRITE),
            "connect": _seconds(connect_timeout, CONNECT),
            "pool": _seconds(pool_timeout, POOL),
        }
        try:
            response = await self._sent(self._direct, url, method, request_data, patience)
            try:
                return response.status_code, await response.aread()
            finally:
                await response.aclose()
        except httpx.TimeoutException as error:
            raise TimedOut from error
        except httpx.HTTPError as error:
            raise NetworkError(type(error).__name__) from error

    @staticmethod
    async def _sent(
        transport: Transport, url: str, method: str, data: RequestData | None, patience: dict[str, float | None]
    ) -> httpx.Response:
        if data is not None and data.contains_files:
            fields, files = data.json_parameters, data.multipart_data
            form = httpx.Request(
                method, url, headers=_HEADERS, data=fields, files=files, extensions={"timeout": patience}
            )
            return await transport.handle_async_request(form)
        content = b"" if data is None else data.url_encoded_parameters().encode()
        headers = _HEADERS if data is None else _HEADERS | {"content-type": _FORM}
        if method == "POST":
            headers = headers | {"content-length": str(len(content))}
        return await transport.plain(method, target_of(url), headers, content, timeouts=patience)


def _seconds(given: Any, ours: float) -> float | None:
    return ours if given is BaseRequest.DEFAULT_NONE else given
