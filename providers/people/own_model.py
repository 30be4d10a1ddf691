"""An operator's own network for cut-outs, by its settings: an ONNX file of the MODNet, U²-Net, IS-Net or BiRefNet kind.

Named by `LIKENESS_CUTOUT_MODEL` (the file) and `LIKENESS_CUTOUT_KIND` (how it wants its picture). It takes the place of
the small segmentation network; faces, hair and the rule for what is clear stay. OpenCV runs it, so its shapes must be
fixed; `likeness models try` shows what it does, in how many milliseconds and with how much memory. Loads no OpenCV.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a family of networks wants its input, 1 x 3 x `side` x `side`, RGB: (x / 255 - mean) / deviation.

    `answer`: `matte` is alpha as it is; `logits` goes through a sigmoid; `stretched` is brought to 0 to 1 by its own
    least and greatest value.
    """

    side: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    answer: str


KINDS = MappingProxyType(
    {
        "modnet": Kind(side=512, mean=(0.5, 0.5, 0.5), deviation=(0.5, 0.5, 0.5), answer="matte"),
        "u2net": Kind(side=320, mean=_IMAGENET[0], deviation=_IMAGENET[1], answer="stretched"),
        "isnet": Kind(side=1024, mean=(0.5, 0.5, 0.5), deviation=(1.0, 1.0, 1.0), answer="stretched"),
        "birefnet": Kind(side=1024, mean=_IMAGENET[0], deviation=_IMAGENET[1], answer="logits"),
    }
)


def named() -> tuple[Path, str] | None:
    """The operator's file and its kind, or None where none is set."""
    path = os.environ.get("LIKENESS_CUTOUT_MODEL", "").strip()
    if not path:
        return None
    return Path(path), os.environ.get("LIKENESS_CUTOUT_KIND", "").strip().lower() or "modnet"


def problem(path: Path | None, kind: str) -> str | None:
    """What is wrong with the operator's settings, as a sentence; None where nothing is. Runs no network."""
    if path is None:
        return None
    if kind not in KINDS:
        return f"LIKENESS_CUTOUT_KIND is none of {', '.join(KINDS)}"
    return None if path.is_file() else "LIKENESS_CUTOUT_MODEL names no file"
