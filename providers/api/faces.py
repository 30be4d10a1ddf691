"""Trained faces in the Python API: check photos, train, list, delete. `face_files` stores them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NotRequired, TypedDict, Unpack

from providers.api.face_files import check_gender, drop_face, find_face, known_faces
from providers.api.journal import Training
from providers.api.options import CallOptions, Options, Source
from providers.api.results import Error, FaceRow, Tried, face_row, failure
from providers.api.runner import Wish, opened_router, perform, take_in
from providers.base import Provider
from providers.errors import AskPerson, ConsentNeeded, LikenessError
from providers.faces import FaceService, training_task
from providers.registry import label_of
from providers.settings import ProviderSettings

FAULTS: Mapping[str, str] = {
    "no_face": "There is no face in the photo.",
    "several_faces": "There are several people in the photo; it must be one.",
    "not_frontal": "The face is turned away; it must look at the camera.",
    "too_small": "The face is too small.",
    "unclear": "The face is not clear.",
    "other": "The photo does not show one clear face from the front.",
}
"""What the detection says of a photo, as a sentence."""


class PhotoRow(TypedDict):
    """`reason`: why the photo cannot be used; None where it can."""

    photo: str
    is_face: bool
    reason: str | None


class FaceResult(TypedDict):
    """Of every function here; which fields there are, each function says. Where `success` is False, `error` is."""

    success: bool
    key: NotRequired[str]
    photos: NotRequired[list[PhotoRow]]
    face: NotRequired[FaceRow]
    faces: NotRequired[list[FaceRow]]
    total_cost: NotRequired[float]
    currency: NotRequired[str]
    cost_source: NotRequired[str | None]
    tried: NotRequired[list[Tried]]
    error: NotRequired[Error]
    could: NotRequired[list[str]]


async def check_faces(photos: Sequence[Source], **options: Unpack[CallOptions]) -> FaceResult:
    """Whether each photo shows one clear face, as the service's detection sees it: `photos`. Free.

    Example:

        result = await check_faces(["me.jpg"])
        print([row["reason"] for row in result["photos"]])
    """
    chosen = Options(**options)

    async def call() -> FaceResult:
        settings = chosen.settings or ProviderSettings()
        task = training_task(len(photos))
        async with opened_router(settings) as router:
            service = _learns(router.candidates(task, chosen.preferences)[0].provider)
            with TemporaryDirectory() as folder:
                taken, _ = await take_in(photos, None, Path(folder), settings)
                verdicts = await service.check_faces(taken)
        rows: list[PhotoRow] = [
            {
                "photo": str(photo),
                "is_face": verdict.is_face,
                "reason": FAULTS[verdict.fault] if verdict.fault else None,
            }
            for photo, verdict in zip(photos, verdicts, strict=True)
        ]
        return {"success": True, "photos": rows}

    return await _told(call)


async def train_face(
    photos: Sequence[Source],
    *,
    consent: bool = False,
    name: str = "",
    gender: str | None = None,
    **options: Unpack[CallOptions],
) -> FaceResult:
    """Train a face from 1 to 10 photos of one person, and wait for it, which takes minutes to hours: `face`.

    `consent`: the person agrees that the service keeps their face until it is deleted. `gender`: for presets that are
    made for one. Interrupted, `resume_request(key)` goes on waiting.

    Example:

        result = await train_face(["1.jpg", "2.jpg", "3.jpg"], consent=True, gender="female")
        print(result["face"]["id"], result["total_cost"])
    """
    chosen = Options(**options)

    async def call() -> FaceResult:
        training = Training(name=name, gender=check_gender(gender))
        task = training_task(len(photos))
        if not consent and not chosen.estimate:
            raise await _consent_needed(chosen, len(photos))
        result = await perform([Wish(task=task, prompt="")], photos=photos, options=chosen, training=training)
        return FaceResult(**result)  # type: ignore[typeddict-item]  # of a training it has these fields

    return await _told(call)


async def list_faces(*, settings: ProviderSettings | None = None) -> FaceResult:
    """The faces trained by Python and the command line, the newest first: `faces`.

    Example:

        result = await list_faces()
        print([face["id"] for face in result["faces"] if face["status"] == "ready"])
    """
    found = await asyncio.to_thread(known_faces, settings or ProviderSettings())
    return {"success": True, "faces": [face_row(face) for face in found]}


async def delete_face(face: str, *, settings: ProviderSettings | None = None) -> FaceResult:
    """Have a trained face removed, here and at its service: `faces`, those that are left.

    Example:

        result = await delete_face("a-face-that-is-none")
        print(result["error"]["code"])
    """

    async def call() -> FaceResult:
        given = settings or ProviderSettings()
        known = await asyncio.to_thread(find_face, face, given)
        async with opened_router(given) as router:
            await _learns(router.provider(known.service)).delete_face(known.training)
        await asyncio.to_thread(drop_face, known, given)
        return await list_faces(settings=given)

    return await _told(call)


async def _consent_needed(options: Options, photos: int) -> ConsentNeeded:
    """Naming the company that would learn the face. Raises AskPerson where there is none."""
    async with opened_router(options.settings or ProviderSettings()) as router:
        name = router.candidates(training_task(photos), options.preferences)[0].name
    return ConsentNeeded(name, label_of(name))


def _learns(provider: Provider) -> FaceService:
    """Raises AskPerson where the provider learns no faces."""
    if not isinstance(provider, FaceService):
        raise AskPerson("it learns no faces", code="provider_cannot", params={"given": provider.name, "reason": "face"})
    return provider


async def _told(call: Callable[[], Awaitable[FaceResult]]) -> FaceResult:
    """An error of the tree becomes its dictionary."""
    try:
        return await call()
    except LikenessError as error:
        return FaceResult(**failure(error))  # type: ignore[typeddict-item]  # a failure has these fields
