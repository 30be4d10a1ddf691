"""FaceChain as the fake DashScope serves it: detection, training, portraits of a face and into a template.

A picture without any contrast shows no face. A training goes on for its plan's `polls` looks.
"""

import io
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.servers.dashscope_pictures import Refused, painted
from tests.servers.service import Plan

if TYPE_CHECKING:
    from tests.servers.dashscope import FakeDashScope

GENERATE = "/services/aigc/album/gen_potrait"
DETECT = "/services/vision/facedetection/detect"
PRESETS = {
    "f_idcard_male", "f_business_male", "f_idcard_female", "f_business_female", "m_springflower_female",
    "f_summersport_female", "f_autumnleaf_female", "m_winterchinese_female", "f_hongkongvintage_female",
    "f_lightportray_female",
}  # fmt: skip
WITH_FACE, WITH_PHOTOS = "portrait_url_template", "train_free_portrait_url_template"
GIVEN_FACE = "women_model"
OUT = (768, 1024)


@dataclass(kw_only=True)
class Trained:
    """A training, and the face it makes."""

    id: str
    face: str
    plan: Plan
    photos: list[str]
    looks: int = 0
    cancelled: bool = False
    deleted: bool = False

    @property
    def status(self) -> str:
        if self.cancelled:
            return "CANCELED"
        if self.looks <= self.plan.polls or self.plan.never:
            return "QUEUING" if self.looks <= self.plan.polls / 2 else "RUNNING"
        return "FAILED" if self.plan.end in ("failed", "policy") else "SUCCEEDED"


