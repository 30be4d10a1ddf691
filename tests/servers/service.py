"""What every fake image service shares: requests recorded, faults on demand, a clock to turn, a program of its own.

In a test:      with FakeBfl.serving() as bfl: bfl.plan("busy"); … assert bfl.submits == 1; bfl.sent[-1].fields
As a program:   python -m tests.servers.service tests.servers.bfl:FakeBfl --port 0     prints its address first

A service derives from `FakeService`: it gives its `routes`, reads a request with `received`, counts a paid POST with
`submitted`, and shapes `problem`. Each submit takes the next `Plan` from the queue, else the standing one.
Over HTTP: `GET /_fake/state`, `POST /_fake/plan` (`{"fault": NAME, …}`), `POST` to `/_fake/release`, `turn`, `reset`.
"""

import argparse
import asyncio
import importlib
import inspect
import io
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar, Self

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from tests.servers import serving as server

KEY = "test-key"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What happens to one submitted job. The defaults are a job that goes well and is done at once."""

    match: str = ""
    """Only for a prompt that holds these words."""
    times: int = 1
    # --- the POST
    submit: str = "ok"
    """ok, answer (status, body, headers), reset_before (its body unread), reset_after, junk, empty"""
    status: int = 200
    body: Any = None
    """JSON, or a string as it is; None: the service's own words for this status"""
    headers: Mapping[str, str] = field(default_factory=dict)
    taken: bool = False
    """With `answer`: whether the job was taken, and is billed, whatever the answer says."""
    hold: str = ""
    """before or after taking the job: the POST waits until it is released"""
    # --- the wait
    polls: int = 0
    """Looks at the job that say it is not ready."""
    never: bool = False
    poll_faults: tuple[int | str, ...] = ()
    """Answers to the first looks: an HTTP code, reset or junk"""
    # --- the end
    end: str = "ok"
    """ok, failed, policy (after making), withheld (a blurred, black or missing picture), or a service's own word"""
    pictures: int | None = None
    """How many there are; None: as many as were asked for."""
    picture: str = "ok"
    """ok, gone (404), expired (403), busy (503), truncated, cut (the connection ends), junk, html, drip"""


FAULTS: dict[str, Plan] = {
    "busy": Plan(submit="answer", status=429),
    "busy_soon": Plan(submit="answer", status=429, headers={"retry-after": "2"}),
    "busy_late": Plan(submit="answer", status=429, headers={"retry-after": "3600"}),
    "bad_key": Plan(submit="answer", status=401),
    "no_credit": Plan(submit="answer", status=402),
    "forbidden": Plan(submit="answer", status=403),
    "rejected": Plan(submit="answer", status=422),
    "too_large": Plan(submit="answer", status=413),
    "not_found": Plan(submit="answer", status=404),
    "redirect": Plan(submit="answer", status=302, body="", headers={"location": "http://127.0.0.1:9/"}),
    "500": Plan(submit="answer", status=500, taken=True),
    "502": Plan(submit="answer", status=502, body="<html><h1>502 Bad Gateway</h1></html>", taken=True),
    "503": Plan(submit="answer", status=503),
    "504": Plan(submit="answer", status=504, body="<html><h1>504 Gateway Time-out</h1></html>", taken=True),
    "524": Plan(submit="answer", status=524, body="<html>A timeout occurred</html>", taken=True),
    "529": Plan(submit="answer", status=529),
    "reset_before": Plan(submit="reset_before"),
    "reset_after": Plan(submit="reset_after"),
    "junk": Plan(submit="junk"),
    "empty": Plan(submit="empty"),
    "hold_before": Plan(hold="before"),
    "hold_after": Plan(hold="after"),
    "slow": Plan(polls=3),
    "never": Plan(never=True),
    "failed": Plan(end="failed"),
    "policy_after": Plan(end="policy"),
    "withheld": Plan(end="withheld"),
    "nothing": Plan(pictures=0),
    "fewer": Plan(pictures=1),
    "gone": Plan(picture="gone"),
    "expired": Plan(picture="expired"),
    "truncated": Plan(picture="truncated"),
    "cut": Plan(picture="cut"),
    "bad_picture": Plan(picture="junk"),
    "html": Plan(picture="html"),
}
"""By the names of what goes wrong. A service adds its own, `policy` (refused before making) at least."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of a multipart body."""

    filename: str
    type: str
    data: bytes

    def image(self) -> Image.Image:
        """Decoded in full. Raises OSError."""
        return image_of(self.data)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request as it came. `fields`: the JSON object, or the text fields of a form."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    multipart: bool
    fields: Mapping[str, Any]
    files: Mapping[str, tuple[Part, ...]]
    repeated: frozenset[str] = frozenset()
    """Text fields that came more than once."""
    readable: bool = True
    """False where the body was no JSON object though it should have been."""


