"""A fake of OpenAI's Images API: GPT image models, generations and edits, JSON and multipart, tokens counted.

Stricter than the real one in one point: fields that a model does not have are always refused. It streams one picture
at a time, with up to three partial ones before it; `hold="after"` holds the stream after the first of them.
An edit with a mask answers as the real ones do: what is transparent is painted, and the rest is *nearly* the photo.
"""

import base64
import binascii
import io
import json
import re
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from PIL import Image, ImageFilter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from tests.servers.service import FAULTS, FakeService, Plan, Sent, image_of, picture_bytes, reset, spoil

FIXED = ("1024x1024", "1536x1024", "1024x1536")
TOKENS = {"low": 272, "medium": 1056, "high": 4160, "auto": 1056, "xhigh": 6240, "max": 8320}
"""Of one picture of 1024 x 1024; others in proportion."""
PARTIAL_TOKENS = 100
"""Of one picture before the last."""
IMAGE_TOKENS = 1000
"""Of one picture that is sent."""
COMMON = frozenset({
    "prompt", "model", "n", "size", "quality", "background", "output_format", "output_compression", "stream",
    "partial_images", "user", "safety_identifier", "complexity", "frame_count", "frame_duration_ms",
})  # fmt: skip
GENERATIONS = COMMON | {"moderation"}
FORM = COMMON | {"input_fidelity"}
JSON_EDIT = FORM | {"images", "mask", "moderation"}
FILES = frozenset({"image", "image[]", "mask", "markup"})
TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
WHOLE = ("n", "output_compression", "partial_images", "frame_count", "frame_duration_ms")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a family of models takes."""

    free_sizes: bool = True
    qualities: tuple[str, ...] = ("auto", "low", "medium", "high")
    fidelity: tuple[str, ...] = ()


_NEW = Kind(qualities=("auto", "low", "medium", "high", "xhigh", "max"))
MODELS: dict[str, Kind] = {
    "gpt-image-2.6-sunburst": _NEW,
    "gpt-image-2.6-flare": _NEW,
    "gpt-image-2.5-sunburst": _NEW,
    "gpt-image-2.5-sunburst-2026-09-08": _NEW,
    "gpt-image-2.5-flare": _NEW,
    "gpt-image-2.5-flare-2026-09-08": _NEW,
    "gpt-image-2": Kind(),
    "gpt-image-2-2026-04-21": Kind(),
    "gpt-image-1.5": Kind(free_sizes=False, fidelity=("high", "low")),
    "chatgpt-image-latest": Kind(free_sizes=False, fidelity=("high", "low")),
    "gpt-image-1-mini": Kind(free_sizes=False, fidelity=("low",)),
}


def _moderation(stage: str) -> dict[str, Any]:
    error = _error("Your request was rejected by the safety system.", "moderation_blocked")
    details = {"moderation_stage": stage, "categories": ["sexual"]}
    return {"error": error | {"type": "image_generation_user_error", "moderation_details": details}}


def _error(message: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": param, "code": code}


class Refused(Exception):
    """A request that is answered with an error of the API."""

    def __init__(self, message: str, code: str | None = "invalid_value", param: str | None = None, status: int = 400):
        self.response = JSONResponse({"error": _error(message, code, param)}, status)
        super().__init__(message)


class FakeOpenAI(FakeService):
    """`url` is what to give as OPENAI_BASE_URL."""

    FAULTS: ClassVar[Mapping[str, Plan]] = FAULTS | {
        "no_credit": Plan(submit="answer", status=429, body={"error": _error("You exceeded your current quota",
                                                                               "insufficient_quota")}),
        "hard_limit": Plan(submit="answer", status=400, body={"error": _error("Billing hard limit has been reached",
                                                                                "billing_hard_limit_reached")}),
        "rejected": Plan(submit="answer", status=400, body={"error": _error("Invalid value", "invalid_value", "size")}),
        "policy": Plan(submit="answer", status=400, body=_moderation("input")),
        "policy_old": Plan(submit="answer", status=400, body={"error": _error("no", "content_policy_violation")}),
        "policy_after": Plan(submit="answer", status=400, body=_moderation("output")),
        "no_stream": Plan(submit="answer", status=400, body={"error": _error("Unknown parameter: 'stream'.",
                                                                               "unknown_parameter", "stream")}),
        "not_found": Plan(submit="answer", status=404, body={"error": _error("no such model", "model_not_found")}),
    }  # fmt: skip

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v1/images/generations", self._generations, methods=["POST"]),
            Route("/v1/images/edits", self._edits, methods=["POST"]),
            Route("/v1/models", self._models),
            Route("/v1/{path:path}", self._nowhere, methods=["GET", "POST"]),
        ]

    def problem(self, status: int) -> Any:
        kind = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(status)
        type_ = "server_error" if status >= 500 else "invalid_request_error"
        return {
            "error": _error(f"Incorrect API key provided: {self.key[:2]}**{self.key[-2:]}.", kind) | {"type": type_}
        }

    def _known(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.key}"

    async def _nowhere(self, request: Request) -> Response:
        message = f"Invalid URL ({request.method} {request.url.path})"
        return JSONResponse({"error": _error(message, None)}, 404)

    async def _models(self, request: Request) -> Response:
        await self.received(request)
        if not self._known(request):
            return self.answer(401)
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})

    async def _generations(self, request: Request) -> Response:
        return await self._taken(request, GENERATIONS, edit=False)

    async def _edits(self, request: Request) -> Response:
        multipart = request.headers.get("content-type", "").startswith("multipart/")
        return await self._taken(request, FORM if multipart else JSON_EDIT, edit=True)

    async def _taken(self, request: Request, allowed: frozenset[str], *, edit: bool) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        plan = await self.submitted(str(sent.fields.get("prompt", "")))
        if not self._known(request):
            return self.answer(401)
        try:
            fields = _checked(sent, allowed)
            pictures, mask = _pictures(sent, fields) if edit else ([], None)
        except Refused as refused:
            return refused.response
        answer = None
        if not self.refuses(plan):
            answer = _answer(fields, pictures, mask, plan)
            self.billed += len(answer["data"])
        headers = {"x-request-id": uuid.uuid4().hex}
        if answer is not None and str(fields.get("stream", False)).lower() == "true":
            kind = "image_edit" if edit else "image_generation"
            events = self._events(request, plan, answer, kind, fields.get("partial_images", 0))
            return StreamingResponse(events, media_type="text/event-stream", headers=headers)
        return await self.spoiled(request, plan) or JSONResponse(answer, headers=headers)

    async def _events(
        self, request: Request, plan: Plan, answer: Mapping[str, Any], kind: str, partials: int
    ) -> AsyncIterator[bytes]:
        """What comes of a plan: `cut` and `junk` break the stream after its first event, `gone` ends it there, `end`
        tells an error."""
        whole = image_of(base64.b64decode(answer["data"][0]["b64_json"]))
        for index in range(partials):
            rough = whole.convert("RGB").resize((96, 96)).filter(ImageFilter.GaussianBlur(9 - 3 * index))
            out = io.BytesIO()
            rough.save(out, "PNG")
            told = {"type": f"{kind}.partial_image", "partial_image_index": index}
            yield _event(told | {"b64_json": base64.b64encode(out.getvalue()).decode()})
            if index == 0 and plan.hold == "after":
                await self.held()
            if plan.picture == "cut":
                reset(request)
            if plan.picture in ("cut", "gone"):
                return
        if plan.end in ("policy", "failed"):
            error = (
                _moderation("output")["error"] if plan.end == "policy" else _error("Something broke", "server_error")
            )
            yield _event({"type": "error", "error": error})
            return
        usage = dict(answer["usage"])
        usage["output_tokens"] += PARTIAL_TOKENS * partials
        yield _event({"type": f"{kind}.completed", "b64_json": answer["data"][0]["b64_json"], "usage": usage})


def _event(told: Mapping[str, Any]) -> bytes:
    return f"event: {told['type']}\ndata: {json.dumps(told)}\n\n".encode()


def _checked(sent: Sent, allowed: frozenset[str]) -> dict[str, Any]:
    if not sent.readable:
        raise Refused("We could not parse the JSON body of your request.", None)
    fields = dict(sent.fields)
    if unknown := sorted(set(fields) - allowed) + sorted(set(sent.files) - FILES):
        raise Refused(f"Unknown parameter: '{unknown[0]}'.", "unknown_parameter", unknown[0])
    if sent.repeated or len(sent.files.get("image", ())) > 1:
        raise Refused("Duplicate parameter.", "duplicate_parameter", "image")
    for name in WHOLE:
        if name in fields:
            fields[name] = _whole(fields[name], name, form=sent.multipart)
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise Refused("Missing required parameter: 'prompt'.", "missing_required_parameter", "prompt")
    if len(prompt) > 32_000:
        raise Refused("The prompt is too long.", "string_above_max_length", "prompt")
    kind = MODELS.get(str(fields.get("model")))
    if kind is None:
        raise Refused("The model does not exist.", "model_not_found", "model", 404)
    _check_values(fields, kind)
    return fields


def _whole(value: Any, name: str, *, form: bool) -> int:
    if form and isinstance(value, str) and value.isdigit():
        return int(value)
    if form or not isinstance(value, int) or isinstance(value, bool):
        raise Refused(f"Invalid type for '{name}'.", "invalid_type", name)
    return value


def _check_values(fields: Mapping[str, Any], kind: Kind) -> None:
    format_ = fields.get("output_format", "png")
    checks = {
        "n": 1 <= fields.get("n", 1) <= 10,
        "quality": fields.get("quality", "auto") in kind.qualities,
        "background": fields.get("background", "auto") in ("auto", "opaque", "transparent")
        and not (fields.get("background") == "transparent" and format_ == "jpeg"),
        "output_format": format_ in ("png", "jpeg", "webp"),
        "output_compression": 0 <= fields.get("output_compression", 100) <= 100
        and ("output_compression" not in fields or format_ != "png"),
        "moderation": fields.get("moderation", "auto") in ("auto", "low"),
        "input_fidelity": "input_fidelity" not in fields or fields["input_fidelity"] in kind.fidelity,
        "size": _size_is_good(fields.get("size", "auto"), kind),
        "stream": str(fields.get("stream", False)).lower() in ("true", "false"),
        "partial_images": 0 <= fields.get("partial_images", 0) <= 3,
    }
    for name, good in checks.items():
        if not good:
            raise Refused(f"Invalid value for '{name}'.", "invalid_value", name)


def _size_is_good(size: Any, kind: Kind) -> bool:
    if size == "auto" or size in FIXED:
        return True
    found = re.fullmatch(r"(\d+)x(\d+)", str(size))
    if not kind.free_sizes or found is None:
        return False
    wide, high = int(found[1]), int(found[2])
    if wide % 16 or high % 16 or not 655_360 <= wide * high <= 8_294_400 or max(wide, high) > 3840:
        return False
    return max(wide, high) <= 3 * min(wide, high)


def _pictures(sent: Sent, fields: Mapping[str, Any]) -> tuple[list[Image.Image], Image.Image | None]:
    """What an edit starts from, as the form or the JSON has it."""
    if sent.multipart:
        parts = sent.files.get("image[]", ()) or sent.files.get("image", ())
        masks = sent.files.get("mask", ())
        given = [(part.type, part.data) for part in parts]
        mask = (masks[0].type, masks[0].data) if masks else None
    else:
        entries = fields.get("images")
        given = [_linked(entry) for entry in entries] if isinstance(entries, list) else []
        mask = _linked(fields["mask"]) if "mask" in fields else None
    if not 1 <= len(given) <= 16:
        raise Refused("Missing required parameter: 'image'.", "missing_required_parameter", "image")
    pictures = [_image(*one) for one in given]
    return pictures, _mask(mask, pictures[0]) if mask is not None else None


def _linked(entry: Any) -> tuple[str, bytes]:
    url = entry.get("image_url", "") if isinstance(entry, dict) else ""
    head, _, data = str(url).partition(";base64,")
    try:
        return head.removeprefix("data:"), base64.b64decode(data, validate=True)
    except binascii.Error:
        raise Refused("Invalid image_url.", "invalid_value", "images") from None


def _image(type_: str, data: bytes) -> Image.Image:
    if type_ not in TYPES:
        raise Refused(f"Invalid file: unsupported mimetype ('{type_}').", "unsupported_file_mimetype", "image")
    if len(data) >= 50 * 1024 * 1024:
        raise Refused("The file is too large.", "file_too_large", "image", 413)
    try:
        image = image_of(data)
    except OSError:
        raise Refused("Invalid image file.", "invalid_image_file", "image") from None
    if image.format != TYPES[type_]:
        raise Refused("The file is not of its mimetype.", "invalid_image_file", "image")
    return image


def _mask(given: tuple[str, bytes], first: Image.Image) -> Image.Image:
    mask = _image(*given)
    if mask.format != "PNG" or mask.mode not in ("RGBA", "LA") or len(given[1]) >= 4 * 1024 * 1024:
        raise Refused("Invalid mask: a PNG with alpha below 4 MB is wanted.", "invalid_mask_image_format", "mask")
    if mask.size != first.size:
        raise Refused("Invalid mask size.", "invalid_mask_size", "mask")
    return mask.getchannel("A")


def _answer(
    fields: Mapping[str, Any], pictures: Sequence[Image.Image], mask: Image.Image | None, plan: Plan
) -> dict[str, Any]:
    size, kind = fields.get("size", "auto"), fields.get("output_format", "png")
    if size == "auto":
        wide, high = pictures[0].size if pictures else (1, 1)
        size = FIXED[0] if 0.8 < wide / high < 1.25 else FIXED[1] if wide > high else FIXED[2]
    pixels = tuple(int(side) for side in size.split("x"))
    count = fields.get("n", 1) if plan.pictures is None else plan.pictures
    mode = "RGBA" if fields.get("background") == "transparent" else "RGB"
    quality = fields.get("quality", "auto")
    made = [
        picture_bytes((pixels[0], pixels[1]), n, kind, mode=mode)
        if mask is None
        else _painted(pictures[0], mask, (pixels[0], pixels[1]), kind)
        for n in range(count)
    ]
    text, images = len(fields["prompt"]) // 4 + 1, IMAGE_TOKENS * (len(pictures) + (mask is not None))
    out = round(TOKENS[quality] * pixels[0] * pixels[1] / 1024**2) * count
    return {
        "created": 1_790_000_000, "background": fields.get("background", "opaque"), "output_format": kind,
        "quality": "medium" if quality == "auto" else quality, "size": size,
        "data": [{"b64_json": base64.b64encode(spoil(one, plan)).decode()} for one in made],
        "usage": {
            "input_tokens": text + images, "output_tokens": out, "total_tokens": text + images + out,
            "input_tokens_details": {"text_tokens": text, "image_tokens": images},
            "output_tokens_details": {"image_tokens": out, "text_tokens": 0},
        },
    }  # fmt: skip


def _painted(photo: Image.Image, mask: Image.Image, size: tuple[int, int], kind: str) -> bytes:
    """Red where the mask is transparent; elsewhere the photo, a shade off: GPT image masks are soft."""
    near = photo.convert("RGB").point([min(255, value % 256 + 4) for value in range(768)])
    near.paste((220, 20, 20), (0, 0), mask.point([255 - value for value in range(256)]))
    out = io.BytesIO()
    near.resize(size).save(out, kind.upper())
    return out.getvalue()
