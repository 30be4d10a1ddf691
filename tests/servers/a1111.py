"""A fake AUTOMATIC1111 (`--api`, with `--api-auth` where a test wants it): one job at a time, the answer at its end.

    with FakeA1111.running(auth="bot:secret", controlnet=["ip-adapter-faceid-plusv2_sdxl [1]"]) as webui: …

Pictures are really worked on: a mask the wrong way round, a wrong size or a source never sent shows in the result.
`interrupt` and the two progress addresses work while a call is held (`hold="before"`).
"""

import base64
import binascii
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.servers import serving as server
from tests.servers.service import FAULTS, FakeService, Plan, Sent, image_of, picture_bytes, spoil

CHECKPOINTS = ("sd_xl_base_1.0.safetensors [31e35c80fc]",)
UPSCALERS = ("None", "Lanczos", "Nearest", "R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B")
SAMPLERS = ("Euler", "Euler a", "DPM++ 2M", "DPM++ SDE")
SCRIPTS = ("outpainting mk2", "sd upscale")


class FakeA1111(FakeService):
    """`auth`: `user:password` or nothing; `checkpoints`, `upscalers`, `controlnet` (model names; None: no such
    extension) and `rembg`: what the server has. `stopped`: interrupts.
    """

    FAULTS: ClassVar[Mapping[str, Plan]] = {
        **FAULTS,
        "out_of_memory": Plan(
            submit="answer",
            status=500,
            body={"error": "OutOfMemoryError", "detail": "", "body": "", "errors": "CUDA out of memory, /srv/webui"},
        ),
    }

    def __init__(
        self,
        *,
        auth: str = "",
        checkpoints: Sequence[str] = CHECKPOINTS,
        upscalers: Sequence[str] = UPSCALERS,
        controlnet: Sequence[str] | None = None,
        rembg: bool = False,
    ) -> None:
        self.checkpoints, self.upscalers = tuple(checkpoints), tuple(upscalers)
        self.controlnet, self.rembg = controlnet, rembg
        super().__init__(key=auth)

    @classmethod
    @contextmanager
    def running(cls, **has: Any) -> Iterator["FakeA1111"]:
        """`serving` with what the server has, see the class."""
        fake = cls(**has)
        with server.serving(fake.app) as origin:
            fake.origin = origin
            yield fake

    @classmethod
    @contextmanager
    def serving(cls, *, key: str = "") -> Iterator["FakeA1111"]:
        with cls.running(auth=key) as fake:
            yield fake

    def reset(self) -> None:
        super().reset()
        self.loaded = self.checkpoints[0] if self.checkpoints else ""
        self.running_task: str | None = None
        self.stopped = 0
        self.previews = 1
        """The number of the last live preview of a call, from 0; -1 where they are switched off."""

    def routes(self) -> Sequence[BaseRoute]:
        api = "/sdapi/v1"
        has: dict[str, Any] = {
            f"{api}/sd-models": [{"title": t, "model_name": t.split(".")[0], "filename": t} for t in self.checkpoints],
            f"{api}/upscalers": [{"name": name, "model_name": None, "scale": 4} for name in self.upscalers],
            f"{api}/samplers": [{"name": name, "aliases": [], "options": {}} for name in SAMPLERS],
            f"{api}/schedulers": [{"name": "karras", "label": "Karras"}, {"name": "automatic", "label": "Automatic"}],
            f"{api}/scripts": {"txt2img": [], "img2img": list(SCRIPTS)},
            f"{api}/options": {"sd_model_checkpoint": self.loaded},
        }
        work: dict[str, Any] = {
            f"{api}/txt2img": self._txt2img,
            f"{api}/img2img": self._img2img,
            f"{api}/extra-single-image": self._upscale,
            f"{api}/interrupt": self._interrupt,
            "/internal/progress": self._task,
        }
        if self.controlnet is not None:
            has["/controlnet/model_list"] = {"model_list": list(self.controlnet)}
            has["/controlnet/module_list"] = {"module_list": ["none", "reference_only", "ip-adapter-auto"]}
        if self.rembg:
            work["/rembg"] = self._cut_out
        has["/openapi.json"] = {"openapi": "3.1.0", "paths": {path: {} for path in [*has, *work]}}
        return [
            *(Route(path, self._guarded(call), methods=["POST"]) for path, call in work.items()),
            *(Route(path, self._guarded(_tell(told))) for path, told in has.items()),
            Route(f"{api}/progress", self._guarded(self._progress)),
            Route("/internal/ping", _tell({})),
        ]

    def _guarded(self, call: Any) -> Any:
        async def guarded(request: Request) -> Response:
            basic = f"Basic {base64.b64encode(self.key.encode()).decode()}"
            if self.key and request.headers.get("authorization") != basic:
                self.counts["bad_key"] += 1
                return JSONResponse({"detail": "Incorrect username or password"}, 401)
            answer: Response = await call(request)
            return answer

        return guarded

    def problem(self, status: int) -> Any:
        return {"error": "HTTPException", "detail": "words that may change any day", "body": "", "errors": ""}

    # --- making pictures

    async def _txt2img(self, request: Request) -> Response:
        return await self._made(request, needs_image=False)

    async def _img2img(self, request: Request) -> Response:
        return await self._made(request, needs_image=True)

    async def _made(self, request: Request, *, needs_image: bool) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        if problem := self._problem(sent, needs_image=needs_image):
            return self._error(*problem)
        body = sent.fields
        self.running_task = body.get("force_task_id", "task")
        stopped = self.stopped
        plan = await self.submitted(body.get("prompt", ""))
        spoiled = await self.spoiled(request, plan)
        self.running_task = None
        if spoiled is not None:
            return spoiled
        count = int(body.get("batch_size", 1)) * int(body.get("n_iter", 1))
        made = count if plan.pictures is None else plan.pictures
        if self.stopped > stopped or plan.end in ("failed", "policy", "withheld"):
            made = 0
        seed = int(body.get("seed", -1))
        seeds = [(seed if seed >= 0 else 4242) + n for n in range(made)]
        images = [spoil(_png(self._picture(body, seed), body), plan) for seed in seeds]
        for unit in _units(body):
            if unit.get("save_detected_map", True) and images:
                images.append(_png(Image.new("RGB", (64, 64)), {}))
        info = json.dumps({"seed": seeds[0] if seeds else -1, "all_seeds": seeds, "infotexts": []})
        told = {key: value for key, value in body.items() if key not in ("init_images", "mask")}
        return JSONResponse(
            {"images": [base64.b64encode(i).decode() for i in images], "parameters": told, "info": info}
        )

    def _picture(self, body: Mapping[str, Any], seed: int) -> Image.Image:
        size = int(body.get("width", 512)), int(body.get("height", 512))
        red, green, blue = hashlib.sha256(f"{body.get('prompt', '')}|{seed}".encode()).digest()[:3]
        painted = Image.new("RGB", size, (red, green, blue))
        for unit in _units(body):
            painted = Image.blend(painted, _decoded(unit["image"]).convert("RGB").resize(size), 0.25)
        if not body.get("init_images"):
            return painted
        source = _decoded(body["init_images"][0]).convert("RGB").resize(size)
        changed = Image.blend(source, painted, float(body.get("denoising_strength", 0.75)))
        if not body.get("mask"):
            return changed
        mask = _decoded(body["mask"]).convert("L").resize(size)
        mask = ImageOps.invert(mask) if body.get("inpainting_mask_invert") else mask
        return Image.composite(changed, source, mask)

    def _problem(self, sent: Sent, *, needs_image: bool) -> tuple[int, Any] | None:
        body = sent.fields
        if not sent.readable:
            return 422, [{"loc": ["body"], "msg": "JSON decode error", "type": "json_invalid"}]
        numbers = ("width", "height", "steps", "batch_size", "n_iter", "seed")
        if bad := [n for n in numbers if type(body.get(n, 1)) is not int]:
            return 422, [{"loc": ["body", bad[0]], "msg": "not a valid integer", "type": "int_parsing"}]
        wanted = body.get("override_settings", {}).get("sd_model_checkpoint")
        if wanted is not None and wanted not in self.checkpoints:
            return 404, "Model not found"
        if not self.checkpoints:
            return 500, "No checkpoint"
        if body.get("sampler_name", "Euler") not in SAMPLERS:
            return 400, "Sampler not found"
        if body.get("script_name") not in (None, *SCRIPTS):
            return 422, "Script not found"
        if set(body.get("alwayson_scripts", {})) - ({"controlnet"} if self.controlnet is not None else set()):
            return 422, "always on script not found"
        if any(u.get("model", "None") not in ("None", *(self.controlnet or ())) for u in _units(body)):
            return 422, "no such ControlNet model"
        if needs_image and not body.get("init_images"):
            return 404, "Init image not found"
        pictures = [*body.get("init_images", ()), *([body["mask"]] if body.get("mask") else [])]
        return None if all(_readable(picture) for picture in pictures) else (500, "Invalid encoded image")

    def _error(self, status: int, detail: Any) -> Response:
        if status == 422 and not isinstance(detail, str):
            return JSONResponse({"detail": detail}, 422)
        return JSONResponse({"error": "HTTPException", "detail": detail, "body": "", "errors": ""}, status)

    async def _upscale(self, request: Request) -> Response:
        if (broken := await self.before(request)) is not None:
            return broken
        sent = await self.received(request)
        body = sent.fields
        if not _readable(body.get("image", "")):
            return self._error(500, "Invalid encoded image")
        if body.get("upscaler_1", "None") not in self.upscalers:
            return self._error(500, "no such upscaler")
        plan = await self.submitted()
        if spoiled := await self.spoiled(request, plan):
            return spoiled
        image, by = _decoded(body["image"]), float(body.get("upscaling_resize", 2))
        plainly = body.get("upscaler_1", "None") == "None"
        size = image.size if plainly else (round(image.width * by), round(image.height * by))
        data = spoil(_png(image.resize(size), {}), plan)
        return JSONResponse({"html_info": "", "image": base64.b64encode(data).decode() if plan.pictures != 0 else ""})

    async def _cut_out(self, request: Request) -> Response:
        sent = await self.received(request)
        image = _decoded(sent.fields["input_image"]).convert("RGB")
        await self.submitted()
        subject = Image.new("L", image.size, 0)
        subject.paste(255, (image.width // 4, image.height // 4, image.width * 3 // 4, image.height * 3 // 4))
        if not sent.fields.get("return_mask"):
            image.putalpha(subject)
        made = subject if sent.fields.get("return_mask") else image
        return JSONResponse({"image": base64.b64encode(_png(made, {})).decode()})

    # --- while it works

    async def _progress(self, request: Request) -> Response:
        self.counts["looks"] += 1
        busy = self.running_task is not None
        state = {
            "job": self.running_task or "",
            "job_count": int(busy),
            "sampling_step": 10 * busy,
            "interrupted": False,
        }
        told = {"progress": 0.5 if busy else 0.0, "eta_relative": 3.0 * busy, "state": state, "current_image": None}
        return JSONResponse(told | {"textinfo": None})

    async def _task(self, request: Request) -> Response:
        self.counts["looks"] += 1
        sent = await self.received(request)
        active = self.running_task is not None and self.running_task == sent.fields.get("id_task")
        told: dict[str, Any] = {
            "active": active,
            "queued": False,
            "completed": not active,
            "progress": 0.5 if active else None,
        }
        newest = sent.fields.get("id_live_preview", -1)
        if active and sent.fields.get("live_preview", True) and newest < self.previews:
            newest += 1
            image = base64.b64encode(picture_bytes((64, 64), newest, "jpg")).decode()
            told |= {"live_preview": f"data:image/jpeg;base64,{image}", "id_live_preview": newest}
        return JSONResponse({"eta": None, "live_preview": None, "id_live_preview": newest, "textinfo": "…"} | told)

    async def _interrupt(self, request: Request) -> Response:
        """Stops whatever runs: the waiting call returns with what it has, here nothing."""
        self.stopped += 1
        self.release()
        return JSONResponse({})


def _tell(told: Any) -> Any:
    async def tell(request: Request) -> Response:
        return JSONResponse(told)

    return tell


def _units(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    units = body.get("alwayson_scripts", {}).get("controlnet", {}).get("args", [])
    return [unit for unit in units if unit.get("enabled", False)]


def _decoded(text: str) -> Image.Image:
    return image_of(base64.b64decode(text.partition(";base64,")[2] or text, validate=True))


def _readable(text: Any) -> bool:
    try:
        _decoded(text)
    except (OSError, TypeError, AttributeError, binascii.Error):
        return False
    return True


def _png(image: Image.Image, body: Mapping[str, Any]) -> bytes:
    """With the prompt in a text, as the server writes it."""
    notes, out = PngInfo(), io.BytesIO()
    notes.add_text("parameters", str(body.get("prompt", "")))
    image.save(out, "PNG", pnginfo=notes, compress_level=1)
    return out.getvalue()
