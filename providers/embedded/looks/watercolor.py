"""Watercolour: transparent washes on white paper (after Bousseau, Kaplan, Thollot and Sillion 2006; Montesdeoca 2017).

Shapes are simplified, more so away from the face; the pigment density of every shape then varies as on paper: it
gathers at the wet edge, flows in turbulence, settles in the grain of the paper; and the sheet stays white around it.
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
    clouds,
    expose,
    finish,
    from_lab,
    grid,
    luma,
    mix,
    prepare,
    smoothstep,
    to_lab,
)
from providers.embedded.looks.flow import Flow, along, edges, flow_of
from providers.embedded.looks.heads import ellipses, features
from providers.embedded.looks.kuwahara import abstract
from providers.media.guided import guided
from providers.people.face import Face

LEAST, MOST = 960, 1100
PAPER = np.array([0.985, 0.975, 0.95], np.float32)
MARGIN = 0.045
"""White paper left around the painting, as a share of the short side."""


def watercolor(picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False) -> Picture:
    """A photo as a watercolour on a white sheet; comes back with a long side of 960 to 1100 pixels."""
    canvas = prepare(picture, faces, take, least=LEAST, most=MOST, draft=draft)
    dice, unit = canvas.dice(), canvas.unit
    image = expose(canvas.image, middle=0.52)
    flow = flow_of(image, sigma=3 * unit, reach=25 * unit)
    face, detail = ellipses(canvas, grow=1.15), features(canvas)
    fine = abstract(canvas, image, flow, radius=4.5 * unit)
    washes = _washes(canvas, fine, face, detail, dice)
    washes = _pigment(canvas, washes, face, detail, dice)
    sheet, rim = _sheet(canvas, face, dice)
    density = _density(canvas, washes, flow, np.maximum(face, detail), dice) + rim * 0.7
    painted = np.clip(washes, 0.02, 1) ** density[..., None]
    painted = _pencil(canvas, painted, fine, flow, np.maximum(face, 1.3 * detail))
    paper = PAPER * (1 + _tooth(canvas, dice) * 0.018)[..., None]
    return finish(np.clip(paper * mix(np.ones_like(painted), painted, sheet), 0, 1))


def _washes(canvas: Canvas, fine: Image, face: Plane, detail: Plane, dice: np.random.Generator) -> Image:
    """Broad washes whose outlines wander a little; the face keeps its own."""
    unit = canvas.unit
    loose = guided(fine, fine, max(4, round(14 * unit)), 0.006)
    free = 1 - np.maximum(face, detail)
    sway = 3.4 * unit * free
    rows, columns = grid(free)
    columns = columns + clouds(canvas, dice, size=34, octaves=3) * sway
    rows = rows + clouds(canvas, dice, size=34, octaves=3) * sway
    wandered = cv2.remap(loose, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    # Wet in wet: here and there a colour runs into its neighbour.
    bled = cv2.remap(blur(loose, 9 * unit), columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    wet = smoothstep(0.15, 0.9, clouds(canvas, dice, size=170, octaves=3)) * free
    return mix(mix(wandered, bled, wet * 0.6), fine, np.maximum(face * 0.85, detail))


def _pigment(canvas: Canvas, washes: Image, face: Plane, detail: Plane, dice: np.random.Generator) -> Image:
    """Lighter and clearer, in about six soft tones; black becomes indigo, as watercolourists mix it."""
    lab = to_lab(washes)
    light = lab[..., 0] / 100
    scaled = light * 6
    stepped = (np.floor(scaled) + smoothstep(0.25, 0.75, scaled - np.floor(scaled))) / 6
    light = light * 0.5 + stepped * 0.5
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    boost = 1 + 0.5 * (1 - smoothstep(35, 80, chroma))
    dark = 1 - smoothstep(0.0, 0.5, light)
    hue = clouds(canvas, dice, size=200, octaves=3) * (1 - 0.75 * face)
    lab[..., 1] += hue * 3.5
    lab[..., 2] -= hue * 5.0
    lab[..., 0] = 100 * np.clip(0.17 - 0.14 * detail + (0.86 + 0.1 * detail) * light ** np.float32(0.85), 0, 1)
    lab[..., 1] = lab[..., 1] * boost + dark * 1.5
    lab[..., 2] = lab[..., 2] * boost - dark * 15
    return from_lab(lab)


def _density(canvas: Canvas, washes: Image, flow: Flow, face: Plane, dice: np.random.Generator) -> Plane:
    """Exponent of the washes: above 1 where pigment gathers, below where the paper shines through."""
    unit = canvas.unit
    light = luma(washes)
    rim = np.maximum(edges(light, flow, sigma=1.6 * unit, coherence=4 * unit), 0)
    wide = np.maximum(blur(light, 6 * unit) - light, 0)
    turbulence = clouds(canvas, dice, size=260, octaves=5) * (1 - 0.6 * face)
    # Backruns: a drop of water pushed the pigment outwards; pale inside, a thin dark line around.
    drop = clouds(canvas, dice, size=330, octaves=4) - 0.75
    backrun = np.exp(-((drop / 0.06) ** 2)) * 0.30 - smoothstep(0.0, 0.7, drop) * 0.30
    turbulence += backrun * (1 - face) / 0.17
    # Away from the face the brush carries more water.
    turbulence -= smoothstep(0.1, 1.0, clouds(canvas, dice, size=420, octaves=3)) * (1 - face) * 1.6
    grains = _tooth(canvas, dice)
    settled = smoothstep(0.0, 0.6, 1 - light)
    density = 1 + rim * 9.0 * (1 - 0.45 * face) + wide * 1.1 + turbulence * 0.17 * (1 - 0.4 * face)
    density += grains * (0.05 + 0.11 * settled) * (1 - 0.6 * face)
    return np.asarray(np.clip(density, 0.35, 2.4), dtype=np.float32)


def _tooth(canvas: Canvas, dice: np.random.Generator) -> Plane:
    """The tooth of cold-pressed paper: bumps 2 to 6 units across, about -2..2."""
    unit = canvas.unit
    noise = dice.standard_normal((canvas.height, canvas.width), dtype=np.float32)
    rough = blur(noise, max(0.6, 0.8 * unit)) * 1.9 * unit + blur(noise, 2.0 * unit) * 2.2 * unit
    return np.clip(np.asarray(rough / np.float32(rough.std() + 1e-6), dtype=np.float32), -2, 2)


def _pencil(canvas: Canvas, painted: Image, fine: Image, flow: Flow, face: Plane) -> Image:
    """A faint drawing underneath, a little clearer in the face."""
    unit = canvas.unit
    light = luma(fine)
    lines = edges(light, flow, sigma=0.9 * unit, coherence=4 * unit) / (0.05 + 0.3 * blur(light, 15 * unit))
    share = smoothstep(0.03, 0.13, along(lines, flow, sigma=1.5 * unit)) * (0.22 + 0.3 * face)
    return mix(painted, painted * np.array([0.42, 0.36, 0.40], np.float32), share)


def _sheet(canvas: Canvas, face: Plane, dice: np.random.Generator) -> tuple[Plane, Plane]:
    """Where there is paint (1) and where the margin is bare (0), its edge uneven and never through a face; and the
    wet rim just inside that edge, where the pigment dried last.
    """
    rows = np.arange(canvas.height, dtype=np.float32)[:, None]
    columns = np.arange(canvas.width, dtype=np.float32)[None, :]
    from_edge = np.minimum(np.minimum(rows, canvas.height - 1 - rows), np.minimum(columns, canvas.width - 1 - columns))
    margin = np.float32(MARGIN * min(canvas.height, canvas.width))
    depth = from_edge / margin + clouds(canvas, dice, size=210, octaves=5) * 0.62
    depth += np.abs(clouds(canvas, dice, size=60, octaves=2)) * 0.25 + _tooth(canvas, dice) * 0.035
    # Deeper than the edge could ever wander there is always paint, and so there is on a face.
    depth = np.maximum(depth, np.maximum(from_edge / margin - 2.2, face * smoothstep(0, 0.4, from_edge / margin) * 3))
    depth = np.minimum(depth, from_edge / (margin * np.float32(0.3)))
    rim = smoothstep(0.98, 1.06, depth) * (1 - smoothstep(1.06, 1.32, depth))
    return smoothstep(0.96, 1.05, depth), rim
