"""Light and colour: white balance, exposure, local contrast, and the even light of an ID photo."""

import cv2
import numpy as np

from providers.media.guided import guided
from providers.media.pixels import Floats, Picture, blurred, clipped, lab_of, rgb_of
from providers.people.face import Face


def enhanced(rgb: Picture, faces: tuple[Face, ...] = (), *, strength: float = 1.0) -> Picture:
    """Better light and colour in one go: balance, exposure, contrast, a little more colour and sharpness.

    Faces decide the exposure where there are any, and are spared the local contrast.
    """
    out = balanced(rgb, 0.7 * strength)
    out = exposed(out, faces, strength)
    out = _local_contrast(out, faces, 0.45 * strength)
    out = vivid(out, 0.14 * strength)
    return sharpened(out, 0.35 * strength)


def balanced(rgb: Picture, strength: float) -> Picture:
    """White balance by shades of grey (Finlayson and Trezzi 2004, p = 5), held back so that mood survives."""
    x = rgb.astype(np.float32)
    extreme = (rgb.max(-1) > 250) | (rgb.max(-1) < 8)
    usable = x[~extreme] if (~extreme).any() else x.reshape(-1, 3)
    norm = (usable**5).mean(0) ** 0.2
    gain = np.clip((norm.mean() / (norm + 1e-3)) ** (0.6 * strength), 0.86, 1.16)
    if np.ptp(rgb.astype(np.int16), axis=-1).mean() < 2.0:
        return rgb
    luma = float(usable.mean() / ((usable * gain).mean() + 1e-6))
    return clipped(x * gain * luma)


def face_mask(shape: tuple[int, ...], faces: tuple[Face, ...], grow: float = 1.0) -> Floats:
    """Soft ellipses over the faces, forehead to chin, 0 to 1."""
    mask = np.zeros(shape[:2], np.float32)
    for face in faces:
        x, y = face.along(0, 0.5)
        axes = (round(1.05 * grow * face.unit), round(1.45 * grow * face.unit))
        one = np.zeros_like(mask)
        cv2.ellipse(one, (round(x), round(y)), axes, face.roll, 0, 360, 1, -1)
        mask = np.maximum(mask, blurred(one, max(1.0, 0.22 * face.unit)))
    return mask


def spot(
    shape: tuple[int, ...], face: Face, at: tuple[float, float], radii: tuple[float, float], softness: float = 0.06
) -> Floats:
    """A soft ellipse, 0 to 1, `at` a point of the face; all three in units of the pupil distance."""
    out = np.zeros(shape[:2], np.float32)
    x, y = face.along(*at)
    axes = (max(1, round(radii[0] * face.unit)), max(1, round(radii[1] * face.unit)))
    cv2.ellipse(out, (round(x), round(y)), axes, face.roll, 0, 360, 1, -1)
    return blurred(out, max(0.8, softness * face.unit))


def exposed(rgb: Picture, faces: tuple[Face, ...], strength: float = 1.0) -> Picture:
    """Tone: black and white points found, middle tones brought to where the face (or the picture) reads well."""
    lab = lab_of(rgb)
    lightness = lab[..., 0]
    low, high = np.percentile(lightness, (0.4, 99.6))
    low, high = min(float(low), 14.0), max(float(high), 72.0 if float(high) > 40 else float(high) + 2)
    stretched = np.clip((lightness - strength * low) / (high + (1 - strength) * (100 - high) - strength * low), 0, 1)
    mask = face_mask(rgb.shape, faces, 0.8)
    if mask.sum() > 50:
        now, aim = float(np.median(stretched[mask > 0.6])), 0.66
    else:
        now, aim = float(np.median(stretched)), 0.50
    now = min(max(now, 0.04), 0.96)
    gamma = np.log(aim) / np.log(now)
    gamma = float(np.clip(1 + (gamma - 1) * (0.75 if now < aim else 0.35) * strength, 0.38, 1.35))
    toned = _lifted(stretched, gamma)
    lifted = np.clip(toned * 100 / np.maximum(lightness, 2.0), 1, 3)
    lab[..., 1:] *= (lifted**0.95)[..., None]
    lab[..., 0] = toned * 100
    return rgb_of(lab)


def _lifted(lightness: Floats, gamma: float) -> Floats:
    """A power curve whose darkest part is straight, so that shadows gain light and not noise."""
    out: Floats = ((lightness + 0.015) ** gamma - 0.015**gamma) / (1.015**gamma - 0.015**gamma)
    return out


def _local_contrast(rgb: Picture, faces: tuple[Face, ...], amount: float) -> Picture:
    """Edge-aware detail and shape made clearer (guided filter, two scales); faces get a third of it, noise none."""
    lab = lab_of(rgb)
    lightness = lab[..., 0] / 100
    size = max(rgb.shape[:2])
    wide = guided(lightness, lightness, max(4, size // 24), 0.02)
    shape = lightness - wide
    care = 1 - 0.65 * face_mask(rgb.shape, faces, 1.15)
    middle = 4 * lightness * (1 - lightness)
    lab[..., 0] = 100 * (lightness + amount * care * middle * shape)
    return rgb_of(lab)


def vivid(rgb: Picture, amount: float) -> Picture:
    """More colour where there is little, less where there is much already or where it is skin."""
    lab = lab_of(rgb)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    skin = np.exp(-(((hue - 50) / 25) ** 2))
    gain = 1 + amount * np.exp(-chroma / 45) * (1 - 0.6 * skin) * np.clip(chroma / 6, 0, 1)
    lab[..., 1:] *= gain[..., None]
    return rgb_of(lab)


def sharpened(rgb: Picture, amount: float, radius: float = 1.2) -> Picture:
    """Unsharp mask on lightness only, without overshoot at strong edges and without lifting grain."""
    lab = lab_of(rgb)
    lightness = lab[..., 0]
    detail = lightness - blurred(lightness, radius)
    detail = np.sign(detail) * np.maximum(np.abs(detail) - 0.8, 0)
    size = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(lightness, size), cv2.dilate(lightness, size)
    lab[..., 0] = np.clip(lightness + 2.2 * amount * detail, low - 1.5, high + 1.5)
    return rgb_of(lab)


def evened(rgb: Picture, face: Face, strength: float = 0.5) -> Picture:
    """Side light softened: the slope of brightness across the face is taken back by `strength`."""
    mask = face_mask(rgb.shape, (face,), 0.8)
    lab = lab_of(rgb)
    rows, columns = np.nonzero(mask > 0.6)
    if len(rows) < 100:
        return rgb
    (x, y), unit = face.along(0, 0.5), face.unit
    places = np.stack([(columns - x) / unit, (rows - y) / unit, np.ones(len(rows))], 1)
    light = lab[rows, columns, 0]
    keep = np.abs(light - np.median(light)) < 25
    slope, *_ = np.linalg.lstsq(places[keep], light[keep], rcond=None)
    across = np.clip(slope[0], -12, 12)
    grid = np.clip((np.arange(rgb.shape[1], dtype=np.float32) - x) / unit, -1.3, 1.3)
    lab[..., 0] -= strength * across * grid[None, :] * np.clip(lab[..., 0] / 40, 0, 1)
    return rgb_of(lab)
