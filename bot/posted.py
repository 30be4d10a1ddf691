"""The unparsed body of a post, because a signature covers its exact bytes, and no larger than allowed."""

import asyncio

from starlette.requests import Request


class BodyTooLarge(Exception):
    """More bytes came than are accepted; the rest was not read."""


async def body_of(request: Request, *, most: int, seconds: float | None = None) -> bytes:
    """At most `most` bytes, within `seconds`. Raises BodyTooLarge, TimeoutError, ClientDisconnect."""
    body = bytearray()
    async with asyncio.timeout(seconds):
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise BodyTooLarge
    return bytes(body)
