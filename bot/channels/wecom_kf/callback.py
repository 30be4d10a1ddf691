"""`/wecom/kf`: verification, and the platform's notification that there is something to pull."""

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.channels.signed_posts import BadSignature, Malformed, Sealed, echo_of, refused
from bot.channels.wecom_kf.envelope import members, sealed_in
from bot.posted import BodyTooLarge, body_of

log = logging.getLogger(__name__)

MAX_BODY = 64 * 1024
BODY_SECONDS = 4.0
EVENT = "kf_msg_or_event"


class Callback:
    """`something(account, token)`: there is something to pull for this service account."""

    def __init__(
        self, *, envelope: Sealed, something: Callable[[str, str], Awaitable[None]], running: Callable[[], bool]
    ) -> None:
        self._envelope = envelope
        self._something = something
        self._running = running

    def routes(self) -> list[Route]:
        return [
            Route("/wecom/kf", self.push, methods=["POST"]),
            Route("/wecom/kf", self.verify, methods=["GET"]),
        ]

    async def verify(self, request: Request) -> Response:
        return echo_of(self._envelope, request)

    async def push(self, request: Request) -> Response:
        try:
            body = await body_of(request, most=MAX_BODY, seconds=BODY_SECONDS)
            said = members(self._envelope.open(sealed_in(body), request.query_params))
        except BadSignature:
            return refused(request)
        except Malformed:
            log.warning("a callback to /wecom/kf cannot be decrypted; check WECOM_KF_AES_KEY and WECOM_KF_CORP_ID")
            return Response(status_code=200)
        except BodyTooLarge:
            return Response(status_code=413)
        except (ClientDisconnect, TimeoutError):
            return Response(status_code=400)
        if not self._running():
            return Response(status_code=503)  # the platform retries
        account, token = said.get("OpenKfId"), said.get("Token")
        if said.get("Event") == EVENT and isinstance(account, str) and isinstance(token, str):
            await self._something(account, token)
        return PlainTextResponse("success")
