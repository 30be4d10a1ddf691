"""Photographic looks as data and the darkroom that develops them: curves, split toning, halation, grain, fading.

The drawing of the photo stays, its colours change. All come back at the photo's own size, brought to a long side
within 640..1600 pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from providers.embedded.looks.canvas import (
    Box,
    Canvas,
    Image,
    Picture,
    blur,
    clamp,
    expose,
    finish,
    from_lab,
    grain,
    luma,
    mix,
    prepare,
    smoothstep,
    to_lab,
    vignette,
)
from providers.embedded.looks.heads import ellipses, focus
from providers.people.face import Face

LEAST, MOST = 640, 1600

Curve = tuple[tuple[float, float], ...]
"""Points (in, out) of a tone curve, 0..1, joined by a monotone spline."""
Tint = tuple[float, float]
"""Shift of Lab's a and b."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """One photographic look. Shares are 0..1; sizes are thousandths of the long side."""

    curve: Curve = ((0, 0), (1, 1))
    red: Curve = ((0, 0), (1, 1))
    green: Curve = ((0, 0), (1, 1))
    blue: Curve = ((0, 0), (1, 1))
    saturation: float = 1.0
    tone: Tint = (0.0, 0.0)
    """Of the whole print, black and white excepted."""
    shadows: Tint = (0.0, 0.0)
    lights: Tint = (0.0, 0.0)
    skin: Tint = (0.0, 0.0)
    """Shift for what has the colour of skin, everywhere: it is what people look at."""
    halation: float = 0.0
    """Red-orange glow around the brightest parts."""
    mist: float = 0.0
    """Glow of a diffusion filter."""
    soft: float = 0.0
    grain: float = 0.0
    grain_size: float = 1.6
    vignette: float = 0.0
    middle: float = 0.42
    """Median brightness a dark photo is lifted towards before anything else."""
    monochrome: bool = False


def develop(picture: Picture, faces: Sequence[Box | Face], take: int, film: Film, *, draft: bool = False) -> Picture:
    """The photo on this film."""
    canvas = prepare(picture, faces, take, least=LEAST, most=MOST, draft=draft)
    return finish(expose_film(canvas, film))


def expose_film(canvas: Canvas, film: Film) -> Image:
    """The same for a prepared canvas, before rounding; other looks put their light on top of it."""
    image = expose(canvas.image, middle=film.middle, strength=0.8)
    if film.soft:
        image = mix(image, blur(image, film.soft * canvas.unit), 0.65)
    if film.monochrome:
        image = np.repeat(_panchromatic(image)[..., None], 3, axis=2)
    if film.halation:
        image = _halation(canvas, image, film.halation)
    if film.mist:
        image = _mist(canvas, image, film.mist)
    image = _print(image, film)
    if film.vignette:
        centre = (0.5 + (focus(canvas)[0] - 0.5) * 0.4, 0.5 + (focus(canvas)[1] - 0.5) * 0.4)
        image = image * (1 - film.vignette * vignette(canvas, start=0.5, centre=centre))[..., None]
    if film.grain:
        image = _grained(canvas, image, film)
    return clamp(image)


def bend(plane: Image, curve: Curve) -> Image:
    """Apply a tone curve (Fritsch-Carlson monotone cubic, so that no tone is turned round) through a fine table."""
    xs, ys = (np.array(values, np.float64) for values in zip(*curve, strict=True))
    if len(xs) == 2 and np.array_equal(xs, ys):
        return plane
    slopes = np.diff(ys) / np.diff(xs)
    tangents = np.concatenate([slopes[:1], (slopes[1:] + slopes[:-1]) / 2, slopes[-1:]])
    for number, slope in enumerate(slopes):
        limit = 3 * slope
        tangents[number] = np.clip(tangents[number], min(0, limit), max(0, limit))
        tangents[number + 1] = np.clip(tangents[number + 1], min(0, limit), max(0, limit))
    places = np.linspace(0, 1, 1024)
    part = np.clip(np.searchsorted(xs, places, side="right") - 1, 0, len(slopes) - 1)
    step = np.diff(xs)[part]
    t = np.clip((places - xs[part]) / step, 0, 1)
    table = (
        (2 * t**3 - 3 * t**2 + 1) * ys[part]
        + (t**3 - 2 * t**2 + t) * step * tangents[part]
        + (3 * t**2 - 2 * t**3) * ys[part + 1]
        + (t**3 - t**2) * step * tangents[part + 1]
    ).astype(np.float32)
    index = np.asarray(np.clip(plane, 0, 1) * np.float32(1023) + np.float32(0.5), dtype=np.int32)
    return np.asarray(table[index])


