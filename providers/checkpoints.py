"""What a Stable Diffusion checkpoint's file name reveals: its native size, and its sampling settings.

A server lists names and nothing more. The names of the common ones carry their family; an unknown one is taken for
the oldest, whose sizes every one can make.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from providers.media.fitting import Room

SIZES = {
    1024: {
        "1:1": (1024, 1024),
        "3:4": (896, 1152),
        "4:3": (1152, 896),
        "9:16": (768, 1344),
        "16:9": (1344, 768),
    },
    512: {
        "1:1": (512, 512),
        "3:4": (480, 640),
        "4:3": (640, 480),
        "9:16": (432, 768),
        "16:9": (768, 432),
    },
}
"""Pixels by the side of the square that a family was trained on."""
STEPS = {"nano2": 20, "nanopro": 28, "gpt": 40}
"""Sampling steps by level of quality: what a server of one's own has in place of other models."""
_LARGE = re.compile(r"xl|pony|illustrious|noob|animagine|flux|sd[-_ .]?3|1024", re.IGNORECASE)
_FLUX = re.compile(r"flux", re.IGNORECASE)
_FEW_STEPS = re.compile(r"turbo|lightning|lcm|hyper|schnell", re.IGNORECASE)
_ENDING = re.compile(r"\.(safetensors|ckpt|pt|sft|gguf)\b.*$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """`name`: as the server lists it. `side`: of the square it was trained on, 1024 or 512."""

    name: str

    @property
    def side(self) -> int:
        return 1024 if _LARGE.search(self.name) else 512

    @property
    def cfg(self) -> float:
        """How strongly words count: models made for few steps want next to no such guidance, FLUX none at all."""
        if _FLUX.search(self.name):
            return 1.0
        return 1.5 if _FEW_STEPS.search(self.name) else 7.0

    def steps(self, level: str) -> int:
        most = STEPS.get(level, STEPS["nanopro"])
        return min(most, 8) if _FEW_STEPS.search(self.name) else most

    def size(self, ratio: str | None) -> tuple[int, int]:
        """Of a picture made from words."""
        return SIZES[self.side][ratio or "1:1"]

    @property
    def room(self) -> Room:
        """Of a photo it works on: about the pixels it was trained on, in steps of eight as latents have."""
        pixels = self.side * self.side
        return Room(max_pixels=pixels, min_pixels=pixels // 2, min_side=self.side // 4, max_side=2 * self.side, step=8)


def stem(name: str) -> str:
    """`sub/sd_xl.safetensors [31e35c80fc]` → `sub/sd_xl`."""
    return _ENDING.sub("", name)


def find(names: Sequence[str], wanted: str) -> str | None:
    """The name that is meant: the whole of it, or without folder, ending and hash, in any case; None: not there."""
    for how in (str, stem, lambda name: stem(name).rpartition("/")[2]):
        for name in names:
            if how(name).casefold() == wanted.casefold() or how(name).casefold() == stem(wanted).casefold():
                return name
    return None
