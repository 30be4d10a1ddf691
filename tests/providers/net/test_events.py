"""Server-sent events, however the pieces of the stream are cut."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from providers.net.events import events

STREAM = (
    ": a comment\r\n\r\n"
    'event: first\ndata: {"n": 1,\ndata:  "text": "a\u2028b"}\n\n'
    "data: no json\n\ndata: [1]\n\n"
    'id: 7\r\ndata: {"n": 2}\r\n\r\n'
    'data: {"n": 3, "cut": "of'
).encode()


class Pieces(httpx.AsyncByteStream):
    def __init__(self, size: int, data: bytes) -> None:
        self._size, self._data = size, data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._data), self._size):
            yield self._data[at : at + self._size]


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_each_whole_event_is_read_and_what_is_cut_off_is_none(size: int) -> None:
    heard = [told async for told in events(httpx.Response(200, stream=Pieces(size, STREAM)))]
    assert heard == [{"n": 1, "text": "a\u2028b"}, {"n": 2}]


async def test_done_ends_it() -> None:
    body = f"data: {json.dumps({'n': 1})}\n\ndata: [DONE]\n\ndata: {json.dumps({'n': 2})}\n\n".encode()
    assert [told async for told in events(httpx.Response(200, stream=Pieces(9, body)))] == [{"n": 1}]