class Faces:
    """`trainings`: by id; `photos`: files uploaded for them; `portraits`: bodies of the generations that were taken;
    `trained`: trainings that are charged for; `overlaps`: generations taken while another one went on."""

    def __init__(self, service: "FakeDashScope") -> None:
        self._service = service
        self.trainings: dict[str, Trained] = {}
        self.photos: dict[str, bytes] = {}
        self.portraits: list[dict[str, Any]] = []
        self.tasks: list[str] = []
        self.trained = 0
        self.overlaps = 0
        self.broken: int | str | None = None
        """What the detection answers instead: a status, reset or junk."""
        self.stuck = False
        """Whether the detection waits until the service is released."""

    def image(self, request_headers: Any, address: Any, model: str, *, least: int, most: int, size: int) -> Image.Image:
        """Raises Refused."""
        if re.search(r"[\u4e00-\u9fff]", str(address)):
            raise Refused(400, "InvalidURL", "Chinese characters")
        if not str(address).startswith(("oss://", "http://", "https://")):
            raise Refused(400, "InvalidURL", "the URL is not valid")
        image, data = self._service.picture_at(request_headers, address, model)
        if not all(least <= side <= most for side in image.size):
            raise Refused(400, "InvalidImageResolution", "the size of the picture")
        if len(data) > size:
            raise Refused(400, "InvalidParameter", "the picture is too large")
        return image

    # --- detection

    async def detect(self, request: Request) -> Response:
        sent = await self._service.received(request)
        self._service.counts["detections"] += 1
        if self.stuck:
            await self._service.held()
        if self.broken is not None:
            return self._service.faulty(request, self.broken)
        if sent.fields.get("model") != "facechain-facedetect":
            raise Refused(404, "ModelNotFound", "Model not exist.")
        addresses = sent.fields.get("input", {}).get("images", [])
        if not addresses:
            raise Refused(400, "InvalidParameter", "images")
        model, limit = "facechain-facedetect", 5 * 1024 * 1024
        images = [self.image(sent.headers, one, model, least=256, most=4096, size=limit) for one in addresses]
        found = [_shows_face(image) for image in images]
        reasons = ["" if good else "no face detected" for good in found]
        return JSONResponse({"request_id": "r", "output": {"is_face": found, "failed_reason": reasons}, "usage": {}})

    # --- portraits

    async def generate(self, request: Request) -> Response:
        if (broken := await self._service.before(request)) is not None:
            return broken
        sent = await self._service.submit_of(request, asynchronous=True)
        fields = sent.fields
        if fields["model"] != "facechain-generation":
            raise Refused(404, "ModelNotFound", "Model not exist.")
        parameters, given = fields.get("parameters", {}), fields.get("input", {})
        style, count = parameters.get("style"), parameters.get("n", 4)
        if type(count) is not int or not 1 <= count <= 4:
            raise Refused(400, "InvalidParameter", "n")
        if "prompt" in given or set(parameters) - {"style", "size", "n", "skin_retouch"}:
            raise Refused(400, "InvalidParameter", "unknown parameters")
        sources = []
        if style in PRESETS:
            if parameters.get("size") != "768*1024" or given:
                raise Refused(400, "InvalidParameter", "size")
        elif style in (WITH_FACE, WITH_PHOTOS):
            if "size" in parameters:
                raise Refused(400, "InvalidParameter", "size is for presets")
            sources.append(self._template(sent.headers, given.get("template_url")))
        else:
            raise Refused(400, "InvalidParameter", "style")
        if style == WITH_PHOTOS:
            sources += self._users(sent.headers, given.get("user_urls", []))
            if type(parameters.get("skin_retouch", True)) is not bool:
                raise Refused(400, "InvalidParameter", "skin_retouch")
        else:
            self._check_face(fields.get("resources"))
        words = f"{style}|{parameters.get('skin_retouch')}|{fields.get('resources')}"
        make: Callable[[int], Image.Image] = lambda n: painted(OUT, f"{words}|{n}", sources)  # noqa: E731
        self.overlaps += any(self._service.goes_on(task) for task in self.tasks)
        answer = await self._service.queued(request, str(style), make, count, "results")
        if answer.status_code == 200 and isinstance(answer, JSONResponse):
            self.tasks.append(next(reversed(self._service.tasks)))
            self.portraits.append(dict(fields))
        return answer

    def _template(self, headers: Any, address: Any) -> Image.Image:
        image = self.image(headers, address, "facechain-generation", least=512, most=1680, size=5 * 1024 * 1024)
        if min(image.size) > 1260:
            raise Refused(400, "InvalidImageResolution", "the template is larger than 1680 x 1260")
        return image

    def _users(self, headers: Any, addresses: Any) -> list[Image.Image]:
        if not 1 <= len(addresses) <= 5:
            raise Refused(400, "InvalidParameter", "user_urls")
        limit = 3 * 1024 * 1024
        images = [
            self.image(headers, one, "facechain-generation", least=256, most=2048, size=limit) for one in addresses
        ]
        if not all(map(_shows_face, images)):
            raise Refused(400, "InvalidParameter", "a photo without a face")
        return images

    def _check_face(self, resources: Any) -> None:
        named = resources[0] if isinstance(resources, list) and len(resources) == 1 else {}
        known = {one.face for one in self.trainings.values() if one.status == "SUCCEEDED" and not one.deleted}
        if named.get("resource_type") != "facelora" or named.get("resource_id") not in known | {GIVEN_FACE}:
            raise Refused(400, "InvalidParameter", "resources")

    # --- files and training

    async def upload(self, request: Request) -> Response:
        sent = await self._service.received(request)
        files = sent.files.get("files", ())
        if not files:
            raise Refused(400, "InvalidParameter", "files")
        made = []
        for part in files:
            file_id = f"file-{uuid.uuid4().hex}"
            self.photos[file_id] = part.data
            made.append({"name": part.filename, "file_id": file_id})
        return JSONResponse({"request_id": "r", "data": {"uploaded_files": made, "failed_uploads": []}})

    async def drop_file(self, request: Request) -> Response:
        if self.photos.pop(request.path_params["id"], None) is None:
            raise Refused(404, "NotFound", "no such file")
        return JSONResponse({"request_id": "r"})

    async def train(self, request: Request) -> Response:
        service = self._service
        if (broken := await service.before(request)) is not None:
            return broken
        sent = await service.received(request)
        ids = sent.fields.get("training_file_ids", [])
        if sent.fields.get("model") != "facechain-finetune":
            raise Refused(404, "ModelNotFound", "Model not exist.")
        if not 1 <= len(ids) <= 10 or not all(one in self.photos or str(one).startswith("http") for one in ids):
            raise Refused(400, "InvalidParameter", "training_file_ids")
        plan = await service.submitted("training")
        name = uuid.uuid4().hex[:12]
        training = Trained(id=f"ft-{name}", face=f"face-{name}", plan=plan, photos=list(ids))
        if not service.refuses(plan):
            self.trainings[training.id] = training
            self.trained += plan.end not in ("failed", "policy")
        if spoiled := await service.spoiled(request, plan):
            return spoiled
        return JSONResponse({"request_id": "r", "output": _told(training)})

    async def look(self, request: Request) -> Response:
        self._service.counts["training_looks"] += 1
        training = self._found(request)
        training.looks += 1
        if training.looks <= len(training.plan.poll_faults):
            return self._service.faulty(request, training.plan.poll_faults[training.looks - 1])
        return JSONResponse({"request_id": "r", "output": _told(training), "usage": {}})

    async def every(self, request: Request) -> Response:
        there = [_told(one) for one in self.trainings.values() if not one.deleted]
        output = {"jobs": there, "page_no": 1, "page_size": 10, "total": len(there)}
        return JSONResponse({"request_id": "r", "output": output})

    async def cancel(self, request: Request) -> Response:
        training = self._found(request)
        if training.status not in ("QUEUING", "RUNNING"):
            raise Refused(400, "UnsupportedOperation", "it has ended")
        training.cancelled = True
        self.trained -= 1
        return JSONResponse({"request_id": "r", "output": {"status": "success"}})

    async def delete(self, request: Request) -> Response:
        training = self._found(request)
        if training.status in ("QUEUING", "RUNNING"):
            raise Refused(400, "UnsupportedOperation", "it goes on")
        training.deleted = True
        return JSONResponse({"request_id": "r", "output": {"status": "success"}})

    def _found(self, request: Request) -> Trained:
        training = self.trainings.get(request.path_params["id"])
        if training is None or training.deleted:
            raise Refused(404, "NotFound", "no such job")
        return training


def _told(training: Trained) -> dict[str, Any]:
    output: dict[str, Any] = {
        "job_id": training.id, "status": training.status if training.looks else "PENDING",
        "finetuned_output": training.face, "model": "facechain-finetune", "training_file_ids": training.photos,
        "create_time": "2026-11-30 08:00:00",
    }  # fmt: skip
    if training.looks and training.status == "FAILED":
        policy = training.plan.end == "policy"
        output |= {"code": "DataInspectionFailed" if policy else "InternalError.Algo", "message": "words"}
    return output


def _shows_face(image: Image.Image) -> bool:
    low, high = image.convert("L").getextrema()
    return bool(high != low)


def image_and_data(data: bytes) -> tuple[Image.Image, bytes]:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image, data
