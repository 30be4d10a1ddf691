"""Backgrounds: flat colours, gradients, lit studio paper, the photo's own out of focus; and portraits before them."""

from dataclasses import replace

import cv2
import numpy as np

from providers.embedded.changes import graded
from providers.embedded.geometry import Window, moved, ratio_of
from providers.embedded.id_photo import Head, framed, head_of, portrait_cut
from providers.embedded.light import balanced, evened, exposed, sharpened, vivid
from providers.embedded.skin import retouched
from providers.errors import AskPerson
from providers.media.pixels import (
    Floats,
    Picture,
    blurred,
    bytes_of,
    disc,
    floats,
    inside_distance,
    lab_of,
    rgb_of,
    unit_of,
)
from providers.people.face import Face
from providers.people.matting import Cutout, cut_out
from providers.task import Background, Colour

_PROFESSIONAL: tuple[Colour, ...] = ((142, 152, 163), (92, 106, 126), (205, 207, 208), (118, 112, 106), (58, 66, 78))
_LIGHT: tuple[Colour, ...] = ((244, 236, 224), (70, 58, 50), (226, 234, 241), (48, 56, 66), (240, 222, 214))
_SKY: Colour = (143, 196, 242)
_PLAIN: Colour = (236, 238, 240)
"""Of a gradient and of a plain background, where no colour is named."""
_HEIGHT, _HEIGHT_LEAST, _HEIGHT_MOST = 1400, 900, 2400
"""Pixels: of an ordinary portrait, of one that would have to be enlarged more than twofold, and of a large one."""


def replaced(rgb: Picture, faces: tuple[Face, ...], background: Background, take: int = 0) -> Picture:
    """`rgb` with another background; RGBA where it is cut away. `take` grades the person.

    Raises AskPerson `no_face`, `background_unclear`.
    """
    if not faces:
        raise AskPerson("no person to cut out", code="no_face")
    person = cut_out(rgb, faces)
    if not person.clear:
        raise AskPerson("the person cannot be told from the background", code="background_unclear")
    tint = graded(bytes_of(person.colours), take)
    person = replace(person, colours=unit_of(tint))
    if background.kind == "transparent":
        return cut_away(person)
    return person.over(_painted(background, rgb, person, faces[0]))


def cut_away(person: Cutout) -> Picture:
    """The people alone, as RGBA."""
    both = np.concatenate([person.colours, person.alpha[..., None]], -1)
    return bytes_of(both)


def _painted(background: Background, rgb: Picture, person: Cutout, face: Face) -> Floats:
    height, width = rgb.shape[:2]
    if background.kind == "blurred":
        return out_of_focus(rgb, person, face)
    if background.kind == "gradient":
        first, second = (*(background.colours or (_SKY,)), (255, 255, 255))[:2]
        return gradient(height, width, first, second)
    if background.kind == "studio":
        return studio(height, width, (background.colours or _PROFESSIONAL)[0], face)
    flat = np.empty((height, width, 3), np.float32)
    flat[:] = np.array((background.colours or (_PLAIN,))[-1], np.float32) / 255
    return flat


def gradient(height: int, width: int, top: Colour, bottom: Colour) -> Floats:
    """From one colour above to another below, mixed in Lab so that the middle is not grey, with grain against bands."""
    ends = np.array([[top, bottom]], np.float32) / 255
    lab = cv2.cvtColor(ends, cv2.COLOR_RGB2LAB)[0]
    t = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    t = t * t * (3 - 2 * t)
    column = cv2.cvtColor((lab[0] * (1 - t) + lab[1] * t)[:, None, :].astype(np.float32), cv2.COLOR_LAB2RGB)
    return _grained(np.repeat(column, width, 1), 0.5)


