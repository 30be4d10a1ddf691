"""Old and damaged photos: scratches and dust painted over, noise taken out, fading undone."""

import cv2
import numpy as np

from providers.embedded.light import exposed, sharpened
from providers.media.pixels import Floats, Picture, clipped, floats, grey_of, pixels
from providers.people.face import Face

_DARK_LEAST = 0.45
"""Of the picture's longer side: how far a dark line runs that is a crease and not a thing."""


def restored(rgb: Picture, faces: tuple[Face, ...] = ()) -> Picture:
    """Repaired, cleaned and with its contrast back; colours of a colour photo rebalanced, a grey one stays grey."""
    whole = _healed(rgb, faces)
    quiet = denoised(whole)
    fresh = _unfaded(quiet)
    lit = exposed(fresh, faces, 0.7)
    return sharpened(lit, 0.35)


def damage(rgb: Picture, faces: tuple[Face, ...] = ()) -> Picture:
    """255 where there is a scratch or a speck: thin, and lighter or darker than both sides of it."""
    grey = floats(grey_of(rgb))
    found = np.zeros(grey.shape, np.uint8)
    size = max(grey.shape)
    spread = _spread(grey)
    spared = _features(grey.shape, faces)
    for light in (True, False):
        side = grey if light else 255 - grey
        lines = _lines(side, spread, size)
        if not light:  # what is dark, thin and straight mostly stands there: a leg, a cable, a mast
            lines = _long(lines, np.ones_like(lines), _DARK_LEAST * size)
        found |= (
            _long(lines, spared, 2.0 * max((f.unit for f in faces), default=0.0))
            | _specks(side, spread, size) & ~spared
        )
    return pixels(cv2.dilate(found, np.ones((3, 3), np.uint8))) * np.uint8(255)


def _spread(grey: Floats) -> Floats:
    """How much the neighbourhood varies by itself, without the outliers: the measure a mark must exceed."""
    mean = cv2.medianBlur(grey.astype(np.uint8), 7).astype(np.float32)
    residual = np.minimum(np.abs(grey - mean), 20)
    spread: Floats = cv2.blur(residual, (31, 31)) * 1.6 + 4
    return spread


