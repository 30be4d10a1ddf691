"""`/wechat`: verification and pushes over HTTP. Anything malformed is 400 and one log line; nothing is echoed."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from bot.channels.signed_posts import BadSignature, Malformed
from bot.channels.wechat.answering import OVERHEARD, Answering
from bot.channels.wechat.crypto import Envelope
from bot.channels.wechat.events import Event, read_event, readable
from bot.channels.wechat.replay_guard import MAX_NONCE, WINDOW_SECONDS, ReplayGuard
from bot.channels.wechat.replies import NOTHING, SILENCE, Ends, render
from bot.posted import BodyTooLarge, body_of

log = logging.getLogger(__name__)

MAX_BODY = 256 * 1024
"""Bytes; a real push has a few thousand."""


class Callback:
    """`body_seconds`: how long to wait for the body of a push."""

    def __init__(
        self,
        *,
        envelope: Envelope,
        answering: Answering,
        nonces: ReplayGuard,
        clock: Callable[[], datetime],
        body_seconds: float,
    ) -> None:
        self._envelope = envelope
        self._answering = answering
        self._nonces = nonces
        self._clock = clock
        self._body_seconds = body_seconds

    async def verify(self, request: Request) -> Response:
        """The console's question: the answer is `echostr` unchanged, in every mode."""
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
        if not self._answering.running:
            return Response(status_code=503)  # the platform retries
        self._answering.reached_at(_base(request))
        query = request.query_params
        fresh = None
        if key is None:  # in parallel with the first reads, not before them
            fresh = asyncio.ensure_future(self._nonces.first(query["timestamp"], query["nonce"], push.key))
        try:
            answer = await self._answering.answer(push, fresh)
        except Malformed as fault:
            return _refused(fault)
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
        if not 0 < len(query.get("nonce", "")) <= MAX_NONCE:
            raise Malformed("no nonce")

    async def _read(self, request: Request) -> tuple[Event, int | None]:
        """The push, and the number of the key that opened it if it was encrypted."""
        try:
            text = readable((await _body(request, self._body_seconds)).decode("utf-8"))
        except UnicodeDecodeError:
            raise Malformed("not UTF-8") from None
        query = request.query_params
        encrypted = query.get("encrypt_type", "raw") != "raw"
        xml, key = self._envelope.open(text, query) if encrypted else (text, None)
        push = read_event(xml)
        if not self._nonces.first_here(query["timestamp"], query["nonce"], push.key) and not encrypted:
            raise Malformed(OVERHEARD)
        return push, key


async def _body(request: Request, seconds: float) -> bytes:
    try:
        return await body_of(request, most=MAX_BODY, seconds=seconds)
    except BodyTooLarge:
        raise Malformed("a body that is too large") from None
    except TimeoutError:
        raise Malformed("a body that did not arrive in time") from None


def _refused(fault: Exception) -> Response:
    why = "its signature is wrong" if isinstance(fault, BadSignature) else str(fault)
    log.warning("a push to /wechat was refused: %s", why)
    return Response(status_code=403 if isinstance(fault, BadSignature) else 400)


def _base(request: Request) -> str:
    """The address under which the platform reaches us, for links if PUBLIC_URL is not set."""
    scheme = request.headers.get("x-forwarded-proto", request.scope["scheme"]).partition(",")[0].strip()
    host = request.headers.get("host", "")
    return f"{'https' if scheme == 'https' else 'http'}://{host}"
