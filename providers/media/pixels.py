"""Pictures as arrays: their types, and the few OpenCV calls everything here is made of, with those types kept."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""H x W x 3 RGB (x 4 with transparency), or H x W; 0 to 255."""
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def floats(values: Any) -> Floats:
    return np.asarray(values, np.float32)


def pixels(values: Any) -> Picture:
    return np.asarray(values, np.uint8)


def clipped(values: Any) -> Picture:
    """Numbers on the scale 0 to 255, rounded and cut to it."""
    return pixels(np.clip(np.asarray(values) + 0.5, 0, 255))


def unit_of(rgb: Picture) -> Floats:
    """0 to 1."""
    return floats(rgb) / np.float32(255)


def bytes_of(values: Any) -> Picture:
    """0 to 1 back to pixels."""
    return pixels(np.clip(np.asarray(values), 0, 1) * 255 + 0.5)


def lab_of(rgb: Picture) -> Floats:
    """CIE Lab: lightness 0 to 100, a and b around 0."""
    return floats(cv2.cvtColor(unit_of(rgb), cv2.COLOR_RGB2LAB))


def rgb_of(lab: Any) -> Picture:
    whole = floats(lab)
    whole[..., 0] = np.clip(whole[..., 0], 0, 100)
    return bytes_of(cv2.cvtColor(whole, cv2.COLOR_LAB2RGB))


def grey_of(rgb: Picture) -> Picture:
    return pixels(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))


_FINE = 4.0


def blurred(values: Any, sigma: float) -> Floats:
    """Gaussian blur. A wide one is done on a smaller copy: nobody sees the difference, and it is many times faster."""
    plane = floats(values)
    shrink = int(sigma / _FINE)
    height, width = plane.shape[:2]
    if shrink < 2 or min(height, width) < 4 * shrink:
        return floats(cv2.GaussianBlur(plane, (0, 0), sigma))
    small = cv2.resize(plane, (-(-width // shrink), -(-height // shrink)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / shrink)
    return floats(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def averaged(values: Any, size: int) -> Floats:
    """Mean of the square of `size` around each pixel."""
    return floats(cv2.blur(floats(values), (size, size)))


def disc(radius: float) -> Picture:
    """A round structuring element, at least 3 pixels wide."""
    r = max(1, round(radius))
    return pixels(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1)))


def inside_distance(mask: Mask) -> Floats:
    """Distance in pixels to the border of `mask`: positive inside, negative outside."""
    m = mask.astype(np.uint8)
    return floats(cv2.distanceTransform(m, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - m, cv2.DIST_L2, 5))
