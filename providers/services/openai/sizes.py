"""The `size` to ask for. Newer models take any size within limits, the older ones three.

Limits of the newer: both sides multiples of 16, at most 3840, a ratio of at most 3:1, 655,360 to 8,294,400 pixels.
"""

Size = tuple[int, int]

STEP = 16
LONGEST = 3840
RATIO = 3.0
PIXELS = (655_360, 8_294_400)
USUAL = 1536
"""The long side of a picture whose size nobody named: what costs as much as the price list says."""
FREE = {"1:1": (1024, 1024), "3:4": (1152, 1536), "4:3": (1536, 1152), "9:16": (864, 1536), "16:9": (1536, 864)}
FIXED = {"1:1": (1024, 1024), "3:4": (1024, 1536), "4:3": (1536, 1024), "9:16": (1024, 1536), "16:9": (1536, 1024)}
SQUARE = 0.06
"""So near to 1:1 a photo is taken for square."""


def of_ratio(ratio: str, *, free: bool) -> Size:
    return (FREE if free else FIXED)[ratio]


def like(size: Size, *, free: bool) -> Size:
    """For a new picture of a photo's shape, at the usual number of pixels."""
    wide, high = size
    if not free:
        return nearest_fixed(size)
    if abs(wide / high - 1) <= SQUARE:
        return FREE["1:1"]
    factor = USUAL / max(size)
    return within((wide * factor, high * factor))


def whole(size: Size, *, free: bool) -> Size:
    """For a photo that comes back changed in a part: as many of its pixels as there may be."""
    return within(size) if free else nearest_fixed(size)


def nearest_fixed(size: Size) -> Size:
    shape = size[0] / size[1]
    return min(FIXED.values(), key=lambda s: max(s[0] / s[1] / shape, shape / (s[0] / s[1])))


def within(size: tuple[float, float]) -> Size:
    """The nearest that the limits allow. A shape beyond 3:1 becomes 3:1 around it."""
    wide, high = size
    wide, high = max(wide, high / RATIO), max(high, wide / RATIO)
    factor = max(1.0, (PIXELS[0] / (wide * high)) ** 0.5)
    factor = min(factor, LONGEST / max(wide, high), (PIXELS[1] / (wide * high)) ** 0.5)
    across, down = _down(wide * factor), _down(high * factor)
    if across * down < PIXELS[0]:
        across, down = _up(wide * factor), _up(high * factor)
    # Rounding may pass the ratio's limit by a step: the shorter side gives way upwards.
    if across > RATIO * down:
        down += STEP
    if down > RATIO * across:
        across += STEP
    return across, down


def _down(side: float) -> int:
    return max(STEP, int(side + 1e-6) // STEP * STEP)


def _up(side: float) -> int:
    return -int(-(side - 1e-6) // STEP) * STEP
