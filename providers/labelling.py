"""Labels every picture when it is collected, whichever provider made it: what it is, who made it, under which number.

The file is replaced by one with the same pixels and the label in its XMP (`providers/media/labels.py`), signed where
there is something to sign with (`providers/media/credentials.py`).
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from providers.base import PictureFile
from providers.catalog.records import ACTIONS
from providers.media.credentials import ContentCredentials, CredentialsUnusable
from providers.media.decode import Undecodable, decode
from providers.media.encode import jpeg, on_white
from providers.media.files import read_regular_file, write_file
from providers.media.labels import Label, SourceType, labelled, produce_id, read_label
from providers.media.watermark import watermarked
from providers.offers import Tier
from providers.task import Operation, Task

log = logging.getLogger(__name__)

PREVIEW_SIDE, PREVIEW_QUALITY = 640, 80
_MOST_BYTES = 200 * 1024 * 1024
_OF_OPERATION = {
    Operation.UPSCALE: SourceType.ENHANCED,
    Operation.INPAINT: SourceType.COMPOSITE,
    Operation.OUTPAINT: SourceType.COMPOSITE,
    Operation.REMOVE_BACKGROUND: SourceType.COMPOSITE,
    Operation.REPLACE_BACKGROUND: SourceType.COMPOSITE,
}
_OF_ACTION = {
    "enhanced": SourceType.ENHANCED,
    "composite": SourceType.COMPOSITE,
    "generated": SourceType.GENERATED,
}


def source_type(task: Task, tier: Tier) -> SourceType:
    """What a picture of this task is to be called. Nothing made on this machine is generated: it has no such model."""
    if tier is Tier.LOCAL:
        return SourceType.ENHANCED
    if task.operation in _OF_OPERATION:
        return _OF_OPERATION[task.operation]
    action = ACTIONS.get(task.action or "")
    return SourceType.GENERATED if action is None else _OF_ACTION[action.makes]


def with_labels(
    pictures: Sequence[PictureFile],
    *,
    key: str,
    task: Task,
    tier: Tier,
    producer: str,
    watermark: bool = False,
    credentials: ContentCredentials | None = None,
) -> tuple[PictureFile, ...]:
    """The pictures of the request `key`, their files replaced by labelled ones. Blocks; the same again changes
    nothing. `producer`: a name or code, see `Label`. `watermark`: their pixels carry the number, too. `credentials`:
    what they are signed with."""
    now = datetime.now(UTC).replace(microsecond=0)
    source = source_type(task, tier)
    labels = [
        Label(source=source, produce_id=produce_id(key, n), created=now, producer=producer)
        for n in range(len(pictures))
    ]
    return tuple(
        _labelled(picture, label, watermark, credentials) for picture, label in zip(pictures, labels, strict=True)
    )


def unfinished(data: bytes, *, key: str, producer: str) -> bytes | None:
    """A service's preview of what the request `key` will give, as a small JPEG with a label; None where it is no
    picture. Blocks."""
    try:
        picture = decode(data, max_side=PREVIEW_SIDE).image
    except Undecodable:
        return None
    now = datetime.now(UTC).replace(microsecond=0)
    label = Label(
        source=SourceType.GENERATED, produce_id=produce_id(f"{key}/unfinished", 0), created=now, producer=producer
    )
    return labelled(jpeg(on_white(picture), quality=PREVIEW_QUALITY), label)


def signed(data: bytes, label: Label | None, credentials: ContentCredentials | None) -> bytes:
    """`data` signed as what its label says, as it is where there is nothing to sign with or to say. Blocks.

    A picture that cannot be signed is paid for and labelled: it goes out without a signature, and the log says why.
    """
    if credentials is None or label is None:
        return data
    try:
        return credentials.signed(data, label)
    except CredentialsUnusable as unusable:
        log.error("%s", unusable)
        return data


def _labelled(
    picture: PictureFile, label: Label, watermark: bool, credentials: ContentCredentials | None
) -> PictureFile:
    served = read_regular_file(picture.path, max_bytes=_MOST_BYTES)
    if _carries(served, label):
        return replace(picture, size_bytes=len(served), produce_id=label.produce_id)
    data = labelled(watermarked(served, label.produce_id) if watermark else served, label)
    data = signed(data, label, credentials)
    write_file(data, into=picture.path.parent, name=picture.path.name)
    return replace(picture, size_bytes=len(data), produce_id=label.produce_id)


def _carries(data: bytes, label: Label) -> bool:
    """Whether it was done before: once more would encode it once more, and break what it is signed with."""
    found = read_label(data)
    return found is not None and found.produce_id == label.produce_id
