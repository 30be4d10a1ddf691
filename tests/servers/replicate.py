"""A fake of Replicate's HTTP API: predictions, uploaded files, signed webhooks, everything deleted after an hour.

Official models are asked by name, the others by version alone; a model's unknown inputs are refused (the real one
passes some over). `Prefer: wait` answers at once with what is ready.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tests.servers import patient
from tests.servers.service import FAULTS, FakeService, Part, Plan, image_of, picture_bytes

HOUR = 3600.0
WEBHOOK_KEY = "whsec_" + base64.b64encode(b"a secret of the fake's webhooks!").decode()
RATIOS = ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21")
OUTPAINTS = ("None", "Zoom out 1.5x", "Zoom out 2x", "Make square", "Left outpaint", "Right outpaint",
             "Top outpaint", "Bottom outpaint")  # fmt: skip
Check = Callable[[Any], bool]


def _whole(least: int, most: int) -> Check:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and least <= v <= most


def _number(least: float, most: float) -> Check:
    return lambda v: isinstance(v, int | float) and not isinstance(v, bool) and least <= v <= most


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


def _one_of(*words: str) -> Check:
    return lambda value: value in words


_WORDS: dict[str, Check] = {"prompt": _text, "seed": _whole(0, 2**32 - 1)}
_JPG: dict[str, Check] = {"output_format": _one_of("jpg", "png")}
_OUT: dict[str, Check] = {"output_format": _one_of("webp", "jpg", "png"), "output_quality": _whole(0, 100)}
_RATIO: dict[str, Check] = {"aspect_ratio": _one_of(*RATIOS)}
_ANY_RATIO: dict[str, Check] = {"aspect_ratio": _one_of(*RATIOS, "match_input_image")}
_SAFE: dict[str, Check] = {"safety_tolerance": _whole(1, 6)}
_FEW: dict[str, Check] = {"num_outputs": _whole(1, 4), "disable_safety_checker": _switch}
_STEPS: dict[str, Check] = {"num_inference_steps": _whole(1, 50), "guidance": _number(0, 100), "megapixels": _text}
_SIDES: dict[str, Check] = {"width": _whole(64, 2048), "height": _whole(64, 2048)}
FILES = {"image", "mask", "input_image", "image_input", "input_images", "redux_image", "main_face_image",
         "image_prompt", "face_image"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Model:
    """`version`: empty for official models. `shape`: string or array. `seconds`: predict_time."""

    version: str = ""
    required: tuple[str, ...] = ("prompt",)
    inputs: Mapping[str, Check] = field(default_factory=dict)
    shape: str = "string"
    kind: str = "png"
    seconds: float = 2.5


_DEV = _WORDS | _OUT | _RATIO | _FEW | _STEPS | {"image": _text, "prompt_strength": _number(0, 1), "go_fast": _switch}
_KONTEXT = _WORDS | _JPG | _ANY_RATIO | {"input_image": _text, "prompt_upsampling": _switch,
                                         "safety_tolerance": _whole(0, 6)}  # fmt: skip
_BANANA = {"prompt": _text, "image_input": lambda v: isinstance(v, list), "aspect_ratio": _text} | _JPG
_FILL = _WORDS | _OUT | {"image": _text, "mask": _text, "num_inference_steps": _whole(1, 50),
                         "guidance": _number(0, 100)}  # fmt: skip
_REDUX = _OUT | _RATIO | _FEW | _STEPS | {"redux_image": _text, "seed": _whole(0, 2**32 - 1)}
MODELS: dict[str, Model] = {
    "black-forest-labs/flux-dev": Model(inputs=_DEV, shape="array", kind="webp"),
    "black-forest-labs/flux-schnell": Model(inputs=_DEV, shape="array", kind="webp"),
    "black-forest-labs/flux-1.1-pro": Model(inputs=_WORDS | _OUT | _RATIO | _SAFE | _SIDES | {"image_prompt": _text}),
    "black-forest-labs/flux-2-pro": Model(inputs=_WORDS | _OUT | _ANY_RATIO | _SAFE | {
        "input_images": lambda v: isinstance(v, list)}),
    "black-forest-labs/flux-kontext-pro": Model(inputs=_KONTEXT),
    "black-forest-labs/flux-kontext-max": Model(inputs=_KONTEXT),
    "google/nano-banana": Model(inputs=_BANANA, kind="jpg"),
    "google/nano-banana-pro": Model(inputs=_BANANA | {"resolution": _one_of("1K", "2K", "4K")}, kind="jpg"),
    "black-forest-labs/flux-fill-pro": Model(required=("image", "prompt"), inputs=_FILL | _SAFE | {
        "outpaint": _one_of(*OUTPAINTS)}),
    "black-forest-labs/flux-fill-dev": Model(required=("image",), inputs=_FILL | _FEW, shape="array", kind="webp"),
    "black-forest-labs/flux-redux-dev": Model(required=("redux_image",), inputs=_REDUX, shape="array", kind="webp"),
    "black-forest-labs/flux-redux-schnell": Model(required=("redux_image",), inputs=_REDUX, shape="array"),
    "zsxkib/flux-pulid": Model(
        version="8baa7ef2255075b46f4d91cd238c21d31181b3e6a864463f967960bb0112525b", shape="array", kind="webp",
        required=("main_face_image",), inputs=_WORDS | _OUT | _SIDES | {
            "main_face_image": _text, "id_weight": _number(0, 3), "start_step": _whole(0, 10), "num_steps":
            _whole(1, 20), "guidance_scale": _number(1, 10), "true_cfg": _number(1, 10), "negative_prompt": _text,
            "max_sequence_length": _whole(128, 512), "num_outputs": _whole(1, 4)}),
    "nightmareai/real-esrgan": Model(
        version="f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa", required=("image",),
        inputs={"image": _text, "scale": _number(0, 10), "face_enhance": _switch}),
    "acme/painter": Model(version="ab" * 32, inputs=_WORDS | _OUT),
    "bria/remove-background": Model(required=("image",), inputs={"image": _text, "preserve_alpha": _switch}),
}  # fmt: skip


@dataclass
class Prediction:
    """One prediction, and what it gives."""

    id: str
    model: str
    input: Mapping[str, Any]
    plan: Plan
    made: float
    webhook: str = ""
    looks: int = 0
    canceled: bool = False

    @property
    def done(self) -> bool:
        return self.canceled or (not self.plan.never and self.looks >= self.plan.polls)

    @property
    def count(self) -> int:
        if self.plan.pictures is not None:
            return self.plan.pictures
        return int(self.input.get("num_outputs", 1))


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An uploaded file."""

    part: Part
    made: float