def studio(height: int, width: int, colour: Colour, face: Face, contrast: float = 1.0) -> Floats:
    """A paper backdrop with a lamp behind the head: brightest beside it, falling off to the corners."""
    x, y = face.along(0.6, 0.2)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    reach = 0.75 * max(height, width)
    distance = np.hypot((columns - x) / reach, (rows - y) / (1.1 * reach))
    fall = 1.18 - contrast * 0.62 * (1 - np.exp(-((distance / 0.72) ** 2)))
    fall *= 1 - 0.10 * contrast * np.clip((rows / height - 0.6) / 0.4, 0, 1)
    base = (np.array(colour, np.float32) / 255) ** 2.2
    lit = np.clip(base * fall[..., None] ** 1.6, 0, 1) ** (1 / 2.2)
    rng = np.random.default_rng(3)
    mottle = cv2.resize(rng.normal(0, 1, (9, 9)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return _grained((lit * (1 + 0.012 * mottle[..., None])).astype(np.float32), 0.9)


def _grained(picture: Floats, amount: float) -> Floats:
    noise = np.random.default_rng(5).normal(0, amount / 255, (*picture.shape[:2], 1)).astype(np.float32)
    out: Floats = np.clip(picture + noise, 0, 1)
    return out


def out_of_focus(rgb: Picture, person: Cutout, face: Face) -> Floats:
    """The photo's own background, without the person bleeding into it, blurred like a wide aperture's."""
    x = unit_of(rgb)
    known = (cv2.erode((person.alpha < 0.02).astype(np.uint8), np.ones((5, 5), np.uint8))).astype(np.float32)
    radius = max(3, round(0.55 * face.unit))
    aperture = floats(disc(radius))
    linear = x**2.2 * known[..., None]
    weight = cv2.filter2D(known, -1, aperture, borderType=cv2.BORDER_REFLECT)
    near = cv2.filter2D(linear, -1, aperture, borderType=cv2.BORDER_REFLECT) / np.maximum(weight, 1e-3)[..., None]
    wide = max(8.0, 2.2 * face.unit)
    far_weight = blurred(known, wide) + 1e-4
    far = blurred(linear, wide) / far_weight[..., None]
    trust = np.clip(weight / float(aperture.sum()) * 4, 0, 1)[..., None]
    out: Floats = np.clip(near * trust + far * (1 - trust), 0, 1) ** (1 / 2.2)
    return out.astype(np.float32)


def studio_portrait(
    rgb: Picture, faces: tuple[Face, ...], style: str, aspect_ratio: str | None = None, take: int = 0
) -> Picture:
    """`professional` or `light_portrait`: retouched, before a lit backdrop, head and shoulders to half length.

    Raises AskPerson `no_face`, `background_unclear`, `id_photo_room` (head cut off).
    """
    person, face = portrait_cut(rgb, faces)
    head = head_of(person.alpha, face)
    ratio = ratio_of(aspect_ratio or "3:4")
    window = _portrait_window(person.alpha, head, ratio)
    height = min(max(_HEIGHT_LEAST, round(2 * window.height)), _HEIGHT)
    height = min(max(height, round(window.height)), _HEIGHT_MOST)
    size = (round(height * ratio), height)
    alpha, colours = framed(person, window, size)
    place = moved(face, window, size)
    light = style == "light_portrait"
    dark = light and take % 2 == 1
    palette = _LIGHT if light else _PROFESSIONAL
    lit = _graded(colours, alpha, place, light=light, dark=dark)
    paper = studio(size[1], size[0], palette[take % len(palette)], place, 1.0 if dark or not light else 0.45)
    mixed = unit_of(lit) * alpha[..., None] + paper * (1 - alpha[..., None])
    if light and not dark:
        mixed = _wrapped(mixed, paper, alpha, place)
    return bytes_of(mixed)


def _portrait_window(alpha: Floats, head: Head, ratio: float) -> Window:
    """Head about 40 % of the height; where the photo has less body or less shoulder, as much as it has."""
    rows, columns = alpha.shape
    for share in np.linspace(0.40, 0.74, 18):
        height = head.height / float(share)
        for above in (0.14, 0.10, 0.18):
            top = head.crown - above * height
            if top + height > rows:
                continue
            left = head.middle - ratio * height / 2
            inside = slice(max(0, round(top)), round(top + height))
            cut_left = left < -2 and (alpha[inside, :2].max(1) > 0.3).any()
            cut_right = left + ratio * height > columns + 2 and (alpha[inside, -2:].max(1) > 0.3).any()
            if not cut_left and not cut_right:
                return Window(x=left, y=top, width=ratio * height, height=height)
    raise AskPerson("too little of the body is in the photo", code="id_photo_room")


def _graded(colours: Picture, alpha: Floats, face: Face, *, light: bool, dark: bool) -> Picture:
    out = retouched(exposed(balanced(evened(colours, face, 0.3 if light else 0.5), 0.3), (face,), 0.9), (face,), 0.9)
    out = vivid(out, 0.1)
    if dark:
        out = _side_lit(out, alpha, face)
    elif light:
        lab = lab_of(out)
        lab[..., 0] = 100 * (lab[..., 0] / 100) ** 0.86
        lab[..., 1:] *= 0.95
        lab[..., 2] += 1.5
        out = rgb_of(lab)
    return sharpened(out, 0.4, 1.6)


def _side_lit(rgb: Picture, alpha: Floats, face: Face) -> Picture:
    """Light from the upper left falling off across head and body, as if one lamp were on."""
    x, y = face.along(0, 0.4)
    rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]].astype(np.float32)
    across = (columns - x) / face.unit
    fall = 1 / (1 + np.exp((across - 0.15) / 0.55))
    depth = np.clip(inside_distance(alpha > 0.5) / (1.2 * face.unit), 0, 1)
    down = np.clip(1.05 - 0.09 * np.maximum(0, (rows - y) / face.unit - 1.0), 0.45, 1.05)
    light = (0.40 + 0.72 * fall) * down * (0.86 + 0.14 * depth)
    linear = (unit_of(rgb)) ** 2.2 * blurred(light, 0.12 * face.unit)[..., None]
    warm = linear * np.array((1.04, 1.0, 0.93), np.float32)
    return bytes_of(np.clip(warm, 0, 1) ** (1 / 2.2))


def _wrapped(mixed: Floats, paper: Floats, alpha: Floats, face: Face) -> Floats:
    """The bright backdrop's light spilling a little over the outline, and a soft bloom."""
    spill = blurred(1 - alpha, 0.16 * face.unit) * alpha
    out = mixed + 0.30 * spill[..., None] * (paper - mixed)
    bloom = blurred(np.clip(out - 0.72, 0, 1), 0.25 * face.unit)
    glowing: Floats = np.clip(out + 0.22 * bloom, 0, 1).astype(np.float32)
    return glowing
