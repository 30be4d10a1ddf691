"""Oil painting: strokes of five brushes along the form, relief of bristles lit from above left, a trace of canvas."""

from collections.abc import Sequence

import numpy as np

from providers.embedded.looks.canvas import (
    Box,
    Canvas,
    Image,
    Picture,
    Plane,
    blur,
    expose,
    finish,
    from_lab,
    luma,
    mix,
    prepare,
    smoothstep,
    to_lab,
    vignette,
)
from providers.embedded.looks.flow import Flow, along, bristles, flow_of
from providers.embedded.looks.heads import ellipses, features
from providers.embedded.looks.kuwahara import abstract
from providers.embedded.looks.strokes import Brush, paint
from providers.people.face import Face

LEAST, MOST = 960, 1100


def oil_painting(picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False) -> Picture:
    """A photo painted in oil; comes back with a long side of 960 to 1100 pixels."""
    canvas = prepare(picture, faces, take, least=LEAST, most=MOST, draft=draft)
    dice, unit = canvas.dice(), canvas.unit
    image = _palette(expose(canvas.image, middle=0.44))
    flow = flow_of(image, sigma=4.0 * unit, reach=45 * unit, faint=1.5e-3)
    face, detail = ellipses(canvas, grow=1.1), features(canvas)
    reference = abstract(canvas, image, flow, radius=5.0 * unit)
    painted, height = paint(reference, _ground(reference), flow, _brushes(canvas, face, detail), dice)
    # Eyes and mouth are painted once more with the smallest brush of all: the filter that keeps their form.
    finest = along(reference, flow, sigma=1.5 * unit)
    painted = mix(painted, finest, detail * 0.72 + face * (1 - detail) * 0.38)
    return finish(_relief(canvas, painted, height, flow, face, dice))


def _palette(image: Image) -> Image:
    """Fuller colours, warmer lights and deeper, slightly cool shadows, as pigments are."""
    lab = to_lab(image)
    light = lab[..., 0] / 100
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    boost = 1 + 0.38 * (1 - smoothstep(40, 90, chroma)) * smoothstep(0.05, 0.35, light)
    curve = light + 0.09 * np.sin((light - 0.5) * 2 * np.pi) * 0.9
    lab[..., 0] = 100 * np.clip(0.03 + 0.95 * curve, 0, 1)
    lab[..., 1] = lab[..., 1] * boost + 2.0 * light
    lab[..., 2] = lab[..., 2] * boost + 9.0 * light - 2.5
    return from_lab(lab)


def _ground(reference: Image) -> Image:
    """A toned canvas: the picture's own colours, blurred away, over burnt sienna."""
    sienna = np.broadcast_to(np.array([0.42, 0.27, 0.17], np.float32), reference.shape)
    return mix(blur(reference, 0.03 * max(reference.shape[:2])), sienna, 0.35)


def _brushes(canvas: Canvas, face: Plane, detail: Plane) -> list[Brush]:
    unit = canvas.unit
    width = min((box[2] for box in canvas.faces), default=300 * unit)
    small = float(np.clip(width * 0.011, 1.3, 3.0 * unit))
    return [
        Brush(radius=13 * unit, length=8, miss=0.0, spread=0.085),
        Brush(radius=7.5 * unit, length=9, miss=0.028, spread=0.07, where=1 - 0.6 * face),
        Brush(radius=4.2 * unit, length=9, miss=0.035, spread=0.055),
        Brush(radius=2.3 * unit, length=8, miss=0.06, spread=0.035),
        Brush(radius=small, length=7, miss=0.02, spread=0.022, where=np.maximum(face, detail)),
    ]


def _relief(canvas: Canvas, painted: Image, height: Plane, flow: Flow, face: Plane, dice: np.random.Generator) -> Image:
    """Light the paint from above left: ridges of strokes and bristles catch it, the weave shows where paint is thin."""
    unit = canvas.unit
    hairs = bristles(flow, dice, width=1.7 * unit, length=26 * unit)
    thick = (0.5 + 0.55 * luma(painted)) * (1 - 0.62 * face)
    surface = blur(height, 0.8 * unit) * 3.2 + hairs * 0.42
    surface = surface * thick + _weave(canvas) * (0.15 * (1 - 0.7 * face))
    slope = (np.roll(surface, 1, 1) - surface) + (np.roll(surface, 1, 0) - surface)
    slope[0], slope[:, 0] = 0, 0
    lit = -slope
    shade = np.clip(lit, -1.2, 1.2) * 0.115
    gloss = smoothstep(0.35, 1.3, lit) * 0.10 * thick
    result = painted * (1 + shade)[..., None] + gloss[..., None]
    # Bristles carry unevenly mixed paint: a little lighter, a little darker along each hair.
    result *= (1 + hairs * 0.028 * thick)[..., None]
    return np.clip(result * (1 - 0.16 * vignette(canvas, start=0.7))[..., None], 0, 1)


def _weave(canvas: Canvas) -> Plane:
    """Linen: two sets of threads over and under each other, about 3 units apart."""
    period = max(3.0, 3.2 * canvas.unit)
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] * np.float32(2 * np.pi / period)
    columns = np.arange(canvas.width, dtype=np.float32)[None, :] * np.float32(2 * np.pi / period)
    return np.asarray(np.sin(rows) * np.sin(columns) + 0.4 * np.sin(columns * 0.5), dtype=np.float32)
