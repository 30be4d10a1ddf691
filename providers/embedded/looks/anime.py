"""Anime: flat clean colour in a few tones, thin coloured lines that follow the form, bright eyes, a little bloom.

Colour is abstracted by an anisotropic Kuwahara filter, its lightness laid down in soft steps (Winnemöller 2006), and
drawn over with a flow-based difference of Gaussians whose lines take a darker tone of the colour they lie on.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from providers.embedded.looks.canvas import (
    Box,
    Canvas,
    Image,
    Picture,
    Plane,
    blur,
    clamp,
    expose,
    finish,
    from_lab,
    grid,
    luma,
    mix,
    prepare,
    saturate,
    smoothstep,
    to_lab,
)
from providers.embedded.looks.flow import Flow, along, edges, flow_of
from providers.embedded.looks.heads import ellipses, features
from providers.embedded.looks.kuwahara import abstract
from providers.media.guided import guided
from providers.people.face import Face

LEAST, MOST = 900, 1100
TONES = 7
"""Steps of lightness from black to white."""


def anime(picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False) -> Picture:
    """Cel-shaded drawing of a photo; comes back with a long side of 900 to 1100 pixels."""
    canvas = prepare(picture, faces, take, least=LEAST, most=MOST, draft=draft)
    image = _widen_eyes(canvas, expose(canvas.image, middle=0.5))
    unit = canvas.unit
    flow = flow_of(image, sigma=2.2 * unit, reach=20 * unit)
    face, detail = ellipses(canvas), features(canvas)
    fine = along(image, flow, sigma=1.6 * unit)
    flat = mix(abstract(canvas, image, flow, radius=6.5 * unit), fine, detail * 0.7)
    painted = _cel(canvas, flat, face, detail)
    painted = _draw(canvas, painted, mix(flat, fine, 0.5), flow, face, detail)
    return finish(_glow(canvas, painted, face))


def _widen_eyes(canvas: Canvas, image: Image) -> Image:
    """Eyes somewhat larger, by a smooth warp around them, clearer, and with a point of light where they were found."""
    if not canvas.people:
        return image
    rows, columns = grid(image)
    x, y = columns.copy(), rows.copy()
    pop, points = np.zeros_like(x), np.zeros_like(x)
    light = blur(luma(image), 0.03 * min(face.unit for face in canvas.people))
    for face in canvas.people:
        # Where no eyes were found (spectacles, a small face) the place is a guess, and less is done to it.
        size = 0.17 if face.eyes else 0.12
        for eye in face.eyes or (face.along(-0.48, 0.0), face.along(0.48, 0.0)):
            across, down = columns - np.float32(eye[0]), rows - np.float32(eye[1])
            near = np.exp(-((across / (face.unit * 0.38)) ** 2 + (down / (face.unit * 0.30)) ** 2))
            x -= across * near * np.float32(size)
            y -= down * near * np.float32(size * 1.2)
            pop = np.maximum(pop, near)
            pupil = _pupil(light, eye, face.unit) if face.eyes and face.unit > 24 else None
            if pupil is not None:
                right, below = columns - np.float32(pupil[0]), rows - np.float32(pupil[1])
                for shift, radius, strength in ((-0.045, 0.031, 0.92), (0.05, 0.018, 0.45)):
                    distance = np.hypot(right - face.unit * shift, below - face.unit * shift) / (face.unit * radius)
                    points = np.maximum(points, (1 - smoothstep(0.7, 1.3, distance)) * strength)
    widened = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    light = luma(np.asarray(widened))
    clearer = (light - blur(light, 0.12 * max(face.unit for face in canvas.people))) * pop * np.float32(0.55)
    return clamp(mix(widened + clearer[..., None], np.ones_like(image), points))


def _pupil(light: Plane, eye: tuple[float, float], unit: float) -> tuple[float, float] | None:
    """The darkest spot within a sixth of the pupils' distance of `eye`, where it is dark enough to be a pupil."""
    reach = max(2, round(unit / 6))
    left, top = round(eye[0]) - reach, round(eye[1]) - reach
    if left < 0 or top < 0:
        return None
    window = light[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
    if window.size < 9 or float(window.min()) > 0.62 * float(np.median(window)):
        return None
    row, column = np.unravel_index(int(window.argmin()), window.shape)
    return left + float(column), top + float(row)


def _cel(canvas: Canvas, flat: Image, face: Plane, detail: Plane) -> Image:
    """Lightness in soft steps over large calm shapes, clear colours, skin lighter and warmer."""
    lab = to_lab(flat)
    light = lab[..., 0] / 100
    calm = guided(light, light, max(3, round(9 * canvas.unit)), 0.004)
    stepped = _steps(calm, TONES, 9.0) + (light - calm) * 0.35
    # In near-black cloth the steps would only show the fabric's noise as blotches.
    share = (0.8 - 0.55 * detail) * smoothstep(0.12, 0.34, calm)
    light = mix(light, stepped, share)
    light = np.clip(light, 0, 1) ** np.float32(0.86)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    boost = 1 + 0.42 * (1 - smoothstep(45, 85, chroma)) * smoothstep(3, 14, chroma)
    skin = _skin(lab, face)
    boost = mix(boost, np.full_like(boost, 1.12), skin)
    lab[..., 0] = 100 * (light + skin * (1 - light) * 0.16)
    lab[..., 1] = lab[..., 1] * boost + skin * 2.0
    lab[..., 2] = lab[..., 2] * boost
    _tint_greys(canvas, lab, chroma, np.maximum(skin, face))
    return _blush(canvas, from_lab(lab), skin)


def _tint_greys(canvas: Canvas, lab: Image, chroma: Plane, kept: Plane) -> None:
    """Grey walls and grey photos get the air of a painted sky: periwinkle above, peach below (in place)."""
    middle = smoothstep(12, 45, lab[..., 0]) * (1 - smoothstep(88, 100, lab[..., 0]))
    share = (1 - smoothstep(4, 13, chroma)) * middle * (1 - 0.9 * kept)
    height = np.linspace(0, 1, canvas.height, dtype=np.float32)[:, None]
    lab[..., 1] += share * (3 + 6 * height)
    lab[..., 2] += share * (-19 + 27 * height)


def _steps(light: Plane, count: int, sharpness: float) -> Plane:
    """Soft quantisation: the nearest of `count` levels, with a smooth ramp from one to the next."""
    scaled = light * count
    nearest = np.floor(scaled) + np.float32(0.5)
    ramp = np.tanh(sharpness * (scaled - nearest - np.sign(scaled - nearest) * 0.5)) * 0.5
    return np.asarray((nearest + np.sign(scaled - nearest) * 0.5 + ramp) / count, dtype=np.float32)


def _skin(lab: Image, face: Plane) -> Plane:
    """How much a pixel is skin: near the middle colour of the faces, around them (neck and ears too)."""
    if not np.any(face > 0.9):
        return np.zeros(face.shape, np.float32)
    inside = lab[face > 0.9]
    a, b = float(np.median(inside[:, 1])), float(np.median(inside[:, 2]))
    if np.hypot(a, b) < 5:  # a grey photo: nothing in it has the colour of skin
        return np.zeros(face.shape, np.float32)
    distance = np.hypot(lab[..., 1] - a, lab[..., 2] - b)
    near = np.clip(blur(face, 0.12 * max(face.shape)) * 3, 0, 1)
    likely = (1 - smoothstep(9, 20, distance)) * smoothstep(25, 45, lab[..., 0])
    return np.asarray(likely * np.maximum(face, near), dtype=np.float32)


def _blush(canvas: Canvas, image: Image, skin: Plane) -> Image:
    """A breath of pink on both cheeks."""
    if not canvas.people:
        return image
    cheeks = np.zeros(skin.shape, np.float32)
    for face in canvas.people:
        for side in (-0.65, 0.65):
            x, y = face.along(side, 0.58)
            size = (round(face.unit * 0.30), round(face.unit * 0.17))
            cv2.ellipse(cheeks, (round(x), round(y)), size, face.roll, 0, 360, 1.0, -1, cv2.LINE_AA)
    share = blur(cheeks, 0.13 * max(face.unit for face in canvas.people)) * skin * np.float32(0.30)
    return mix(image, np.broadcast_to(np.array([1.0, 0.52, 0.52], np.float32), image.shape), share)


def _draw(canvas: Canvas, painted: Image, guide: Image, flow: Flow, face: Plane, detail: Plane) -> Image:
    """Lines in a deep tone of what they lie on: bold contours, fine ones in the face."""
    unit = canvas.unit
    light = luma(guide)
    contrast = 0.035 + 0.35 * blur(light, 20 * unit)
    bold = edges(light, flow, sigma=1.35 * unit, coherence=6 * unit) / contrast
    fine = edges(light, flow, sigma=0.85 * unit, coherence=4 * unit) / contrast
    clear = smoothstep(0.25, 0.6, flow.anisotropy)
    contour = smoothstep(0.05, 0.15, bold) * (0.35 + 0.65 * clear)
    hair = smoothstep(0.035, 0.11, fine) * clear
    lines = np.maximum(contour * (1 - 0.35 * face), hair * np.maximum(face * 0.8, 0.45))
    lines = np.clip(lines, 0, 1) * (0.9 - 0.25 * detail)
    ink = saturate(blur(painted, 2 * unit), 1.25) * np.array([0.32, 0.24, 0.30], np.float32)
    return mix(painted, np.minimum(ink, painted), lines)


def _glow(canvas: Canvas, painted: Image, face: Plane) -> Image:
    """Bloom from the light parts, and a soft sky-coloured light from above over all but the face."""
    bright = painted * smoothstep(0.6, 0.95, luma(painted))[..., None]
    bloom = blur(bright, 14 * canvas.unit)
    lit = 1 - (1 - painted) * (1 - bloom * 0.28)
    rows = np.linspace(1, 0, canvas.height, dtype=np.float32)[:, None]
    fall = np.broadcast_to(rows, (canvas.height, canvas.width)) * (1 - face)
    return mix(lit, 1 - (1 - lit) * (1 - np.array([0.10, 0.14, 0.24], np.float32)), np.asarray(fall * 0.6))
