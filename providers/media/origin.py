"""Whether a picture was made here, by what it carries: the label in its metadata, the watermark in its pixels.

Either may be gone (chats drop metadata, a crop drops the watermark) and the label can be written by anybody: what is
found is told, and what is not found proves nothing.
"""

from dataclasses import dataclass

import numpy as np

from providers.media.accept import refusal
from providers.media.decode import Undecodable, decode
from providers.media.labels import Label, allowed, read_label
from providers.media.watermark import Watermark, read_watermark

_MOST_SIDE = 4096
"""Pixels: larger pictures are read at this size, which the watermark does not mind."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a picture carries. `ours`: its label names this installation's producer."""

    label: Label | None
    watermark: Watermark | None
    ours: bool

    @property
    def made_here(self) -> bool:
        return self.ours or self.watermark is not None

    @property
    def number(self) -> str | None:
        """The picture's number, or as much of it as the watermark holds."""
        if self.label is not None and self.ours:
            return self.label.produce_id
        return self.watermark.number if self.watermark else None


def origin_of(data: bytes, *, producer: str) -> Origin:
    """Blocks. Raises AskPerson where the bytes are no picture that can be read."""
    try:
        picture = decode(data, max_side=_MOST_SIDE).image
    except Undecodable as error:
        raise refusal(error.code) from None
    label = read_label(data)
    return Origin(
        label=label,
        watermark=read_watermark(np.asarray(picture.convert("RGB"))),
        ours=label is not None and label.producer == allowed(producer),
    )