class FakeReplicate(FakeService):
    """`url` is what to give as REPLICATE_BASE_URL; its own client wants `origin`."""

    FAULTS: ClassVar[Mapping[str, Plan]] = FAULTS | {
        "policy": Plan(end="policy"),
        "gone_soon": Plan(end="aborted"),
        "running": Plan(never=True),
    }

    def reset(self) -> None:
        super().reset()
        self.predictions: dict[str, Prediction] = {}
        self.uploads: dict[str, Upload] = {}

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v1/account", self._account),
            Route("/v1/webhooks/default/secret", self._secret),
            Route("/v1/files", self._upload, methods=["POST"]),
            Route("/v1/files/{id}/download", self._uploaded),
            Route("/v1/models/{owner}/{name}", self._model),
            Route("/v1/models/{owner}/{name}/predictions", self._taken, methods=["POST"]),
            Route("/v1/predictions", self._taken, methods=["POST"]),
            Route("/v1/predictions/{id}", self._look),
            Route("/v1/predictions/{id}/cancel", self._cancel, methods=["POST"]),
            Route("/delivery/{id}/{number:int}", self._file),
        ]

    def problem(self, status: int) -> Any:
        words = {401: "Unauthenticated", 402: "Payment Required", 404: "Not Found", 422: "Unprocessable"}
        body = {"title": words.get(status, "Error"), "detail": "words that may change any day", "status": status}
        if status == 422:
            body |= {"invalid_fields": [{"type": "value", "field": "input.prompt", "description": "no"}]}
        return {"detail": "Request was throttled. Expected available in 1 second."} if status == 429 else body

    def _known(self, request: Request) -> bool:
        return request.headers.get("authorization") in (f"Bearer {self.key}", f"Token {self.key}")

    async def _account(self, request: Request) -> Response:
        await self.received(request)
        return JSONResponse({"type": "user", "username": "x"}) if self._known(request) else self.answer(401)

    async def _secret(self, request: Request) -> Response:
        return JSONResponse({"key": WEBHOOK_KEY}) if self._known(request) else self.answer(401)

    async def _model(self, request: Request) -> Response:
        name = "{owner}/{name}".format(**request.path_params)
        if not self._known(request) or name not in MODELS:
            return self.answer(404 if self._known(request) else 401)
        inputs = {"properties": {field_: {"title": field_} for field_ in MODELS[name].inputs}}
        latest = {"id": MODELS[name].version or secrets.token_hex(32),
                  "openapi_schema": {"components": {"schemas": {"Input": inputs}}}}  # fmt: skip
        return JSONResponse({"owner": name.split("/")[0], "name": name.split("/")[1], "latest_version": latest})

    # --- files

    async def _upload(self, request: Request) -> Response:
        if not self._known(request):
            return self.answer(401)
        sent = await self.received(request)
        self.counts["uploads"] += 1
        if len(sent.files.get("content", ())) != 1 or not sent.files["content"][0].filename:
            return self.answer(422)
        part = sent.files["content"][0]
        id_ = secrets.token_hex(12)
        self.uploads[id_] = Upload(part=part, made=self.clock.now())
        now = self.clock.now()
        return JSONResponse({
            "id": id_, "name": part.filename, "content_type": part.type, "size": len(part.data), "etag": id_,
            "checksums": {"sha256": hashlib.sha256(part.data).hexdigest()}, "metadata": {}, "created_at": _time(now),
            "expires_at": _time(now + 24 * HOUR), "urls": {"get": f"{self.url}/files/{id_}"},
        }, 201)  # fmt: skip

    async def _uploaded(self, request: Request) -> Response:
        upload = self.uploads.get(request.path_params["id"])
        return PlainTextResponse("no", 404) if upload is None else Response(upload.part.data)

    def given(self, value: str) -> bytes | None:
        """The bytes behind an input: an uploaded file, or a data URI; None where there are none."""
        if value.startswith(f"{self.url}/files/"):
            upload = self.uploads.get(value.rpartition("/")[2])
            return upload.part.data if upload and self.clock.now() - upload.made < 24 * HOUR else None
        try:
            return base64.b64decode(value.partition(";base64,")[2], validate=True) or None
        except binascii.Error:
            return None

    # --- predictions

    async def _taken(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        inputs = sent.fields.get("input")
        plan = await self.submitted(str(inputs.get("prompt", "")) if isinstance(inputs, dict) else "")
        if not self._known(request):
            return self.answer(401)
        name = self._named(request, sent.fields)
        if name is None:
            return self.answer(404)
        if problem := self._problem(name, sent.fields, request):
            body = {"title": "Input validation failed", "detail": f"- {problem}: no\n", "status": 422}
            fields = [{"type": "value_error", "field": problem, "description": "no"}]
            return self.answer(422, body | {"invalid_fields": fields})
        if self.refuses(plan):
            return await self.spoiled(request, plan) or Response()
        prediction = Prediction(
            id=secrets.token_hex(13), model=name, input=sent.fields["input"], plan=plan, made=self.clock.now(),
            webhook=sent.fields.get("webhook", ""),
        )  # fmt: skip
        self.predictions[prediction.id] = prediction
        self.billed += prediction.count if plan.end == "ok" else 0
        waits = request.headers.get("prefer", "").startswith("wait")
        status = 201 if not waits or prediction.done else 202
        body = self.report(prediction) if waits else self.report(prediction) | _not_begun()
        return await self.spoiled(request, plan) or JSONResponse(body, status)

    def _named(self, request: Request, body: Mapping[str, Any]) -> str | None:
        if "owner" in request.path_params:
            name = "{owner}/{name}".format(**request.path_params)
            return name if name in MODELS and not MODELS[name].version else None
        owner, _, version = str(body.get("version", "")).rpartition(":")
        for name, model in MODELS.items():
            if model.version and version == model.version and owner in ("", name):
                return name
            if not model.version and version == name:
                return name
        return None

    def _problem(self, name: str, body: Mapping[str, Any], request: Request) -> str | None:
        """The field that is wrong."""
        allowed = {"input", "webhook", "webhook_events_filter", "stream"}
        if "owner" not in request.path_params:
            allowed |= {"version"}
        if unknown := sorted(set(body) - allowed):
            return unknown[0]
        if set(body.get("webhook_events_filter", ())) - {"start", "output", "logs", "completed"}:
            return "webhook_events_filter"
        wait = re.fullmatch(r"wait(=([1-9]|[1-5]\d|60))?", request.headers.get("prefer", "wait"))
        if wait is None or not re.fullmatch(r"(\d+[hms])+", request.headers.get("cancel-after", "5m")):
            return "prefer"
        inputs, model = body.get("input"), MODELS[name]
        if not isinstance(inputs, dict):
            return "input"
        for field_ in (*model.required, *inputs):
            check = model.inputs.get(field_)
            if field_ not in inputs or check is None or not check(inputs[field_]):
                return f"input.{field_}"
        for field_ in FILES & set(inputs):
            values = inputs[field_] if isinstance(inputs[field_], list) else [inputs[field_]]
            if any(self._image(str(value)) is None for value in values):
                return f"input.{field_}"
        return None

    def _image(self, value: str) -> tuple[int, int] | None:
        data = self.given(value)
        try:
            return None if data is None else image_of(data).size
        except OSError:
            return None

    def report(self, prediction: Prediction) -> dict[str, Any]:
        """The prediction object, as it stands now."""
        p, plan = prediction, prediction.plan
        urls = {"get": f"{self.url}/predictions/{p.id}", "cancel": f"{self.url}/predictions/{p.id}/cancel"}
        out: dict[str, Any] = {
            "id": p.id, "model": p.model, "version": MODELS[p.model].version or "hidden", "input": dict(p.input),
            "output": None, "logs": "", "error": None, "created_at": _time(p.made), "started_at": None,
            "completed_at": None, "data_removed": False, "metrics": {}, "urls": urls,
            "status": "processing" if p.looks else "starting",
        }  # fmt: skip
        if self.clock.now() - p.made > HOUR:
            return out | {"status": "succeeded", "data_removed": True, "input": {}, "output": None}
        if p.canceled or not p.done:
            return out | ({"status": "canceled"} if p.canceled else {})
        out |= {"completed_at": _time(p.made + 3), "metrics": {"predict_time": MODELS[p.model].seconds}}
        match plan.end:
            case "failed":
                return out | {"status": "failed", "error": "CUDA out of memory"}
            case "policy" | "withheld":
                return out | {"status": "failed", "error": "NSFW content detected. Try running it again."}
            case "aborted":
                return out | {"status": "aborted", "metrics": {}}
        links: Any = [f"{self.origin}/delivery/{p.id}/{n}" for n in range(p.count)]
        if MODELS[p.model].shape == "string":
            links = links[0] if links else None
        return out | {"status": "succeeded", "output": links}

    async def _look(self, request: Request) -> Response:
        self.counts["looks"] += 1
        if not self._known(request):
            return self.answer(401)
        p = self.predictions.get(request.path_params["id"])
        if p is None:
            return self.answer(404)
        faults = p.plan.poll_faults
        p.looks += 1
        if p.looks <= len(faults):
            return self.faulty(request, faults[p.looks - 1])
        return JSONResponse(self.report(p))

    async def _cancel(self, request: Request) -> Response:
        self.counts["cancels"] += 1
        p = self.predictions.get(request.path_params["id"])
        if not self._known(request) or p is None:
            return self.answer(401 if p is not None else 404)
        if not p.done:
            p.canceled = True
            self.billed -= p.count
        return JSONResponse(self.report(p))

    def call_back(self, id_: str, *, key: str = WEBHOOK_KEY, age: float = 0.0) -> httpx.Response:
        """Deliver the webhook of a prediction that is done, signed as Replicate signs."""
        p = self.predictions[id_]
        p.looks = max(p.looks, p.plan.polls)
        body = json.dumps(self.report(p))
        message, moment = f"msg_{secrets.token_hex(8)}", str(int(self.clock.now() - age))
        secret = base64.b64decode(key.removeprefix("whsec_"))
        signature = hmac.new(secret, f"{message}.{moment}.{body}".encode(), hashlib.sha256).digest()
        signed = f"v1,{base64.b64encode(b'0' * 32).decode()} v1,{base64.b64encode(signature).decode()}"
        headers = {"webhook-id": message, "webhook-timestamp": moment, "webhook-signature": signed}
        return patient.post(p.webhook, content=body, headers=headers | {"content-type": "application/json"})

    async def _file(self, request: Request) -> Response:
        self.counts["leaked_keys"] += "authorization" in request.headers
        p = self.predictions.get(request.path_params["id"])
        if p is None or self.clock.now() - p.made > HOUR:
            return PlainTextResponse("gone", 404)
        model = MODELS[p.model]
        kind = str(p.input.get("output_format", model.kind))
        data = picture_bytes(self._size(p), request.path_params["number"], kind, mode=_mode(p.model))
        return self.file(request, p.plan, data, f"image/{'jpeg' if kind == 'jpg' else kind}")

    def _size(self, p: Prediction) -> tuple[int, int]:
        named = next((p.input[name] for name in sorted(FILES - {"mask"}) if name in p.input), None)
        first = named[0] if isinstance(named, list) and named else named
        size = self._image(str(first)) if first else None
        if p.model == "nightmareai/real-esrgan" and size:
            return round(size[0] * p.input.get("scale", 4)), round(size[1] * p.input.get("scale", 4))
        ratio = str(p.input.get("aspect_ratio", "match_input_image" if size else "1:1"))
        if "width" in p.input:
            return p.input["width"], p.input["height"]
        if ":" not in ratio:
            return size or (1024, 1024)
        across, down = (int(side) for side in ratio.split(":"))
        return round(1024 * (across / down) ** 0.5), round(1024 * (down / across) ** 0.5)


def _mode(model: str) -> str:
    return "RGBA" if "background" in model else "RGB"


def _not_begun() -> dict[str, Any]:
    return {"status": "starting", "output": None, "error": None, "completed_at": None, "metrics": {}}


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
