"""Simple changes by their name and direction: each a visible, bounded step the way it says.

A flat background (an ID photo's) and pure white or black letters stay as they are. Pictures keep their size, save for
crop, rotate, straighten and size themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, cos, radians, sin
from types import MappingProxyType

import cv2
import numpy as np

from providers.embedded.enlarge import enlarged
from providers.embedded.flat_ground import keeping_flat_ground
from providers.embedded.geometry import Window, heads_of, taken
from providers.errors import AskPerson
from providers.media.pixels import Floats, Picture, blurred, lab_of, pixels, rgb_of
from providers.people.face import Face

_STEP = MappingProxyType({None: 1.0, "slight": 0.55, "strong": 1.8})
_LEAST_SIDE = 64


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change. `direction`: `up` or `down` for amounts, `horizontal` or `vertical` for flip, `left` or `right` for
    rotate (a quarter turn, or `degrees`); None for crop and straighten. `strength`: None, `slight` or `strong`."""

    kind: str
    direction: str | None = None
    strength: str | None = None
    degrees: float | None = None


def adjusted(rgb: Picture, step: Step, faces: tuple[Face, ...] = ()) -> Picture:
    """`rgb` after one step; transparency is kept. Raises AskPerson `needs_other_provider` for a kind unknown here."""
    if step.kind in _SHAPES:
        return _SHAPES[step.kind](rgb, step, faces)
    if step.kind not in _TONES:
        raise AskPerson("no such adjustment", code="needs_other_provider")
    amount = _STEP[step.strength] * (-1.0 if step.direction == "down" else 1.0)
    changed = keeping_flat_ground(rgb[..., :3], lambda picture: _toned(picture, step.kind, amount))
    return np.concatenate([changed, rgb[..., 3:]], -1)


MOVING = frozenset({"crop", "flip", "rotate", "straighten", "size"})
"""Kinds after which faces lie elsewhere."""


def is_known(step: Step) -> bool:
    return step.kind in _SHAPES or step.kind in _TONES


def _toned(rgb: Picture, kind: str, amount: float) -> Picture:
    lab = lab_of(rgb)
    _TONES[kind](lab, amount)
    return rgb_of(lab)


def _brightness(lab: Floats, amount: float) -> None:
    """A power curve: black and white stay; colours go along, so that lighter skin does not fade."""
    light = np.clip(lab[..., 0] / 100, 0, 1)
    lifted = light ** float(np.exp(-0.30 * amount))
    lab[..., 1:] *= np.clip(lifted / np.maximum(light, 0.02), 0.6, 1.5)[..., None] ** 0.6
    lab[..., 0] = 100 * lifted


def _contrast(lab: Floats, amount: float) -> None:
    """Steeper or flatter about the picture's own middle, within a third of the range either way."""
    light = np.clip(lab[..., 0] / 100, 0, 1)
    middle = float(np.clip(np.median(light), 0.35, 0.65))
    slope = float(np.exp(0.26 * amount))
    bent = middle + (light - middle) * slope
    ends = np.clip(np.minimum(light, 1 - light) / 0.12, 0, 1)  # black and white stay what they are
    lab[..., 0] = 100 * np.clip(light + (bent - light) * ends, 0, 1)


def _warmth(lab: Floats, amount: float) -> None:
    light = np.clip(lab[..., 0] / 100, 0, 1)
    middle = 4 * light * (1 - light)
    lab[..., 2] += 8.0 * amount * middle
    lab[..., 1] += 1.6 * amount * middle


def _saturation(lab: Floats, amount: float) -> None:
    """Strong colours gain less, so that nothing glows."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    gain = float(np.exp(0.28 * amount))
    care = np.exp(-chroma / 70) if amount > 0 else np.ones_like(chroma)
    lab[..., 1:] *= (1 + (gain - 1) * care)[..., None]


def _sharpness(lab: Floats, amount: float) -> None:
    light = lab[..., 0]
    if amount < 0:
        lab[..., 0] = blurred(light, 1.1 * -amount * max(1.0, max(light.shape) / 1400))
        return
    radius = 1.2 * max(1.0, max(light.shape) / 1400)
    detail = light - blurred(light, radius)
    detail = np.sign(detail) * np.maximum(np.abs(detail) - 0.4, 0)
    size = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(light, size), cv2.dilate(light, size)
    lab[..., 0] = np.clip(light + 1.1 * amount * detail, low - 4, high + 4)


_TONES: dict[str, Callable[[Floats, float], None]] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "warmth": _warmth,
    "saturation": _saturation,
    "sharpness": _sharpness,
}


def _crop(rgb: Picture, step: Step, faces: tuple[Face, ...]) -> Picture:
    """Closer, in the photo's own shape: a sixth of the width less (slight a tenth, strong a third), no head cut."""
    height, width = rgb.shape[:2]
    share = 1 - {None: 1 / 6, "slight": 0.1, "strong": 1 / 3}[step.strength]
    w, h = max(_LEAST_SIDE, round(width * share)), max(_LEAST_SIDE, round(height * share))
    if w >= width or h >= height:
        raise AskPerson("the picture is too small to crop", code="picture_too_small")
    x, y = (width - w) / 2, (height - h) / 2
    if faces:
        left, top, right, bottom = heads_of(faces, width, height)
        if right - left > w or bottom - top > h:  # as close as the heads allow
            share = max((right - left) / width, (bottom - top) / height)
            if share > 0.97:
                raise AskPerson("the heads fill the picture", code="crop_room")
            w, h = ceil(width * share), ceil(height * share)
        x = min(max((left + right - w) / 2, right - w), left)
        y = min(max(top - 0.15 * (h - bottom + top), bottom - h), top)
    x, y = round(min(max(x, 0), width - w)), round(min(max(y, 0), height - h))
    return rgb[y : y + h, x : x + w].copy()


