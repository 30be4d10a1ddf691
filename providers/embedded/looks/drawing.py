"""Drawn looks: a graphite sketch and a printed comic, both on the lines of a flow-based difference of Gaussians."""

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
    clouds,
    expose,
    finish,
    from_lab,
    grain,
    grid,
    luma,
    mix,
    prepare,
    smoothstep,
    to_lab,
)
from providers.embedded.looks.flow import Flow, along, bristles, edges, flow_of
from providers.embedded.looks.heads import ellipses, features
from providers.embedded.looks.kuwahara import abstract
from providers.people.face import Face

LEAST, MOST = 960, 1100


def sketch(picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False) -> Picture:
    """Graphite on cream paper; comes back with a long side of 960 to 1100 pixels."""
    canvas = prepare(picture, faces, take, least=LEAST, most=MOST, draft=draft)
    dice, unit = canvas.dice(), canvas.unit
    image = expose(canvas.image, middle=0.55)
    face, detail = ellipses(canvas, grow=1.1), features(canvas)
    flow = flow_of(image, sigma=3 * unit, reach=30 * unit, faint=5e-4)
    light = luma(along(image, flow, sigma=1.5 * unit))
    local = np.clip(light / (blur(light, 45 * unit) * 0.72 + 0.26), 0, 1)
    tone = mix(light, local, 0.62 - 0.3 * detail) ** np.float32(0.85)
    tone = mix(tone, _modelled(light, face), 0.65 * face)
    hatched = _hatch(canvas, tone, flow, face, detail, dice)
    lines = _outline(canvas, light, flow, face, dice)
    graphite = clamp(1 - (1 - hatched) * 0.86 - lines * 0.88)
    graphite = graphite ** (
        1 + 0.30 * np.clip(grain(canvas, dice, size=1.6), -2, 2) * smoothstep(0.0, 0.5, 1 - graphite)
    )
    graphite = mix(graphite, np.ones_like(graphite), _open_edge(canvas, face, dice))
    ink, paper = np.array([0.15, 0.15, 0.17], np.float32), np.array([0.985, 0.975, 0.950], np.float32)
    return finish(mix(np.broadcast_to(ink, image.shape), np.broadcast_to(paper, image.shape), clamp(graphite)))


def _modelled(light: Plane, face: Plane) -> Plane:
    """The light of the faces over the whole range of a pencil: else a pale one is left as bare paper."""
    inside = light[face > 0.5]
    if inside.size < 100:
        return light
    low, high = np.percentile(inside, (4, 90))
    return np.asarray(np.clip(0.42 + 0.58 * (light - low) / max(high - low, 0.15), 0.0, 1.0), dtype=np.float32)


def _hatch(canvas: Canvas, tone: Plane, flow: Flow, face: Plane, detail: Plane, dice: np.random.Generator) -> Plane:
    """Shade with pencil strokes: along the form first, then slanting ones, then crossed ones in the deepest parts."""
    unit = canvas.unit
    form = bristles(flow, dice, width=1.5 * unit, length=26 * unit)
    slants = [_slanted(canvas, dice, angle=angle) for angle in (49, 20)]
    shaded = np.ones_like(tone)
    for strokes, below, weight in ((form, 0.92, 0.40), (slants[0], 0.62, 0.48), (slants[1], 0.34, 0.62)):
        depth = 1 - smoothstep(below - 0.45, below, tone)
        pressed = smoothstep(-1.3, 1.0, strokes + (depth * 2.6 - 1.5))
        shaded = shaded * (1 - weight * depth * pressed)
    blend = 0.30 + 0.42 * face + 0.25 * detail
    return mix(shaded, np.minimum(1, tone * 1.06), np.clip(blend, 0, 0.9))


