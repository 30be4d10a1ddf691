"""More picture around the picture: to a ratio, or on the sides asked for.

Plain surroundings (a wall, sky, studio paper) are continued: mirrored colours that lose their detail the farther out
they are, so that nobody grows a second arm. Where the border shows things or people, continuing them would be
invention; then the picture is set on a soft, blurred enlargement of itself, which pretends nothing.
"""

import cv2
import numpy as np

from providers.embedded.geometry import ratio_of
from providers.media.pixels import Floats, Picture, blurred, clipped, floats
from providers.task import Outpaint

Margins = tuple[int, int, int, int]
_SHARE = 0.25


def margins_for(width: int, height: int, *, aspect_ratio: str | None, wanted: Outpaint) -> Margins:
    """(left, top, right, bottom) pixels to add: those that are wanted; without any, all four sides by a quarter.

    A ratio wins over pixels, which then only say on which sides. One that needs height gives two thirds of it above,
    where portraits want air, and the rest below.
    """
    if aspect_ratio:
        ratio = ratio_of(aspect_ratio)
        wide = max(0, round(height * ratio) - width)
        high = max(0, round(width / ratio) - height)
        if abs(width / height - ratio) >= 0.01:
            left = 0 if wanted.right and not wanted.left else wide if wanted.left and not wanted.right else wide // 2
            only_above, only_below = wanted.top and not wanted.bottom, wanted.bottom and not wanted.top
            top = high if only_above else 0 if only_below else round(high * 0.6)
            return left, top, wide - left, high - top
    elif wanted:
        return wanted.left, wanted.top, wanted.right, wanted.bottom
    x, y = round(_SHARE * width), round(_SHARE * height)
    return x, y, x, y


def extended(rgb: Picture, margins: Margins) -> Picture:
    """`rgb` with `margins` added, continued where that is honest, else framed by its own blur."""
    if max(margins) == 0:
        return rgb
    if all(_is_plain(rgb, side, amount) for side, amount in enumerate(margins) if amount):
        return _continued(rgb, margins)
    return _framed(rgb, margins)


def _strip(rgb: Picture, side: int, depth: int) -> Picture:
    return (rgb[:, :depth], rgb[:depth], rgb[:, -depth:], rgb[-depth:])[side]


def _is_plain(rgb: Picture, side: int, amount: int) -> bool:
    """Whether the border on `side` (0 left, 1 top, 2 right, 3 bottom) is calm along itself and inwards."""
    depth = max(8, round(0.06 * min(rgb.shape[:2])))
    strip = _strip(rgb, side, depth).astype(np.float32)
    line = strip.mean(1 if side in (0, 2) else 0)
    line = blurred(line[:, None, :], max(1.0, len(line) / 100))[:, 0]
    jumps = np.abs(np.diff(line, axis=0)).max(-1)
    steepest = float(jumps.max()) * len(line) / 100
    texture = float(np.abs(strip - blurred(strip, 3)).mean())
    return steepest < 9.0 and texture < 5.0


def _canvas(rgb: Picture, margins: Margins, border: int) -> Picture:
    left, top, right, bottom = margins
    return cv2.copyMakeBorder(rgb, top, bottom, left, right, border).astype(np.uint8)


def _distance_outside(shape: tuple[int, ...], margins: Margins) -> Floats:
    left, top, right, bottom = margins
    inside = np.ones((shape[0] + top + bottom, shape[1] + left + right), np.uint8)
    inside[top : top + shape[0], left : left + shape[1]] = 0
    return floats(cv2.distanceTransform(inside, cv2.DIST_L2, 5))


def _continued(rgb: Picture, margins: Margins) -> Picture:
    """The border's colours carried outwards: sharp at the seam, softer with distance, with the photo's own grain."""
    limit = tuple(min(m, n - 2) for m, n in zip(margins, (rgb.shape[1], rgb.shape[0]) * 2, strict=True))
    edge = _canvas(rgb, margins, cv2.BORDER_REPLICATE)
    mirrored = _canvas(rgb, limit, cv2.BORDER_REFLECT_101) if limit == margins else edge
    distance = _distance_outside(rgb.shape, margins)
    size = max(rgb.shape[:2])
    out = (0.5 * mirrored.astype(np.float32) + 0.5 * edge) if limit == margins else edge.astype(np.float32)
    near = edge.astype(np.float32)
    for share, start in ((0.01, 0.0), (0.03, 0.012), (0.08, 0.04)):
        soft = blurred(edge.astype(np.float32), max(1.0, share * size))
        weight = np.clip((distance - start * size) / (0.05 * size + 1), 0, 1)[..., None]
        near = near * (1 - weight) + soft * weight
    grain = out - blurred(out, 2.0)
    outside = np.clip(distance / 3.0, 0, 1)[..., None]
    mixed = edge * (1 - outside) + (near + 0.8 * grain) * outside
    result = clipped(mixed)
    left, top = margins[0], margins[1]
    result[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return result


def _framed(rgb: Picture, margins: Margins) -> Picture:
    """The picture before a blurred, slightly darker enlargement of itself, its edge set off by a soft shadow."""
    left, top, right, bottom = margins
    height, width = rgb.shape[0] + top + bottom, rgb.shape[1] + left + right
    scale = max(width / rgb.shape[1], height / rgb.shape[0])
    big = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    y, x = (big.shape[0] - height) // 2, (big.shape[1] - width) // 2
    big = big[y : y + height, x : x + width]
    big = cv2.resize(big, (width, height)).astype(np.float32)
    soft = blurred(big, 0.035 * max(height, width))
    soft = soft * 0.80 + soft.mean((0, 1)) * 0.06
    distance = _distance_outside(rgb.shape, margins)
    shade = 1 - 0.35 * np.exp(-distance / (0.018 * max(height, width)))
    result = clipped(soft * shade[..., None])
    result[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return result
