"""A fake fal that speaks the queue protocol over HTTP, faults included, and counts its bill (long: one machine).

In a test:   with FakeFal.serving() as fal: fal.plan(submit="reset_after"); … assert fal.submits == 1
As a program: python -m tests.servers.fal --port 0        prints its address as the first line

Each submit takes the next `Plan` from the queue (or the standing one); a prompt with `[[fault:NAME]]` picks the plan
`NAME` of `FAULTS`, with `[[fault_once:NAME]]` at its first submit. Over HTTP: `GET /_fake/state` (the counters),
`POST /_fake/plan` (a Plan, or `{"fault": NAME}`), `POST /_fake/release` (lets held requests go on),
`POST /_fake/reset`.

This module is longer than others because it is one machine: the protocol of the queue and its faults side by side.
"""

import argparse
import asyncio
import base64
import hashlib
import io
import json
import re
import socket
import struct
import threading
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.servers import serving as server
from tests.servers.fal_models import MODELS, output_size, problem

KEY = "test-key"
NGINX = (
    "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr><center>nginx</center></body></html>"
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What happens to one submitted job. The defaults are a job that is done at once and goes well."""

    match: str = ""
    """Only for prompts that hold these words."""
    times: int = 1
    # --- the POST
    submit: str = "ok"
    """ok, answer (status, body, headers), reset_before, reset_after, garbage, no_id"""
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    accepted: bool = True
    """With `answer`: whether the job was taken, whatever the answer says."""
    hold: str = ""
    """before or after taking the job: the POST waits until it is released"""
    # --- the wait
    queue: int = 0
    """Status reports that say IN_QUEUE first."""
    polls: int = 0
    """Status reports that say IN_PROGRESS then."""
    seconds: float = 0.0
    """Time until COMPLETED."""
    never: bool = False
    stream: str = "on"
    """on, off (404), cut (ends after the first event), silent (sends nothing), reset"""
    poll_faults: tuple[int | str, ...] = ()
    """Answers to the first status reads: an HTTP code, or reset"""
    # --- the end
    error: str = ""
    error_type: str = ""
    too_early: int = 0
    """Result reads that say `still in progress` first."""
    result_status: int = 200
    result_body: Any = None
    result_faults: tuple[int | str, ...] = ()
    """Answers to the first result reads: an HTTP code of the ingress, reset or garbage"""
    # --- the pictures
    pictures: int | None = None
    """How many there are; None: as many as were asked for."""
    shape: str = "images"
    """images, image (a single object), inline (data URIs)"""
    picture: str = "ok"
    """ok, expired (403), gone (404), truncated (half a file), cut (the connection ends), html, busy (503),
    held (half of it until released)"""
    bad_links: int = 1_000_000
    """Result reads whose links carry that fault; later ones give good links."""
    bad_pictures: int = 1_000_000
    """How many of a job's pictures carry it."""
    nsfw: bool = False
    cancel: int = 200


def _detail(kind: str, **context: Any) -> dict[str, Any]:
    entry = {"loc": ["body", "prompt"], "msg": "words that may change any day", "type": kind, "ctx": context}
    return {"detail": [entry]}


def _refusal(status: int, body: Any, **headers: str) -> Plan:
    return Plan(submit="answer", status=status, body=body, accepted=False, headers=headers)


FAULTS: dict[str, Plan] = {
    "401": _refusal(401, {"detail": "Authentication is required"}),
    "402": _refusal(402, {"error": "insufficient_credits"}),
    "403": _refusal(403, {"error": "endpoint_not_allowed"}),
    "404": _refusal(404, {"detail": "Application not found"}),
    "413": _refusal(413, NGINX.format("413 Request Entity Too Large")),
    "422": _refusal(422, _detail("enum")),
    "422_string": _refusal(422, {"detail": "Something about the input"}),
    "422_unknown": _refusal(422, _detail("a_type_of_next_year")),
    "policy": _refusal(422, _detail("content_policy_violation")),
    "small": _refusal(422, _detail("image_too_small", min_width=256, min_height=256)),
    "large": _refusal(422, _detail("image_too_large", max_width=4096, max_height=4096)),
    "heavy": _refusal(422, _detail("file_too_large", max_size=10_485_760)),
    "unreadable": _refusal(422, _detail("image_load_error")),
    "no_face": _refusal(422, _detail("face_detection_error")),
    "400": _refusal(400, {"detail": "Bad request", "error_type": "bad_request"}, **{"x-fal-error-type": "bad_request"}),
    "429": _refusal(429, {"detail": "Too many requests"}, **{"retry-after": "7"}),
    "redirect": _refusal(302, "", location="http://127.0.0.1:9/elsewhere"),
    "503_ingress": _refusal(503, NGINX.format("503 Service Temporarily Unavailable")),
    "503_retry_after": _refusal(503, {"detail": "Overloaded"}, **{"retry-after": "3"}),
    "503_ingress_after": Plan(submit="answer", status=503, body={"detail": "x"}, headers={"x-fal-request-id": "r"}),
    "502_ingress": Plan(submit="answer", status=502, body=NGINX.format("502 Bad Gateway")),
    "504_ingress": Plan(submit="answer", status=504, body=NGINX.format("504 Gateway Time-out")),
    "500_before": Plan(submit="answer", status=500, body={"detail": "Internal"}, accepted=False),
    "500_after": Plan(submit="answer", status=500, body={"detail": "Internal", "error_type": "internal_error"}),
    "408": Plan(submit="answer", status=408, body={"detail": "Request timed out"}),
    "start_deadline": _refusal(
        504, {"detail": "x", "error_type": "request_timeout"}, **{"x-fal-request-timeout-type": "user"}
    ),
    "reset_before": Plan(submit="reset_before"),
    "reset_after": Plan(submit="reset_after"),
    "garbage": Plan(submit="garbage"),
    "no_id": Plan(submit="no_id"),
    "hold_before": Plan(hold="before"),
    "hold_after": Plan(hold="after"),
    "never": Plan(never=True),
    "completed_error": Plan(
        error="Runner error",
        error_type="runner_server_error",
        result_status=500,
        result_body={"detail": "Runner error", "error_type": "runner_server_error"},
    ),
    "completed_policy": Plan(
        error="Invalid status code: 422",
        error_type="",
        result_status=422,
        result_body=_detail("content_policy_violation"),
    ),
    "result_policy": Plan(result_status=422, result_body=_detail("content_policy_violation")),
    "result_nothing": Plan(result_status=422, result_body=_detail("no_media_generated")),
    "result_500": Plan(result_status=500, result_body=_detail("internal_server_error")),
    "too_early": Plan(too_early=2),
    "empty": Plan(pictures=0),
    "fewer": Plan(pictures=1),
    "single": Plan(shape="image"),
    "inline": Plan(shape="inline"),
    "nsfw": Plan(nsfw=True),
    "expired": Plan(picture="expired"),
    "expired_once": Plan(picture="expired", bad_links=1),
    "truncated": Plan(picture="truncated"),
    "cut": Plan(picture="cut"),
    "html": Plan(picture="html"),
    "stream_off": Plan(stream="off", polls=2),
    "stream_cut": Plan(stream="cut", polls=3),
    "slow": Plan(seconds=20),
}


@dataclass
class Job:
    """One job in the fake queue."""

    id: str
    app: str
    endpoint: str
    body: dict[str, Any]
    plan: Plan
    taken: float
    reads: int = 0
    polled: int = 0
    result_reads: int = 0
    early: int = 0
    cancelled: bool = False
    downloads: int = 0

    @property
    def count(self) -> int:
        return int(self.body.get("num_images", 1)) if self.plan.pictures is None else self.plan.pictures

    @property
    def size(self) -> tuple[int, int]:
        return output_size(self.endpoint, self.body)

    def done(self) -> bool:
        plan = self.plan
        late = time.monotonic() - self.taken < plan.seconds
        return not plan.never and not late and self.reads >= plan.queue + plan.polls

    def report(self) -> dict[str, Any]:
        """One status object; each one read brings the job one step on."""
        if self.done():
            out: dict[str, Any] = {"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 1.5}}
            if self.plan.error or self.plan.error_type:
                out |= {"error": self.plan.error, "error_type": self.plan.error_type}
            return out
        self.reads += 1
        if self.reads <= self.plan.queue:
            return {"status": "IN_QUEUE", "queue_position": self.plan.queue - self.reads}
        return {"status": "IN_PROGRESS", "logs": None}


@lru_cache(maxsize=64)
def picture_bytes(size: tuple[int, int], shade: int, kind: str) -> bytes:
    """A decodable picture; shade -1 is the black one of a safety filter."""
    colour = (0, 0, 0) if shade < 0 else (40 + shade * 37 % 200, 90, 200 - shade * 23 % 150)
    image = Image.new("RGB", size, colour)
    if shade >= 0:
        image.paste((250, 240, 230), (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    out = io.BytesIO()
    image.save(out, kind.upper(), **({"compress_level": 1} if kind == "png" else {}))
    return out.getvalue()


def _reset(request: Request) -> Response:
    """End the connection with RST, as a crashed server does, instead of an answer."""
    transport = request.receive.__self__.transport  # type: ignore[attr-defined]  # uvicorn's request cycle
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return Response()


class FakeFal:
    """The queue, its counters and its faults. `url` is the root to give as FAL_QUEUE_URL."""

    def __init__(self, *, key: str = KEY, prefix: str = "") -> None:
        self.key = key
        self.prefix = prefix
        self.origin = ""
        self.reset()
        everything = ["GET", "POST", "PUT", "DELETE"]
        self.app = Starlette(
            routes=[
                Route("/_fake/{what}", self._control, methods=["GET", "POST"]),
                Route("/files/{job}/{reading:int}/{number:int}", self._picture),
                Route("/{path:path}", self._queue, methods=everything),
            ]
        )

    @classmethod
    @contextmanager
    def serving(cls, *, key: str = KEY, prefix: str = "") -> Iterator["FakeFal"]:
        fake = cls(key=key, prefix=prefix)
        with server.serving(fake.app) as origin:
            fake.origin = origin
            yield fake

    # --- what a test says and reads

    @property
    def url(self) -> str:
        return self.origin + self.prefix

    def reset(self) -> None:
        self.plans: list[Plan] = []
        self.standing = Plan()
        self.jobs: dict[str, Job] = {}
        self.counts: Counter[str] = Counter()
        self.markers: Counter[str] = Counter()
        self.met: set[str] = set()
        """Prompts that have met the fault they name."""
        self.bodies: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.hooks: list[str] = []
        """Webhook addresses that submits named."""
        self.jwks: dict[str, Any] = {"keys": []}
        self.submit_credits: str | None = None
        self.result_credits: str | None = None
        self.address = "own"
        """Whose addresses a submit answer names: own, fal (a proxy that rewrites nothing), or any origin"""
        self.gate = threading.Event()
        self.holding = threading.Event()
        """Set while, or after, a submit was held."""
        self.watching = threading.Event()
        """Set once a client follows a job."""

    def plan(self, fault: str | None = None, **changes: Any) -> None:
        """The next submit that fits goes like this."""
        self.plans.append(replace(FAULTS[fault] if fault else Plan(), **changes))

    def always(self, fault: str | None = None, **changes: Any) -> None:
        """Every submit without a plan of its own goes like this."""
        self.standing = replace(FAULTS[fault] if fault else Plan(), **changes)

    def release(self) -> None:
        self.gate.set()

    @property
    def submits(self) -> int:
        """POSTs that reached the queue with their whole body."""
        return self.counts["submits"]

    @property
    def accepted(self) -> int:
        return len(self.jobs)

    @property
    def billed(self) -> int:
        """Pictures charged for: those of every job taken and not cancelled in time."""
        return sum(int(j.body.get("num_images", 1)) for j in self.jobs.values() if not j.cancelled)

    def state(self) -> dict[str, Any]:
        return {
            "submits": self.submits,
            "accepted": self.accepted,
            "billed_pictures": self.billed,
            "markers": dict(self.markers),
            "counts": dict(self.counts),
            "held": self.counts["held"] - self.counts["let_go"],
            "plans": len(self.plans),
            "jobs": {
                j.id: {
                    "endpoint": j.endpoint,
                    "prompt": j.body["prompt"],
                    "done": j.done(),
                    "cancelled": j.cancelled,
                    "result_reads": j.result_reads,
                    "downloads": j.downloads,
                }
                for j in self.jobs.values()
            },
        }

    # --- HTTP

    async def _control(self, request: Request) -> Response:
        match request.path_params["what"], request.method:
            case "state", "GET":
                return JSONResponse(self.state())
            case "release", "POST":
                self.release()
            case "reset", "POST":
                self.reset()
            case "plan", "POST":
                words = await request.json()
                for name in ("headers", "poll_faults", "result_faults"):
                    if isinstance(words.get(name), list):
                        words[name] = tuple(words[name])
                (self.always if words.pop("always", False) else self.plan)(**words)
            case "settings", "POST":
                words = await request.json()
                for name in {"submit_credits", "result_credits", "address"} & set(words):
                    setattr(self, name, words[name])
            case _:
                return PlainTextResponse("no such thing", 404)
        return JSONResponse(self.state())

    async def _queue(self, request: Request) -> Response:
        path = request.url.path
        if self.prefix and not path.startswith(self.prefix + "/"):
            return JSONResponse({"detail": "Not Found"}, 404)
        path = path.removeprefix(self.prefix)
        self.asked.append(f"{request.method} {path}")
        self.headers.append(dict(request.headers))
        if path == "/.well-known/jwks.json":
            return JSONResponse(self.jwks)
        if request.method == "POST":
            return await self._submit(request, path.strip("/"))
        if request.headers.get("authorization") != f"Key {self.key}":
            self.counts["bad_key"] += 1
            return JSONResponse({"detail": "Authentication is required to access this application"}, 401)
        parts = re.fullmatch(r"/([^/]+/[^/]+)/requests/([^/]+)(/status/stream|/status|/cancel)?", path)
        if parts is None:
            return JSONResponse({"detail": "Method Not Allowed"}, 405)
        job = self.jobs.get(parts[2])
        if job is None or job.app != parts[1]:
            return JSONResponse({"detail": "Request not found", "status": "NOT_FOUND"}, 404)
        match parts[3], request.method:
            case "/status", "GET":
                return self._status(request, job)
            case "/status/stream", "GET":
                return self._stream(request, job)
            case "/cancel", "PUT":
                return self._cancel(job)
            case None, "GET":
                return self._result(request, job)
        return JSONResponse({"detail": "Method Not Allowed"}, 405)

    def _next_plan(self, prompt: str) -> Plan:
        named = re.search(r"\[\[(fault|fault_once):(\w+)\]\]", prompt)
        if named and not (named[1] == "fault_once" and prompt in self.met):
            self.met.add(prompt)
            return FAULTS[named[2]]
        for n, plan in enumerate(self.plans):
            if plan.match in prompt:
                if plan.times > 1:
                    self.plans[n] = replace(plan, times=plan.times - 1)
                else:
                    del self.plans[n]
                return plan
        return self.standing

    async def _submit(self, request: Request, endpoint: str) -> Response:
        raw = await request.body()
        self.counts["submits"] += 1
        if request.headers.get("authorization") != f"Key {self.key}":
            self.counts["bad_key"] += 1
            return JSONResponse({"detail": "Authentication is required to access this application"}, 401)
        if endpoint not in MODELS:
            return JSONResponse({"detail": "Application not found"}, 404)
        body = json.loads(raw)
        self.bodies.append(body)
        if wrong := problem(endpoint, body):
            return JSONResponse(_detail(wrong[0], field=wrong[1]), 422)
        self.hooks += [hook for hook in (request.query_params.get("fal_webhook"),) if hook]
        prompt = body.get("prompt", "")
        marker = re.search(r"\[\[job:([^\]]+)\]\]", prompt)
        self.markers[marker[1] if marker else hashlib.sha256(prompt.encode()).hexdigest()[:12]] += 1
        plan = self._next_plan(prompt)
        if plan.hold == "before":
            await self._held()
        if plan.submit == "reset_before":
            return _reset(request)
        if plan.submit == "answer" and not plan.accepted:
            return self._answer(plan)
        job = Job(
            id=str(uuid.uuid4()),
            app="/".join(endpoint.split("/")[:2]),
            endpoint=endpoint,
            body=body,
            plan=plan,
            taken=time.monotonic(),
        )
        self.jobs[job.id] = job
        if plan.hold == "after":
            await self._held()
        match plan.submit:
            case "reset_after":
                return _reset(request)
            case "answer":
                return self._answer(plan)
            case "garbage":
                return Response('{"status":"IN_QUE', media_type="application/json")
            case "no_id":
                return JSONResponse({"status": "IN_QUEUE"})
        headers = {"x-credits-used": self.submit_credits} if self.submit_credits is not None else {}
        return JSONResponse(
            {"status": "IN_QUEUE", "queue_position": plan.queue, **self._addresses(job)}, headers=headers
        )

    def _addresses(self, job: Job) -> dict[str, str]:
        origin = {"own": self.url, "fal": "https://queue.fal.run"}.get(self.address, self.address)
        root = f"{origin}/{job.app}/requests/{job.id}"
        return {
            "request_id": job.id,
            "response_url": root,
            "status_url": f"{root}/status",
            "cancel_url": f"{root}/cancel",
        }

    async def _held(self) -> None:
        self.counts["held"] += 1
        self.holding.set()
        while not self.gate.is_set():  # noqa: ASYNC110  # set by another thread
            await asyncio.sleep(0.005)
        self.counts["let_go"] += 1

    async def _in_two_halves(self, data: bytes) -> AsyncIterator[bytes]:
        yield data[: len(data) // 2]
        await self._held()
        yield data[len(data) // 2 :]

    @staticmethod
    def _answer(plan: Plan) -> Response:
        if isinstance(plan.body, str):
            return Response(plan.body, plan.status, headers=dict(plan.headers), media_type="text/html")
        return JSONResponse(plan.body, plan.status, headers=dict(plan.headers))

    @staticmethod
    def _faulty(request: Request, fault: int | str) -> Response:
        if fault == "reset":
            return _reset(request)
        if fault == "garbage":
            return Response("{", media_type="application/json")
        return Response(NGINX.format(fault), int(fault), media_type="text/html")

    def _status(self, request: Request, job: Job) -> Response:
        self.counts["status_reads"] += 1
        job.polled += 1
        if job.polled <= len(job.plan.poll_faults):
            return self._faulty(request, job.plan.poll_faults[job.polled - 1])
        report = job.report() | self._addresses(job)
        return JSONResponse(report, 200 if report["status"] == "COMPLETED" else 202)

    def _stream(self, request: Request, job: Job) -> Response:
        self.counts["streams"] += 1
        self.watching.set()
        match job.plan.stream:
            case "off":
                return JSONResponse({"detail": "Not Found"}, 404)
            case "reset":
                return _reset(request)

        async def events() -> AsyncIterator[str]:
            yield ": hello\n\n"
            while job.plan.stream == "silent":  # noqa: ASYNC110  # until the client is gone
                await asyncio.sleep(0.005)
            last = None
            while True:
                report = job.report() | self._addresses(job)
                if report != last:
                    last = report
                    yield f"data: {json.dumps(report)}\n\n"
                if report["status"] == "COMPLETED" or job.plan.stream == "cut":
                    return
                left = job.taken + job.plan.seconds - time.monotonic()
                await asyncio.sleep(max(0.005, min(left, 0.1)))

        return StreamingResponse(events(), media_type="text/event-stream")

    def _cancel(self, job: Job) -> Response:
        self.counts["cancels"] += 1
        code = 400 if job.done() else job.plan.cancel
        if code == 200:
            job.cancelled = True
        words = {200: "OK", 202: "CANCELLATION_REQUESTED", 400: "ALREADY_COMPLETED", 404: "NOT_FOUND"}
        return JSONResponse({"status": words.get(code, "?")}, code)

    def _result(self, request: Request, job: Job) -> Response:
        self.counts["result_reads"] += 1
        if not job.done() or job.early < job.plan.too_early:
            job.early += 1
            return JSONResponse({"detail": "Request is still in progress"}, 400)
        job.result_reads += 1
        if job.result_reads <= len(job.plan.result_faults):
            return self._faulty(request, job.plan.result_faults[job.result_reads - 1])
        headers = {"x-fal-request-id": job.id}
        if job.plan.result_status != 200:
            return JSONResponse(job.plan.result_body, job.plan.result_status, headers=headers)
        if self.result_credits is not None:
            headers["x-credits-used"] = self.result_credits
        return JSONResponse(self._output(job), headers=headers)

    def _output(self, job: Job) -> dict[str, Any]:
        kind = job.body.get("output_format", "png")
        files = []
        for n in range(job.count):
            url = f"{self.origin}/files/{job.id}/{job.result_reads}/{n}"
            if job.plan.shape == "inline":
                data = picture_bytes(job.size, n, kind)
                url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
            files.append({"url": url, "content_type": f"image/{kind}", "file_name": f"{n}.{kind}", "width": None})
        one = job.plan.shape == "image" or MODELS[job.endpoint].one
        out: dict[str, Any] = {"image": next(iter(files), None)} if one else {"images": files}
        if job.plan.nsfw:
            out["has_nsfw_concepts"] = [True] * job.count
        return out | {"description": ""}

    def _picture(self, request: Request) -> Response:
        self.counts["downloads"] += 1
        self.counts["leaked_keys"] += "authorization" in request.headers
        job = self.jobs.get(request.path_params["job"])
        if job is None:
            return PlainTextResponse("gone", 404)
        job.downloads += 1
        number, kind = request.path_params["number"], job.body.get("output_format", "png")
        data = picture_bytes(job.size, -1 if job.plan.nsfw else number, kind)
        good = request.path_params["reading"] > job.plan.bad_links or number >= job.plan.bad_pictures
        match "ok" if good else job.plan.picture:
            case "expired":
                return PlainTextResponse("<Error>Request has expired</Error>", 403)
            case "gone":
                return PlainTextResponse("gone", 404)
            case "busy":
                return PlainTextResponse("busy", 503)
            case "html":
                return Response(NGINX.format("Sign in"), media_type="image/png")
            case "truncated":
                return Response(data[: len(data) // 2], media_type=f"image/{kind}")
            case "cut":
                return _cut(request, data, f"image/{kind}")
            case "held":
                return StreamingResponse(self._in_two_halves(data), media_type=f"image/{kind}")
        return Response(data, media_type=f"image/{kind}")


def _cut(request: Request, data: bytes, kind: str) -> Response:
    """Announces the whole file, sends half of it, and ends the connection."""

    async def half() -> AsyncIterator[bytes]:
        yield data[: len(data) // 2]
        request.receive.__self__.transport.close()  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)  # until uvicorn has noticed, or it complains about the length

    return StreamingResponse(half(), media_type=kind, headers={"content-length": str(len(data))})


def main() -> None:
    options = argparse.ArgumentParser(description="A fake fal queue with faults, for kill tests and benches.")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--key", default=KEY)
    options.add_argument("--plan", default="{}", help="the standing plan, as JSON")
    chosen = options.parse_args()
    fake = FakeFal(key=chosen.key)
    fake.always(**json.loads(chosen.plan))
    with server.listening_socket(chosen.port) as sock:
        fake.origin = f"http://127.0.0.1:{sock.getsockname()[1]}"
        print(fake.origin, flush=True)
        uvicorn.Server(server.config(fake.app)).run(sockets=[sock])


if __name__ == "__main__":
    main()
