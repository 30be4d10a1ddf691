"""Every picture is labelled as it is collected, by whichever provider: what it is, who made it, under which number.

The file is replaced by one with the same pixels and the label in its XMP (`providers/media/labels.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from providers.base import PictureFile
from providers.catalog.records import ACTIONS
from providers.media.files import read_regular_file, write_file
from providers.media.labels import Label, SourceType, labelled, produce_id, read_label
from providers.media.watermark import watermarked
from providers.offers import Tier
from providers.task import Operation, Task

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
    pictures: Sequence[PictureFile], *, key: str, task: Task, tier: Tier, producer: str, watermark: bool = False
) -> tuple[PictureFile, ...]:
    """The pictures of the request `key`, their files replaced by labelled ones. Blocks; the same again changes nothing
    but the time. `producer`: a name or code, see `Label`. `watermark`: their pixels carry the number, too."""
    now = datetime.now(UTC).replace(microsecond=0)
    source = source_type(task, tier)
    return tuple(
        _labelled(
            picture, Label(source=source, produce_id=produce_id(key, n), created=now, producer=producer), watermark
        )
        for n, picture in enumerate(pictures)
    )


def _labelled(picture: PictureFile, label: Label, watermark: bool) -> PictureFile:
    data = read_regular_file(picture.path, max_bytes=_MOST_BYTES)
    if watermark and not _carries(data, label):
        data = watermarked(data, label.produce_id)
    data = labelled(data, label)
    write_file(data, into=picture.path.parent, name=picture.path.name)
    return replace(picture, size_bytes=len(data), produce_id=label.produce_id)


def _carries(data: bytes, label: Label) -> bool:
    """Whether it was done before: marking it once more would encode it once more."""
    found = read_label(data)
    return found is not None and found.produce_id == label.produce_id
