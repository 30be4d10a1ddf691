"""Colour for grey photos, honestly: a tone over the whole picture, with skin tinted by hand where faces are.

Without a model nobody knows which colour a dress had, so nothing is guessed but skin and lips. A photo is toned from
its greys; one that has colours of its own is left to `own_colours`, unless a tone is named.
"""

import cv2
import numpy as np

from providers.embedded.light import face_mask, spot
from providers.media.guided import guided
from providers.media.pixels import Floats, Picture, blurred, floats, grey_of, lab_of, rgb_of
from providers.people.face import Face

# Lab a, b at shadows, middle tones and lights.
_TONES: dict[str, tuple[tuple[float, float], ...]] = {
    "hand": ((0.5, -3.0), (2.5, 9.0), (0.5, 8.0)),
    "sepia": ((5.0, 10.0), (7.5, 19.0), (2.0, 12.0)),
    "cool": ((0.5, -12.0), (-2.5, -13.0), (-1.5, -3.0)),
    "rose": ((4.0, -2.0), (7.0, 7.0), (2.0, 6.0)),
}
_ORDER = ("hand", "sepia", "rose", "cool")
_COLOURED = 9.0
"""How far the colours of a colour photo lie apart at least (Lab). Toned and yellowed prints: below 7."""


def own_colours(rgb: Picture) -> bool:
    """Whether this is plainly a colour photo, and no grey, toned or yellowed one."""
    lab = lab_of(rgb)
    calm = blurred(lab, 2.0)[(lab[..., 0] > 12) & (lab[..., 0] < 95)]
    return len(calm) > 0 and float(np.hypot(*calm[:, 1:].std(0))) > _COLOURED


def toned(rgb: Picture, faces: tuple[Face, ...], tone: str | None = None, take: int = 0) -> Picture:
    """`rgb` hand-tinted (skin in faces, a warm tone elsewhere), or in `sepia`, `cool` or `rose`."""
    key = tone or _ORDER[take % len(_ORDER)]
    grey = floats(grey_of(rgb)) / 255
    lab = floats(cv2.cvtColor(np.repeat(grey[..., None], 3, 2), cv2.COLOR_RGB2LAB))
    lightness = lab[..., 0]
    steps = (8.0, 50.0, 95.0)
    for channel in (0, 1):
        lab[..., channel + 1] = np.interp(lightness, steps, [point[channel] for point in _TONES[key]])
    lab[..., 1:] *= np.clip(np.minimum(lightness / 12, (101 - lightness) / 6), 0, 1)[..., None]
    if key == "hand":
        for face in faces:
            _tint_skin(lab, face)
    return rgb_of(lab)


def _tint_skin(lab: Floats, face: Face) -> None:
    """Skin, cheeks and lips of one face, in place; only where the brightness is that of its skin."""
    lightness = lab[..., 0]
    ellipse = face_mask(lightness.shape, (face,), 1.12)
    sample = lightness[face_mask(lightness.shape, (face,), 0.6) > 0.6]
    if len(sample) < 30:
        return
    middle = float(np.median(sample))
    near = np.exp(-(((lightness - middle) / 26) ** 2)).astype(np.float32)
    guide = (lightness / 100).astype(np.float32)
    mask = guided(guide, ellipse * near, max(2, round(0.12 * face.unit)), 1e-3)
    mask = (np.clip(mask, 0, 1) ** 0.8)[..., None]
    skin = np.stack([13.5 + 0 * lightness, 19.0 + 0 * lightness], -1) * np.clip(lightness / 60, 0.3, 1)[..., None]
    lab[..., 1:] = lab[..., 1:] * (1 - mask) + skin * mask
    for side in (-0.72, 0.72):
        lab[..., 1] += 3.5 * spot(lightness.shape, face, (side, 0.75), (0.34, 0.26), 0.1) * mask[..., 0]
    lips = spot(lightness.shape, face, (0.0, 1.15), (0.42, 0.15)) * np.clip((middle + 2 - lightness) / 14, 0, 1)
    lab[..., 1] += 9.0 * lips
    lab[..., 2] -= 2.0 * lips
