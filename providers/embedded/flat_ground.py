"""The one colour behind an ID photo: it is a rule and no taste, so no change of light or colour may touch it."""

from collections.abc import Callable

import cv2
import numpy as np

from providers.media.pixels import Floats, Picture, clipped, floats

_SHARE = 0.06
_NEAR = 14.0
"""How far from the colour (largest channel) a pixel beside the ground counts as partly it: the soft edge of hair."""


def flat_ground(rgb: Picture) -> Floats | None:
    """0 to 1: where `rgb` is one exact colour that fills both upper corners, softly at its edge; None for a photo.

    A JPEG's ground counts, too: two grey levels from the colour are the colour.
    """
    height, width = rgb.shape[:2]
    corners = (rgb[: max(2, height // 40), : max(2, width // 40)], rgb[: max(2, height // 40), -max(2, width // 40) :])
    colour = np.median(corners[0].reshape(-1, 3), 0)
    away = np.abs(rgb.astype(np.int16) - colour.astype(np.int16)).max(-1)
    if any(np.abs(corner.astype(np.int16) - colour.astype(np.int16)).max() > 2 for corner in corners):
        return None
    ground = away <= 2  # also where it shows between an arm and the body
    if float(ground.mean()) < _SHARE:
        return None
    beside = cv2.dilate(ground.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return floats(np.where(ground, 1.0, np.where(beside, np.clip(1 - away / _NEAR, 0, 1), 0.0)))


def keeping_flat_ground(rgb: Picture, change: Callable[[Picture], Picture]) -> Picture:
    """`change` of `rgb` (same size), its flat ground left as it was to the bit."""
    ground = flat_ground(rgb)
    if ground is None:
        return change(rgb)
    share = ground[..., None]
    mixed = clipped(change(rgb).astype(np.float32) * (1 - share) + rgb.astype(np.float32) * share)
    return np.where(share == 1, rgb, mixed)
