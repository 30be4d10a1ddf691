"""`/wechat`: verification and pushes over HTTP. Whatever is malformed is 400 and one log line; nothing is echoed."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from bot.channels.wechat.crypto import BadSignature, Envelope, Malformed
from bot.channels.wechat.pages import Pages
from bot.channels.wechat.pushes import Push, read_push
from bot.channels.wechat.reception import Reception
from bot.channels.wechat.replies import NOTHING, SILENCE, Ends, render

log = logging.getLogger(__name__)

MAX_BODY = 256 * 1024
"""Bytes; a real push has a few thousand."""
BODY_SECONDS = 4.0
WINDOW_SECONDS = 600.0
"""How far the timestamp of a push may be from our clock."""
MAX_NONCES = 200_000


class Nonces:
    """Which push each signature came with. The plain signature does not cover the body: one that was overheard must
    not carry another push. The platform's own repeats carry the same push and pass."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str], str] = OrderedDict()

    def first(self, timestamp: str, nonce: str, key: str) -> bool:
        """Whether this signature is new, or is that of the same push."""
        limit = self._clock().timestamp() - WINDOW_SECONDS
        while self._seen:
            oldest = next(iter(self._seen))
            if len(self._seen) <= MAX_NONCES and float(oldest[0]) >= limit:
                break
            del self._seen[oldest]
        return self._seen.setdefault((timestamp, nonce), key) == key


class Callback:
    def __init__(
        self, *, envelope: Envelope, reception: Reception, pages: Pages, clock: Callable[[], datetime]
    ) -> None:
        self._envelope = envelope
        self._reception = reception
        self._pages = pages
        self._clock = clock
        self._nonces = Nonces(clock)

    async def verify(self, request: Request) -> Response:
        """The console's question: the answer is `echostr` as it is, in every mode."""
        try:
            self._checked(request)
        except (BadSignature, Malformed) as fault:
            return _refused(fault)
        return PlainTextResponse(request.query_params.get("echostr", ""), headers={"cache-control": "no-store"})

    async def push(self, request: Request) -> Response:
        try:
            self._checked(request)
            push, key = await self._read(request)
        except (BadSignature, Malformed) as fault:
            return _refused(fault)
        except ClientDisconnect:
            return Response(status_code=400)
        if not self._reception.running:
            return Response(status_code=503)  # the platform tries again
        self._reception.reached_at(_base(request))
        answer = await self._reception.answer(push)
        xml = render(answer, Ends(openid=push.openid, account=push.account, at=push.at))
        if answer == SILENCE or xml == NOTHING:
            return PlainTextResponse(NOTHING)
        body = xml if key is None else self._envelope.seal(xml, key, self._clock())
        return Response(body, media_type="application/xml")

    def _checked(self, request: Request) -> None:
        query = request.query_params
        self._envelope.check(query)
        timestamp = query.get("timestamp", "")
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
            raise Malformed("no timestamp")
        if abs(self._clock().timestamp() - int(timestamp)) > WINDOW_SECONDS:
            raise Malformed("a timestamp outside the window")

    async def _read(self, request: Request) -> tuple[Push, int | None]:
        """The push, and the number of the key that opened it where it was encrypted."""
        try:
            text = (await _body(request)).decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("not UTF-8") from None
        query = request.query_params
        encrypted = query.get("encrypt_type", "raw") != "raw"
        xml, key = self._envelope.open(text, query) if encrypted else (text, None)
        push = read_push(xml)
        fresh = self._nonces.first(query["timestamp"], query["nonce"], push.key)
        if not fresh and not encrypted:
            raise Malformed("a signature that carried another push")
        return push, key


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise Malformed("a body that is too large")
    except TimeoutError:
        raise Malformed("a body that does not come") from None
    return bytes(body)


def _refused(fault: Exception) -> Response:
    why = "its signature is wrong" if isinstance(fault, BadSignature) else str(fault)
    log.warning("a push to /wechat was refused: %s", why)
    return Response(status_code=403 if isinstance(fault, BadSignature) else 400)


def _base(request: Request) -> str:
    """The address under which the platform reaches us, for links where PUBLIC_URL is not set."""
    scheme = request.headers.get("x-forwarded-proto", request.scope["scheme"]).partition(",")[0].strip()
    host = request.headers.get("host", "")
    return f"{'https' if scheme == 'https' else 'http'}://{host}"
