"""A fake OpenRouter: `POST /images` and `POST /chat/completions` with picture output, its discovery and its refusals.

    with FakeOpenRouter.serving() as router: … router.url is the base address, `/api/v1` included

One call, one answer: pictures come as base64 inside it. What a model takes is in `MODELS`, as the discovery tells it.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.servers.service import FAULTS, FakeService, Plan, Sent, image_of, picture_bytes, spoil

ROOT = "/api/v1"
RATIOS = [
    "1:1", "1:2", "2:1", "1:4", "4:1", "1:8", "8:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "5:7", "7:5", "5:2",
    "2.35:1", "9:16", "16:9", "9:19.5", "19.5:9", "9:20", "20:9", "9:21", "21:9", "auto",
]  # fmt: skip
TIERS = {"512": 512, "768": 768, "1K": 1024, "1.5K": 1536, "2K": 2048, "4K": 4096}
CHOICES = {
    "aspect_ratio": RATIOS,
    "resolution": list(TIERS),
    "quality": ["auto", "low", "medium", "high", "xhigh", "max"],
    "background": ["auto", "transparent", "opaque"],
    "output_format": ["png", "jpeg", "webp", "svg"],
}
FIELDS = {
    "model", "prompt", "input_references", "n", "size", "output_compression", "seed", "stream", "user", "session_id",
    "provider", *CHOICES,
}  # fmt: skip
MODELS: Mapping[str, tuple[int, int, float]] = {
    "google/gemini-3.1-flash-image-preview": (1, 14, 0.067),
    "google/gemini-3-pro-image-preview": (1, 14, 0.134),
    "openai/gpt-image-2": (10, 16, 0.211),
    "black-forest-labs/flux.2-pro": (1, 8, 0.03),
}
"""What one call may make, how many pictures it takes, and dollars for one picture."""
MODERATED = {"reasons": ["sexual"], "flagged_input": "…", "provider_name": "Google"}


class FakeOpenRouter(FakeService):
    """`cost_told`: whether answers carry `usage.cost`."""

    FAULTS: ClassVar[Mapping[str, Plan]] = {
        **FAULTS,
        "policy": Plan(
            submit="answer",
            status=403,
            body={"error": {"code": 403, "message": "Your input was flagged", "metadata": MODERATED}},
        ),
        "no_right": Plan(submit="answer", status=403, body={"error": {"code": 403, "message": "Key limit exceeded"}}),
        "408": Plan(submit="answer", status=408, taken=True),
        "error_in_200": Plan(submit="answer", body={"error": {"code": 502, "message": "Provider failed"}}, taken=True),
        "credit_in_200": Plan(submit="answer", body={"error": {"code": 402, "message": "Insufficient credits"}}),
        "busy_in_200": Plan(submit="answer", body={"error": {"code": 429, "message": "Rate limited"}}),
        "policy_in_200": Plan(
            submit="answer", body={"error": {"code": 403, "message": "flagged", "metadata": MODERATED}}
        ),
    }

    @property
    def url(self) -> str:
        return self.origin + ROOT

    def reset(self) -> None:
        super().reset()
        self.cost_told = True
        self.credit_left: float | None = None
        """Dollars that the key may still spend; None for no limit."""
        self.typed = True
        """Whether pictures are told with their media type."""

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route(f"{ROOT}/images", self._images, methods=["POST"]),
            Route(f"{ROOT}/chat/completions", self._chat, methods=["POST"]),
            Route(f"{ROOT}/images/models", self._models),
            Route(f"{ROOT}/key", self._key),
            Route(f"{ROOT}/credits", self._key),
        ]

    def problem(self, status: int) -> Any:
        return {"error": {"code": status, "message": "words that may change any day", "metadata": {}}}

    def _unauthorized(self, request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Bearer {self.key}":
            return None
        self.counts["bad_key"] += 1
        return self.answer(401)

    # --- the free calls

    async def _models(self, request: Request) -> Response:
        """Open to everybody, as the real one is."""
        told = [
            {
                "id": id_, "name": id_, "created": 1, "description": "", "supports_streaming": False,
                "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["image"]},
                "supported_parameters": {
                    "n": {"type": "range", "min": 1, "max": n},
                    "input_references": {"type": "range", "min": 0, "max": references},
                    "aspect_ratio": {"type": "enum", "values": RATIOS},
                },
                "endpoints": f"/api/v1/images/models/{id_}/endpoints",
            }
            for id_, (n, references, _) in MODELS.items()
        ]  # fmt: skip
        return JSONResponse({"data": told})

    async def _key(self, request: Request) -> Response:
        self.counts["checks"] += 1
        told = {"label": "sk-or-v1-…", "usage": 1.5, "limit": None, "limit_remaining": self.credit_left}
        return self._unauthorized(request) or JSONResponse({"data": told})

    # --- the paid ones

    async def _images(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        if refused := self._unauthorized(request):
            return refused
        if problem := _problem(sent):
            return self._error(*problem)
        body = sent.fields
        plan = await self.submitted(body["prompt"])
        n = int(body.get("n", 1))
        if not self.refuses(plan):
            self.billed += n
        if spoiled := await self.spoiled(request, plan):
            return spoiled
        kind = body.get("output_format", "png")
        made = []
        for number in range(n if plan.pictures is None else plan.pictures):
            data = self._picture(plan, _size(body), number, kind)
            entry = {"b64_json": base64.b64encode(data).decode()}
            made.append(entry | ({"media_type": f"image/{kind}"} if self.typed else {}))
        if plan.end == "withheld":
            made = [{"b64_json": ""}]
        if plan.end in ("policy", "failed"):
            return self._error(403 if plan.end == "policy" else 502, "stopped", MODERATED)
        return JSONResponse({"created": 1, "data": made, "usage": self._usage(body["model"], n)})

    def _picture(self, plan: Plan, size: tuple[int, int], number: int, kind: str) -> bytes:
        return spoil(picture_bytes(size, number, kind), plan)

    def _usage(self, model: str, n: int) -> dict[str, Any]:
        usage: dict[str, Any] = {"prompt_tokens": 10, "completion_tokens": 1290 * n, "total_tokens": 10 + 1290 * n}
        return usage | ({"cost": round(MODELS[model][2] * n, 6), "is_byok": False} if self.cost_told else {})

    def _error(self, status: int, message: str, metadata: Mapping[str, Any] | None = None) -> Response:
        return JSONResponse({"error": {"code": status, "message": message, "metadata": metadata or {}}}, status)

    async def _chat(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        if refused := self._unauthorized(request):
            return refused
        body = sent.fields
        if body.get("model") not in MODELS:
            return self._error(404, "No endpoints found")
        parts = body["messages"][0]["content"]
        plan = await self.submitted(" ".join(part["text"] for part in parts if part["type"] == "text"))
        if not self.refuses(plan):
            self.billed += 1
        if spoiled := await self.spoiled(request, plan):
            return spoiled
        message: dict[str, Any] = {"role": "assistant", "content": ""}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        if plan.end in ("policy", "withheld") or "image" not in body.get("modalities", ()):
            message["content"] = "I can't help with that."
            choice["finish_reason"] = "content_filter" if plan.end == "policy" else "stop"
        elif plan.pictures != 0:
            data = base64.b64encode(self._picture(plan, (1024, 1024), 0, "png")).decode()
            message["images"] = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}]
        usage = self._usage(body["model"], 1)
        return JSONResponse({"id": "gen-1", "model": body["model"], "choices": [choice], "usage": usage})


def _problem(sent: Sent) -> tuple[int, str] | None:
    """What the schema refuses. Stricter than OpenRouter: unknown fields are refused too."""
    body = sent.fields
    if not sent.readable or not isinstance(body.get("prompt"), str) or not body["prompt"]:
        return 400, "prompt is required"
    if unknown := set(body) - FIELDS:
        return 400, f"unknown field {min(unknown)}"
    if body.get("model") not in MODELS:
        return 404, "no such model"
    for name, values in CHOICES.items():
        if name in body and body[name] not in values:
            return 400, f"bad {name}"
    if "size" in body and {"aspect_ratio", "resolution"} & set(body):
        return 400, "size conflicts with aspect_ratio or resolution"
    most, references, _ = MODELS[body["model"]]
    if type(body.get("n", 1)) is not int or not 1 <= body.get("n", 1) <= most:
        return 400, "bad n"
    given = body.get("input_references", [])
    if len(given) > references or not all(_is_picture(reference) for reference in given):
        return 400, "bad input_references"
    return (413, "too large") if len(json.dumps(body)) > 40_000_000 else None


def _is_picture(reference: Any) -> bool:
    url = reference["image_url"]["url"] if reference.get("type") == "image_url" else ""
    head, _, data = url.partition(";base64,")
    if not head.startswith("data:image/"):
        return bool(url.startswith("https://"))
    try:
        image_of(base64.b64decode(data, validate=True))
    except (OSError, ValueError):
        return False
    return True


def _size(body: Mapping[str, Any]) -> tuple[int, int]:
    across, down = (float(side) for side in body.get("aspect_ratio", "1:1").replace("auto", "1:1").split(":"))
    longest = TIERS[body.get("resolution", "1K")]
    return round(longest * across / max(across, down)), round(longest * down / max(across, down))
