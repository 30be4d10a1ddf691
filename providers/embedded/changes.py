"""Variants of an edit, and the edit that shows two pictures side by side."""

from collections.abc import Callable

import numpy as np

from providers.embedded.reading import is_chinese
from providers.embedded.side_by_side import side_by_side
from providers.media.pixels import Picture, lab_of, rgb_of
from providers.people.face import Face

# Lab shifts of each further picture: (brightness power, contrast, colour, towards yellow).
_GRADES: tuple[tuple[float, float, float, float], ...] = (
    (1.00, 1.00, 1.00, 0.0),
    (0.94, 1.00, 1.03, 4.0),
    (1.00, 1.06, 0.97, -4.5),
    (0.86, 1.00, 1.00, 0.0),
    (1.02, 1.14, 1.08, 0.0),
    (0.95, 0.90, 0.90, 1.5),
    (1.14, 1.05, 1.04, 0.0),
    (0.92, 1.05, 1.14, 6.0),
)


def graded(picture: Picture, take: int) -> Picture:
    """The picture itself for take 0; then warmer, cooler, brighter, more contrast, softer, deeper, golden.

    Keeps transparency. What is pure white stays white.
    """
    grade = take % len(_GRADES)
    if grade == 0:
        return picture
    power, contrast, colour, yellow = _GRADES[grade]
    lab = lab_of(picture[..., :3])
    light = np.clip(lab[..., 0] / 100, 0, 1) ** power
    light = light + (contrast - 1) * (light - 0.5) * 4 * light * (1 - light)
    lab[..., 0] = 100 * np.clip(light, 0, 1)
    lab[..., 1:] *= colour
    lab[..., 2] += yellow * 4 * light * (1 - light)
    rgb = rgb_of(lab)
    return np.concatenate([rgb, picture[..., 3:]], -1)


def side_by_side_edit(
    photos: tuple[Picture, ...],
    faces: tuple[Face, ...],
    change: Callable[[Picture, tuple[Face, ...]], Picture],
    *,
    text: str,
    aspect_ratio: str | None,
    take: int,
) -> Picture:
    """Two photos as they are, or one photo beside its changed self; labelled in the language of `text`."""
    first = photos[0]
    second = photos[1] if len(photos) > 1 else graded(change(first, faces), 2 * (take // 2))
    if second.shape[-1] == 4:
        alpha = second[..., 3:].astype(np.float32) / 255
        second = (second[..., :3] * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8)
    language = "zh" if is_chinese(text) else "en" if any(c.isalpha() for c in text) else None
    return side_by_side(first, second, language=language, aspect_ratio=aspect_ratio, take=take)
