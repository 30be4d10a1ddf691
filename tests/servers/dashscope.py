"""A fake DashScope (Model Studio): tasks that wait and end, qwen's one call, temporary uploads, results of 24 hours.

    with FakeDashScope.serving() as dash: … dash.url is the base address, `/api/v1` included; dash.clock.turn(86_400)

wanx's functions are really done on the pictures given: a mask the wrong way round shows in the result.
"""

import base64
import io
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tests.servers.dashscope_faces import DETECT, GENERATE, Faces, image_and_data
from tests.servers.dashscope_pictures import Refused, edited, extended, painted, size_of
from tests.servers.service import FAULTS, FakeService, Plan, Sent, image_of

ROOT = "/api/v1"
DAY = 86_400
CODES = {
    400: "InvalidParameter",
    401: "InvalidApiKey",
    402: "Arrearage",
    403: "AccessDenied",
    404: "ModelNotFound",
    413: "InvalidParameter",
    422: "InvalidParameter",
    429: "Throttling.RateQuota",
    500: "InternalError.Algo",
    503: "ServiceUnavailable",
}
FUNCTIONS = {
    "stylization_all", "stylization_local", "description_edit", "description_edit_with_mask", "remove_watermark",
    "expand", "super_resolution", "colorization", "doodle", "control_cartoon_feature",
}  # fmt: skip
GENERATION = "/services/aigc/multimodal-generation/generation"
WAN_ASYNC = "/services/aigc/image-generation/generation"
SYNTHESIS = "/services/aigc/image2image/image-synthesis"
OUT_PAINTING = "/services/aigc/image2image/out-painting"
QWEN: Mapping[str, tuple[bool, bool, int]] = {
    "qwen-image-3.0-pro": (True, True, 6), "qwen-image-3.0": (True, True, 6), "qwen-image-2.0": (True, True, 6),
    "qwen-image-2.0-pro": (True, True, 6),
    "qwen-image-max": (True, False, 1), "qwen-image-plus": (True, False, 1), "qwen-image": (True, False, 1),
    "qwen-image-edit-max": (False, True, 6), "qwen-image-edit-plus": (False, True, 6),
    "qwen-image-edit": (False, True, 1), "wan2.6-image": (True, True, 4), "wan2.7-image": (True, True, 4),
    "wan2.7-image-pro": (True, True, 4),
}  # fmt: skip
"""Takes words alone, takes pictures, pictures of one call."""


def _error(code: str, status: int = 400, *, taken: bool = False, retry_after: str = "") -> Plan:
    body = {"request_id": "r", "code": code, "message": "words that may change any day"}
    headers = {"retry-after": retry_after} if retry_after else {}
    return Plan(submit="answer", status=status, body=body, taken=taken, headers=headers)


