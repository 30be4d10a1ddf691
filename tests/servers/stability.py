"""A fake of Stability's v2beta REST API: multipart only, pictures in the answer, two endpoints that answer with an id.

Fields an endpoint does not have are always refused. Results may be asked about every `poll_every` seconds of the
clock, and live a day by it. Failures and filtered pictures cost nothing.
"""

import base64
import io
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.servers.service import FAULTS, FakeService, Plan, Sent, image_of, picture_bytes, spoil

LARGEST_REQUEST = 10 * 1024 * 1024
DAY = 24 * 3600.0
RATIOS = ("16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")
PRESETS = (
    "3d-model", "analog-film", "anime", "cinematic", "comic-book", "digital-art", "enhance", "fantasy-art", "isometric",
    "line-art", "low-poly", "modeling-compound", "neon-punk", "origami", "photographic", "pixel-art", "tile-texture",
)  # fmt: skip
MODELS = ("sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash")
SD3_CREDITS = dict(zip(MODELS, (6.5, 4, 3.5, 2.5), strict=True))
Check = Callable[[str], bool]


def _number(least: float, most: float) -> Check:
    def good(value: str) -> bool:
        try:
            return least <= float(value) <= most
        except ValueError:
            return False

    return good


def _one_of(*words: str) -> Check:
    return lambda value: value in words


def _text(value: str) -> bool:
    return 1 <= len(value) <= 10_000


_SEED, _UNIT = _number(0, 4294967294), _number(0, 1)
_WORDS: dict[str, Check] = {"prompt": _text, "negative_prompt": _text, "seed": _SEED}
_OUT: dict[str, Check] = {"output_format": _one_of("png", "jpeg", "webp")}
_STYLE: dict[str, Check] = {"style_preset": _one_of(*PRESETS)}
_RATIO: dict[str, Check] = {"aspect_ratio": _one_of(*RATIOS)}
_GROW: dict[str, Check] = {"grow_mask": _number(0, 20)}
_SIDES: dict[str, Check] = dict.fromkeys(("left", "right", "up", "down"), _number(0, 2000))


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """`fields`: every text field with its check; `files`: every file field; `pixels`: of the first file."""

    credits: float
    required: tuple[str, ...] = ("image",)
    fields: Mapping[str, Check] = field(default_factory=dict)
    files: tuple[str, ...] = ("image",)
    side: tuple[int, int] = (64, 16_384)
    pixels: tuple[int, int] = (4_096, 9_437_184)
    later: bool = False
    """Answers with an id instead of the picture."""


ENDPOINTS: dict[str, Endpoint] = {
    "generate/ultra": Endpoint(credits=8, required=("prompt",),
                               fields=_WORDS | _OUT | _RATIO | _STYLE | {"strength": _UNIT}),
    "generate/core": Endpoint(credits=3, required=("prompt",), files=(), fields=_WORDS | _OUT | _RATIO | _STYLE),
    "generate/sd3": Endpoint(credits=6.5, required=("prompt",), fields=_WORDS | _OUT | _RATIO | _STYLE | {
        "strength": _UNIT, "mode": _one_of("text-to-image", "image-to-image"), "model": _one_of(*MODELS),
        "cfg_scale": _number(1, 10)}),
    "edit/erase": Endpoint(credits=5, files=("image", "mask"), fields=_OUT | _GROW | {"seed": _SEED}),
    "edit/inpaint": Endpoint(credits=5, required=("image", "prompt"), files=("image", "mask"),
                             fields=_WORDS | _OUT | _GROW | _STYLE),
    "edit/outpaint": Endpoint(credits=4, fields=_SIDES | _OUT | _STYLE | {
        "prompt": _text, "creativity": _UNIT, "seed": _SEED}),
    "edit/search-and-replace": Endpoint(credits=5, required=("image", "prompt", "search_prompt"),
                                        fields=_WORDS | _OUT | _GROW | _STYLE | {"search_prompt": _text}),
    "edit/search-and-recolor": Endpoint(credits=5, required=("image", "prompt", "select_prompt"),
                                        fields=_WORDS | _OUT | _GROW | _STYLE | {"select_prompt": _text}),
    "edit/remove-background": Endpoint(credits=5, fields={"output_format": _one_of("png", "webp")}),
    "edit/replace-background-and-relight": Endpoint(
        credits=8, required=("subject_image",), later=True,
        files=("subject_image", "background_reference", "light_reference"),
        fields=_OUT | {
            "background_prompt": _text, "foreground_prompt": _text, "negative_prompt": _text, "seed": _SEED,
            "preserve_original_subject": _UNIT, "original_background_depth": _UNIT, "light_source_strength": _UNIT,
            "keep_original_background": _one_of("true", "false"),
            "light_source_direction": _one_of("above", "below", "left", "right")}),
    "upscale/fast": Endpoint(credits=2, fields=_OUT, side=(32, 1536), pixels=(1_024, 1_048_576)),
    "upscale/conservative": Endpoint(credits=40, required=("image", "prompt"),
                                     fields=_WORDS | _OUT | {"creativity": _number(0.2, 0.5)}),
    "upscale/creative": Endpoint(credits=60, required=("image", "prompt"), later=True, pixels=(4_096, 1_048_576),
                                 fields=_WORDS | _OUT | _STYLE | {"creativity": _number(0.1, 0.5)}),
    "control/sketch": Endpoint(credits=5, required=("image", "prompt"),
                               fields=_WORDS | _OUT | _STYLE | {"control_strength": _UNIT}),
    "control/structure": Endpoint(credits=5, required=("image", "prompt"),
                                  fields=_WORDS | _OUT | _STYLE | {"control_strength": _UNIT}),
    "control/style": Endpoint(credits=5, required=("image", "prompt"),
                              fields=_WORDS | _OUT | _STYLE | _RATIO | {"fidelity": _UNIT}),
    "control/style-transfer": Endpoint(credits=8, required=("init_image", "style_image"),
                                       files=("init_image", "style_image"),
                                       fields=_WORDS | _OUT | {
                                           "style_strength": _UNIT, "composition_fidelity": _UNIT,
                                           "change_strength": _number(0.1, 1)}),
}  # fmt: skip


