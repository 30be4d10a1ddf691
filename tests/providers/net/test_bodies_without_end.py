"""A service that streams for ever: the answer is broken off, whether it floods or drips, and a submit is in doubt."""

import asyncio

import httpx
import pytest

from providers.errors import MaybePaid
from providers.net import Transport
from providers.net.client import Client
from tests.servers.wire import Reader, Served, Writer, serving
from tests.waiting import LONG

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECE = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"


async def floods(served: Served, reader: Reader, writer: Writer) -> None:
    await served.request(reader)
    writer.write(HEAD)
    while True:
        writer.write(PIECE)
        await writer.drain()


async def drips(served: Served, reader: Reader, writer: Writer) -> None:
    await served.request(reader)
    writer.write(HEAD)
    while True:
        writer.write(b"1\r\nx\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)


def bounded(*, largest: int = 1 << 30, seconds: float = 1e9) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=4)
    transport = Transport(limits=limits, largest_body=largest, body_seconds=seconds)
    return httpx.AsyncClient(transport=transport, timeout=LONG)


async def test_a_flood_is_broken_off_at_its_size() -> None:
    async with serving(floods) as served, bounded(largest=300_000) as http:
        with pytest.raises(httpx.ReadError):
            await http.get(served.url)
        await served.ended.wait()


async def test_a_drip_is_broken_off_at_its_time() -> None:
    async with serving(drips) as served, bounded(seconds=0.0) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get(served.url)
        await served.ended.wait()


async def test_a_submit_that_is_answered_without_end_is_in_doubt() -> None:
    async with serving(floods) as served, bounded(largest=300_000) as http:
        with pytest.raises(MaybePaid):
            await Client(http).submit(served.url, headers={}, json={})
