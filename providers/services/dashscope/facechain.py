"""FaceChain: portraits of a trained face, portraits into a template, training, and the detection of faces.

    detection    /services/vision/facedetection/detect      at once, free
    training     /files, then /fine-tunes                   minutes to hours; asked about at /fine-tunes/{id}
    portraits    /services/aigc/album/gen_potrait           a task like wan's (the misspelling is the service's)

    template and photos    train_free_portrait_url_template   `input.user_urls`, `parameters.skin_retouch`
    template, face         portrait_url_template              `resources`
    style, face            the style's preset                 `resources`, `parameters.size`

It takes no words and no data URIs: pictures go through the temporary storage. It exists in Beijing only.
What answers mean stands in `answers`; a training ends with FAILED or CANCELED as a task does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from providers.base import Phase, Progress, Request
from providers.catalog.records import STYLES
from providers.errors import MadeNothing, TellOperator, WaitAndRetry
from providers.faces import Fault, Verdict
from providers.media.fitting import Room
from providers.net.bodies import FormFile, form
from providers.net.client import SUBMIT, Client
from providers.net.outcome import Answer, connection_error
from providers.offers import Lane, Offer, Price, Reason
from providers.services.dashscope.answers import about_input, plain, submit_error
from providers.services.dashscope.uploads import TYPES, unsent
from providers.task import Consistency, Operation, Task

KEY = "dashscope"
GENERATION, DETECTION, TRAINING = "facechain-generation", "facechain-facedetect", "facechain-finetune"
GENERATE, DETECT = "/services/aigc/album/gen_potrait", "/services/vision/facedetection/detect"
FILES, TRAININGS = "/files", "/fine-tunes"
SHAPE, TRAIN_SHAPE = "facechain", "facechain-training"
SIZE = "768*1024"
FACE_ROOM, FACE_BYTES = Room(min_side=256, max_side=2048), 3 * 1024 * 1024
TEMPLATE_ROOM, TEMPLATE_BYTES = Room(min_side=512, max_side=1260), 5 * 1024 * 1024
"""512 x 512 to 1680 x 1260 pixels: what fits both ways round."""
LOOK_SECONDS = 10.0
"""Between two looks at a training."""
_GENERATING = Lane(name="facechain", at_once=1, per_second=2)
_LEARNING = Lane(name="facelora", at_once=1, per_second=2)
_FAULTS: Sequence[tuple[Fault, tuple[str, ...]]] = (
    ("several_faces", ("multi", "more than one", "several", "two faces")),
    ("not_frontal", ("front", "angle", "pose", "profile", "side")),
    ("too_small", ("small", "resolution", "size")),
    ("unclear", ("blur", "clear", "quality", "occlu", "dark")),
    ("no_face", ("no face", "not detect", "no human", "without")),
)
"""What words of `failed_reason` mean; the first that fits."""
_PHASES = {"PENDING": Phase.QUEUED, "QUEUING": Phase.QUEUED, "RUNNING": Phase.RUNNING, "SUCCEEDED": Phase.DONE}


def is_there(root: str) -> bool:
    """Whether the region of this base address has FaceChain."""
    host = urlsplit(root).hostname or ""
    return "-intl" not in host and ".ap-southeast" not in host


def offers(known: Mapping[str, Price]) -> Iterator[Offer]:
    """Before the models that read words: whoever names a template or a face means this."""
    fused = Offer(
        operation=Operation.PORTRAIT,
        model=GENERATION,
        price=known[GENERATION],
        seconds=40.0,
        quality=5,
        max_count=4,
        min_photos=2,
        max_photos=6,
        ratios=frozenset({"3:4"}),
        styles=frozenset(),
        template=True,
        consistency=frozenset(Consistency),
        identity="the face put into the template",
        lane=_GENERATING,
        refuses=_out_of_reach,
        notes={"shape": SHAPE},
    )
    trained = replace(fused, min_photos=1, max_photos=1, trained_face=True, identity="a trained face")
    presets = frozenset(key for key, style in STYLES.items() if KEY in style.presets)
    yield fused
    yield trained
    yield replace(trained, min_photos=0, max_photos=0, template=False, free_prompt=False, styles=presets)
    yield Offer(
        operation=Operation.TRAIN_FACE,
        model=TRAINING,
        price=known[TRAINING],
        seconds=1800.0,
        min_photos=1,
        max_photos=10,
        lane=_LEARNING,
        notes={"shape": TRAIN_SHAPE},
    )


def _out_of_reach(task: Task) -> Reason | None:
    """Words say more than a preset or a template does; or a preset is not there for this gender."""
    if not task.parameters.complete:
        return Reason.CHANGE
    if task.style is None or task.template:
        return None
    return None if preset(task.style, task.gender) else Reason.GENDER


def preset(style: str, gender: str | None) -> str | None:
    """The service's own key of a style: for the gender, or the only one there is where no gender is said."""
    variants = STYLES[style].presets.get(KEY, {})
    if gender is None:
        return next(iter(variants.values())) if len(variants) == 1 else None
    return variants.get(gender)


