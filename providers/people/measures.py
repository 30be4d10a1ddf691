"""How sharp and how light a face is, measured on the face itself and not on the photo around it."""

from dataclasses import replace

import cv2
import numpy as np

from providers.media.pixels import Picture, floats, grey_of
from providers.people.face import Face

_SIDE = 96
"""Faces are judged at this width (in pixels from cheek to cheek), larger ones at up to twice it: a service shrinks
them too."""


def measured(rgb: Picture, face: Face) -> Face:
    """`face` with its `sharpness` (0 to 1) and `light` (0 to 100) filled in.

    Sharpness is the share of the face's contrast that a blur of a fortieth of its width takes away: what a photo out
    of focus does not have. About 0.35 and more in a sharp photo, below 0.15 in a blurred one.
    """
    patch = _patch(rgb, face)
    if patch is None:
        return face
    grey = floats(grey_of(patch))
    sigma = patch.shape[1] / 40
    fine = grey - cv2.GaussianBlur(grey, (0, 0), sigma)
    coarse = cv2.GaussianBlur(grey, (0, 0), sigma) - cv2.GaussianBlur(grey, (0, 0), 4 * sigma)
    contrast = float(np.sqrt((coarse**2).mean())) + 2.0
    sharpness = min(1.0, float(np.sqrt((fine**2).mean())) / contrast)
    middle = patch[patch.shape[0] // 4 : -patch.shape[0] // 4, patch.shape[1] // 4 : -patch.shape[1] // 4]
    lab = cv2.cvtColor(floats(middle) / 255, cv2.COLOR_RGB2LAB)
    return replace(face, sharpness=round(sharpness, 3), light=round(float(np.median(lab[..., 0])), 1))


def _patch(rgb: Picture, face: Face) -> Picture | None:
    """The upright square of the face at the size it is judged at, never enlarged; None where it is a few pixels."""
    side = min(round(face.w), 2 * _SIDE)
    if side < 8:
        return None
    scale = side / face.w
    source, matrix = rgb, floats(cv2.getRotationMatrix2D(face.centre, face.roll, scale))
    matrix[:, 2] += floats((side / 2 - face.centre[0], side / 2 - face.centre[1]))
    if scale < 0.6:
        left, top = max(0, round(face.x - 0.3 * face.w)), max(0, round(face.y - 0.3 * face.h))
        part = rgb[top : round(face.y + 1.3 * face.h), left : round(face.x + 1.3 * face.w)]
        if min(part.shape[:2]) < 8:
            return None
        size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        source = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        centre = (face.centre[0] - left) * scale, (face.centre[1] - top) * scale
        matrix = floats(cv2.getRotationMatrix2D(centre, face.roll, 1.0))
        matrix[:, 2] += floats((side / 2 - centre[0], side / 2 - centre[1]))
    return cv2.warpAffine(source, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(
        np.uint8
    )
