"""The guided filter (He, Sun, Tang: "Guided Image Filtering", 2010): smoothing that keeps the edges of a guide.

Made of box filters here, rather than taken from OpenCV's contributed modules: those alone made the wheel a fifth
larger, and their filter for colours takes every determinant below 1e-6 for 1, so that on the scale of 0 to 1 it hardly
follows the guide at all.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def guided(guide: Any, values: Any, radius: int, epsilon: float) -> Floats:
    """`values` smoothed over squares of `2 * radius + 1` pixels, but not across the edges of `guide`.

    Each is H x W or H x W x 3; the result has the shape of `values`. `epsilon`: how much the guide may vary within
    what still counts as flat, on its squared scale.
    """
    along = _planes(guide)
    solve = _one_plane if len(along) == 1 else _three_planes
    planes = solve(along, _planes(values), radius, epsilon)
    return planes[0] if len(planes) == 1 else _floats(cv2.merge(planes))


def _floats(values: Any) -> Floats:
    return np.asarray(values, np.float32)


def _planes(values: Any) -> list[Floats]:
    whole = np.ascontiguousarray(values, np.float32)
    return [whole] if whole.ndim == 2 else [_floats(plane) for plane in cv2.split(whole)]


def _mean(plane: Floats, radius: int) -> Floats:
    size = 2 * radius + 1
    return _floats(cv2.boxFilter(plane, -1, (size, size), borderType=cv2.BORDER_REFLECT))


def _one_plane(guide: Sequence[Floats], values: Sequence[Floats], radius: int, epsilon: float) -> list[Floats]:
    (along,) = guide
    mean = _mean(along, radius)
    variance = _mean(along * along, radius) - mean * mean + np.float32(epsilon)
    found = []
    for plane in values:
        mean_of_plane = _mean(plane, radius)
        slope = _floats((_mean(along * plane, radius) - mean * mean_of_plane) / variance)
        found.append(_mean(slope, radius) * along + _mean(_floats(mean_of_plane - slope * mean), radius))
    return found


def _three_planes(guide: Sequence[Floats], values: Sequence[Floats], radius: int, epsilon: float) -> list[Floats]:
    """The linear model of each square has three slopes: the covariance of the guide's colours, solved at every pixel
    by the adjugate of its symmetric matrix."""
    r, g, b = guide
    mean_r, mean_g, mean_b = means = [_mean(plane, radius) for plane in guide]
    flat = np.float32(epsilon)
    rr = _mean(r * r, radius) - mean_r * mean_r + flat
    gg = _mean(g * g, radius) - mean_g * mean_g + flat
    bb = _mean(b * b, radius) - mean_b * mean_b + flat
    rg = _mean(r * g, radius) - mean_r * mean_g
    rb = _mean(r * b, radius) - mean_r * mean_b
    gb = _mean(g * b, radius) - mean_g * mean_b
    first = (gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb)
    second = (first[1], rr * bb - rb * rb, rb * rg - rr * gb)
    third = (first[2], second[2], rr * gg - rg * rg)
    determinant = first[0] * rr + first[1] * rg + first[2] * rb
    found = []
    for plane in values:
        mean = _mean(plane, radius)
        together = [_mean(c * plane, radius) - m * mean for c, m in zip(guide, means, strict=True)]
        result = mean
        smooth: Floats = np.zeros_like(mean)
        for row, colour, colour_mean in zip((first, second, third), guide, means, strict=True):
            slope = (row[0] * together[0] + row[1] * together[1] + row[2] * together[2]) / determinant
            result = result - slope * colour_mean
            smooth += _mean(slope, radius) * colour
        found.append(_mean(result, radius) + smooth)
    return found