def body(request: Request, addresses: Sequence[str]) -> dict[str, Any]:
    """`addresses`: of the request's photos, in their order; the template is the last."""
    task = request.task
    parameters: dict[str, Any] = {"n": request.count}
    made: dict[str, Any] = {"model": GENERATION, "parameters": parameters}
    if task.template:
        made["input"] = {"template_url": addresses[-1]}
        parameters["style"] = "portrait_url_template" if task.face else "train_free_portrait_url_template"
    else:
        parameters |= {"style": preset(task.style or "", task.gender), "size": SIZE}
    if task.face:
        made["resources"] = [{"resource_id": request.face, "resource_type": "facelora"}]
    else:
        made["input"]["user_urls"] = list(addresses[:-1])
        parameters["skin_retouch"] = task.retouch
    return made


def verdicts(answer: Answer, count: int) -> tuple[Verdict, ...]:
    """One for each picture. Raises WaitAndRetry where the answer says nothing of some."""
    shows = answer.get("output", "is_face")
    if not isinstance(shows, list) or len(shows) != count:
        raise WaitAndRetry("the detection says nothing", code="provider_unavailable")
    told = answer.get("output", "failed_reason")
    reasons = [str(reason or "") for reason in told] if isinstance(told, list) else []
    if len(reasons) != count:  # only those of the pictures that were turned down
        left = iter(reasons)
        reasons = ["" if good else next(left, "") for good in shows]
    return tuple(Verdict(fault=None if good else _fault(why)) for good, why in zip(shows, reasons, strict=True))


def _fault(reason: str) -> Fault:
    words = reason.lower()
    return next((fault for fault, marks in _FAULTS if any(mark in words for mark in marks)), "other")


async def stored(client: Client, root: str, headers: Mapping[str, str], photos: Sequence[Path]) -> list[str]:
    """The ids of photos put among the account's files, for a training. Nothing here is paid.

    Raises NotTaken or AskPerson.
    """
    files = [
        FormFile(name="files", filename=f"{n}{photo.suffix}", type=TYPES.get(photo.suffix, "image/png"), data=photo)
        for n, photo in enumerate(photos)
    ]
    answer = await free(client, f"{root}{FILES}", headers, files=files)
    kept = answer.get("data", "uploaded_files")
    ids = [str(file["file_id"]) for file in kept if isinstance(file, dict) and file.get("file_id")] if kept else []
    if len(ids) != len(photos):
        raise WaitAndRetry("not every photo was stored", code="provider_unavailable")
    return ids


async def free(
    client: Client, url: str, headers: Mapping[str, str], *, files: Sequence[FormFile] = (), **content: Any
) -> Answer:
    """A POST that starts no paid job: whatever goes wrong, nothing was taken."""
    try:
        if files:
            with form({}, files) as parts:
                answer = await client.post(url, headers=headers, timeout=SUBMIT, files=parts)
        else:
            answer = await client.post(url, headers=headers, timeout=SUBMIT, **content)
    except httpx.TransportError as error:
        raise unsent(connection_error(error)) from None
    except httpx.InvalidURL:
        raise TellOperator("the service's address is no address", code="provider_address") from None
    if not answer.ok:
        raise unsent(submit_error(answer))
    return answer


def training_progress(answer: Answer) -> Progress | None:
    """How a training stands. Raises what it ended with, if not with a face."""
    status = answer.text("output", "status")
    if status == "FAILED":
        code = answer.text("output", "code")
        raise about_input(code) or MadeNothing(plain(code), code="provider_failed")
    if status in ("CANCELED", "CANCELING"):
        raise MadeNothing("the training was cancelled", code="provider_failed")
    phase = _PHASES.get(status)
    return None if phase is None else Progress(phase=phase)
