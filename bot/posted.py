"""The body of a post as it came, for a signature is over its very bytes, and no larger than it may be."""

import asyncio

from starlette.requests import Request


class BodyTooLarge(Exception):
    """More bytes came than are taken; the rest was not read."""


async def body_of(request: Request, *, most: int, seconds: float | None = None) -> bytes:
    """At most `most` bytes, within `seconds`. Raises BodyTooLarge, TimeoutError, ClientDisconnect."""
    body = bytearray()
    async with asyncio.timeout(seconds):
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise BodyTooLarge
    return bytes(body)