class Clock:
    """The service's time: the system's, and as much as a test turned it on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def turn(self, seconds: float) -> None:
        self.ahead += seconds


class FakeService:
    """`origin`: where it listens; `sent`: every request of its own routes; `submits`: POSTs that would be paid."""

    FAULTS: ClassVar[Mapping[str, Plan]] = FAULTS

    def __init__(self, *, key: str = KEY) -> None:
        self.key = key
        self.origin = ""
        self.clock = Clock()
        self.reset()
        self.app = Starlette(routes=[Route("/_fake/{what}", self._control, methods=["GET", "POST"]), *self.routes()])

    def routes(self) -> Sequence[BaseRoute]:
        raise NotImplementedError

    def problem(self, status: int) -> Any:
        """The service's own body for an error of this status."""
        return {"detail": "words that may change any day"}

    @classmethod
    @contextmanager
    def serving(cls, *, key: str = KEY) -> Iterator[Self]:
        fake = cls(key=key)
        with server.serving(fake.app) as origin:
            fake.origin = origin
            yield fake

    # --- what a test says and reads

    def reset(self) -> None:
        """Forget jobs, plans and counters. A service with state of its own extends it."""
        self.plans: list[Plan] = []
        self.standing = Plan()
        self.sent: list[Sent] = []
        self.counts: Counter[str] = Counter()
        self.billed = 0
        """Pictures charged for."""
        self.gate = threading.Event()
        self.holding = threading.Event()
        """Set while, or after, a submit was held."""

    def plan(self, fault: str | None = None, **changes: Any) -> None:
        """The next submit that fits goes like this."""
        self.plans.append(replace(self.FAULTS[fault] if fault else Plan(), **changes))

    def always(self, fault: str | None = None, **changes: Any) -> None:
        """Every submit without a plan of its own goes like this."""
        self.standing = replace(self.FAULTS[fault] if fault else Plan(), **changes)

    def release(self) -> None:
        self.gate.set()

    @property
    def submits(self) -> int:
        return self.counts["submits"]

    def state(self) -> dict[str, Any]:
        return {"submits": self.submits, "billed_pictures": self.billed, "counts": dict(self.counts)}

    # --- what a service uses

    async def received(self, request: Request) -> Sent:
        """The whole request, kept in `sent`."""
        fields: dict[str, Any] = {}
        files: dict[str, tuple[Part, ...]] = {}
        repeated: set[str] = set()
        readable = True
        multipart = request.headers.get("content-type", "").startswith("multipart/form-data")
        if multipart:
            async with request.form(max_files=64) as form:
                for name, value in form.multi_items():
                    if isinstance(value, UploadFile):
                        part = Part(
                            filename=value.filename or "", type=value.content_type or "", data=await value.read()
                        )
                        files[name] = (*files.get(name, ()), part)
                    else:
                        repeated |= {name} & set(fields)
                        fields[name] = value
        elif raw := await request.body():
            fields, readable = _object(raw)
        sent = Sent(
            method=request.method, path=request.url.path, query=dict(request.query_params), multipart=multipart,
            headers=dict(request.headers), fields=fields, files=files, repeated=frozenset(repeated), readable=readable,
        )  # fmt: skip
        self.sent.append(sent)
        return sent

    async def before(self, request: Request) -> Response | None:
        """A fault that strikes before the body is read: peeks at the next plan, which `submitted` then takes."""
        first = self.plans[0] if self.plans else self.standing
        if first.submit != "reset_before" or first.match:
            return None
        self._next("")
        self.counts["resets"] += 1
        return reset(request)

    async def submitted(self, prompt: str = "") -> Plan:
        """Count a paid POST that came whole, take its plan, and wait where it is held before it is taken."""
        self.counts["submits"] += 1
        plan = self._next(prompt)
        if plan.hold == "before":
            await self.held()
        return plan

    async def spoiled(self, request: Request, plan: Plan) -> Response | None:
        """What the client gets instead of the answer to a submit, or None. Call it after the job was taken, which it
        was not where `refuses(plan)`.
        """
        if plan.hold == "after":
            await self.held()
        match plan.submit:
            case "answer":
                return self.answer(plan.status, plan.body, plan.headers)
            case "reset_after":
                return reset(request)
            case "junk":
                return Response('{"id": "half an ans', media_type="application/json")
            case "empty":
                return Response(b"")
        return None

    @staticmethod
    def refuses(plan: Plan) -> bool:
        return plan.submit == "answer" and not plan.taken

    def answer(self, status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Response:
        if isinstance(body, str):
            return Response(body, status, headers=dict(headers or {}), media_type="text/html")
        body = self.problem(status) if body is None else body
        return JSONResponse(body, status, headers=dict(headers or {}))

    def faulty(self, request: Request, fault: int | str) -> Response:
        """The answer to a look at a job that goes wrong."""
        if fault == "reset":
            return reset(request)
        if fault == "junk":
            return Response("{", media_type="application/json")
        return self.answer(int(fault))

    def file(self, request: Request, plan: Plan, data: bytes, type_: str) -> Response:
        """A result file, or what its plan gives instead."""
        self.counts["downloads"] += 1
        match plan.picture:
            case "gone":
                return PlainTextResponse("gone", 404)
            case "expired":
                return PlainTextResponse("<Error>Request has expired</Error>", 403)
            case "busy":
                return PlainTextResponse("busy", 503)
            case "html":
                return Response("<html><h1>Sign in</h1></html>", media_type=type_)
            case "cut":
                return cut(request, data, type_)
            case "drip":
                return StreamingResponse(_drip(data), media_type=type_)
        return Response(spoil(data, plan), media_type=type_)

    # --- inside

    def _next(self, prompt: str) -> Plan:
        for n, plan in enumerate(self.plans):
            if plan.match in prompt:
                if plan.times > 1:
                    self.plans[n] = replace(plan, times=plan.times - 1)
                else:
                    del self.plans[n]
                return plan
        return self.standing

    async def held(self) -> None:
        """Wait until it is released."""
        self.counts["held"] += 1
        self.holding.set()
        while not self.gate.is_set():  # noqa: ASYNC110  # set by another thread
            await asyncio.sleep(0.005)

    async def _control(self, request: Request) -> Response:
        words = _object(await request.body())[0]
        match request.path_params["what"], request.method:
            case "state", "GET":
                pass
            case "release", "POST":
                self.release()
            case "reset", "POST":
                self.reset()
            case "turn", "POST":
                self.clock.turn(float(words["seconds"]))
            case "plan", "POST":
                words |= {"poll_faults": tuple(words.get("poll_faults", ()))} if "poll_faults" in words else {}
                (self.always if words.pop("always", False) else self.plan)(**words)
            case _:
                return PlainTextResponse("no such thing", 404)
        return JSONResponse(self.state())


def _object(raw: bytes) -> tuple[dict[str, Any], bool]:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        return {}, False
    return (body, True) if isinstance(body, dict) else ({}, False)


def image_of(data: bytes) -> Image.Image:
    """Decoded in full. Raises OSError."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def spoil(data: bytes, plan: Plan) -> bytes:
    """The bytes of a picture as `plan.picture` wants them, for services that answer with the picture itself."""
    match plan.picture:
        case "truncated":
            return data[: len(data) // 2]
        case "junk":
            return b"this is no picture at all"
    return data


@lru_cache(maxsize=64)
def picture_bytes(size: tuple[int, int], shade: int = 0, kind: str = "png", *, mode: str = "RGB") -> bytes:
    """A decodable picture of this size; each `shade` is another one, -1 the black one of a safety filter."""
    colour = (0, 0, 0) if shade < 0 else (40 + shade * 37 % 200, 90, 200 - shade * 23 % 150)
    image = Image.new("RGB", size, colour)
    if shade >= 0:
        image.paste((250, 240, 230), (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    if mode == "RGBA":
        image.putalpha(Image.new("L", size, 0))
        image.paste((250, 240, 230, 255), (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    out = io.BytesIO()
    image.save(out, {"jpg": "JPEG"}.get(kind, kind.upper()), **({"compress_level": 1} if kind == "png" else {}))
    return out.getvalue()


def reset(request: Request) -> Response:
    """End the connection with RST, as a crashed server does, instead of an answer."""
    transport = request.receive.__self__.transport  # type: ignore[attr-defined]  # uvicorn's request cycle
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return Response()


def cut(request: Request, data: bytes, type_: str) -> Response:
    """Announces the whole file, sends half of it, and ends the connection."""

    async def half() -> AsyncIterator[bytes]:
        yield data[: len(data) // 2]
        request.receive.__self__.transport.close()  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)  # until uvicorn has noticed, or it complains about the length

    return StreamingResponse(half(), media_type=type_, headers={"content-length": str(len(data))})


async def _drip(data: bytes) -> AsyncIterator[bytes]:
    step = max(1, len(data) // 20)
    for at in range(0, len(data), step):
        yield data[at : at + step]
        await asyncio.sleep(0.005)


def main() -> None:
    options = argparse.ArgumentParser(description="A fake image service with faults, for kill tests and benches.")
    options.add_argument("service", help="module:class, such as tests.servers.bfl:FakeBfl")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--key", default=KEY)
    options.add_argument("--fault", default=None, help="a name of its FAULTS, for every submit")
    chosen = options.parse_args()
    module, _, name = chosen.service.partition(":")
    service = getattr(importlib.import_module(module), name)
    keyed = "key" in inspect.signature(service).parameters  # a server of one's own has none
    fake: FakeService = service(**({"key": chosen.key} if keyed else {}))
    fake.always(chosen.fault)
    with server.listening_socket(chosen.port) as sock:
        fake.origin = f"http://127.0.0.1:{sock.getsockname()[1]}"
        print(fake.origin, flush=True)
        uvicorn.Server(server.config(fake.app)).run(sockets=[sock])


if __name__ == "__main__":
    main()