def _panchromatic(image: Image) -> Image:
    """Black and white with an orange filter: skin lighter and smoother, skies deeper."""
    return clamp(cv2.transform(image, np.array([[0.42, 0.46, 0.12]], np.float32)))


def _halation(canvas: Canvas, image: Image, share: float) -> Image:
    bright = smoothstep(0.72, 1.0, luma(image))
    near, far = blur(bright, 5 * canvas.unit), blur(bright, 18 * canvas.unit)
    glow = (near * 0.55 + far * 0.65)[..., None] * np.array([1.0, 0.30, 0.10], np.float32)
    return clamp(1 - (1 - image) * (1 - glow * np.float32(share)))


def _mist(canvas: Canvas, image: Image, share: float) -> Image:
    lights = image * smoothstep(0.25, 0.95, luma(image))[..., None]
    glow = blur(lights, 6 * canvas.unit) * 0.45 + blur(lights, 22 * canvas.unit) * 0.55
    return clamp(1 - (1 - image) * (1 - glow * np.float32(share)))


def _print(image: Image, film: Film) -> Image:
    """Tone curves, then colours in Lab: saturation, skin, shadows and lights each their own way."""
    image = bend(image, film.curve)
    curves = (film.red, film.green, film.blue)
    image = np.dstack([bend(image[..., number], curve) for number, curve in enumerate(curves)])
    lab = to_lab(image)
    light = lab[..., 0] / 100
    if film.saturation != 1.0:
        lab[..., 1:] *= np.float32(film.saturation)
    skin = skin_tones(lab) if film.skin != (0.0, 0.0) else None
    dark = (1 - smoothstep(0.15, 0.65, light)) * smoothstep(0.0, 0.12, light)
    bright = smoothstep(0.45, 0.9, light)
    for channel in (0, 1):
        shift = smoothstep(0.0, 0.3, light) * (1 - smoothstep(0.85, 1.05, light)) * film.tone[channel]
        shift = shift + dark * film.shadows[channel] + bright * film.lights[channel]
        if skin is not None:
            shift = shift * (1 - 0.7 * skin) + skin * film.skin[channel]
        lab[..., channel + 1] += shift
    return from_lab(lab)


def skin_tones(lab: Image) -> Image:
    """How much each pixel has the hue and strength of skin, of whatever lightness."""
    hue = np.arctan2(lab[..., 2], lab[..., 1])
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    toned = smoothstep(0.15, 0.45, hue) * (1 - smoothstep(1.15, 1.45, hue))
    strong = smoothstep(6, 14, chroma) * (1 - smoothstep(42, 60, chroma))
    return np.asarray(toned * strong * smoothstep(15, 35, lab[..., 0]), dtype=np.float32)


def _grained(canvas: Canvas, image: Image, film: Film) -> Image:
    """Silver grain: most in the middle tones, little in faces, a trace of colour."""
    dice = canvas.dice()
    light = luma(image)
    amount = film.grain * (0.35 + 2.6 * light * (1 - light)) * (1 - 0.35 * ellipses(canvas))
    grey = grain(canvas, dice, size=film.grain_size)[..., None]
    if film.monochrome:
        return np.asarray(image + grey * amount[..., None])
    colour = np.dstack([grain(canvas, dice, size=film.grain_size * 1.3) for _ in range(3)])
    return np.asarray(image + (grey * 0.85 + colour * 0.35) * amount[..., None])
