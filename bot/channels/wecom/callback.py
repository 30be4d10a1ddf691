"""`/wecom`: verification, messages, events and the platform's polls over HTTP.

Source: WeCom documentation 100719, 101031, 101033. A wrong signature is 403, before anything is decrypted; a request
with the right one is answered 200, whatever is in it, once it is stored: anything else makes the platform repeat it.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.channels.signed_posts import BadSignature, Malformed, echo_of, refused
from bot.channels.wecom.envelope import Envelope, sealed_in
from bot.channels.wecom.incoming import Incoming, read
from bot.posted import BodyTooLarge, body_of

log = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024
BODY_SECONDS = 4.0

Answering = Callable[[Incoming], Awaitable[Mapping[str, Any] | None]]
"""What a callback is answered: JSON, or None for nothing."""


class Callback:
    """`named`: the bot's id, which every callback must carry; None if it is not known."""

    def __init__(
        self,
        *,
        envelope: Envelope,
        answer: Answering,
        bot_id: str | None,
        bot_name: str | None,
        running: Callable[[], bool],
        verified: Callable[[], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self._envelope = envelope
        self._answer = answer
        self._bot_id = bot_id
        self._bot_name = bot_name
        self._running = running
        self._verified = verified
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/wecom", self.push, methods=["POST"]),
            Route("/wecom", self.verify, methods=["GET"]),
        ]

    async def verify(self, request: Request) -> Response:
        """The console's question: the plain text inside `echostr`, and nothing else."""
        answer = echo_of(self._envelope, request)
        if answer.status_code == 200:
            await self._verified()
        return answer

    async def push(self, request: Request) -> Response:
        try:
            sealed = sealed_in(await body_of(request, most=MAX_BODY, seconds=BODY_SECONDS))
        except BodyTooLarge:
            return Response(status_code=413)
        except ClientDisconnect:
            return Response(status_code=400)
        except (Malformed, TimeoutError):  # nothing that a signature could be right for
            return refused(request)
        try:
            text = self._envelope.open(sealed, request.query_params)
        except BadSignature:
            return refused(request)
        except Malformed:
            log.warning("a callback to /wecom cannot be decrypted; check WECOM_BOT_AES_KEY")
            return Response(status_code=200)
        if not self._running():
            return Response(status_code=503)  # the platform retries
        await self._verified()
        incoming = self._read(text)
        if incoming is None:
            return Response(status_code=200)
        try:
            answer = await self._answer(incoming)
        except Exception as error:  # our store is away: it is not acknowledged, so the platform repeats it
            log.error("a callback of WeCom could not be stored: %s", type(error).__name__)
            return Response(status_code=503)
        if answer is None:
            return Response(status_code=200)
        return PlainTextResponse(self._envelope.seal(answer, self._clock()))

    def _read(self, text: str) -> Incoming | None:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            log.warning("a callback of WeCom is not JSON")
            return None
        return read(data, bot_id=self._bot_id, bot_name=self._bot_name, named=True)
