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
    _smooth_along_edges(high)
    _sharpen(high, sharpness)
    around = np.ones((3, 3), np.uint8)
    floor = cv2.resize(cv2.erode(low, around) - 3, size, interpolation=cv2.INTER_LINEAR)
    ceiling = cv2.resize(cv2.dilate(low, around) + 3, size, interpolation=cv2.INTER_LINEAR)
    within = cv2.min(cv2.max(high, floor), ceiling)
    return np.asarray(cv2.addWeighted(within, 1, within, 0, 0, dtype=cv2.CV_8U), np.uint8)


def _sharpen(picture: Floats, sharpness: float) -> None:
    """In place, where there is detail beyond noise. By OpenCV's planes: numpy is slow along an axis of three."""
    detail = picture - blurred(picture, 1.3)
    red, green, blue = cv2.split(np.abs(detail))
    strongest = cv2.max(cv2.max(red, green), blue)
    weight = np.clip((strongest - 1.5) / 6, 0, 1) * np.float32(0.75 * sharpness)
    cv2.accumulateProduct(detail, cv2.merge([weight, weight, weight]), picture)


_LEAST_WEIGHT = 0.02
"""Of the smoothing along edges: below it a pixel would change by less than a level."""
_ROW = 1024
"""Pixels to a row of the maps for `cv2.remap`, which takes at most 32767."""


def _smooth_along_edges(picture: Floats) -> None:
    """In place: averages three pixels along the edge where there is a strong one (structure tensor), else nothing.

    Only the pixels of edges are computed: that halves the time of the whole.
    """
    grey = floats(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    gx, gy = cv2.Scharr(grey, cv2.CV_32F, 1, 0, scale=1 / 32), cv2.Scharr(grey, cv2.CV_32F, 0, 1, scale=1 / 32)
    xx, yy, xy = (blurred(a, 1.4).ravel() for a in (gx * gx, gy * gy, gx * gy))
    strong = np.flatnonzero(xx + yy > 4)
    xx, yy, xy = xx[strong], yy[strong], xy[strong]
    both, across = xx + yy, xx - yy
    weight = (across * across + 4 * xy * xy) / (both * both) * np.clip((both - 4) / 40, 0, 1)
    kept = weight > _LEAST_WEIGHT
    if not kept.any():
        return
    edge, weight = strong[kept].astype(np.int32), weight[kept, None]
    angle = 0.5 * np.arctan2(2 * xy[kept], across[kept]) + np.float32(np.pi / 2)
    dx, dy = np.float32(1.2) * np.cos(angle), np.float32(1.2) * np.sin(angle)
    rows = edge // grey.shape[1]
    columns = edge - rows * grey.shape[1]
    flat = picture.reshape(-1, 3)
    before = flat[edge]
    total = before.copy()
    for side in (-1, 1):
        total += _sampled(picture, floats(columns + side * dx), floats(rows + side * dy))
    flat[edge] = before + weight * (total / 3 - before)


def _sampled(picture: Floats, x: Floats, y: Floats) -> Floats:
    """The colours (N x 3) at N places between pixels."""
    padding = -x.size % _ROW
    across, down = (np.pad(axis, (0, padding)).reshape(-1, _ROW) for axis in (x, y))
    found = cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return floats(found.reshape(-1, 3)[: x.size])


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
