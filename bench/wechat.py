"""WeChat under load, against the fake platform: first answers while many wait, and text messages a second.

    python -m bench.wechat [--quick]

1. 30 and 300 people at once send a photo and a wish while the maker takes 20 seconds: how many would see the
   "service failed" line (aim: 0), the first answers' p50 and p99 (aim: p99 below 0.1 s for 30, below 1 s for 300),
   and what somebody who only says hello sees meanwhile.
2. Text messages a second, plain and encrypted, in one process and with FRONT_PROCESSES=2, against a handler on the same
   server that only echoes them: with a client that itself takes a millisecond for each (httpx), and with one that takes
   next to nothing (bare sockets). Every message answered is on the disk, the echo's are not.

Bot, platform and pushes share this machine's cores, so the figures are lower bounds; the load is printed with them.
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
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.processes import processor
from bench.pushing import Answered, Pushing
from tests.servers.fal import KEY, FakeFal
from tests.servers.serving import config, listening_socket
from tests.servers.wechat import ACCOUNT, AES_KEY, APP_ID, APP_SECRET, TOKEN, FakeWeChat, Phone

MAKER_SECONDS = 20.0
HELLOS = 2000
"""More than a bystander says in one round."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A server under test, in a process of its own."""

    address: str
    pid: int

    def processor(self) -> float:
        """Seconds it has used."""
        return processor(self.pid)


def told(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {1000 * statistics.median(ordered):6.0f} ms   p99 {1000 * p99:6.0f} ms"


@contextmanager
def likeness(wechat: FakeWeChat, fal: FakeFal | None, *, fronts: int = 0) -> Iterator[Program]:
    """`likeness run` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "DATA_DIR": folder,
            "OUTPUT_DIR": f"{folder}/pictures",
            "WECHAT_APP_ID": APP_ID,
            "WECHAT_APP_SECRET": APP_SECRET,
            "WECHAT_TOKEN": TOKEN,
            "WECHAT_ENCODING_AES_KEY": AES_KEY,
            "WECHAT_API_URL": wechat.url,
            "WORKER_CONCURRENCY": "512",
            "FRONT_PROCESSES": str(fronts),
            "LOG_LEVEL": "error",
        }
        if fal is not None:
            environment |= {"FAL_KEY": KEY, "FAL_QUEUE_URL": fal.url, "PHOTO_ADVICE": "off"}
        program = subprocess.Popen(
            [sys.executable, "-c", "from bot.cli import main; main()", "run", "--port", "0", "--channels", "wechat"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert program.stdout is not None
            yield Program(address=program.stdout.readline().rpartition(" ")[2].strip(), pid=program.pid)
        finally:
            program.terminate()
            program.wait(15)


async def crowd(people: int) -> None:
    with FakeWeChat.serving() as wechat, FakeFal.serving() as fal:
        fal.always(seconds=MAKER_SECONDS)
        # The bystander's pushes have a process too: what they wait for is the bot.
        with likeness(wechat, fal) as program, Pushing() as pushing, Pushing() as beside:
            wechat.app = program.address
            await _crowd(wechat, people, pushing, beside)


async def _crowd(wechat: FakeWeChat, count: int, pushing: Pushing, beside: Pushing) -> None:
    from tests.kill.test_wechat_kill import photo

    picture = photo()
    people = [wechat.phone(f"person{n}") for n in range(count)]
    bystander = wechat.phone("bystander")
    await beside.at_once([bystander.request(bystander.text_xml("你好"))])
    beside.begin([bystander.request(bystander.text_xml("你好")) for _ in range(HELLOS)], apart=0.2)
    photos = await _push_all(pushing, people, [p.photo_xml(picture) for p in people])
    wishes = await _push_all(pushing, people, [p.text_xml("动漫风格") for p in people])
    began = time.monotonic()
    while time.monotonic() - began < 4 * MAKER_SECONDS and not all(p.pictures for p in people):  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    waited = time.monotonic() - began
    hellos = await beside.end()
    for hello in hellos:
        bystander.reads(hello.status, hello.body)
    got = sum(bool(p.pictures) for p in people)
    broken = sum(p.broken for p in people)
    print(f"{count:4} people   photo    {told([a.seconds for a in photos])}")
    print(f"              wish     {told([a.seconds for a in wishes])}   failed {broken}")
    print(f"              bystander {told([a.seconds for a in hellos])}   failed {bystander.broken}")
    print(f"              pictures {got} of {count} after {waited:.0f} s (the maker takes {MAKER_SECONDS:.0f} s)")


async def _push_all(pushing: Pushing, people: Sequence[Phone], xmls: Sequence[str]) -> list[Answered]:
    """One push of each of them at the same moment."""
    for person in people:
        person.opens("message")
    requests = [person.request(xml) for person, xml in zip(people, xmls, strict=True)]
    answered = await pushing.at_once(requests)
    for person, answer in zip(people, answered, strict=True):
        person.reads(answer.status, answer.body)
    return answered


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


@contextmanager
def echoing() -> Iterator[Program]:
    context = multiprocessing.get_context("spawn")
    address: multiprocessing.Queue[str] = context.Queue()
    process = context.Process(target=_echo, args=(address,), daemon=True)
    process.start()
    yield Program(address=address.get(), pid=process.pid or 0)
    process.terminate()
    process.join()


def pushes(wechat: FakeWeChat, count: int) -> list[dict[str, Any]]:
    """Built before the clock starts: signing and encrypting is the platform's work."""
    people = [Phone(wechat=wechat, openid=f"o{n}") for n in range(200)]
    made = []
    for n in range(count):
        phone = people[n % len(people)]
        made.append(phone.request(phone.text_xml("你好")))
    return made


async def throughput(count: int) -> None:
    ways = (("httpx", False, 16, count), ("sockets", True, 64, 4 * count))
    bare: dict[str, float] = {}
    with FakeWeChat.serving() as wechat, Pushing() as pushing:

        async def measured(program: Program, name: str) -> None:
            for way, sockets, connections, some in ways:
                await pushing.in_turn(pushes(wechat, 500), connections=connections, bare=sockets)
                requests, used = pushes(wechat, some), program.processor()
                rate = some / await pushing.in_turn(requests, connections=connections, bare=sockets)
                cost = 1000 * (program.processor() - used) / some
                share = f"{rate / bare.setdefault(way, rate):6.0%}"
                print(f"{name:24} {way:8} {rate:7.0f} messages a second {share}   {cost:.2f} ms of processor for each")

        with echoing() as program:
            wechat.app = program.address
            await measured(program, "bare echo")
        for fronts in (0, 2):
            with likeness(wechat, None, fronts=fronts) as program:
                wechat.app = program.address
                for mode in ("plain", "safe"):
                    wechat.mode = mode
                    await measured(program, f"text, {mode}, {f'{fronts} fronts' if fronts else 'one process'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="30 people and few messages only")
    quick = parser.parse_args().quick
    steps: list[Callable[[], Coroutine[Any, Any, None]]] = [lambda: crowd(30)]
    if not quick:
        steps.append(lambda: crowd(300))
    steps.append(lambda: throughput(600 if quick else 3000))
    for step in steps:
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        asyncio.run(step())


if __name__ == "__main__":
    main()
