"""Artistic: a gallery portrait in two colours, the face in lamplight, everything else broad strokes in the dark.

Chiaroscuro by a light map around the faces, large Hertzmann strokes away from them, and a duotone whose darks and
lights are far apart in hue.
"""

from collections.abc import Sequence

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
    grid,
    luma,
    mix,
    prepare,
    saturate,
    smoothstep,
    vignette,
)
from providers.embedded.looks.film import bend
from providers.embedded.looks.flow import Flow, along, bristles, flow_of
from providers.embedded.looks.heads import ellipses, features, focus, presence
from providers.embedded.looks.kuwahara import abstract
from providers.embedded.looks.strokes import Brush, paint
from providers.people.face import Face

LEAST, MOST = 960, 1100

PALETTES = (
    ((0.020, 0.045, 0.070), (0.10, 0.22, 0.27), (0.62, 0.40, 0.25), (0.95, 0.74, 0.48), (1.0, 0.95, 0.84)),
    ((0.045, 0.030, 0.085), (0.22, 0.13, 0.30), (0.66, 0.32, 0.34), (0.96, 0.66, 0.52), (1.0, 0.93, 0.86)),
    ((0.025, 0.050, 0.035), (0.12, 0.22, 0.16), (0.52, 0.46, 0.24), (0.93, 0.80, 0.50), (1.0, 0.96, 0.85)),
)
"""Five tones from black to white, by take: teal and amber, plum and rose, bottle green and gold."""


def artistic(picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False) -> Picture:
    """A dramatic painted duotone; comes back with a long side of 960 to 1100 pixels."""
    canvas = prepare(picture, faces, take, least=LEAST, most=MOST, draft=draft)
    dice, unit = canvas.dice(), canvas.unit
    image = expose(canvas.image, middle=0.45)
    face, detail = ellipses(canvas, grow=1.1), features(canvas)
    flow = flow_of(image, sigma=4 * unit, reach=60 * unit, faint=2e-3)
    fine = abstract(canvas, image, flow, radius=4.5 * unit)
    toned = _duotone(_lamp(canvas, fine, face), PALETTES[take % len(PALETTES)], face)
    ground = np.broadcast_to(np.array(PALETTES[take % len(PALETTES)][1], np.float32), toned.shape)
    painted, height = paint(toned, mix(blur(toned, 40 * unit), ground, 0.4), flow, _brushes(canvas, face), dice)
    crisp = along(toned, flow, sigma=1.5 * unit)
    painted = mix(painted, crisp, np.maximum(face * 0.62, detail * 0.88))
    return finish(_surface(canvas, painted, height, flow, face, dice))


def _lamp(canvas: Canvas, image: Image, face: Plane) -> Image:
    """A lamp above one side of the face: contrast there, darkness away from it."""
    away = 1 - presence(canvas)
    rows, columns = grid(face)
    pool = _pool(canvas, rows, columns)
    x, y = focus(canvas)
    lit = bend(image, ((0, 0), (0.25, 0.17), (0.5, 0.46), (0.8, 0.79), (1, 0.95)))
    frame = vignette(canvas, start=0.3, centre=(0.6 * x + 0.2, 0.6 * y + 0.2)) * (1 - face)
    # Light walls go into the dark, dark clothes need not.
    pale = smoothstep(0.15, 0.7, luma(image))
    darker = 1 + pale * (0.8 * (1 - pool) + 0.5 * away * (1 - face) + 1.1 * frame)
    share = (0.62 + 0.38 * pool) * (1 - 0.3 * frame) * (1 - 0.14 * (1 - face))
    # One side of the face falls into shade; which one, the photo's own light decides.
    size = max((box[3] for box in canvas.faces), default=round(0.6 * min(canvas.height, canvas.width)))
    turn = _turn(canvas, image) * (columns - x * canvas.width) / np.float32(size)
    alone = 1.0 if len(canvas.faces) == 1 else 0.0
    modelled = 1 - 0.30 * alone * smoothstep(-0.05, 0.75, turn) * np.maximum(face, 0.35 * pool)
    return clamp(lit ** darker[..., None] * (share * modelled)[..., None] * np.float32(1.1))


