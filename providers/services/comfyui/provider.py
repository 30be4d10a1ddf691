"""ComfyUI: upload the photos, queue a graph, poll its history, fetch its pictures."""

import asyncio
import logging
import secrets
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from providers.base import FREE_OF_CHARGE, Cancelled, Phase, Progress, ProviderDefaults, Request, Result, Submission
from providers.checkpoints import SIZES, Checkpoint, find
from providers.errors import LikenessError, MadeNothing, TellOperator, WaitAndRetry
from providers.media.fitting import Room, check_enlarged, cropped, mask_to_fit, size_of, to_fit
from providers.media.threads import in_thread
from providers.net.bodies import FormFile, form
from providers.net.client import READ, SUBMIT, Client
from providers.net.outcome import Answer, connection_error
from providers.offers import Offer, Offers, Tier
from providers.outpainting import sides_of
from providers.registry import offer_for
from providers.services.comfyui.answers import (
    end_error,
    entry_of,
    place_in,
    saved_of,
    submit_error,
    upload_error,
)
from providers.services.comfyui.graphs import Graph, filled, read
from providers.services.comfyui.inventory import Inventory
from providers.services.comfyui.offers import KEY, offers
from providers.services.comfyui.previews import Previews
from providers.services.discovery import Discovery
from providers.services.results import fetch_links
from providers.task import Operation, Task

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]
PROMPTS = uuid.UUID("6f0c9a52-7d0e-4c56-9a3b-2f6f0f3b8a11")
"""Name space of our prompt ids: a request's key gives the same id in every process, so that it is found again."""
FIRST_WAIT, LONGEST_WAIT, GROWTH = 0.5, 2.0, 1.5
ABSENCES = 3
"""Looks in a row that find a prompt nowhere: between history and line it may be missed once."""
LARGE = Room(max_side=4096)
WHOLE_BYTES = 90 * 1024 * 1024
"""The server takes uploads of 100 MB: nearly every photo goes as it is."""
FEATHERING = 40