@dataclass(kw_only=True)
class Task:
    """An asynchronous job; its pictures are made when it ends."""

    id: str
    taken: float
    plan: Plan
    make: Callable[[int], Image.Image]
    count: int
    shape: str
    looks: int = 0
    cancelled: bool = False
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A temporary upload: for one model, 48 hours."""

    data: bytes
    model: str
    until: float


class FakeDashScope(FakeService):
    """`tasks`; `uploads`: by `oss://…`; `results`: by path, with the time they end; `leaked`: keys sent to storage."""

    FAULTS: ClassVar[Mapping[str, Plan]] = {
        **FAULTS,
        "no_credit": _error("Arrearage"),
        "policy": _error("DataInspectionFailed"),
        "model_denied": _error("Model.AccessDenied", 403),
        "bad_url": _error("InvalidParameter.DataInspection"),
        "bad_size": _error("InvalidImageResolution"),
        "system": _error("SystemError", 500, taken=True),
        "quota": _error("Throttling.AllocationQuota", 429, retry_after="7"),
        "part": Plan(end="part"),
        "lost": Plan(end="lost"),
    }

    @property
    def url(self) -> str:
        return self.origin + ROOT

    def reset(self) -> None:
        super().reset()
        self.tasks: dict[str, Task] = {}
        self.uploads: dict[str, Stored] = {}
        self.policies: dict[str, str] = {}
        self.results: dict[str, tuple[bytes, float, Plan]] = {}
        self.leaked = 0
        self.faces = Faces(self)

    def routes(self) -> Sequence[BaseRoute]:
        posts = {
            GENERATION: self._generation,
            WAN_ASYNC: self._wan,
            SYNTHESIS: self._synthesis,
            OUT_PAINTING: self._out_painting,
            "/tasks/{id}/cancel": self._cancel,
            GENERATE: lambda request: self.faces.generate(request),
            DETECT: lambda request: self.faces.detect(request),
            "/files": lambda request: self.faces.upload(request),
            "/fine-tunes": lambda request: self.faces.train(request),
            "/fine-tunes/{id}/cancel": lambda request: self.faces.cancel(request),
        }
        gets = {
            "/uploads": self._policy,
            "/tasks/{id}": self._look,
            "/tasks/": self._list,
            "/fine-tunes": lambda request: self.faces.every(request),
            "/fine-tunes/{id}": lambda request: self.faces.look(request),
        }
        deletes = {
            "/fine-tunes/{id}": lambda request: self.faces.delete(request),
            "/files/{id}": lambda request: self.faces.drop_file(request),
        }
        return [
            *(Route(ROOT + path, self._guarded(call), methods=["POST"]) for path, call in posts.items()),
            *(Route(ROOT + path, self._guarded(call)) for path, call in gets.items()),
            *(Route(ROOT + path, self._guarded(call), methods=["DELETE"]) for path, call in deletes.items()),
            Route("/oss", self._store, methods=["POST"]),
            Route("/results/{name}", self._result),
        ]

    def _guarded(self, call: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self.key}":
                self.counts["bad_key"] += 1
                return self.answer(401)
            try:
                answer: Response = await call(request)
            except Refused as refused:
                status, code, message = refused.args
                return JSONResponse({"request_id": "r", "code": code, "message": message}, status)
            return answer

        return guarded

    def problem(self, status: int) -> Any:
        return {"request_id": "r", "code": CODES.get(status, "InternalError"), "message": "words that may change"}

    # --- temporary uploads

    async def _policy(self, request: Request) -> Response:
        self.counts["policies"] += 1
        if request.query_params.get("action") != "getPolicy" or not request.query_params.get("model"):
            raise Refused(400, "InvalidParameter", "action and model")
        folder = f"dashscope-instant/{uuid.uuid4().hex}"
        self.policies[folder] = request.query_params["model"]
        data = {
            "policy": "cG9saWN5", "signature": "sig", "upload_dir": folder, "upload_host": f"{self.origin}/oss",
            "expire_in_seconds": 300, "max_file_size_mb": 100, "oss_access_key_id": "LTAI",
            "x_oss_object_acl": "private", "x_oss_forbid_overwrite": "true",
        }  # fmt: skip
        return JSONResponse({"request_id": "r", "data": data})

    async def _store(self, request: Request) -> Response:
        raw = await request.body()
        sent = await self.received(request)
        self.leaked += "authorization" in request.headers
        order = re.findall(rb'; name="([^"]+)"', raw)
        said = sent.fields
        folder, _, name = said.get("key", "").rpartition("/")
        whole = said.get("policy") == "cG9saWN5" and said.get("Signature") == "sig" and said.get("OSSAccessKeyId")
        if not whole or folder not in self.policies or not name or order[-1:] != [b"file"]:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        address = f"oss://{said['key']}"
        if address in self.uploads and said.get("x-oss-forbid-overwrite") == "true":
            return Response("<Error><Code>FileAlreadyExists</Code></Error>", 409, media_type="application/xml")
        data = sent.files["file"][0].data
        self.uploads[address] = Stored(data=data, model=self.policies[folder], until=self.clock.now() + 2 * DAY)
        return Response(status_code=int(said.get("success_action_status", 204)))

    def _picture(self, sent: Sent, address: Any, model: str) -> Image.Image:
        """The picture an input names. Raises Refused."""
        try:
            if str(address).startswith("oss://"):
                stored = self.uploads.get(address)
                if sent.headers.get("x-dashscope-ossresourceresolve") != "enable" or stored is None:
                    raise Refused(400, "InvalidParameter.DataInspection", "unable to download the media resource")
                if stored.model != model or stored.until < self.clock.now():
                    raise Refused(400, "InvalidParameter.DataInspection", "unable to download the media resource")
                return image_of(stored.data)
            head, _, data = str(address).partition(";base64,")
            if not head.startswith("data:image/"):
                raise Refused(400, "InvalidURL", "the URL is not valid")
            decoded = base64.b64decode(data, validate=True)
        except (OSError, ValueError):
            raise Refused(400, "InvalidParameter.DataInspection", "not a picture") from None
        if len(decoded) > 10 * 1024 * 1024:
            raise Refused(400, "InvalidParameter", "the picture is larger than 10 MB")
        return image_of(decoded)

    def picture_at(self, headers: Mapping[str, str], address: str, model: str) -> tuple[Image.Image, bytes]:
        """What was stored for this model. Raises Refused."""
        stored = self.uploads.get(address)
        resolves = headers.get("x-dashscope-ossresourceresolve") == "enable"
        if not resolves or stored is None or stored.model != model or stored.until < self.clock.now():
            raise Refused(400, "InvalidParameter.DataInspection", "unable to download the media resource")
        return image_and_data(stored.data)

    # --- submits

    async def submit_of(self, request: Request, *, asynchronous: bool) -> Sent:
        sent = await self.received(request)
        if not sent.readable:
            raise Refused(400, "InvalidParameter", "not JSON")
        if not sent.fields.get("model"):
            raise Refused(400, "BadRequest.EmptyModel", "model")
        if asynchronous and sent.headers.get("x-dashscope-async") != "enable":
            raise Refused(403, "AccessDenied", "current user api does not support synchronous calls")
        if not asynchronous and sent.headers.get("x-dashscope-async") is not None:
            raise Refused(403, "AccessDenied", "current user api does not support asynchronous calls")
        return sent

    async def _generation(self, request: Request) -> Response:
        """qwen and wan in one call."""
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.submit_of(request, asynchronous=False)
        words, make, count = self._messages(sent)
        plan = await self.submitted(words)
        if not self.refuses(plan):
            self.billed += count
        if spoiled := await self.spoiled(request, plan):
            return spoiled
        if plan.end in ("policy", "withheld"):
            raise Refused(400, "DataInspectionFailed", "Output data may contain inappropriate content.")
        if plan.end == "failed":
            raise Refused(500, "InternalError.Algo", "inference error")
        made = range(count if plan.pictures is None else plan.pictures)
        content = [{"image": self._kept(make(n), plan)} for n in made]
        choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        return JSONResponse(
            {"request_id": str(uuid.uuid4()), "output": {"choices": [choice]}, "usage": {"image_count": len(content)}}
        )

    async def _wan(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.submit_of(request, asynchronous=True)
        words, make, count = self._messages(sent)
        return await self.queued(request, words, make, count, "choices")

    def _messages(self, sent: Sent) -> tuple[str, Callable[[int], Image.Image], int]:
        """The words, the pictures made of them, and how many. Raises Refused."""
        model, parameters = sent.fields["model"], sent.fields.get("parameters", {})
        if model not in QWEN:
            raise Refused(404, "ModelNotFound", "Model not exist.")
        texts_alone, pictures, most = QWEN[model]
        messages = sent.fields.get("input", {}).get("messages", [])
        if len(messages) != 1:
            raise Refused(400, "InvalidParameter", "exactly one message")
        content = messages[0]["content"]
        texts = [part["text"] for part in content if "text" in part]
        given = [self._picture(sent, part["image"], model) for part in content if "image" in part]
        if len(texts) != 1 or len(texts[0]) > 800 or len(given) > 3 or (given and not pictures):
            raise Refused(400, "InvalidParameter", "content")
        if (not given and not texts_alone) or any(not 384 <= side <= 3072 for image in given for side in image.size):
            raise Refused(400, "InvalidParameter", "images must be 384 to 3072 px a side")
        count = parameters.get("n", 1)
        if type(count) is not int or not 1 <= count <= 6 or (count > most and model != "qwen-image-edit"):
            raise Refused(400, "InvalidParameter", "n")
        if len(parameters.get("negative_prompt", "")) > 500:
            raise Refused(400, "InvalidParameter", "negative_prompt")
        size = size_of(parameters.get("size"), given)
        if model == "qwen-image-edit":
            self.billed += count - 1  # what the service silently does
            count, size = 1, given[-1].size
        return texts[0], lambda n: painted(size, f"{texts[0]}|{parameters.get('seed', 0)}|{n}", given), count

    async def _synthesis(self, request: Request) -> Response:
        """wanx2.1-imageedit by its function, wan2.5 by words and pictures."""
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.submit_of(request, asynchronous=True)
        model, given, parameters = sent.fields["model"], sent.fields["input"], sent.fields.get("parameters", {})
        count = parameters.get("n", 1)
        if type(count) is not int or not 1 <= count <= 4:
            raise Refused(400, "InvalidParameter", "n")
        words = given.get("prompt", "")
        if not words:
            raise Refused(400, "InvalidParameter", "prompt")
        if model == "wan2.5-i2i-preview":
            pictures = [self._picture(sent, address, model) for address in given.get("images", [])]
            size = size_of(parameters.get("size"), pictures)
            return await self.queued(request, words, lambda n: painted(size, f"{words}{n}", pictures), count, "results")
        if model != "wanx2.1-imageedit":
            raise Refused(404, "ModelNotFound", "Model not exist.")
        if given.get("function") not in FUNCTIONS:
            raise Refused(400, "InvalidParameter", "function")
        base = self._picture(sent, given.get("base_image_url"), model).convert("RGB")
        mask = None
        if given["function"] == "description_edit_with_mask":
            mask = self._picture(sent, given.get("mask_image_url"), model).convert("L")
            if mask.size != base.size:
                raise Refused(400, "InvalidParameter", "mask and base differ in size")
        factors = {name: float(parameters.get(f"{name}_scale", 1)) for name in ("left", "right", "top", "bottom")}
        by = parameters.get("upscale_factor", 1)
        if not all(1 <= f <= 2 for f in factors.values()) or by not in (1, 2, 3, 4):
            raise Refused(400, "InvalidParameter", "scale")
        make = edited(given["function"], base, mask, factors, by, words)
        return await self.queued(request, words, make, count, "results")

    async def _out_painting(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.submit_of(request, asynchronous=True)
        if sent.fields["model"] != "image-out-painting":
            raise Refused(404, "ModelNotFound", "Model not exist.")
        base = self._picture(sent, sent.fields["input"].get("image_url"), "image-out-painting").convert("RGB")
        parameters = sent.fields.get("parameters", {})
        px = {side: int(parameters.get(f"{side}_offset", 0)) for side in ("left", "right", "top", "bottom")}
        make = extended(base, px["left"], px["top"], px["right"], px["bottom"], "out-painting")
        return await self.queued(request, "", make, 1, "output_image_url")

    async def queued(
        self, request: Request, words: str, make: Callable[[int], Image.Image], count: int, shape: str
    ) -> Response:
        plan = await self.submitted(words)
        task = Task(id=str(uuid.uuid4()), taken=self.clock.now(), plan=plan, make=make, count=count, shape=shape)
        if not self.refuses(plan):
            self.tasks[task.id] = task
            self.billed += 0 if plan.end in ("failed", "policy") else count
        if spoiled := await self.spoiled(request, plan):
            return spoiled
        return JSONResponse({"request_id": "r", "output": {"task_id": task.id, "task_status": "PENDING"}})

    # --- tasks and results

    async def _look(self, request: Request) -> Response:
        self.counts["looks"] += 1
        task = self.tasks.get(request.path_params["id"])
        if task is None or self.clock.now() - task.taken > DAY or task.plan.end == "lost":
            output: dict[str, Any] = {"task_id": request.path_params["id"], "task_status": "UNKNOWN"}
            return JSONResponse({"request_id": "r", "output": output})
        task.looks += 1
        if task.looks <= len(task.plan.poll_faults):
            return self.faulty(request, task.plan.poll_faults[task.looks - 1])
        status = self._status(task)
        output = {"task_id": task.id, "task_status": status, "submit_time": "2026-11-30 08:00:00.000"}
        if status == "FAILED":
            policy = task.plan.end in ("policy", "withheld")
            output |= {"code": "DataInspectionFailed" if policy else "InternalError.Algo", "message": "words"}
        if status != "SUCCEEDED":
            return JSONResponse({"request_id": "r", "output": output})
        made = task.count if task.plan.pictures is None else task.plan.pictures
        if task.plan.end == "part":
            made = 1
        task.files = task.files or [self._kept(task.make(n), task.plan) for n in range(made)]
        output |= _shaped(task)
        return JSONResponse({"request_id": "r", "output": output, "usage": {"image_count": made}})

    def goes_on(self, task_id: str) -> bool:
        """Whether a task has not been seen to end."""
        return self._status(self.tasks[task_id]) not in ("SUCCEEDED", "FAILED", "CANCELED")

    @staticmethod
    def _status(task: Task) -> str:
        if task.cancelled:
            return "CANCELED"
        if task.looks <= task.plan.polls or task.plan.never:
            return "PENDING" if task.looks <= task.plan.polls / 2 else "RUNNING"
        return "FAILED" if task.plan.end in ("failed", "policy", "withheld") else "SUCCEEDED"

    async def _cancel(self, request: Request) -> Response:
        task = self.tasks.get(request.path_params["id"])
        if task is None or task.looks > task.plan.polls / 2:
            raise Refused(400, "UnsupportedOperation", "Failed to cancel the task: it is not pending")
        task.cancelled = True
        self.billed -= task.count
        return JSONResponse({"request_id": "r"})

    async def _list(self, request: Request) -> Response:
        self.counts["checks"] += 1
        return JSONResponse({"request_id": "r", "data": [], "total": 0, "page_no": 1, "page_size": 1, "total_page": 0})

    def _kept(self, image: Image.Image, plan: Plan) -> str:
        out = io.BytesIO()
        image.save(out, "PNG", compress_level=1)
        name = f"{uuid.uuid4().hex}.png"
        self.results[name] = out.getvalue(), self.clock.now() + DAY, plan
        return f"{self.origin}/results/{name}?Expires=1&Signature=s"

    async def _result(self, request: Request) -> Response:
        self.leaked += "authorization" in request.headers
        data, until, plan = self.results.get(request.path_params["name"], (b"", 0.0, Plan()))
        if until < self.clock.now():
            return PlainTextResponse("<Error><Code>AccessDenied</Code><Message>Request has expired.</Message>", 403)
        return self.file(request, plan, data, "image/png")


def _shaped(task: Task) -> dict[str, Any]:
    match task.shape:
        case "choices":
            content = [{"type": "image", "image": url} for url in task.files]
            return {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": content}}]}
        case "output_image_url":
            return {"output_image_url": task.files[0]} if task.files else {}
    failed = [{"code": "InternalError.Algo", "message": "words"}] * (task.count - 1) if task.plan.end == "part" else []
    metrics = {"TOTAL": task.count, "SUCCEEDED": len(task.files), "FAILED": len(failed)}
    return {"results": [*({"url": url} for url in task.files), *failed], "task_metrics": metrics}