def _body(name: str, *errors: str) -> dict[str, Any]:
    return {"id": secrets.token_hex(16), "name": name, "errors": list(errors) or ["words that may change any day"]}


def _refusal(status: int, name: str) -> Plan:
    return Plan(submit="answer", status=status, body=_body(name))


@dataclass
class Job:
    """One accepted request and what it gives."""

    plan: Plan
    data: bytes
    kind: str
    made: float
    looks: int = 0
    last_look: float = -1e9


class FakeStability(FakeService):
    """`url` is what to give as STABILITY_BASE_URL: the host alone."""

    FAULTS: ClassVar[Mapping[str, Plan]] = FAULTS | {
        "policy": _refusal(403, "content_moderation"),
        "forbidden": _refusal(403, "permission_denied"),
        "public_figure": _refusal(422, "public_figure"),
        "language": _refusal(422, "invalid_language"),
        "rejected": _refusal(400, "bad_request"),
    }

    def reset(self) -> None:
        super().reset()
        self.jobs: dict[str, Job] = {}
        self.credits = 1000.0
        self.poll_every = 10.0

    @property
    def url(self) -> str:
        return self.origin

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v2beta/stable-image/upscale/creative/result/{id}", self._result),
            Route("/v2beta/stable-image/{path:path}", self._taken, methods=["POST"]),
            Route("/v2beta/results/{id}", self._result),
            Route("/v1/user/balance", self._balance),
        ]

    def problem(self, status: int) -> Any:
        names = {
            400: "bad_request", 401: "unauthorized", 402: "payment_required", 404: "not_found",
            413: "payload_too_large", 429: "rate_limit_exceeded",
        }  # fmt: skip
        return _body(names.get(status, "internal_error"))

    def _known(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.key}"

    async def _balance(self, request: Request) -> Response:
        await self.received(request)
        return JSONResponse({"credits": self.credits}) if self._known(request) else self.answer(401)

    async def _taken(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        plan = await self.submitted(str(sent.fields.get("prompt", "")))
        if not self._known(request):
            return self.answer(401)
        path = request.path_params["path"]
        if path not in ENDPOINTS:
            return self.answer(404)
        if int(request.headers.get("content-length", "0")) > LARGEST_REQUEST:
            return self.answer(413)
        if problem := _problem(path, ENDPOINTS[path], sent):
            return self.answer(400, _body("bad_request", problem))
        id_ = secrets.token_hex(32)
        if not self.refuses(plan):
            kind = sent.fields.get("output_format", "png")
            self.jobs[id_] = Job(plan=plan, data=_made(path, sent, kind), kind=kind, made=self.clock.now())
            if plan.end == "ok":
                self.billed += 1
                self.credits -= SD3_CREDITS.get(sent.fields.get("model", ""), ENDPOINTS[path].credits)
        if (spoilt := await self.spoiled(request, plan)) is not None:
            return spoilt
        return JSONResponse({"id": id_}) if ENDPOINTS[path].later else self._finished(request, self.jobs[id_])

    def _finished(self, request: Request, job: Job) -> Response:
        match job.plan.end:
            case "failed":
                return self.answer(500)
            case "policy":
                return self.answer(403, _body("content_moderation"))
        filtered = job.plan.end == "withheld"
        data = b"" if job.plan.pictures == 0 else spoil(job.data, job.plan)
        reason = "CONTENT_FILTERED" if filtered else "SUCCESS"
        if "application/json" in request.headers.get("accept", ""):
            body = {"image": base64.b64encode(data).decode(), "finish_reason": reason, "seed": 343940597}
            return JSONResponse(body, media_type=f"application/json; type=image/{job.kind}")
        headers = {"finish-reason": reason, "seed": "343940597", "x-request-id": secrets.token_hex(16)}
        return Response(data, headers=headers, media_type=f"image/{job.kind}")

    async def _result(self, request: Request) -> Response:
        await self.received(request)
        self.counts["looks"] += 1
        job = self.jobs.get(request.path_params["id"])
        now = self.clock.now()
        if not self._known(request):
            return self.answer(401)
        if job is None or now - job.made > DAY:
            return self.answer(404)
        if now - job.last_look < self.poll_every:
            self.counts["too_often"] += 1
            return self.answer(429)
        job.last_look = now
        job.looks += 1
        if job.looks <= len(job.plan.poll_faults):
            return self.faulty(request, job.plan.poll_faults[job.looks - 1])
        if job.plan.never or job.looks - len(job.plan.poll_faults) <= job.plan.polls:
            return JSONResponse({"id": request.path_params["id"], "status": "in-progress"}, 202)
        return self._finished(request, job)


def _problem(path: str, endpoint: Endpoint, sent: Sent) -> str | None:
    fields = sent.fields
    if not sent.multipart:
        return "content-type: must be multipart/form-data"
    if sent.headers.get("accept", "*/*") not in ("image/*", "application/json", "*/*"):
        return "accept: must be image/* or application/json"
    fields = {name: value for name, value in fields.items() if name != "none"}  # what forces a form in httpx
    files = set(sent.files) - {"none"}
    if unknown := sorted(set(fields) - set(endpoint.fields)) + sorted(files - set(endpoint.files)):
        return f"{unknown[0]}: is not a field"
    if missing := [name for name in endpoint.required if name not in fields and name not in files]:
        return f"{missing[0]}: is required"
    if wrong := [name for name, value in fields.items() if not endpoint.fields[name](value)]:
        return f"{wrong[0]}: is out of range"
    for name in files:
        if problem := _file_problem(name, endpoint, sent):
            return f"{name}: {problem}"
    return _together(path, fields, files)


def _file_problem(name: str, endpoint: Endpoint, sent: Sent) -> str | None:
    part = sent.files[name][0]
    try:
        image = image_of(part.data)
    except OSError:
        return "is no picture"
    if image.format not in ("JPEG", "PNG", "WEBP") or not part.filename:
        return "must be jpeg, png or webp"
    wide, high = image.size
    if name != "mask" and not (
        all(endpoint.side[0] <= side <= endpoint.side[1] for side in image.size)
        and endpoint.pixels[0] <= wide * high <= endpoint.pixels[1]
    ):
        return "is too small or too large"
    return None


def _together(path: str, fields: Mapping[str, str], files: set[str]) -> str | None:
    """Rules about fields that belong together."""
    if path == "generate/ultra" and ("image" in files) != ("strength" in fields):
        return "strength: is required with image"
    if path == "generate/sd3":
        by_image = fields.get("mode") == "image-to-image"
        if by_image != ("image" in files) or by_image != ("strength" in fields):
            return "mode: image and strength are for image-to-image"
        if by_image and "aspect_ratio" in fields:
            return "aspect_ratio: is for text-to-image"
    if path == "edit/outpaint" and not any(float(fields.get(side, "0")) for side in ("left", "right", "up", "down")):
        return "left: one direction is required"
    if path == "edit/replace-background-and-relight":
        if "background_prompt" not in fields and "background_reference" not in files:
            return "background_prompt: is required"
        lit = "light_source_direction" in fields or "light_reference" in files
        if "light_source_strength" in fields and not lit:
            return "light_source_strength: needs a light source"
    return None


def _made(path: str, sent: Sent, kind: str) -> bytes:
    """The picture an endpoint would make, of its size; an inpainting is red where the mask is white."""
    size = _size(path, sent)
    if path == "edit/inpaint" or path == "edit/erase":
        photo = sent.files["image"][0].image().convert("RGB")
        mask = sent.files["mask"][0].image().convert("L").resize(photo.size) if "mask" in sent.files else None
        photo.paste((220, 20, 20), (0, 0, *photo.size), mask)
        out = io.BytesIO()
        photo.resize(size).save(out, kind.upper())
        return out.getvalue()
    return picture_bytes(size, 0, kind, mode="RGBA" if path == "edit/remove-background" else "RGB")


def _size(path: str, sent: Sent) -> tuple[int, int]:
    first = next((parts[0].image() for name, parts in sent.files.items() if name != "mask"), None)
    if first is None or path in ("control/style",):
        across, down = (int(side) for side in sent.fields.get("aspect_ratio", "1:1").split(":"))
        return _of_area(across, down, 1_048_576)
    wide, high = first.size
    if path == "edit/outpaint":
        sides = {name: int(sent.fields.get(name, "0")) for name in ("left", "right", "up", "down")}
        return wide + sides["left"] + sides["right"], high + sides["up"] + sides["down"]
    if path == "upscale/fast":
        return wide * 4, high * 4
    if path.startswith("upscale/"):
        return _of_area(wide, high, 4_000_000)
    if path.startswith("edit/"):
        return (wide, high) if wide * high <= 4_194_304 else _of_area(wide, high, 4_194_304)
    return _of_area(wide, high, 1_048_576)


def _of_area(wide: int, high: int, pixels: int) -> tuple[int, int]:
    factor = (pixels / (wide * high)) ** 0.5
    return max(1, round(wide * factor)), max(1, round(high * factor))
