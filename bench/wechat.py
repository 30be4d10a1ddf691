"""WeChat under load, against the fake platform: first answers while many wait, and text messages a second.

    python bench/wechat.py [--quick]

1. 30 and 300 people at once send a photo and a wish while the maker takes 20 seconds: how many would see the
   "service failed" line (aim: 0), the first answers' p50 and p99 (aim: p99 below 0.1 s for 30, below 1 s for 300),
   and what somebody who only says hello sees meanwhile.
2. Text messages a second, plain and encrypted, against a handler on the same server that only echoes them.

Bot and platform share this machine's cores, so the figures are lower bounds.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.servers.fal import KEY, FakeFal
from tests.servers.serving import config, listening_socket
from tests.servers.wechat import ACCOUNT, AES_KEY, APP_ID, APP_SECRET, PATIENCE, TOKEN, FakeWeChat, Phone

MAKER_SECONDS = 20.0


@dataclass
class Figures:
    """Seconds of some answers."""

    seconds: list[float]
    broken: int = 0

    def told(self) -> str:
        ordered = sorted(self.seconds)
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        return f"p50 {1000 * statistics.median(ordered):6.0f} ms   p99 {1000 * p99:6.0f} ms   failed {self.broken}"


@contextmanager
def likeness(wechat: FakeWeChat, fal: FakeFal | None) -> Iterator[str]:
    """`likeness run` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1]), "DATA_DIR": folder,
            "OUTPUT_DIR": f"{folder}/pictures", "WECHAT_APP_ID": APP_ID, "WECHAT_APP_SECRET": APP_SECRET,
            "WECHAT_TOKEN": TOKEN, "WECHAT_ENCODING_AES_KEY": AES_KEY, "WECHAT_API_URL": wechat.url,
            "WORKER_CONCURRENCY": "512", "LOG_LEVEL": "error",
        }  # fmt: skip
        if fal is not None:
            environment |= {"FAL_KEY": KEY, "FAL_QUEUE_URL": fal.url}
        program = subprocess.Popen(
            [sys.executable, "-c", "from bot.cli import main; main()", "run", "--port", "0", "--channels", "wechat"],
            cwd=folder, env=environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert program.stdout is not None
            yield program.stdout.readline().rpartition(" ")[2].strip()
        finally:
            program.terminate()
            program.wait(15)


class PlainHttp:
    """A push over a connection of its own, by hand: a client with a pool would spend more on it than the bot."""

    async def post(
        self, *, url: str, params: dict[str, str], content: bytes, headers: dict[str, str]
    ) -> httpx.Response:
        parts = urlsplit(url)
        async with asyncio.timeout(PATIENCE):
            try:
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            except OSError:
                raise httpx.ConnectError("no connection") from None
            lines = [f"POST {parts.path}?{urlencode(params)} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
            lines += [f"{k}: {v}" for k, v in headers.items()] + [f"Content-Length: {len(content)}", "", ""]
            writer.write("\r\n".join(lines).encode() + content)
            answer = await reader.read()
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return httpx.Response(int(head.split(b" ", 2)[1]), content=body)


async def crowd(people: int) -> None:
    with FakeWeChat.serving() as wechat, FakeFal.serving() as fal:
        fal.always(seconds=MAKER_SECONDS)
        with likeness(wechat, fal) as wechat.app:
            wechat.client = PlainHttp()
            await _crowd(wechat, people)


async def _crowd(wechat: FakeWeChat, count: int) -> None:
    from tests.kill.test_wechat_kill import photo

    picture = photo()
    people = [wechat.phone(f"person{n}") for n in range(count)]
    bystander = wechat.phone("bystander")
    await bystander.types("你好")
    bystander.pushes.clear()
    over = asyncio.Event()

    async def says_hello() -> None:
        while not over.is_set():
            await bystander.types("你好")
            await asyncio.sleep(0.2)

    hello = asyncio.create_task(says_hello())
    await asyncio.gather(*(person.sends(picture) for person in people))
    photos = Figures([p.pushes[-1].seconds for p in people])
    await asyncio.gather(*(person.types("动漫风格") for person in people))
    wishes = Figures([p.pushes[-1].seconds for p in people], sum(p.broken for p in people))
    began = time.monotonic()
    while time.monotonic() - began < 4 * MAKER_SECONDS and not all(p.pictures for p in people):  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    over.set()
    await hello
    got = sum(bool(p.pictures) for p in people)
    waited = time.monotonic() - began
    print(f"{count:4} people   photo    {photos.told()}")
    print(f"              wish     {wishes.told()}")
    print(f"              bystander {Figures([p.seconds for p in bystander.pushes], bystander.broken).told()}")
    print(f"              pictures {got} of {count} after {waited:.0f} s (the maker takes {MAKER_SECONDS:.0f} s)")


# --- messages a second


def _echo(address: "multiprocessing.Queue[str]") -> None:
    """The same server with a handler that answers with the words it got and does nothing else."""

    async def echo(request: Request) -> Response:
        body = (await request.body()).decode()
        words = body.partition("<Content><![CDATA[")[2].partition("]]>")[0]
        xml = (
            f"<xml><ToUserName><![CDATA[o]]></ToUserName><FromUserName><![CDATA[{ACCOUNT}]]></FromUserName>"
            f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
            f"<Content><![CDATA[{words}]]></Content></xml>"
        )
        return Response(xml, media_type="application/xml")

    with listening_socket() as sock:
        address.put(f"http://127.0.0.1:{sock.getsockname()[1]}")
        server = uvicorn.Server(config(Starlette(routes=[Route("/wechat", echo, methods=["POST"])])))
        server.run([sock])


async def a_second(requests: list[dict[str, Any]], connections: int = 16) -> float:
    """Requests answered a second, over so many connections."""
    waiting = iter(requests)
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:

        async def one_after_another() -> int:
            done = 0
            for request in waiting:
                answer = await client.post(**request)
                assert answer.status_code == 200, answer.status_code
                done += 1
            return done

        began = time.perf_counter()
        done = sum(await asyncio.gather(*(one_after_another() for _ in range(connections))))
        return done / (time.perf_counter() - began)


def pushes(wechat: FakeWeChat, count: int) -> list[dict[str, Any]]:
    """Built before the clock starts: signing and encrypting is the platform's work."""
    people = [Phone(wechat=wechat, openid=f"o{n}") for n in range(200)]
    made = []
    for n in range(count):
        phone = people[n % len(people)]
        made.append(phone.request(phone.text_xml("你好")))
    return made


async def throughput(count: int) -> None:
    with FakeWeChat.serving() as wechat:
        address: multiprocessing.Queue[str] = multiprocessing.Queue()
        echo = multiprocessing.Process(target=_echo, args=(address,), daemon=True)
        echo.start()
        wechat.app = address.get()
        await a_second(pushes(wechat, 200))
        bare = await a_second(pushes(wechat, count))
        echo.terminate()
        print(f"bare echo            {bare:7.0f} messages a second")
        with likeness(wechat, None) as wechat.app:
            for mode in ("plain", "safe"):
                wechat.mode = mode
                await a_second(pushes(wechat, 200))
                rate = await a_second(pushes(wechat, count))
                print(f"text, {mode:10}     {rate:7.0f} messages a second   {rate / bare:5.0%} of the echo")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="30 people and few messages only")
    quick = parser.parse_args().quick
    steps: list[Callable[[], Coroutine[Any, Any, None]]] = [lambda: crowd(30)]
    if not quick:
        steps.append(lambda: crowd(300))
    steps.append(lambda: throughput(600 if quick else 3000))
    for step in steps:
        asyncio.run(step())


if __name__ == "__main__":
    main()
