"""The platform's pushes from a process of its own, over bare sockets: what it measures is the answer's time, not its
own, and it does not wait for the fakes, which have the first process to themselves.

    with Pushing() as pushing:
        answered = await pushing.at_once(requests)         a connection each, 5 seconds, three tries
        pushing.begin(requests, apart=0.2); …; answered = await pushing.end()
        seconds = await pushing.in_turn(requests, connections=64, bare=True)
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from tests.servers.wechat import PATIENCE, TRIES

Request = dict[str, Any]
"""As `Phone.request` makes it."""
Work = Callable[..., Coroutine[Any, Any, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What became of one push: seconds to the answer over all its tries; status 0 where none came."""

    seconds: float
    tries: int
    status: int
    body: str


class Pushing:
    """A process that pushes. One thing at a time."""

    def __enter__(self) -> "Pushing":
        # Not a fork: the fakes run in threads here, and one may hold a lock just then.
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()
        self._pipe.close()

    async def at_once(self, requests: Sequence[Request]) -> list[Answered]:
        self._pipe.send(("at_once", (requests,)))
        answered: list[Answered] = await self.end()
        return answered

    def begin(self, requests: Sequence[Request], *, apart: float) -> None:
        """One after another, with a pause, until `end`."""
        self._pipe.send(("now_and_then", (requests, apart)))

    async def end(self) -> Any:
        self._pipe.send(None)
        return await asyncio.to_thread(self._pipe.recv)

    async def in_turn(self, requests: Sequence[Request], *, connections: int, bare: bool) -> float:
        """Seconds until all were answered, over that many kept connections: of bare sockets, or of httpx."""
        self._pipe.send(("in_turn", (requests, connections, bare)))
        return float(await self.end())


# --- in its process


def _serve(pipe: Connection) -> None:
    work: dict[str, Work] = {"at_once": _at_once, "now_and_then": _now_and_then, "in_turn": _in_turn}
    while True:
        name, args = pipe.recv()
        result = asyncio.run(work[name](pipe, *args))
        pipe.recv()
        pipe.send(result)


async def _at_once(_: Connection, requests: Sequence[Request]) -> list[Answered]:
    return await asyncio.gather(*(_pushed(request) for request in requests))


async def _now_and_then(pipe: Connection, requests: Sequence[Request], apart: float) -> list[Answered]:
    answered = []
    for request in requests:
        if pipe.poll():
            break
        answered.append(await _pushed(request))
        await asyncio.sleep(apart)
    return answered


async def _in_turn(_: Connection, requests: Sequence[Request], connections: int, bare: bool) -> float:
    waiting = iter(requests)
    one = _over_a_socket if bare else _over_httpx
    began = time.perf_counter()
    await asyncio.gather(*(one(waiting, requests[0]["url"]) for _ in range(connections)))
    return time.perf_counter() - began


async def _over_a_socket(waiting: Iterator[Request], url: str) -> None:
    reader, writer = await _connected(url)
    for request in waiting:
        writer.write(_raw(request, keep=True))
        status, _ = await _answer(reader)
        assert status == 200, status
    writer.close()


async def _over_httpx(waiting: Iterator[Request], _: str) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        for request in waiting:
            answer = await client.post(**request)
            assert answer.status_code == 200, answer.status_code


async def _pushed(request: Request) -> Answered:
    """As the platform does it."""
    raw, began = _raw(request, keep=False), time.perf_counter()
    status, body, tries = 0, "", 0
    while status != 200 and tries < TRIES:
        tries += 1
        with suppress(TimeoutError, OSError, EOFError):
            async with asyncio.timeout(PATIENCE):
                reader, writer = await _connected(request["url"])
                writer.write(raw)
                status, body = await _answer(reader)
                writer.close()
    return Answered(seconds=time.perf_counter() - began, tries=tries, status=status, body=body)


async def _connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


def _raw(request: Request, *, keep: bool) -> bytes:
    parts, content = urlsplit(request["url"]), request["content"]
    lines = [f"POST {parts.path}?{urlencode(request['params'])} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in request["headers"].items()]
    lines += [f"Connection: {'keep-alive' if keep else 'close'}", f"Content-Length: {len(content)}", "", ""]
    return "\r\n".join(lines).encode() + bytes(content)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Raises EOFError where the connection ends before."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), (await reader.readexactly(length)).decode()
