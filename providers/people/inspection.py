"""What runs in the inspector's worker process: photos judged and results compared. Paths in, plain values out."""

from collections.abc import Sequence
from dataclasses import asdict
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from providers.people import likeness, preflight
from providers.people.find import find_faces
from providers.people.model_files import FINDING, are_there

_SIDE = 1280


def start(progress: "Synchronized[float]") -> None:
    """Once per worker: one OpenCV thread; nothing here takes long enough to have a progress."""
    cv2.setNumThreads(1)


def ready() -> str:
    find_faces(np.zeros((64, 64, 3), np.uint8))
    return str(cv2.__version__)


def check(path: str) -> dict[str, Any] | None:
    """A `Verdict` as its fields; None where the file cannot be read, or there are no networks: the floor is too slow
    and too blind to advise anybody."""
    if not are_there(FINDING):
        return None
    try:
        return asdict(preflight.check_file(Path(path)))
    except OSError:
        return None


def compare(photos: Sequence[str], results: Sequence[str]) -> list[dict[str, Any]] | None:
    """`Compared` as fields for each result; None where likeness cannot be told."""
    try:
        found = likeness.compared([_opened(path) for path in photos], [_opened(path) for path in results])
    except OSError:
        return None
    return None if found is None else [asdict(one) for one in found]


def _opened(path: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    with Image.open(path) as image:
        image.draft("RGB", (_SIDE, _SIDE))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(upright).copy()
