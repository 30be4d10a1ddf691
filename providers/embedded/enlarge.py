"""Enlarging 2x and 4x: sharper than resampling, with no detail that was not there.

Lanczos in steps of two; each step is corrected until it shrinks back to the picture it came from (iterative back
projection, Irani and Peleg 1991), edges are kept from ringing by the range of the original's neighbourhood, and
jagged lines are smoothed along, never across, their direction.
"""

import cv2
import numpy as np

from providers.media.guided import guided
from providers.media.pixels import Floats, Picture, blurred, clipped, floats, grey_of

LONGEST_SIDE = 8192


def largest_scale(width: int, height: int, scale: int) -> float:
    """`scale`, or what of it keeps the long side within 8192 pixels."""
    return min(float(scale), LONGEST_SIDE / max(width, height))


def enlarged(rgb: Picture, scale: int = 2, sharpness: float = 1.0) -> Picture:
    """`rgb` times `scale` (2 or 4), its long side at most 8192."""
    height, width = rgb.shape[:2]
    wanted = max(1.0, largest_scale(width, height, scale))
    out = _without_blocks(rgb)
    size = (round(width * wanted), round(height * wanted))
    while out.shape[1] * 2 <= size[0]:
        out = _in_strips(out, sharpness)
    if (out.shape[1], out.shape[0]) != size:
        out = cv2.resize(out, size, interpolation=cv2.INTER_LANCZOS4).astype(np.uint8)
    return out


_STRIP_PIXELS = 1_500_000
_OVERLAP = 16


def _in_strips(rgb: Picture, sharpness: float, pixels: int = _STRIP_PIXELS) -> Picture:
    """`_twice` of overlapping strips of about so many pixels, so that memory does not grow with the picture."""
    height, width = rgb.shape[:2]
    rows = max(64, pixels // width)
    if rows >= height:
        return _twice(rgb, sharpness)
    out = np.empty((2 * height, 2 * width, 3), np.uint8)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        above, below = max(0, top - _OVERLAP), min(height, bottom + _OVERLAP)
        strip = _twice(rgb[above:below], sharpness)
        out[2 * top : 2 * bottom] = strip[2 * (top - above) : 2 * (bottom - above)]
    return out


def _twice(rgb: Picture, sharpness: float) -> Picture:
    low = rgb.astype(np.float32)
    size = (rgb.shape[1] * 2, rgb.shape[0] * 2)
    high = floats(cv2.resize(low, size, interpolation=cv2.INTER_LANCZOS4))
    for _ in range(2):
        error = low - cv2.resize(high, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_AREA)
        high += floats(cv2.resize(error, size, interpolation=cv2.INTER_CUBIC))
    high = _along_edges(high)
    detail = high - blurred(high, 1.3)
    weight = np.clip((np.abs(detail).max(-1, keepdims=True) - 1.5) / 6, 0, 1)
    high = high + 0.75 * sharpness * weight * detail
    around = np.ones((3, 3), np.uint8)
    floor = cv2.resize(cv2.erode(low, around), size, interpolation=cv2.INTER_LINEAR)
    ceiling = cv2.resize(cv2.dilate(low, around), size, interpolation=cv2.INTER_LINEAR)
    return clipped(np.clip(high, floor - 3, ceiling + 3))


def _along_edges(picture: Floats) -> Floats:
    """Averages three pixels along the edge where there is a strong one (structure tensor), else nothing."""
    grey = floats(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    gx, gy = cv2.Scharr(grey, cv2.CV_32F, 1, 0) / 32, cv2.Scharr(grey, cv2.CV_32F, 0, 1) / 32
    xx, yy, xy = (blurred(a, 1.4) for a in (gx * gx, gy * gy, gx * gy))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    spread = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    weight = np.clip(spread / (xx + yy + 1e-3), 0, 1) ** 2 * np.clip((xx + yy - 4) / 40, 0, 1)
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]].astype(np.float32)
    dx, dy = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    total = picture.copy()
    for step in (-1.2, 1.2):
        total += cv2.remap(
            picture, columns + step * dx, rows + step * dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    mixed: Floats = picture + weight[..., None].astype(np.float32) * (total / 3 - picture)
    return mixed


def _without_blocks(rgb: Picture) -> Picture:
    """JPEG's blocks and fringes softened before they are enlarged, by as much as there are of them."""
    grey = floats(grey_of(rgb))
    if min(grey.shape) < 32:
        return rgb
    steps = np.abs(np.diff(grey, axis=1)).mean(0)
    on_grid, off_grid = steps[7::8].mean(), np.delete(steps, np.s_[7::8]).mean()
    blocky = float(np.clip((on_grid / (off_grid + 1e-3) - 1.08) / 0.5, 0, 1))
    if blocky <= 0:
        return rgb
    smooth = guided(rgb, rgb, 3, (0.02 * 255) ** 2 * blocky + 1)
    softened = clipped((1 - blocky) * rgb.astype(np.float32) + blocky * smooth)
    luma = cv2.cvtColor(softened, cv2.COLOR_RGB2YCrCb)
    for channel in (1, 2):
        luma[..., channel] = cv2.medianBlur(luma[..., channel], 5)
    return cv2.cvtColor(luma, cv2.COLOR_YCrCb2RGB).astype(np.uint8)
