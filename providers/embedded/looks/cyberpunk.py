"""Cyberpunk: the photo at night between two neon signs, magenta from one side and cyan from the other.

There is no depth to light, so form is read from shading: the slope of the smoothed lightness says which way a surface
turns, and strong slopes near the outside catch a rim of light. The face keeps its own colour in the middle.
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
    vignette,
)
from providers.embedded.looks.film import LEAST, MOST
from providers.embedded.looks.flow import along, flow_of
from providers.embedded.looks.heads import features, focus, lit_faces, presence
from providers.media.guided import guided
from providers.people.face import Face

PALETTES = (
    ((1.0, 0.10, 0.62), (0.05, 0.82, 1.0)),
    ((0.05, 0.82, 1.0), (1.0, 0.10, 0.62)),
    ((0.55, 0.20, 1.0), (0.10, 1.0, 0.78)),
    ((1.0, 0.36, 0.12), (0.16, 0.55, 1.0)),
)
"""Light from the left and from the right, by take."""


def cyberpunk(picture: Picture, faces: Sequence[Box | Face] = (), take: int = 0, *, draft: bool = False) -> Picture:
    """Neon night; comes back at its own size, brought to a long side within 640..1600 pixels."""
    canvas = prepare(picture, faces, take, least=LEAST, most=MOST, draft=draft)
    dice, unit = canvas.dice(), canvas.unit
    left, right = (np.array(light, np.float32) for light in PALETTES[take % len(PALETTES)])
    image = expose(canvas.image, middle=0.4)
    face = lit_faces(canvas, image)
    night = _signs(canvas, _night(canvas, image, face), left, right, face)
    from_left, from_right = _lights(canvas, image, face)
    lit = 1 - (1 - night) * (1 - from_left[..., None] * left) * (1 - from_right[..., None] * right)
    lit = _split(lit, face)
    lit = 1 - (1 - lit) * (1 - _haze(canvas, left, right, face, dice))
    bright = lit * smoothstep(0.5, 0.95, lit.max(axis=2))[..., None]
    lit = 1 - (1 - lit) * (1 - 0.34 * blur(bright, 7 * unit)) * (1 - 0.30 * blur(bright, 26 * unit))
    lit = lit * (1 - 0.42 * vignette(canvas, start=0.6, centre=(focus(canvas)[0] * 0.4 + 0.3, 0.48)))[..., None]
    lit = _screen(canvas, lit, face)
    lit = lit + (grain(canvas, dice, size=1.4) * 0.018 * (1 - 0.5 * face))[..., None]
    return finish(clamp(lit))


def _night(canvas: Canvas, image: Image, face: Plane) -> Image:
    """Darker and bluer, most of all away from the people; faces only a little."""
    away = 1 - presence(canvas)
    light = luma(image)
    # A pale wall close around a head is a wall all the same; else it would stand there as a halo.
    pale = smoothstep(0.45, 0.8, light) * (1 - smoothstep(0.1, 0.3, image.max(axis=2) - image.min(axis=2)))
    away = np.maximum(away, 0.85 * pale * (1 - face) * (1.0 if canvas.people else 0.0))
    exponent = 1.3 + (0.5 + 0.7 * away) * (0.4 + 0.6 * light) * (1 - face)
    cool = np.array([0.30, 0.24, 0.02], np.float32) * (0.55 + 0.45 * away - 0.42 * face)[..., None]
    fall = 0.93 - 0.38 * away - 0.14 * (1 - face)
    return clamp(image ** exponent[..., None] * fall[..., None] * (1 - cool))


def _signs(canvas: Canvas, image: Image, left: Image, right: Image, face: Plane) -> Image:
    """Walls and clothes take the signs' colours: each side its own, violet between them."""
    rows, columns = grid(face)
    place = smoothstep(0.12, 0.88, columns / canvas.width + 0.06 * np.sin(rows / canvas.height * 5))
    place = mix(place, smoothstep(-0.3, 0.3, columns / canvas.width - focus(canvas)[0]), face)
    colour = mix(np.broadcast_to(left, image.shape), np.broadcast_to(right, image.shape), place)
    violet = np.array([0.42, 0.22, 0.95], np.float32)
    colour = mix(colour, np.broadcast_to(violet, image.shape), 0.75 * (1 - np.abs(2 * place - 1)))
    light = luma(image)[..., None]
    strength = np.float32(1.0) / np.maximum(luma(colour)[..., None], 0.25)
    # Dark tones hold the pure colour, light ones pass through it towards white.
    dyed = light * colour * strength * (1 - light * 0.45) + light * light * np.float32(0.35)
    vivid = smoothstep(0.10, 0.45, image.max(axis=2) - image.min(axis=2))
    # The face of a black-and-white photo has no colour of its own to keep.
    kept = 0.94 if float(np.mean(image.max(axis=2) - image.min(axis=2))) > 0.025 else 0.55
    share = (0.80 - 0.38 * vivid) * (1 - presence(canvas) * 0.35) * (1 - kept * face)
    sides = np.maximum(_cheek(canvas, 1.0), _cheek(canvas, -1.0)) * (1 - 0.6 * features(canvas))
    return clamp(mix(image, dyed, np.maximum(share, sides * 0.62)))


