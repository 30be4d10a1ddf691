"""Variants of an edit, and the edit that shows two pictures side by side."""

from collections.abc import Callable

import numpy as np

from providers.embedded.flat_ground import keeping_flat_ground
from providers.embedded.side_by_side import side_by_side
from providers.media.pixels import Picture, lab_of, rgb_of
from providers.people.face import Face

# Lab shifts of each further picture: (brightness power, contrast, colour, towards yellow).
_GRADES: tuple[tuple[float, float, float, float], ...] = (
    (1.00, 1.00, 1.00, 0.0),
    (0.92, 1.00, 1.04, 7.0),
    (1.00, 1.08, 0.95, -7.5),
    (0.78, 1.00, 1.00, 0.0),
    (1.03, 1.24, 1.14, 0.0),
    (0.92, 0.84, 0.80, 2.5),
    (1.24, 1.08, 1.06, 0.0),
    (0.88, 1.08, 1.22, 10.0),
)


def graded(picture: Picture, take: int) -> Picture:
    """The picture itself for take 0; then warmer, cooler, brighter, more contrast, softer, deeper, golden.

    After those eight the same again, half as much each time, so that no take repeats another. Keeps transparency and
    a flat background's very colour; what is pure white stays white.
    """
    again, grade = divmod(take, len(_GRADES))
    share = 0.5**again
    power, contrast, colour, yellow = _GRADES[grade]
    if grade == 0:
        if again == 0:
            return picture
        power, share = 0.85, 0.7**again
    power, contrast, colour = (1 + share * (value - 1) for value in (power, contrast, colour))

    def regraded(rgb: Picture) -> Picture:
        lab = lab_of(rgb)
        light = np.clip(lab[..., 0] / 100, 0, 1) ** power
        light = light + (contrast - 1) * (light - 0.5) * 4 * light * (1 - light)
        lab[..., 0] = 100 * np.clip(light, 0, 1)
        lab[..., 1:] *= colour
        lab[..., 2] += share * yellow * 4 * light * (1 - light)
        return rgb_of(lab)

    return np.concatenate([keeping_flat_ground(picture[..., :3], regraded), picture[..., 3:]], -1)


def side_by_side_edit(
    photos: tuple[Picture, ...],
    faces: tuple[Face, ...],
    change: Callable[[Picture, tuple[Face, ...]], Picture],
    *,
    language: str | None,
    aspect_ratio: str | None,
    take: int,
) -> Picture:
    """Two photos as they are, or one photo beside its changed self; labelled in `language`, where there is one."""
    first = photos[0]
    second = photos[1] if len(photos) > 1 else graded(change(first, faces), 2 * (take // 2))
    if second.shape[-1] == 4:
        alpha = second[..., 3:].astype(np.float32) / 255
        second = (second[..., :3] * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8)
    return side_by_side(first, second, language=language, aspect_ratio=aspect_ratio, take=take)