def _pool(canvas: Canvas, rows: Plane, columns: Plane) -> Plane:
    """The lamplight: 1 on every face and near it, or on the middle of a picture without faces, fading to 0."""
    size = 0.6 * min(canvas.height, canvas.width)
    places = [(x + w / 2, y + h / 2, float(h)) for x, y, w, h in canvas.faces]
    places = places or [(0.5 * canvas.width, 0.48 * canvas.height, size)]
    light = np.zeros_like(rows)
    for x, y, reach in places:
        distance = np.hypot(columns - np.float32(x), (rows - np.float32(y)) * np.float32(0.85)) / np.float32(reach)
        np.maximum(light, 1 - smoothstep(0.6, 4.2, distance), out=light)
    return light


def _turn(canvas: Canvas, image: Image) -> float:
    """1 where the right half of the largest face is the darker one, -1 where the left is."""
    if not canvas.faces:
        return 1.0
    x, y, w, h = max(canvas.faces, key=lambda box: box[2] * box[3])
    light = luma(image[y : y + h, x : x + w])
    return 1.0 if float(light[:, : w // 2].mean()) >= float(light[:, w // 2 :].mean()) else -1.0


def _duotone(image: Image, palette: tuple[tuple[float, float, float], ...], face: Plane) -> Image:
    """The palette by lightness, over what is left of the photo's own colour (more of it in the face)."""
    light = luma(image)
    places = np.linspace(0, 1, len(palette))
    tones = np.array(palette)
    index = np.clip(light, 0, 1)
    mapped = np.dstack([np.interp(index, places, tones[:, channel]) for channel in range(3)]).astype(np.float32)
    own = saturate(image, 1.25)
    return clamp(mix(mapped, own, 0.38 + 0.12 * face))


def _brushes(canvas: Canvas, face: Plane) -> list[Brush]:
    unit = canvas.unit
    outside = 1 - 0.5 * face
    width = min((box[2] for box in canvas.faces), default=300 * unit)
    return [
        Brush(radius=20 * unit, length=7, miss=0.0, spread=0.10),
        Brush(radius=11 * unit, length=8, miss=0.025, spread=0.09, where=outside),
        Brush(radius=5.5 * unit, length=8, miss=0.045, spread=0.07),
        Brush(radius=2.6 * unit, length=7, miss=0.075, spread=0.04),
        Brush(radius=float(np.clip(width * 0.012, 1.4, 3 * unit)), length=7, miss=0.022, spread=0.025, where=face),
    ]


def _surface(
    canvas: Canvas, painted: Image, height: Plane, flow: Flow, face: Plane, dice: np.random.Generator
) -> Image:
    """Bristle marks and ridges lit from above left, and a worn, scumbled background."""
    unit = canvas.unit
    hairs = bristles(flow, dice, width=2.0 * unit, length=34 * unit)
    free = 1 - 0.7 * face
    surface = blur(height, 0.9 * unit) * 2.6 + hairs * 0.34
    slope = (surface - np.roll(surface, 1, 1)) + (surface - np.roll(surface, 1, 0))
    slope[0], slope[:, 0] = 0, 0
    scumble = smoothstep(0.2, 1.4, clouds(canvas, dice, size=240, octaves=5) + 0.35 * hairs) * (1 - presence(canvas))
    result = painted * (1 + np.clip(slope, -1.2, 1.2) * 0.12 * free + hairs * 0.035 * free)[..., None]
    result = result + (scumble * 0.055)[..., None] * np.array([1.0, 0.82, 0.62], np.float32)
    return _exhibited(clamp(result + 0.012))


def _exhibited(image: Image) -> Image:
    """As a gallery hangs it: a lamp on a picture that came out dim, so that its lights are light."""
    lights = float(np.percentile(luma(image)[::2, ::2], 99.3))
    return clamp(image * np.float32(np.clip(0.92 / max(lights, 0.05), 1.0, 1.45)))
