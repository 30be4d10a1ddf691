"""Runs an operator's own network for cut-outs (`own_model.py`)."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from providers.errors import TellOperator
from providers.media.pixels import Floats, Picture, floats
from providers.people.nets import outputs
from providers.people.own_model import KINDS


@cache
def _net(path: str, changed: float) -> cv2.dnn.Net:
    return cv2.dnn.readNetFromONNX(path)


def mask_by(rgb: Picture, path: Path, kind: str) -> Floats:
    """0 background to 1 person, of the size of `rgb`.

    Raises TellOperator where the file cannot be read or run, or gives something else than one plane.
    """
    how = KINDS[kind]
    small = cv2.resize(rgb, (how.side, how.side), interpolation=cv2.INTER_AREA)
    blob = (floats(small) / 255 - floats(how.mean)) / floats(how.deviation)
    try:
        answers = outputs(_net(str(path), path.stat().st_mtime), np.ascontiguousarray(blob.transpose(2, 0, 1)[None]))
    except (cv2.error, OSError):
        raise TellOperator("LIKENESS_CUTOUT_MODEL cannot be run by OpenCV", code="cutout_model") from None
    planes = [a.reshape(a.shape[-2:]) for a in answers if a.ndim >= 2 and a.size == a.shape[-2] * a.shape[-1] > 1]
    if not planes:
        raise TellOperator("LIKENESS_CUTOUT_MODEL gives no mask", code="cutout_model")
    plane = floats(max(planes, key=lambda one: one.size))
    if how.answer == "logits":
        plane = floats(1 / (1 + np.exp(-np.clip(plane, -80, 80))))
    elif how.answer == "stretched":
        plane = floats((plane - plane.min()) / max(float(np.ptp(plane)), 1e-6))
    return floats(np.clip(cv2.resize(plane, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR), 0, 1))
