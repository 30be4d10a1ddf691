"""DashScope (Model Studio): qwen's one long call; the tasks of wan, wanx and FaceChain, and trainings, that are asked
about until they end."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from providers.base import (
    Cancelled,
    Charge,
    CostSource,
    Phase,
    Progress,
    ProviderDefaults,
    Request,
    Result,
    Submission,
)
from providers.errors import MadeNothing, WaitAndRetry
from providers.faces import Verdict, face_unusable
from providers.media.canvas import Sides
from providers.media.download import Downloader
from providers.media.fitting import Room, check_enlarged, mask_to_fit, size_of, to_fit
from providers.media.threads import in_thread
from providers.media.upstream import MAX_BYTES
from providers.net.bodies import Base64File, JsonBody
from providers.net.client import LONG_SUBMIT, SUBMIT, Client
from providers.net.outcome import Answer, check_error, connection_error, rejected
from providers.offers import Offer, Offers, prices
from providers.outpainting import sides_of
from providers.prompts import shortened
from providers.registry import offer_for
from providers.services.dashscope import bodies, facechain
from providers.services.dashscope.answers import count_of, empty_error, pictures_of, submit_error, task_error
from providers.services.dashscope.offers import KEY, WANX, offers
from providers.services.dashscope.uploads import RESOLVE, unsent, upload
from providers.services.results import fetch_links
from providers.services.watching import Pace, Watch
from providers.task import Operation

BEIJING = "https://dashscope.aliyuncs.com/api/v1"
ASYNC = {"x-dashscope-async": "enable"}
NO_TASK = "00000000-0000-4000-8000-000000000000"
QWEN_ROOM = Room(min_side=384, max_side=3072)
WANX_ROOM = Room(min_side=512, max_side=4096)
UPSCALED = Room(max_side=4096)
"""A photo that is to be enlarged is not enlarged before: it would be more than was asked for."""
_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}
_PHASES = {"PENDING": Phase.QUEUED, "SUSPENDED": Phase.QUEUED, "RUNNING": Phase.RUNNING, "SUCCEEDED": Phase.DONE}
PATHS = {
    "wan": bodies.WAN,
    "images": bodies.SYNTHESIS,
    "function": bodies.SYNTHESIS,
    facechain.SHAPE: facechain.GENERATE,
}
PREPARED = 256
"""Requests prepared and not sent (cancelled in between) that are kept at most."""
_PACE = Pace(first=2.0, longest=5.0)

Sleep = Callable[[float], Awaitable[None]]


class DashScopeProvider(ProviderDefaults):
    """`files`: a folder for photos made to fit, which may be emptied at any time. `clock`: seconds since the epoch.

    The downloader becomes this provider's and is closed with it.
    """

    name = KEY

    def __init__(
        self,
        *,
        key: SecretStr,
        downloader: Downloader,
        files: Path,
        root: str = BEIJING,
        model: str | None = None,
        client: Client | None = None,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = key
        self._root = root.rstrip("/")
        self._downloader = downloader
        self._files = files
        self._offers = offers(model, faces=facechain.is_there(root))
        self._client = client or Client()
        self._sleep = sleep
        self._clock = clock
        self._bodies: dict[str, dict[str, Any]] = {}
        """Those of requests that are prepared, by their keys."""
        self._watch = Watch(sleep, _PACE)
        self._trainings = Watch(sleep, Pace(first=facechain.LOOK_SECONDS, longest=15.0))

    def __repr__(self) -> str:
        return "<DashScopeProvider>"

    @property
    def offers(self) -> Offers:
        return self._offers

    # --- submit

    async def prepare(self, request: Request) -> None:
        """Uploads, and looking at faces."""
        offer = self._offers.find(request.task)
        if offer is not None and offer.notes["shape"] != "message":
            if len(self._bodies) >= PREPARED:
                self._bodies.clear()
            self._bodies[request.key] = await self._body(request, offer)

    async def submit(self, request: Request) -> Submission:
        """See `answers` for what each answer proves about the job."""
        offer = offer_for(self._offers, request.task)
        shape = offer.notes["shape"]
        if shape == "message":
            return await self._at_once(request, offer)
        body = self._bodies.pop(request.key, None) or await self._body(request, offer)
        if shape == facechain.TRAIN_SHAPE:
            return await self._training(body)
        return await self._task(PATHS[shape], body, request, offer)

    async def _body(self, request: Request, offer: Offer) -> dict[str, Any]:
        match offer.notes["shape"]:
            case facechain.SHAPE:
                return await self._face_portrait(request)
            case facechain.TRAIN_SHAPE:
                return await self._training_body(request)
            case "wan":
                return await self._message(request, offer)
            case "images":
                photos = [await self._uploaded(photo, offer.model, QWEN_ROOM) for photo in request.photos]
                words = shortened(request.prompt, bodies.MAX_PROMPT)
                task = request.task
                return bodies.by_images(
                    model=offer.model, prompt=words, images=photos, count=task.count, ratio=task.aspect_ratio,
                    seed=request.seed,
                )  # fmt: skip
        return await self._function(request, offer)

    async def _at_once(self, request: Request, offer: Offer) -> Submission:
        answer = await self._post(bodies.GENERATION, await self._message(request, offer), LONG_SUBMIT)
        urls = pictures_of(answer.get("output"))
        if not answer.ok or answer.text("code"):
            raise submit_error(answer)
        if not urls and answer.get("output", "choices") is None:
            raise submit_error(answer)
        return Submission(
            provider=self.name,
            request_id=answer.text("request_id") or request.key,
            count=request.count,
            model=offer.model,
            handle={"urls": urls, "taken": self._clock()},
            charge=_charge(offer.model, count_of(answer.body, urls)),
        )

    async def _task(self, path: str, body: dict[str, Any], request: Request, offer: Offer) -> Submission:
        stored = offer.notes["shape"] in ("images", "function", facechain.SHAPE)
        answer = await self._post(path, body, SUBMIT, ASYNC | (RESOLVE if stored else {}))
        task_id = answer.text("output", "task_id")
        if not answer.ok or not task_id:
            raise submit_error(answer)
        return Submission(
            provider=self.name,
            request_id=task_id,
            count=request.count,
            model=offer.model,
            handle={"taken": self._clock()},
        )

    async def _post(self, path: str, body: dict[str, Any], timeout: Any, more: dict[str, str] | None = None) -> Answer:
        content = await in_thread(JsonBody, body)
        headers = self._headers() | (more or {}) | content.headers
        return await self._client.submit(f"{self._root}{path}", headers=headers, timeout=timeout, content=content)

    async def _message(self, request: Request, offer: Offer) -> dict[str, Any]:
        photos = [await in_thread(to_fit, photo, QWEN_ROOM, into=self._files) for photo in request.photos]
        return bodies.message(
            model=offer.model,
            prompt=shortened(request.prompt, bodies.MAX_PROMPT),
            images=[Base64File(path=path, prefix=f"data:{_TYPES[path.suffix]};base64,") for path in photos],
            count=request.count,
            ratio=request.task.aspect_ratio,
            negative=request.negative_prompt,
            seed=request.seed,
        )

    async def _function(self, request: Request, offer: Offer) -> dict[str, Any]:
        task, more = request.task, dict[str, Any]()
        room = UPSCALED if task.operation is Operation.UPSCALE else WANX_ROOM
        photo = await in_thread(to_fit, request.photos[0], room, into=self._files)
        if task.operation is Operation.OUTPAINT:
            more = await in_thread(_expansion, request)
        elif task.operation is Operation.UPSCALE:
            scale = task.scale or 2
            check_enlarged(await in_thread(size_of, photo), scale)
            more = {"upscale_factor": scale}
        elif request.mask is not None:
            size = await in_thread(size_of, photo)
            mask = await in_thread(mask_to_fit, request.mask, size, into=self._files)
            more = {"mask_image_url": await upload(self._client, self._root, self._headers(), WANX, mask)}
        if request.seed is not None:
            more["seed"] = request.seed
        address = await upload(self._client, self._root, self._headers(), WANX, photo)
        words = shortened(request.prompt, bodies.MAX_PROMPT)
        return bodies.function(WANX, offer.notes["function"], prompt=words, photo=address, count=request.count, **more)

    async def _uploaded(self, photo: Path, model: str, room: Room, max_bytes: int = MAX_BYTES) -> str:
        fitting = await in_thread(to_fit, photo, room, into=self._files, max_bytes=max_bytes)
        return await upload(self._client, self._root, self._headers(), model, fitting)

    # --- faces

    async def check_faces(self, photos: Sequence[Path]) -> tuple[Verdict, ...]:
        room, most = facechain.FACE_ROOM, facechain.FACE_BYTES
        images = [await self._uploaded(photo, facechain.DETECTION, room, most) for photo in photos]
        content = {"model": facechain.DETECTION, "input": {"images": images}, "parameters": {}}
        url = f"{self._root}{facechain.DETECT}"
        answer = await facechain.free(self._client, url, self._headers() | RESOLVE, json=content)
        return facechain.verdicts(answer, len(photos))

    async def _checked(self, photos: Sequence[Path]) -> None:
        """Before anything is paid. Raises AskPerson `face_unusable`."""
        found = await self.check_faces(photos)
        if not all(verdict.is_face for verdict in found):
            raise face_unusable(found)

    async def _face_portrait(self, request: Request) -> dict[str, Any]:
        task = request.task
        people = request.photos[: len(request.photos) - task.template]
        if people:
            await self._checked(people)
        addresses = [
            await self._uploaded(photo, facechain.GENERATION, facechain.FACE_ROOM, facechain.FACE_BYTES)
            for photo in people
        ]
        if task.template:
            room, most = facechain.TEMPLATE_ROOM, facechain.TEMPLATE_BYTES
            addresses.append(await self._uploaded(request.photos[-1], facechain.GENERATION, room, most))
        return facechain.body(request, addresses)

    async def _training_body(self, request: Request) -> dict[str, Any]:
        await self._checked(request.photos)
        room, most = facechain.FACE_ROOM, facechain.FACE_BYTES
        photos = [await in_thread(to_fit, p, room, into=self._files, max_bytes=most) for p in request.photos]
        ids = await facechain.stored(self._client, self._root, self._headers(), photos)
        return {"model": facechain.TRAINING, "training_file_ids": ids}

    async def _training(self, body: dict[str, Any]) -> Submission:
        answer = await self._post(facechain.TRAININGS, body, SUBMIT)
        training = answer.text("output", "job_id")
        if not answer.ok or not training:
            raise submit_error(answer)
        return Submission(
            provider=self.name,
            request_id=training,
            model=facechain.TRAINING,
            handle={"training": True, "taken": self._clock(), "files": body["training_file_ids"]},
            face=answer.text("output", "finetuned_output") or None,
        )

    async def release(self, submission: Submission) -> None:
        """The photos of a training lie among the account's files: they go. One that stays costs nothing."""
        for file in submission.handle.get("files", ()):
            with suppress(httpx.TransportError):
                await self._client.delete(f"{self._root}{facechain.FILES}/{file}", headers=self._headers())

    async def delete_face(self, training: str) -> None:
        url = f"{self._root}{facechain.TRAININGS}/{training}"
        try:
            answer = await self._client.delete(url, headers=self._headers())
        except httpx.TransportError as error:
            raise unsent(connection_error(error)) from None
        gone = answer.status in (404, 410) or "NotFound" in answer.text("code")
        if not answer.ok and not gone:
            raise unsent(submit_error(answer))

    # --- after it

    async def follow(self, submission: Submission) -> AsyncGenerator[Progress, None]:
        if "urls" in submission.handle:
            yield Progress(phase=Phase.DONE)
            return

        watch = self._trainings if "training" in submission.handle else self._watch
        async with aclosing(watch.follow(submission.request_id, *self._looks(submission))) as reports:
            async for progress in reports:
                yield progress

    def _looks(
        self, submission: Submission
    ) -> tuple[Callable[[], Awaitable[Answer]], Callable[[Answer], Progress | None]]:
        training = "training" in submission.handle
        url = f"{self._root}{facechain.TRAININGS if training else '/tasks'}/{submission.request_id}"

        async def look() -> Answer:
            return await self._client.get(url, headers=self._headers())

        def read(answer: Answer) -> Progress | None:
            output = answer.get("output")
            if not isinstance(output, dict):
                return None
            taken = submission.handle.get("taken", 0.0)
            if error := task_error(output, age=self._clock() - float(taken)):
                raise error
            phase = _PHASES.get(str(output.get("task_status")))
            return None if phase is None else Progress(phase=phase)

        return look, facechain.training_progress if training else read

    async def fetch(self, submission: Submission, into: Path) -> Result:
        urls: Sequence[str] = submission.handle.get("urls", ())
        charge = submission.charge
        if "training" in submission.handle:
            return await self._learnt(submission)
        if "urls" in submission.handle and not urls:
            raise MadeNothing("an answer without a picture")
        if not urls:
            answer = await self._watch.final(*self._looks(submission))
            if answer is None:
                raise WaitAndRetry("the result is out of reach", code="result_unreachable")
            urls = pictures_of(answer.get("output"))
            if not urls:
                raise empty_error(answer.get("output"))
            charge = _charge(submission.model, count_of(answer.body, urls))
        pictures = await fetch_links(
            urls[: submission.count], submission, into, download=self._download, sleep=self._sleep
        )
        return Result(pictures=pictures, charge=charge)

    async def _learnt(self, submission: Submission) -> Result:
        answer = await self._trainings.final(*self._looks(submission))
        if answer is None:
            raise WaitAndRetry("the result is out of reach", code="result_unreachable")
        face = answer.text("output", "finetuned_output") or submission.face
        if not face:
            raise MadeNothing("a training without a face")
        return Result(face=face, charge=_charge(submission.model, 1))

    async def _download(self, url: str) -> bytes:
        return await self._downloader.download(url, given_by="provider")

    async def cancel(self, submission: Submission) -> Cancelled:
        """Only a task that still waits can be taken back."""
        if "urls" in submission.handle:
            return Cancelled.TOO_LATE
        training = "training" in submission.handle
        url = f"{self._root}{facechain.TRAININGS if training else '/tasks'}/{submission.request_id}/cancel"
        try:
            answer = await self._client.post(url, headers=self._headers())
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})", code="provider_unavailable") from None
        if answer.ok:
            return Cancelled.ASKED if training else Cancelled.NOT_STARTED
        if answer.status == 400 or answer.status == 404:
            return Cancelled.TOO_LATE
        raise check_error(answer) or WaitAndRetry(f"a cancel was answered with {answer.status}")

    async def check(self) -> None:
        """Asks about a task that cannot exist: a good key is told so, a bad one is refused. Costs nothing."""
        await self._client.check(f"{self._root}/tasks/{NO_TASK}", headers=self._headers())

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._downloader.aclose()

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key.get_secret_value()}"}


def _expansion(request: Request) -> dict[str, float]:
    """Raises AskPerson where a side is to grow by more than the photo has."""
    size = size_of(request.photos[0])
    sides: Sides = sides_of(request.task, size)
    found = bodies.factors(sides, size)
    if found is None:
        raise rejected("a side can grow by no more than the photo's own width or height")
    return found


def _charge(model: str, count: int) -> Charge:
    """The service tells how many pictures it charges for, and the table what one costs."""
    known = prices(KEY)
    return Charge(money=known.get(model, known["any"]).of(count), source=CostSource.TABLE)
