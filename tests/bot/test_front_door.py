"""The door has bounds: sizes, times and numbers, before the app hears of a connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.front_door import Bounds, Door
from bot.server import Server
from tests.waiting import LONG

PATIENT = Bounds(head=2048, head_seconds=LONG, body_grace=LONG, body_rate=1000, body_look=0.05, connections=8, each=3)
"""Its times end nothing: a test that is about one of them shortens it."""


async def _echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@asynccontextmanager
async def served(bounds: Bounds = PATIENT) -> AsyncIterator[int]:
    """The port of an app that says how long a body was."""
    ready = asyncio.Event()
    app = Starlette(routes=[Route("/", _echo, methods=["GET", "POST"])])
    server = Server(app, host="127.0.0.1", port=0, at_end=lambda: None, listening=lambda _: ready.set(), bounds=bounds)
    task = asyncio.create_task(server.serve())
    await ready.wait()
    try:
        yield server.port
    finally:
        server.stop()
        await task


async def ask(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """What comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        async with asyncio.timeout(LONG):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


GET = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


async def test_a_usual_request_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as port:
        assert (await ask(port, GET)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("where", ["target", "header", "headers"])
async def test_a_head_that_is_too_large_is_not_taken(where: str, at_once: bool) -> None:
    head = {
        "target": b"GET /?" + b"x" * 60_000 + b" HTTP/1.1\r\nhost: x\r\n",
        "header": b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"x" * 60_000 + b"\r\n",
        "headers": b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 9_000,
    }[where]
    async with served() as port:
        parts = [head + b"\r\n"] if at_once else [head[n : n + 1000] for n in range(0, len(head), 1000)]
        answer = await ask(port, *parts)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431")
        assert (await ask(port, GET)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("said", [b"", b"GET / HT", GET[:-2]])
async def test_a_connection_that_falls_silent_is_closed(said: bytes) -> None:
    async with served(replace(PATIENT, head_seconds=0.1)) as port:
        assert (await ask(port, said)).startswith(b"HTTP/1.1 408")


async def test_a_head_that_drips_is_closed_in_time() -> None:
    async with served(replace(PATIENT, head_seconds=0.1)) as port:
        answer = await ask(port, *(GET[n : n + 1] for n in range(40)), pause=0.02)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408")


async def test_a_body_that_drips_is_cut_off() -> None:
    post = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
    async with served(replace(PATIENT, body_grace=0.1)) as port:
        assert await ask(port, post, *[b"x"] * 40, pause=0.02) == b""


async def test_a_body_that_comes_with_pauses_is_taken() -> None:
    post = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 20000\r\n\r\n"
    async with served() as port:
        assert (await ask(port, post, *[b"x" * 2000] * 10, pause=0.05)).endswith(b"20000")


async def test_an_old_version_of_the_protocol_is_not_spoken() -> None:
    async with served() as port:
        answer = await ask(port, b"GET / HTTP/0.9\r\nhost: x\r\n\r\n")
        assert answer.startswith((b"HTTP/1.1 505", b"HTTP/1.1 400"))


async def test_beyond_the_number_of_connections_nobody_is_let_in_until_one_leaves() -> None:
    async with served(replace(PATIENT, connections=3)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert (await ask(port, GET)).startswith(b"HTTP/1.1 503")
        held[0][1].close()
        async with asyncio.timeout(LONG):
            while not (await ask(port, GET)).startswith(b"HTTP/1.1 200"):  # noqa: ASYNC110  # a server tells nobody
                await asyncio.sleep(0.01)
        for _, writer in held:
            writer.close()


def test_one_address_takes_only_its_share_and_this_machine_is_not_counted_so() -> None:
    door = Door(bounds=Bounds(connections=10, each=2))
    assert [door.enter("203.0.113.5") for _ in range(3)] == [True, True, False]
    assert door.enter("203.0.113.6")
    assert all(door.enter("127.0.0.1") for _ in range(5))
    door.leave("203.0.113.5")
    assert door.enter("203.0.113.5")
    assert door.open == 8


def test_the_open_files_of_the_process_bound_the_connections() -> None:
    assert 64 <= Bounds().most <= 4096