class ComfyUIProvider(ProviderDefaults):
    """`files`: a folder for photos made to fit, which may be emptied at any time. `graphs`: the operator's own."""

    name = KEY
    tier = Tier.OWN
    repeatable = True
    moderates = False

    def __init__(
        self,
        *,
        root: str,
        files: Path,
        graphs: Path | None = None,
        model: str | None = None,
        client: Client | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._root = root.rstrip("/")
        self._files = files
        self._graphs = graphs
        self._model = model
        self._client = client or Client()
        self._sleep = sleep
        self._has = Inventory()
        self._offers = Offers(service=KEY)
        self._discovery = Discovery(self._look_around)

    def __repr__(self) -> str:
        return "<ComfyUIProvider>"

    @property
    def offers(self) -> Offers:
        """As of the last `discover`; before it nothing."""
        return self._offers

    async def discover(self) -> bool:
        return await self._discovery()

    async def _look_around(self) -> bool:
        stats = await self._client.check(f"{self._root}/system_stats", headers={})
        if not stats.text("system", "comfyui_version"):
            self._offers = Offers(service=KEY)
            return False
        told = await self._client.check(f"{self._root}/object_info", headers={})
        self._has = Inventory.of(told.body)
        own, problems = await self._own()
        for problem in problems:
            log.warning("%s", problem)
        self._offers = offers(self._has, own, self._model)
        return True

    async def _own(self) -> tuple[Sequence[Graph], Sequence[TellOperator]]:
        return ((), ()) if self._graphs is None else await in_thread(read, self._graphs)

    # --- submit

    async def submit(self, request: Request) -> Submission:
        await self.discover()
        offer = offer_for(self._offers, request.task)
        graph: Graph = offer.notes["graph"]
        values = await self._values(request, offer)
        prompt_id = prompt_id_of(request.key)
        body = {"prompt": filled(graph, self._has, values), "client_id": prompt_id, "prompt_id": prompt_id}
        answer = await self._client.submit(f"{self._root}/prompt", headers={}, timeout=SUBMIT, json=body)
        given = answer.text("prompt_id")
        if not answer.ok or not given:
            self._discovery.forget()  # what it has may be something else by now
            raise submit_error(answer)
        return self._submission(request, given, offer.model)

    def _submission(self, request: Request, prompt_id: str, model: str) -> Submission:
        return Submission(
            provider=self.name, request_id=prompt_id, count=request.count, model=model, charge=FREE_OF_CHARGE
        )

    async def find(self, request: Request) -> Submission | None:
        """Our ids are of our own making: a prompt whose answer was lost is in the line or in the history."""
        prompt_id = prompt_id_of(request.key)
        try:
            history, queue = await self._look(prompt_id)
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})", code="provider_unavailable") from None
        if entry_of(history, prompt_id) is None and place_in(queue, prompt_id) is None:
            return None
        offer = self._offers.find(request.task)
        return self._submission(request, prompt_id, offer.model if offer else "")

    async def _values(self, request: Request, offer: Offer) -> dict[str, Any]:
        """What the graph's placeholders stand for; photos are uploaded on the way."""
        task, graph, use = request.task, offer.notes["graph"], offer.notes["use"]
        checkpoint = Checkpoint(name=offer.model)
        values: dict[str, Any] = {
            "$prompt": request.prompt,
            "$negative": request.negative_prompt,
            "$count": request.count,
            "$seed": secrets.randbits(48) if request.seed is None else request.seed,
            "$steps": checkpoint.steps(task.model),
            "$cfg": checkpoint.cfg,
            "$denoise": use.denoise,
            "$checkpoint": offer.model,
            "$upscaler": offer.model,
        }
        if not request.photos:
            width, height = checkpoint.size(task.aspect_ratio)
            return values | {"$width": width, "$height": height, "$full_width": width, "$full_height": height}
        room = _room(graph, checkpoint)
        whole = graph.wants("$full_width")
        photos = [await self._fitting(p, LARGE if whole else room, task, graph) for p in request.photos]
        size = await in_thread(size_of, photos[0])
        values |= await self._sizes(request, offer, room, size)
        for number, photo in enumerate(photos, 1):
            values["$photo" if number == 1 else f"$photo{number}"] = await self._upload(photo)
        if request.mask is not None:
            mask = await in_thread(mask_to_fit, request.mask, size, into=self._files)
            values["$mask"] = await self._upload(mask)
        return values

    async def _fitting(self, photo: Path, room: Room, task: Task, graph: Graph) -> Path:
        if task.operation is Operation.PORTRAIT and task.aspect_ratio is not None and not graph.any_shape:
            photo = await in_thread(cropped, photo, task.aspect_ratio, into=self._files)
        return await in_thread(to_fit, photo, room, into=self._files, max_bytes=WHOLE_BYTES)

    async def _sizes(self, request: Request, offer: Offer, room: Room, size: tuple[int, int]) -> dict[str, Any]:
        """At which size the model works, and which the picture is to have."""
        graph, use, checkpoint = offer.notes["graph"], offer.notes["use"], Checkpoint(name=offer.model)
        full, more = size, dict[str, Any]()
        if use.operation == Operation.OUTPAINT:
            original = await in_thread(size_of, request.photos[0])
            sides = sides_of(request.task, original)
            across, down = size[0] / original[0], size[1] / original[1]
            border = {
                "$left": round(sides.left * across), "$right": round(sides.right * across),
                "$top": round(sides.top * down), "$bottom": round(sides.bottom * down),
            }  # fmt: skip
            full = (size[0] + border["$left"] + border["$right"], size[1] + border["$top"] + border["$bottom"])
            more = border | {"$feathering": min(FEATHERING, min(size) // 4)}
        elif use.operation == Operation.UPSCALE:
            scale = request.task.scale or 2
            check_enlarged(size, scale)
            full = (size[0] * scale, size[1] * scale)
        width, height = room.size_for(*full)
        if request.task.aspect_ratio is not None and graph.any_shape:
            width, height = SIZES[checkpoint.side if graph.pixels is None else 1024][request.task.aspect_ratio]
        return more | {"$width": width, "$height": height, "$full_width": full[0], "$full_height": full[1]}

    async def _upload(self, photo: Path) -> str:
        """The name by which a graph finds it. Raises NotTaken or AskPerson: nothing was asked for yet."""
        type_ = "image/png" if photo.suffix == ".png" else "image/jpeg"
        file = FormFile(name="image", filename=f"likeness-{photo.stem[:32]}{photo.suffix}", type=type_, data=photo)
        try:
            with form({"type": "input"}, [file]) as parts:
                answer = await self._client.post(f"{self._root}/upload/image", headers={}, timeout=SUBMIT, files=parts)
        except httpx.TransportError as error:
            code = connection_error(error).code
            raise WaitAndRetry(f"an upload broke off ({code})", code="provider_unavailable") from None
        name, folder = answer.text("name"), answer.text("subfolder")
        if not answer.ok or not name:
            raise upload_error(answer)
        return f"{folder}/{name}" if folder else name

    # --- after it

    async def _look(self, prompt_id: str) -> tuple[Answer, Answer]:
        """History first: what leaves the line in between is seen in the history the next time."""
        history = await self._client.get(f"{self._root}/history/{prompt_id}", headers={})
        return history, await self._client.get(f"{self._root}/queue", headers={})

    async def follow(self, submission: Submission) -> AsyncGenerator[Progress, None]:
        previews = Previews(self._root, submission.request_id)
        try:
            async with aclosing(self._followed(submission, previews)) as reports:
                async for progress in reports:
                    yield progress
        finally:
            await previews.aclose()

    async def _followed(self, submission: Submission, previews: Previews) -> AsyncGenerator[Progress, None]:
        wait, absent, last = FIRST_WAIT, 0, None
        while True:
            progress = None
            try:
                history, queue = await self._look(submission.request_id)
            except httpx.TransportError:
                pass  # ridden out
            else:
                progress = _progress(history, queue, submission.request_id)
                missed = progress is None and history.ok and queue.ok
                absent = absent + 1 if missed else 0
                if absent >= ABSENCES:
                    raise MadeNothing("the prompt is unknown to the server", code="job_lost")
                if progress is not None and progress.phase is Phase.RUNNING:
                    previews.listen()
                    progress = replace(progress, preview=previews.newest)
            if progress is not None and progress != last:
                last, wait = progress, FIRST_WAIT
                yield progress
                if progress.phase is Phase.DONE:
                    return
            await self._sleep(wait)
            wait = min(wait * GROWTH, LONGEST_WAIT)

    async def fetch(self, submission: Submission, into: Path) -> Result:
        prompt_id = submission.request_id
        try:
            history = await self._client.get(f"{self._root}/history/{prompt_id}", headers={})
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})", code="result_unreachable") from None
        entry = entry_of(history, prompt_id)
        if entry is None:
            if history.ok:
                raise MadeNothing("the prompt is unknown to the server", code="job_lost")
            raise WaitAndRetry(f"answers {history.status}", code="result_unreachable")
        if (failure := end_error(entry)) is not None:
            raise failure
        links = [f"{self._root}/view?{urlencode(vars_of(saved))}" for saved in saved_of(entry)]
        pictures = await fetch_links(
            links[: submission.count], submission, into, download=self._view, sleep=self._sleep
        )
        return Result(pictures=pictures, charge=FREE_OF_CHARGE)

    async def _view(self, url: str) -> bytes:
        try:
            answer = await self._client.get(url, headers={}, timeout=READ)
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})", code="result_unreachable") from None
        if answer.status in (400, 403, 404):
            raise MadeNothing("the file is gone from the server", code="result_gone", retryable=False)
        if not answer.ok:
            raise WaitAndRetry(f"answers {answer.status}", code="result_unreachable")
        return answer.content

    async def cancel(self, submission: Submission) -> Cancelled:
        prompt_id = submission.request_id
        try:
            _, queue = await self._look(prompt_id)
            place = place_in(queue, prompt_id)
            if place is None:
                return Cancelled.TOO_LATE
            if place:
                await self._client.post(f"{self._root}/queue", headers={}, json={"delete": [prompt_id]})
                _, queue = await self._look(prompt_id)
                place = place_in(queue, prompt_id)
                if place is None:
                    return Cancelled.NOT_STARTED
            # Old servers read no id and stop whatever runs: that is ours, as was just seen.
            await self._client.post(f"{self._root}/interrupt", headers={}, json={"prompt_id": prompt_id})
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})", code="provider_unavailable") from None
        return Cancelled.ASKED

    async def check(self) -> None:
        """Also whether the operator's graphs can be read, and the checkpoint they named is there."""
        self._discovery.forget()
        if not await self.discover():
            raise TellOperator("no ComfyUI answers at the address", code="provider_address")
        if self._model is not None and find(self._has.checkpoints, self._model) is None:
            raise TellOperator("STABLE_DIFFUSION_MODEL is no checkpoint of this server", code="provider_endpoint")
        _, problems = await self._own()
        if problems:
            raise problems[0]

    async def aclose(self) -> None:
        await self._client.aclose()


def prompt_id_of(key: str) -> str:
    return str(uuid.uuid5(PROMPTS, key))


def _room(graph: Graph, checkpoint: Checkpoint) -> Room:
    if graph.pixels is None:
        return checkpoint.room
    return Room(max_pixels=graph.pixels, min_pixels=graph.pixels // 2, step=graph.step)


def _progress(history: Answer, queue: Answer, prompt_id: str) -> Progress | None:
    """Raises what the prompt ended with, where it ended without pictures."""
    entry = entry_of(history, prompt_id)
    if entry is not None:
        error: LikenessError | None = end_error(entry)
        if error is not None:
            raise error
        return Progress(phase=Phase.DONE)
    place = place_in(queue, prompt_id)
    if place is None:
        return None
    return Progress(phase=Phase.QUEUED, position=place) if place else Progress(phase=Phase.RUNNING)


def vars_of(saved: Any) -> dict[str, str]:
    return {"filename": saved.filename, "subfolder": saved.subfolder, "type": saved.type}