def _flip(rgb: Picture, step: Step, faces: tuple[Face, ...]) -> Picture:
    return np.ascontiguousarray(rgb[::-1] if step.direction == "vertical" else rgb[:, ::-1])


def _rotate(rgb: Picture, step: Step, faces: tuple[Face, ...]) -> Picture:
    """A quarter turn, or `degrees`, to the side it says (right by itself)."""
    degrees = 90.0 if step.degrees is None else abs(step.degrees)
    degrees *= -1.0 if step.direction == "left" else 1.0
    quarters, rest = round(degrees / 90), degrees - 90 * round(degrees / 90)
    turned = np.ascontiguousarray(np.rot90(rgb, -quarters))
    return turned if abs(rest) < 0.05 else turned_within(turned, rest)


def turned_within(rgb: Picture, degrees: float) -> Picture:
    """`rgb` turned clockwise by up to 45 degrees, cut to the largest part of its own shape without empty corners."""
    height, width = rgb.shape[:2]
    a = abs(radians(degrees))
    scale = min(width / (width * cos(a) + height * sin(a)), height / (width * sin(a) + height * cos(a)))
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -degrees, 1.0)
    turned = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    w, h = max(1, int(width * scale)), max(1, int(height * scale))
    x, y = (width - w) // 2, (height - h) // 2
    return pixels(turned[y : y + h, x : x + w]).copy()


def _straighten(rgb: Picture, step: Step, faces: tuple[Face, ...]) -> Picture:
    """By the eyes of the largest face, else by the lines that are nearly level or upright; at most 15 degrees."""
    lean = faces[0].roll if faces else leaning(rgb[..., :3])
    if abs(lean) < 0.4:
        return rgb
    if abs(lean) > 15:
        raise AskPerson("nothing to straighten by", code="not_straightened")
    return turned_within(rgb, -lean)


def leaning(rgb: Picture) -> float:
    """How far level and upright lines lean clockwise, in degrees; 0 where there are too few to say."""
    scale = min(1.0, 800 / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    edges = cv2.Canny(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), 60, 160)
    least = max(small.shape[:2]) // 8
    found = cv2.HoughLinesP(edges, 1, np.pi / 720, 60, minLineLength=least, maxLineGap=6)
    if found is None:
        return 0.0
    lines = found.reshape(-1, 4).astype(np.float64)
    across, down = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    angles = (np.degrees(np.arctan2(down, across)) + 45) % 90 - 45
    near, lengths = np.abs(angles) < 12, np.hypot(across, down)
    if lengths[near].sum() < 3 * least:
        return 0.0
    order = np.argsort(angles[near])
    total = np.cumsum(lengths[near][order])
    return float(angles[near][order][np.searchsorted(total, total[-1] / 2)])


def _size(rgb: Picture, step: Step, faces: tuple[Face, ...]) -> Picture:
    """Twice as large, or half as large."""
    if step.direction != "down":
        return enlarged(rgb[..., :3], 2) if rgb.shape[2] == 3 else _resized(rgb, 2.0)
    if min(rgb.shape[:2]) < 2 * _LEAST_SIDE:
        raise AskPerson("the picture is small already", code="picture_too_small")
    return _resized(rgb, 0.5)


def _resized(rgb: Picture, factor: float) -> Picture:
    height, width = rgb.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    whole = Window(x=0, y=0, width=width, height=height)
    if factor < 1:
        return pixels(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    return pixels(taken(rgb, whole, size, border=cv2.BORDER_REPLICATE))


_SHAPES: dict[str, Callable[[Picture, Step, tuple[Face, ...]], Picture]] = {
    "crop": _crop,
    "flip": _flip,
    "rotate": _rotate,
    "straighten": _straighten,
    "size": _size,
}