def _slanted(canvas: Canvas, dice: np.random.Generator, *, angle: float) -> Plane:
    """Straight strokes rising to the right by `angle` degrees, standard deviation 1."""
    side = int(np.hypot(canvas.height, canvas.width)) + 2
    noise = dice.standard_normal((side, side), dtype=np.float32)
    strokes = cv2.GaussianBlur(noise, (0, 0), sigmaX=26 * canvas.unit, sigmaY=0.75 * canvas.unit)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), angle, 1.0)
    turn[0, 2] += (canvas.width - side) / 2
    turn[1, 2] += (canvas.height - side) / 2
    strokes = cv2.warpAffine(strokes, turn, (canvas.width, canvas.height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(strokes / np.float32(strokes.std() + 1e-6), dtype=np.float32)


def _outline(canvas: Canvas, light: Plane, flow: Flow, face: Plane, dice: np.random.Generator) -> Plane:
    unit = canvas.unit
    contrast = 0.07 + 0.32 * blur(light, 20 * unit)
    bold = edges(light, flow, sigma=1.5 * unit, coherence=7 * unit) / contrast
    fine = edges(light, flow, sigma=0.8 * unit, coherence=4 * unit) / contrast
    clear = smoothstep(0.15, 0.5, flow.anisotropy)
    lines = np.maximum(smoothstep(0.04, 0.20, bold), 0.75 * smoothstep(0.03, 0.13, fine) * clear)
    pressure = np.clip(0.85 + 0.25 * clouds(canvas, dice, size=90, octaves=2), 0.4, 1.1)
    return np.asarray(np.clip(lines * mix(pressure, np.ones_like(pressure), face), 0, 1), dtype=np.float32)


def _open_edge(canvas: Canvas, face: Plane, dice: np.random.Generator) -> Plane:
    """1 where the drawing has run out towards the paper's edge."""
    rows, columns = grid(face)
    nearest = np.minimum(np.minimum(rows, canvas.height - 1 - rows), np.minimum(columns, canvas.width - 1 - columns))
    margin = np.float32(0.075 * min(canvas.height, canvas.width))
    ragged = nearest / margin + clouds(canvas, dice, size=110, octaves=4) * 0.45
    return np.asarray((1 - smoothstep(0.25, 1.15, ragged)) * (1 - face), dtype=np.float32)


def comic(picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False) -> Picture:
    """A printed comic: flat inks, black line and shadow, dots in the middle tones; long side 960 to 1100 pixels."""
    canvas = prepare(picture, faces, take, least=LEAST, most=MOST, draft=draft)
    unit = canvas.unit
    image = expose(canvas.image, middle=0.5)
    face, detail = ellipses(canvas, grow=1.05), features(canvas)
    flow = flow_of(image, sigma=2.5 * unit, reach=20 * unit)
    flat = abstract(canvas, image, flow, radius=6 * unit)
    light = luma(along(flat, flow, sigma=1.5 * unit))
    printed = _dots(canvas, _inks(flat, detail), light, face)
    contrast = 0.06 + 0.30 * blur(light, 20 * unit)
    bold = edges(light, flow, sigma=1.7 * unit, coherence=7 * unit) / contrast
    fine = edges(light, flow, sigma=0.9 * unit, coherence=4 * unit) / contrast
    clear = smoothstep(0.2, 0.5, flow.anisotropy)
    lines = np.maximum(
        smoothstep(0.05, 0.11, bold) * clear * (1 - 0.5 * face),
        smoothstep(0.035, 0.09, fine) * clear * (0.5 + 0.4 * face),
    )
    shadow = (1 - smoothstep(0.085, 0.125, blur(light, 4 * unit))) * (1 - 0.5 * detail)
    black = np.clip(np.maximum(lines, shadow), 0, 1) * np.float32(0.95)
    paper = np.array([1.0, 0.985, 0.94], np.float32)
    ink = np.broadcast_to(np.array([0.05, 0.04, 0.08], np.float32), image.shape)
    return finish(mix(printed * paper, ink, black))


def _inks(flat: Image, detail: Plane) -> Image:
    """Few tones of full colours."""
    lab = to_lab(flat)
    light = lab[..., 0] / 100
    scaled = light * 5
    stepped = (np.floor(scaled) + smoothstep(0.38, 0.62, scaled - np.floor(scaled)) + 0.12) / 5
    light = mix(light, stepped, 0.85 - 0.5 * detail)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    boost = 1 + 0.55 * (1 - smoothstep(45, 90, chroma)) * smoothstep(3, 12, chroma)
    lab[..., 0] = 100 * np.clip(light * 1.05 + 0.03, 0, 1)
    lab[..., 1] *= boost
    lab[..., 2] *= boost
    return from_lab(lab)


def _dots(canvas: Canvas, image: Image, light: Plane, face: Plane) -> Image:
    """A 45-degree screen whose dots grow with the shade; small and faint on faces."""
    rows, columns = grid(light)
    period = np.float32(2 * np.pi / max(4.0, 5.5 * canvas.unit))
    screen = np.cos((rows + columns) * period * np.float32(0.7071)) * np.cos(
        (rows - columns) * period * np.float32(0.7071)
    )
    shade = smoothstep(0.15, 0.4, light) * (1 - smoothstep(0.45, 0.85, light))
    dots = smoothstep(-0.12, 0.12, screen - (0.75 - 0.75 * shade)) * smoothstep(0.02, 0.2, shade)
    return clamp(image * (1 - 0.20 * dots * (1 - 0.6 * face))[..., None])
