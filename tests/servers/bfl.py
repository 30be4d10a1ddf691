"""A fake of the Black Forest Labs API: jobs that are polled where the answer says, links that live ten minutes.

A job lies in one cluster: the plain `get_result` does not know it, unless it was posted with a webhook (whose answer
has no `polling_url`). Bodies are checked field by field, fields a model does not have are always refused.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tests.servers import patient
from tests.servers.service import FAULTS, FakeService, Plan, Sent, image_of, picture_bytes

TEN_MINUTES = 600.0
KINDS = ("jpeg", "png", "webp")
Check = Callable[[Any], bool]


def _whole(least: int, most: int, step: int = 1) -> Check:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and least <= v <= most and v % step == 0


def _number(least: float, most: float) -> Check:
    return lambda v: isinstance(v, int | float) and not isinstance(v, bool) and least <= v <= most


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


def _ratio(value: Any) -> bool:
    across, _, down = str(value).partition(":")
    return across.isdigit() and down.isdigit() and 9 / 21 <= int(across) / int(down) <= 21 / 9


def _picture(value: Any) -> bool:
    """Base64 without a prefix."""
    try:
        image_of(base64.b64decode(value, validate=True))
    except (OSError, binascii.Error, TypeError, ValueError):
        return False
    return True


def _picture_or_link(value: Any) -> bool:
    return str(value).startswith("https://") or _picture(value)


_COMMON: dict[str, Check] = {
    "prompt": _text, "seed": _whole(0, 2**32 - 1), "output_format": lambda v: v in KINDS,
    "webhook_url": lambda v: str(v).startswith("http") and len(v) <= 2083, "webhook_secret": _text,
}  # fmt: skip
_LOOSE = {"safety_tolerance": _whole(0, 6), "prompt_upsampling": _switch}
_SIZE_32 = {"width": _whole(256, 1440, 32), "height": _whole(256, 1440, 32)}
_SIZE_16 = {"width": _whole(64, 8192, 16), "height": _whole(64, 8192, 16)}
_FILL = {"image": _picture, "steps": _whole(15, 50), "guidance": _number(1.5, 100)}
_SIDES = dict.fromkeys(("top", "bottom", "left", "right"), _whole(0, 2048))


def _inputs(most: int) -> dict[str, Check]:
    names = ["input_image", *(f"input_image_{n}" for n in range(2, most + 1))]
    return dict.fromkeys(names, _picture_or_link)


@dataclass(frozen=True, kw_only=True)
class Model:
    """`price`: US cents for one picture; `per_mp`: of each further megapixel, made or sent."""

    price: float
    per_mp: float = 0.0
    required: tuple[str, ...] = ("prompt",)
    fields: Mapping[str, Check]
    kind: str = "jpeg"


_FLUX_2 = _COMMON | {"safety_tolerance": _whole(0, 5)} | _SIZE_16
_KONTEXT = _COMMON | _LOOSE | _inputs(4) | {"aspect_ratio": _ratio}
_DEV = {"steps": _whole(1, 50), "guidance": _number(1.5, 5)}
MODELS: dict[str, Model] = {
    "flux-2-pro": Model(price=3, per_mp=1.5, fields=_FLUX_2 | _inputs(8)),
    "flux-2-pro-preview": Model(price=3, per_mp=1.5, fields=_FLUX_2 | _inputs(8)),
    "flux-2-max": Model(price=7, per_mp=3, fields=_FLUX_2 | _inputs(8)),
    "flux-2-flex": Model(price=5, per_mp=5, fields=_FLUX_2 | _inputs(8) | {
        "guidance": _number(1.5, 10), "steps": _whole(1, 50), "prompt_upsampling": _switch}),
    "flux-2-klein-4b": Model(price=1.4, per_mp=0.1, fields=_FLUX_2 | _inputs(4)),
    "flux-2-klein-9b": Model(price=1.5, per_mp=0.2, fields=_FLUX_2 | _inputs(4)),
    "flux-2-klein-9b-preview": Model(price=1.5, per_mp=0.2, fields=_FLUX_2 | _inputs(4)),
    "flux-kontext-pro": Model(price=4, fields=_KONTEXT, kind="png"),
    "flux-kontext-max": Model(price=8, fields=_KONTEXT, kind="png"),
    "flux-pro-1.1": Model(price=4, required=(), fields=_COMMON | _LOOSE | _SIZE_32 | {"image_prompt": _picture}),
    "flux-pro-1.1-ultra": Model(price=6, required=(), fields=_COMMON | _LOOSE | {
        "aspect_ratio": _ratio, "raw": _switch, "image_prompt": _picture, "image_prompt_strength": _number(0, 1)}),
    "flux-dev": Model(price=2.5, required=(), fields=_COMMON | _LOOSE | _SIZE_32 | _DEV | {"image_prompt": _picture}),
    "flux-pro-1.0-fill": Model(price=5, required=("image",), fields=_COMMON | _LOOSE | _FILL | {"mask": _picture}),
    "flux-pro-1.0-expand": Model(price=5, required=("image",), fields=_COMMON | _LOOSE | _FILL | _SIDES),
}  # fmt: skip


@dataclass
class Job:
    """One task."""

    id: str
    model: str
    body: Mapping[str, Any]
    plan: Plan
    cluster: str
    """Empty: the plain address knows it too."""
    looks: int = 0
    ready: float = 0.0
    """When its link was made; 0 before."""
    secret: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def size(self) -> tuple[int, int]:
        body = self.body
        first = body.get("input_image") or body.get("image")
        wide, high = _size_of(first) if first and not str(first).startswith("http") else (1024, 1024)
        if self.model == "flux-pro-1.0-expand":
            return wide + body.get("left", 0) + body.get("right", 0), high + body.get("top", 0) + body.get("bottom", 0)
        if "aspect_ratio" in body:
            across, down = (int(side) for side in body["aspect_ratio"].split(":"))
            factor = (1_048_576 / (across * down)) ** 0.5
            return round(across * factor), round(down * factor)
        if "width" in body:
            return body["width"], body["height"]
        return wide, high

    @property
    def status(self) -> str:
        """What it says once it is no longer pending."""
        ends = {"failed": "Error", "policy": "Content Moderated", "moderated_input": "Request Moderated"}
        return ends.get(self.plan.end, "Ready")


def _size_of(encoded: str) -> tuple[int, int]:
    return image_of(base64.b64decode(encoded)).size


class FakeBfl(FakeService):
    """`url` is what to give as BFL_BASE_URL: the host alone."""

    FAULTS: ClassVar[Mapping[str, Plan]] = FAULTS | {
        "policy": Plan(end="moderated_input"),
        "policy_after": Plan(end="policy"),
        "withheld": Plan(end="policy"),
        "forbidden": Plan(submit="answer", status=403, body={"detail": "This model is not open to your account"}),
        "no_polling_url": Plan(end="no_polling_url"),
        "not_yet": Plan(poll_faults=("not_found", "not_found")),
    }

    def reset(self) -> None:
        super().reset()
        self.jobs: dict[str, Job] = {}
        self.credits = 1000.0
        self.most_active = 24

    @property
    def url(self) -> str:
        return self.origin

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/files/{id}/{secret}", self._file),
            Route("/v1/credits", self._credits),
            Route("/v1/get_result", self._result),
            Route("/{cluster}/v1/get_result", self._result),
            Route("/v1/{model}", self._taken, methods=["POST"]),
        ]

    def problem(self, status: int) -> Any:
        if status == 422:
            return {"detail": [{"loc": ["body", "width"], "msg": "words that may change", "type": "less_than_equal"}]}
        words = {401: "Not authenticated - Invalid Authentication", 402: "Insufficient credits", 404: "Not Found"}
        return {"detail": words.get(status, "words that may change any day")}

    def _known(self, request: Request) -> bool:
        return request.headers.get("x-key") == self.key

    async def _credits(self, request: Request) -> Response:
        await self.received(request)
        return JSONResponse({"credits": self.credits}) if self._known(request) else self.answer(403)

    async def _taken(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        plan = await self.submitted(str(sent.fields.get("prompt", "")))
        if not self._known(request):
            return self.answer(403, {"detail": "Not authenticated - Invalid Authentication"})
        name = request.path_params["model"]
        if name not in MODELS:
            return self.answer(404)
        if problem := _problem(MODELS[name], sent):
            return self.answer(422, {"detail": [{"loc": ["body", problem], "msg": "no", "type": "value_error"}]})
        if sum(not job.ready for job in self.jobs.values()) >= self.most_active:
            return self.answer(429)
        if self.refuses(plan):
            return await self.spoiled(request, plan) or Response()
        hook = sent.fields.get("webhook_url")
        job = Job(id=secrets.token_hex(16), model=name, body=sent.fields, plan=plan, cluster="" if hook else "eu4")
        self.jobs[job.id] = job
        cost = self._cost(job)
        if plan.end == "ok":
            self.billed += 1
            self.credits -= cost
        answer: dict[str, Any] = {"id": job.id, "cost": cost, "input_mp": None, "output_mp": None}
        if hook:
            answer |= {"status": "Pending", "webhook_url": hook}
        elif plan.end != "no_polling_url":
            answer["polling_url"] = f"{self.origin}/{job.cluster}/v1/get_result?id={job.id}"
        return await self.spoiled(request, plan) or JSONResponse(answer)

    def _cost(self, job: Job) -> float:
        model = MODELS[job.model]
        sent = [_size_of(v) for k, v in job.body.items() if k.startswith("input_image") and not v.startswith("http")]
        further = max(0.0, job.size[0] * job.size[1] / 1e6 - 1) + sum(w * h / 1e6 for w, h in sent)
        return round(model.price + model.per_mp * further, 4)

    async def _result(self, request: Request) -> Response:
        await self.received(request)
        self.counts["looks"] += 1
        job = self.jobs.get(request.query_params.get("id", ""))
        if not self._known(request):
            return self.answer(403)
        if job is None or request.path_params.get("cluster", "") != job.cluster:
            return JSONResponse({"id": request.query_params.get("id", ""), "status": "Task not found", "result": None})
        job.looks += 1
        if job.looks <= len(job.plan.poll_faults):
            fault = job.plan.poll_faults[job.looks - 1]
            if fault == "not_found":
                return JSONResponse({"id": job.id, "status": "Task not found", "result": None})
            return self.faulty(request, fault)
        return JSONResponse(self.report(job))

    def report(self, job: Job) -> dict[str, Any]:
        """The poll answer, which is the webhook's payload, too."""
        out = {"id": job.id, "status": "Pending", "result": None, "progress": None, "details": None, "preview": None}
        looks = job.looks - len(job.plan.poll_faults)
        if job.plan.never or looks <= job.plan.polls:
            return out | {"progress": round(max(0, looks) / (job.plan.polls + 1), 2)}
        job.ready = job.ready or self.clock.now()
        if job.status != "Ready":
            return out | {"status": job.status, "details": {"Moderation Reasons": ["x"]}}
        sample = None if job.plan.pictures == 0 else f"{self.origin}/files/{job.id}/{job.secret}"
        result = {"sample": sample, "prompt": job.body.get("prompt", ""), "seed": job.body.get("seed", 7)}
        return out | {"status": "Ready", "progress": 1.0, "result": result}

    def call_back(self, id_: str, *, secret: str | None = None) -> httpx.Response:
        """Deliver the webhook of a job, signed with its secret (or another)."""
        job = self.jobs[id_]
        job.looks += job.plan.polls + len(job.plan.poll_faults) + 1
        body = json.dumps(self.report(job)).encode()
        key = secret if secret is not None else job.body.get("webhook_secret", "")
        signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-bfl-signature": f"sha256={signature}"}
        return patient.post(str(job.body["webhook_url"]), content=body, headers=headers)

    async def _file(self, request: Request) -> Response:
        self.counts["leaked_keys"] += "x-key" in request.headers
        job = self.jobs.get(request.path_params["id"])
        if job is None or job.secret != request.path_params["secret"]:
            return PlainTextResponse("<Error>AuthenticationFailed</Error>", 403)
        if self.clock.now() - job.ready > TEN_MINUTES:
            return PlainTextResponse("<Error>Signature not valid in the specified time frame</Error>", 403)
        kind = job.body.get("output_format", MODELS[job.model].kind)
        return self.file(request, job.plan, picture_bytes(job.size, 0, kind), f"image/{kind}")


def _problem(model: Model, sent: Sent) -> str | None:
    """The field that is wrong."""
    fields = sent.fields
    if not sent.readable or sent.multipart:
        return "body"
    if missing := [name for name in model.required if not fields.get(name)]:
        return missing[0]
    if unknown := sorted(set(fields) - set(model.fields)):
        return unknown[0]
    if wrong := [name for name, value in fields.items() if value is not None and not model.fields[name](value)]:
        return wrong[0]
    if ("width" in fields) != ("height" in fields) or fields.get("width", 1) * fields.get("height", 1) > 4_194_304:
        return "width"
    if "mask" in fields and _size_of(fields["mask"]) != _size_of(fields["image"]):
        return "mask"
    return None
