"""What one picture costs us at each service, against the same HTTP calls made by httpx alone; and memory for a photo.

python -m bench.services [--quick] [SERVICE …]

Each service is a fake of its own process that follows the service's protocol. First one picture is made and every
request of it is written down; then pictures are made by the provider (submit, follow, fetch, decode, label, save) and,
in turn, those very requests are sent again by httpx as it is, whose answers are read and written to files. Processor
time of this process alone. Then, in a process each, a photo of 20 MB goes through from `accept` to the result: the
most memory beyond what was in use before, as a multiple of the photo.
"""

import argparse
import asyncio
import base64
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from providers.base import Provider, Request
from providers.collection import collect
from providers.configure import build_providers
from providers.media.accept import accept_photo
from providers.net.transport import Transport
from providers.router import Router
from providers.settings import ProviderSettings
from providers.submission import submit
from providers.task import Operation
from tests.providers.test_submission import Notes
from tests.providers.wanted import wanted

KEY = "test-key"
PHOTO_BYTES = 20 * 1024 * 1024
_BASE64 = re.compile(rb'"(?:data:image/[a-z]+;base64,)?([A-Za-z0-9+/]{2000,}={0,2})"')


@dataclass(frozen=True, kw_only=True)
class Served:
    """A service's fake and the settings that lead to it. `path` is what its base address ends with."""

    fake: str
    key: str
    base: str
    path: str = ""


SERVICES: Mapping[str, Served] = {
    "openai": Served(fake="openai:FakeOpenAI", key="openai_api_key", base="openai_base_url", path="/v1"),
    "stability": Served(fake="stability:FakeStability", key="stability_api_key", base="stability_base_url"),
    "bfl": Served(fake="bfl:FakeBfl", key="bfl_api_key", base="bfl_base_url"),
    "replicate": Served(
        fake="replicate:FakeReplicate", key="replicate_api_token", base="replicate_base_url", path="/v1"
    ),
    "openrouter": Served(
        fake="openrouter:FakeOpenRouter", key="openrouter_api_key", base="openrouter_base_url", path="/api/v1"
    ),
    "dashscope": Served(
        fake="dashscope:FakeDashScope", key="dashscope_api_key", base="dashscope_base_url", path="/api/v1"
    ),
    "a1111": Served(fake="a1111:FakeA1111", key="", base="stable_diffusion_local_base_url"),
    "comfyui": Served(fake="comfyui:FakeComfyUI", key="", base="stable_diffusion_local_base_url"),
}


