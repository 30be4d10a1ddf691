"""Trained faces: the data of one, and the seam of services that train faces from photos.

A training is a request like any other (`Operation.TRAIN_FACE`); its result is no picture but the face's name. What a
service does with faces besides is `FaceService`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from providers.errors import AskPerson
from providers.task import Gender, Operation, Task

Fault = Literal["no_face", "several_faces", "not_frontal", "too_small", "unclear", "other"]
"""Why a face cannot be trained from a photo."""
Status = Literal["training", "ready", "failed"]
MOST_PHOTOS = 10
"""Photos one face is learnt from."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Of one photo; `fault` None where it shows one clear face from the front."""

    fault: Fault | None = None

    @property
    def is_face(self) -> bool:
        return self.fault is None


@dataclass(frozen=True, kw_only=True)
class TrainedFace:
    """`id`: the service's name of the face, which stands in requests. `training`: its id of the training, by which the
    face is deleted. `name`: what the person calls it."""

    id: str
    service: str
    training: str
    name: str = ""
    gender: Gender | None = None
    status: Status = "ready"
    created: datetime


@runtime_checkable
class FaceService(Protocol):
    """A provider that trains faces."""

    @property
    def name(self) -> str: ...

    async def check_faces(self, photos: Sequence[Path]) -> tuple[Verdict, ...]:
        """What its detection says of each photo; free. Raises NotTaken or AskPerson."""

    async def delete_face(self, training: str) -> None:
        """Have a training and its face removed; one that is not there any more is as good. Raises NotTaken."""


def face_unusable(verdicts: Sequence[Verdict]) -> AskPerson:
    """Of photos of which one at least cannot be used: names the first that cannot, and why."""
    number, fault = next((n, v.fault) for n, v in enumerate(verdicts, 1) if v.fault is not None)
    params = {"number": number, "fault": fault}
    return AskPerson(
        f"photo {number}: {fault}", code="face_unusable", text_key=f"error.face_unusable_{fault}", params=params
    )


def training_task(photos: int) -> Task:
    """Learning the face that `photos` photos show. Raises AskPerson."""
    if photos < 1:
        raise AskPerson("nothing to learn from", code="need_photo", text_key="say.need_photo_bare")
    if photos > MOST_PHOTOS:
        raise AskPerson("too many photos", code="too_many_photos", params={"most": MOST_PHOTOS})
    return Task(operation=Operation.TRAIN_FACE, photos=photos)
