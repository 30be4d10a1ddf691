"""What one HTTP request costs us: processor time of the client alone, against a server in another process.

python -m bench.calls [--quick]

Each line is measured with httpx's own transport and with ours, with 12 requests at once and with 200: a form posted,
as most calls of the Bot API are; a picture of 300 kB uploaded; one fetched. Then a Bot API call and a download as the
program makes them.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send
from telegram import Bot

from bot.channels.telegram.outbound.bot_request import BotRequest
from providers.media.download import Downloader
from providers.net import Transport
from tests.servers.serving import config, listening_socket

PICTURE = b"\xfe" * 300_000
FORM = {"chat_id": "12345", "text": "On it: anime, about 5 s, $0.15", "link_preview_options": '{"is_disabled":true}'}
CHAT = {"id": 12345, "type": "private", "first_name": "Ann"}
ANSWER = json.dumps({"ok": True, "result": {"message_id": 5, "date": 1, "chat": CHAT, "text": "x" * 200}}).encode()
AT_ONCE = (12, 200)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    body = PICTURE if scope["path"] == "/picture" else ANSWER
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


def serve() -> None:
    with listening_socket() as sock:
        print(f"http://127.0.0.1:{sock.getsockname()[1]}", flush=True)
        uvicorn.Server(config(app)).run(sockets=[sock])


async def cost(one: Callable[[], Awaitable[object]], at_once: int, count: int) -> str:
    """Milliseconds of this process for one."""
    room = asyncio.Semaphore(at_once)

    async def in_turn() -> None:
        async with room:
            await one()

    await asyncio.gather(*(in_turn() for _ in range(at_once)))
    used = time.process_time()
    await asyncio.gather(*(in_turn() for _ in range(count)))
    return f"{1000 * (time.process_time() - used) / count:6.2f} ms"


@asynccontextmanager
async def client(*, ours: bool, at_once: int) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=at_once)
    transport = Transport(limits=limits) if ours else None
    async with httpx.AsyncClient(transport=transport, limits=limits, timeout=60.0, trust_env=False) as made:
        yield made


async def run(address: str, *, count: int) -> None:
    print(f"processor of the client for one request{'':20}{'   '.join(f'{n:3} at once' for n in AT_ONCE)}")
    files = {"photo": ("p.png", PICTURE, "image/png")}
    for ours in (False, True):
        rows: dict[str, list[str]] = {"a form posted": [], "300 kB uploaded": [], "300 kB fetched": []}
        for at_once in AT_ONCE:
            async with client(ours=ours, at_once=at_once) as http:
                for row, one in zip(
                    rows.values(),
                    (
                        partial(http.post, address, data=FORM),
                        partial(http.post, address, data=FORM, files=files),
                        partial(http.get, f"{address}/picture"),
                    ),
                    strict=True,
                ):
                    row.append(await cost(one, at_once, count))
        for name, costs in rows.items():
            print(f"  {'our transport' if ours else 'httpx as it is':16} {name:40} {'      '.join(costs)}")
    await as_the_program(address, count=count)


async def as_the_program(address: str, *, count: int) -> None:
    place = urlsplit(address)
    origin = (place.hostname or "", place.port or 80)
    calls, downloads = [], []
    for at_once in AT_ONCE:
        calling = BotRequest(at_once)
        bot = Bot("42:bench", base_url=f"{address}/bot", request=calling)
        calls.append(await cost(partial(bot.send_message, 12345, FORM["text"]), at_once, count))
        await calling.shutdown()
        async with Downloader(trusted_origins=frozenset({origin})) as downloader:
            fetch = partial(downloader.download, f"{address}/picture", given_by="provider")
            downloads.append(await cost(fetch, at_once, count))
    for name, costs in (("sendMessage by python-telegram-bot", calls), ("a result of 300 kB downloaded", downloads)):
        print(f"  {'the program':16} {name:40} {'      '.join(costs)}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="small numbers, a few seconds")
    arguments.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.serve:
        serve()
        return
    server = subprocess.Popen([sys.executable, "-m", "bench.calls", "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        asyncio.run(run(server.stdout.readline().strip(), count=200 if chosen.quick else 1000))
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
