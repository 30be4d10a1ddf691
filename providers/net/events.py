"""Server-sent events of an answer, read while they come (WHATWG HTML, 9.2): what streaming services send.

Only the data counts here: the services say in it what it is, and most of them send no event names.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

MEDIA_TYPE = "text/event-stream"
_END = b"[DONE]"


async def events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The JSON object of each event, in order; ends with the stream, or with `[DONE]`. What is no object is left out.

    An event that the stream ends in the middle of is none. Raises httpx.TransportError where the connection breaks.
    """
    data: list[bytes] = []
    async for line in _lines(response):
        if line:
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            continue
        whole, data = b"\n".join(data), []
        if whole == _END:
            return
        try:
            told = json.loads(whole) if whole else None
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict):
            yield told


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """Without their ends. By line feeds alone: httpx breaks text at other characters too, which JSON may hold."""
    begun: list[bytes] = []  # of a line that may be tens of megabytes long
    async for piece in response.aiter_bytes():
        *ended, rest = piece.split(b"\n")
        for end in ended:
            yield b"".join((*begun, end)).removesuffix(b"\r")
            begun = []
        begun.append(rest)