def _lines(grey: Floats, spread: Floats, size: int) -> Picture:
    """Bright thin lines at least a fourteenth of the picture long, straight, in any direction."""
    tophat = grey - cv2.morphologyEx(grey, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11)))
    marks = (tophat > 2.0 * spread).astype(np.uint8)
    least = max(24, size // 14)
    segments = cv2.HoughLinesP(marks, 1, np.pi / 360, round(0.6 * least), minLineLength=least, maxLineGap=4)
    out = np.zeros_like(marks)
    for x1, y1, x2, y2 in [] if segments is None else segments.reshape(-1, 4).tolist():
        if _is_scratch(grey, np.array([x1, y1], np.float32), np.array([x2, y2], np.float32), _half_width(size)):
            cv2.line(out, (round(x1), round(y1)), (round(x2), round(y2)), 1, 5)
    return out & pixels(cv2.dilate(marks, np.ones((3, 3), np.uint8)))


def _features(shape: tuple[int, ...], faces: tuple[Face, ...]) -> Picture:
    """1 on eyes, glasses and mouths: their highlights and teeth look like damage."""
    out = np.zeros(shape[:2], np.uint8)
    for face in faces:
        for at, radii in (((-0.5, 0.0), (0.5, 0.35)), ((0.5, 0.0), (0.5, 0.35)), ((0.0, 1.15), (0.65, 0.4))):
            x, y = face.along(*at)
            axes = (round(radii[0] * face.unit), round(radii[1] * face.unit))
            cv2.ellipse(out, (round(x), round(y)), axes, face.roll, 0, 360, 1, -1)
    return out


def _long(lines: Picture, spared: Picture, least: float) -> Picture:
    """`lines` without those that touch `spared` and are shorter than `least` pixels."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    touched = set(np.unique(parts[(spared > 0) & (lines > 0)]).tolist())
    out = lines.copy()
    for i in range(1, count):
        run = float(np.hypot(stats[i, cv2.CC_STAT_WIDTH], stats[i, cv2.CC_STAT_HEIGHT]))
        if i in touched and run < least:
            out[parts == i] = 0
    return out


def _half_width(size: int) -> float:
    """Pixels from the middle of a scratch to where there is none of it any more."""
    return min(5.0, max(3.0, size / 170))


def _is_scratch(grey: Floats, start: Floats, end: Floats, half_width: float) -> bool:
    """Whether the line is thin, of one brightness and alike on both sides, all along.

    What belongs to the scene (rims, seams, cables, letters) bends, changes with its light, or parts two things.
    """
    length = float(np.hypot(*(end - start)))
    along = np.linspace(0, 1, max(8, round(length)), dtype=np.float32)[:, None]
    spots = start + along * (end - start)
    across = np.array([start[1] - end[1], end[0] - start[0]], np.float32) / length
    own = np.max([_beside(grey, spots + o * across) for o in (-1.0, 0.0, 1.0)], axis=0)
    one, other = (_beside(grey, spots + o * across) for o in (-7.0, 7.0))
    steps = own - np.maximum(one, other)
    # Close beside a scratch is the picture already; close beside the shine of a pole is the pole.
    near = [_beside(grey, spots + o * across) for o in (-half_width, half_width)]
    drop = np.maximum(own - np.maximum(one, other), 8)
    thin = min(float(np.mean(np.abs(n - far) < 0.4 * drop + 3)) for n, far in zip(near, (one, other), strict=True))
    alike = float(np.mean(np.abs(one - other) < 0.35 * np.maximum(own - np.minimum(one, other), 8) + 3))
    steady = float(np.median(np.abs(own - np.median(own))))
    return float(np.mean(steps > 8)) > 0.75 and thin > 0.6 and alike > 0.7 and steady < 12


def _beside(grey: Floats, spots: Floats) -> Floats:
    columns = np.clip(spots[:, 0].round().astype(int), 0, grey.shape[1] - 1)
    rows = np.clip(spots[:, 1].round().astype(int), 0, grey.shape[0] - 1)
    side: Floats = grey[rows, columns]
    return side


def _specks(grey: Floats, spread: Floats, size: int) -> Picture:
    """Bright spots up to a hundredth of the picture wide that stand alone."""
    reach = max(2, size // 160)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    tophat = grey - cv2.morphologyEx(grey, cv2.MORPH_OPEN, kernel)
    marks = (tophat > 3.2 * spread).astype(np.uint8)
    busy = (cv2.blur(marks.astype(np.float32), (41, 41)) > 0.03) | (spread > 9)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    out = np.zeros_like(marks)
    for i in range(1, count):
        w, h, area = stats[i, cv2.CC_STAT_WIDTH], stats[i, cv2.CC_STAT_HEIGHT], stats[i, cv2.CC_STAT_AREA]
        if max(w, h) <= 2 * reach + 2 and max(w, h) <= 2 * min(w, h) and area >= 0.5 * w * h:
            out[parts == i] = 1
    out[busy] = 0
    return out


def _healed(rgb: Picture, faces: tuple[Face, ...]) -> Picture:
    marks = damage(rgb, faces)
    if float((marks > 0).mean()) > 0.12 or not marks.any():
        return rgb
    return cv2.inpaint(rgb, marks, 3, cv2.INPAINT_TELEA).astype(np.uint8)


def noise_of(rgb: Picture) -> float:
    """Standard deviation of the noise in grey levels (Immerkaer 1996, on the quiet half of the picture)."""
    grey = floats(grey_of(rgb))
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(grey, -1, kernel))
    local = cv2.blur(response, (15, 15))
    quiet = response[local <= np.median(local)]
    return float(quiet.mean() * np.sqrt(np.pi / 2) / 6)


def denoised(rgb: Picture, least: float = 1.2) -> Picture:
    """Non-local means by as much as there is noise, from `least` on; colour noise goes first."""
    noise = noise_of(rgb)
    if noise < least:
        return rgb
    strength = min(14.0, 1.05 * noise)
    clean = cv2.fastNlMeansDenoisingColored(rgb, None, strength, min(18.0, 1.6 * noise), 5, 15)
    return cv2.addWeighted(clean, 0.88, rgb, 0.12, 0).astype(np.uint8)


def _unfaded(rgb: Picture) -> Picture:
    """Each colour's range opened again, most of the way for a washed-out photo, hardly for a good one."""
    x = rgb.astype(np.float32)
    grey = np.ptp(rgb.astype(np.int16), axis=-1).mean() < 2.5
    low = np.percentile(x.reshape(-1, 3), 0.7, axis=0)
    high = np.percentile(x.reshape(-1, 3), 99.3, axis=0)
    if grey:
        low, high = np.full(3, low.mean()), np.full(3, high.mean())
    else:
        low, high = 0.6 * low + 0.4 * low.mean(), 0.6 * high + 0.4 * high.mean()
    goal_low, goal_high = np.minimum(low, 8.0), np.maximum(high, 245.0)
    out = (x - low) / np.maximum(high - low, 30) * (goal_high - goal_low) + goal_low
    return clipped(out)