@contextmanager
def serving(name: str) -> Iterator[str]:
    """The fake in a process of its own; yields its address."""
    command = [sys.executable, "-m", "tests.servers.service", f"tests.servers.{SERVICES[name].fake}", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.wait()


def provider_of(name: str, address: str, folder: Path) -> Provider:
    served = SERVICES[name]
    root = re.match(r"https?://[^/]+", address)
    assert root is not None, address
    values: dict[str, Any] = {served.base: root.group() + served.path, "data_dir": folder, "poll_scale": 0.001}
    if served.key:
        values[served.key] = KEY
    settings = ProviderSettings(_env_file=None, **values)  # type: ignore[call-arg]
    return next(provider for provider in build_providers(settings) if provider.name == name)


@dataclass(frozen=True, kw_only=True)
class Call:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Every request that goes out meanwhile."""
    calls: list[Call] = []
    original = Transport.handle_async_request

    async def recording(self: Transport, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        dropped = ("host", "content-length", "transfer-encoding", "connection")
        headers = {name: value for name, value in request.headers.items() if name not in dropped}
        calls.append(Call(method=request.method, url=str(request.url), headers=headers, body=body))
        return await original(self, request)

    Transport.handle_async_request = recording  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        Transport.handle_async_request = original  # type: ignore[method-assign]


async def make(request: Request, router: Router, into: Path) -> None:
    journal = Notes()
    submission = await submit(request, router, journal)
    await collect(request, submission, router, journal, into=into)


async def send_again(client: httpx.AsyncClient, calls: list[Call], into: Path) -> None:
    """The bare calls: answers read, pictures in them written to files."""
    for number, call in enumerate(calls):
        answer = await client.request(call.method, call.url, headers=dict(call.headers), content=call.body)
        data = answer.content
        if answer.headers.get("content-type", "").startswith("image/"):
            (into / f"bare-{number}").write_bytes(data)
        for n, found in enumerate(_BASE64.findall(data)):
            (into / f"bare-{number}-{n}").write_bytes(base64.b64decode(found))


async def compared(name: str, pictures: int) -> str:
    with serving(name) as address, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        provider = provider_of(name, address, folder)
        await provider.discover()
        router = Router([provider])
        wish = {"operation": Operation.CREATE, "prompt": "A lighthouse in a storm.", "text": "a lighthouse"}
        with recorded() as calls:
            await make(wanted("first", **wish), router, folder)
        ours = bare = 0.0
        async with httpx.AsyncClient(timeout=60.0, trust_env=False) as client:
            await send_again(client, calls, folder)
            for n in range(pictures):
                begun = time.process_time()
                await make(wanted(f"job-{n}", **wish), router, folder)
                between = time.process_time()
                await send_again(client, calls, folder)
                ours, bare = ours + between - begun, bare + time.process_time() - between
        await provider.aclose()
    each, alone = 1000 * ours / pictures, 1000 * bare / pictures
    return (
        f"{name:12} {len(calls):5} calls   ours {each:7.1f} ms   httpx {alone:7.1f} ms"
        f"   ratio {each / alone:5.2f}   beyond {each - alone:6.1f} ms"
    )


def big_photo(path: Path) -> None:
    """A JPEG of 20 MB: noise, which nothing makes small."""
    side = 4400
    pixels = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    for quality in range(60, 100, 3):
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG", quality=quality)
        if out.tell() >= PHOTO_BYTES * 0.9:
            break
    path.write_bytes(out.getvalue())


def _begin_peak_anew() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_kb() -> int:
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()).group(1))  # type: ignore[union-attr]


async def memory_of(name: str, photo: Path) -> None:
    """In a process of its own: prints the photo's bytes and the peak beyond what was in use before, in kB."""
    with serving(name) as address, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        provider = provider_of(name, address, folder)
        await provider.discover()
        router = Router([provider])
        small = folder / "small.png"
        Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(small)
        operation = Operation.OUTPAINT if name == "stability" else Operation.EDIT
        action = "extend" if name == "stability" else "edit"
        wish = {"operation": operation, "action": action, "prompt": "Add a hat.", "text": "add a hat"}
        await make(wanted("warm", **wish, photos=(small,)), router, folder)
        _begin_peak_anew()
        before = _peak_kb()
        accepted = await accept_photo(photo, into=folder)
        after_accept = _peak_kb()
        _begin_peak_anew()
        begun = _peak_kb()
        await make(wanted("big", **wish, photos=(accepted.path,)), router, folder)
        sent = accepted.size_bytes
        print(json.dumps([after_accept - before, sent, _peak_kb() - begun]))
        await provider.aclose()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("services", nargs="*", default=list(SERVICES))
    arguments.add_argument("--quick", action="store_true", help="five pictures a service instead of thirty")
    arguments.add_argument("--memory", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.memory:
        asyncio.run(memory_of(chosen.services[0], Path(chosen.memory)))
        return
    print("processor of this process for one picture")
    for name in chosen.services:
        print("  " + asyncio.run(compared(name, 5 if chosen.quick else 30)), flush=True)
    print("memory for a photo of 20 MB, beyond what was in use before")
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        big_photo(photo)
        for name in chosen.services:
            command = [sys.executable, "-m", "bench.services", "--memory", str(photo), name]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            size = photo.stat().st_size
            accepting, sent, making = json.loads(done.stdout.splitlines()[-1])
            print(
                f"  {name:12} photo {size / 2**20:5.1f} MB   accepting {accepting / 1024:6.1f} MB"
                f"   sent as {sent / 2**20:5.1f} MB   making {making / 1024:6.1f} MB"
                f"   ratio to the photo {max(accepting, making) * 1024 / size:4.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
