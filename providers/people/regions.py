"""Parts of a face as soft masks, drawn along the mesh: where skin is, and where eyes, brows and lips are."""

from types import MappingProxyType

import cv2
import numpy as np

from providers.media.pixels import Floats, blurred
from providers.people.face import Face

_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
         150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
_EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
_BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
_MOUTH = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
_NOSTRILS = (98, 97, 2, 326, 327, 294, 278, 344, 440, 275, 4, 45, 220, 115, 48, 64)

REGIONS = MappingProxyType(
    {
        "oval": (_OVAL,), "eyes": _EYES, "brows": _BROWS, "lips": (_LIPS,), "mouth": (_MOUTH,), "nose": (_NOSTRILS,),
    }
)  # fmt: skip
"""Outlines as indices of the mesh. `lips`: with what they enclose; `mouth`: only what they enclose."""


def region(face: Face, name: str, shape: tuple[int, ...], *, grow: float = 0.0, soft: float = 0.03) -> Floats:
    """0 to 1: a part of a face that has a mesh, grown by `grow` and blurred by `soft`, both in pupil distances."""
    if face.mesh is None:
        raise ValueError("a face without a mesh has no regions")
    points = np.asarray(face.mesh, np.float32)[:, :2]
    mask = np.zeros(shape[:2], np.uint8)
    for outline in REGIONS[name]:
        cv2.fillPoly(mask, [np.round(points[list(outline)]).astype(np.int32)], 255)
    radius = round(grow * face.unit)
    if radius:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(radius) + 1,) * 2)
        mask = (cv2.dilate if radius > 0 else cv2.erode)(mask, kernel).astype(np.uint8)
    return blurred(mask.astype(np.float32) / 255, max(0.6, soft * face.unit))
