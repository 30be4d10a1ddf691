"""The endpoint for services' webhooks: `POST /hooks/{service}`. No chat, no job and no person is known here.

The service itself says whether a message is its own (`Provider.notified` checks the signature); all that a message does
is that a running job is looked at sooner. So a forged one that came through would cost one look.
"""

import logging
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot.posted import BodyTooLarge, body_of
from providers.base import Provider
from providers.errors import LikenessError

log = logging.getLogger(__name__)

PATH = "/hooks"
MAX_BODY = 2 * 1024 * 1024
"""A result with several pictures inline is larger; it is of no use here, and the job is looked at anyway."""


def hook_routes(find: Callable[[str], Provider]) -> list[Route]:
    """`find` gives the configured provider of a name. Raises LikenessError if there is none."""

    async def receive(request: Request) -> Response:
        try:
            provider = find(request.path_params["service"])
            body = await body_of(request, most=MAX_BODY)
        except LikenessError:
            return Response(status_code=404)
        except ClientDisconnect:
            return Response(status_code=400)
        except BodyTooLarge:
            return Response(status_code=413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not await provider.notified(headers, body):
            log.info("a webhook of %s was not accepted", provider.name)
            return Response(status_code=403)
        return Response(status_code=200)

    return [Route(f"{PATH}/{{service}}", receive, methods=["POST"])]
