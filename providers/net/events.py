"""Server-sent events of an answer, read while they come (WHATWG HTML, 9.2): what streaming services send.

Only the data counts here: the services say in it what it is, and most of them send no event names.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

MEDIA_TYPE = "text/event-stream"
_END = "[DONE]"


async def events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The JSON object of each event, in order; ends with the stream, or with `[DONE]`. What is no object is left out.

    An event that the stream ends in the middle of is none. Raises httpx.TransportError where the connection breaks.
    """
    lines: list[str] = []
    async for line in response.aiter_lines():
        if line:
            if line.startswith("data:"):
                lines.append(line[5:].removeprefix(" "))
            continue
        data, lines = "\n".join(lines), []
        if data == _END:
            return
        try:
            told = json.loads(data) if data else None
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict):
            yield told