def _lights(canvas: Canvas, image: Image, face: Plane) -> tuple[Plane, Plane]:
    """How much light of the left and of the right sign falls on every pixel."""
    unit = canvas.unit
    light = luma(image)
    flow = flow_of(image, sigma=3 * unit, reach=20 * unit)
    form = guided(light, light, max(4, round(12 * unit)), 0.01)
    form = blur(form, 3 * unit)
    slope = cv2.Scharr(form, cv2.CV_32F, 1, 0) / 32 / np.float32(max(0.5, 1 / unit))
    slope = along(slope, flow, sigma=5 * unit)
    turned = np.tanh(slope * 26)
    columns = grid(image)[1] / canvas.width
    centre = focus(canvas)[0]
    results = []
    for sign in (1.0, -1.0):
        side = smoothstep(-0.10, 0.42, sign * (centre - columns))
        facing = smoothstep(0.10, 0.95, sign * turned)
        wash = side * (0.10 + 0.55 * light) * (1 - 0.45 * face)
        cheek = _cheek(canvas, sign) * (0.10 + 0.60 * light)
        rim = facing * (0.30 + 0.70 * side) * (0.22 + light) * (1 - 0.55 * face)
        rim = rim * (1 - 0.9 * features(canvas))
        glow = blur(rim, 9 * unit) * 0.55
        results.append(np.clip(wash * 0.45 + cheek * 0.85 + rim * 0.80 + glow, 0, 0.92).astype(np.float32))
    return results[0], results[1]


def _cheek(canvas: Canvas, sign: float) -> Plane:
    """Coloured light on the outer part of every face, on the left for 1 and on the right for -1."""
    total = np.zeros((canvas.height, canvas.width), np.float32)
    rows, columns = grid(total)
    for x, y, w, h in canvas.faces:
        across = sign * ((x + w / 2) - columns) / (w * 0.48)
        down = (rows - (y + h * 0.5)) / (h * 0.75)
        inside = 1 - smoothstep(0.75, 1.15, np.hypot(across, down))
        np.maximum(total, smoothstep(0.05, 0.95, across) * inside, out=total)
    return total


def _split(image: Image, face: Plane) -> Image:
    """Teal shadows and magenta lights; the middle of the face keeps its own colour."""
    lab = to_lab(image)
    light = lab[..., 0] / 100
    share = 1 - 0.72 * face
    dark, bright = 1 - smoothstep(0.05, 0.45, light), smoothstep(0.4, 0.85, light)
    lab[..., 1] = lab[..., 1] * 1.12 + share * (dark * -3.0 + bright * 11.0)
    lab[..., 2] = lab[..., 2] * 1.05 + share * (dark * -13.0 + bright * -10.0)
    return from_lab(lab)


def _haze(canvas: Canvas, left: Image, right: Image, face: Plane, dice: np.random.Generator) -> Image:
    """Lit fog, thicker below and away from the people, with two pale beams through it."""
    rows, columns = grid(face)
    across, down = columns / canvas.width, rows / canvas.height
    fog = 0.10 + 0.16 * smoothstep(0.35, 1.0, down) + 0.05 * clouds(canvas, dice, size=380, octaves=4)
    beams = np.zeros_like(across)
    for place, lean in ((0.14, 0.35), (0.86, -0.28)):
        distance = (across - place - lean * (down - 0.2)) / (0.05 + 0.10 * down)
        beams += np.exp(-(distance**2)) * (1 - 0.75 * down) * 0.16
    amount = np.maximum((fog + beams) * (1 - 0.62 * presence(canvas)) * (1 - 0.7 * face), 0)
    colour = mix(np.broadcast_to(left, (*face.shape, 3)), np.broadcast_to(right, (*face.shape, 3)), across)
    return clamp(amount[..., None] * (colour * 0.75 + np.array([0.10, 0.05, 0.25], np.float32)))


def _screen(canvas: Canvas, image: Image, face: Plane) -> Image:
    """Faint scan lines, and colours that part a little towards the frame as in a cheap lens."""
    rows, columns = grid(face)
    centre = (canvas.width / 2, canvas.height / 2)
    parted = []
    for channel, stretch in enumerate((1.0018, 1.0, 0.9982)):
        x = (columns - centre[0]) * np.float32(stretch) + centre[0]
        y = (rows - centre[1]) * np.float32(stretch) + centre[1]
        plane = np.ascontiguousarray(image[..., channel])
        parted.append(
            cv2.remap(
                plane, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
            )
        )
    period = max(2.0, 3.4 * canvas.unit)
    lines = 0.5 + 0.5 * np.cos(rows * np.float32(2 * np.pi / period))
    return np.asarray(np.dstack(parted) * (1 - lines * 0.055 * (1 - 0.8 * face))[..., None], dtype=np.float32)
