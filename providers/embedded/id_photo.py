"""ID photos: head and shoulders before exactly one colour, cut to the proportions photo offices use.

Head (hair included) 60 % of the height, at most 70 %; the crown 11 % below the upper edge; eyes level; centred.
Background may be added above and beside the person, body never: it must be in the photo down to the lower edge.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from providers.embedded.changes import graded
from providers.embedded.geometry import Window, levelled, moved, ratio_of, taken
from providers.embedded.light import balanced, evened, exposed, sharpened
from providers.embedded.repair import denoised
from providers.errors import AskPerson
from providers.media.pixels import Floats, Picture, bytes_of, pixels, unit_of
from providers.people.face import Face
from providers.people.matting import Cutout, cut_out

COLOURS: dict[str, tuple[int, int, int]] = {
    "id_photo_white": (255, 255, 255),
    "id_photo_blue": (67, 142, 219),
    "id_photo_red": (219, 28, 36),
}
_HEIGHT = 1200
_HEAD, _HEAD_MOST = 0.60, 0.70
_ABOVE, _ABOVE_LEAST, _ABOVE_MOST = 0.11, 0.07, 0.17


@dataclass(frozen=True, kw_only=True)
class Head:
    """A head in a cut-out: `crown` and `chin` are rows, `middle` a column, in pixels."""

    crown: float
    chin: float
    middle: float

    @property
    def height(self) -> float:
        return self.chin - self.crown


def id_photo(
    rgb: Picture, faces: tuple[Face, ...], style: str, aspect_ratio: str | None = None, take: int = 0
) -> Picture:
    """An ID photo of the largest face, 1200 pixels high. Another `take`: a little closer, wider, lighter, warmer.

    Raises AskPerson: `no_face`, `background_unclear`, `id_photo_room` (head cut off, or too little body).
    """
    person, face = portrait_cut(rgb, faces)
    head = head_of(person.alpha, face)
    ratio = ratio_of(aspect_ratio or "3:4")
    window = _window(person.alpha, head, ratio, _HEAD + (0.0, 0.04, -0.03)[take % 3])
    size = (round(_HEIGHT * ratio), _HEIGHT)
    alpha, colours = framed(person, window, size)
    lit = _lit(colours, moved(face, window, size), size[0] / window.width)
    lit = graded(lit, (0, 0, 0, 3, 3, 3, 1, 1, 1)[take % 9])
    flat = np.empty((size[1], size[0], 3), np.float32)
    flat[:] = np.array(COLOURS[style], np.float32) / 255
    mixed = unit_of(lit) * alpha[..., None] + flat * (1 - alpha[..., None])
    return bytes_of(mixed)


def portrait_cut(rgb: Picture, faces: tuple[Face, ...]) -> tuple[Cutout, Face]:
    """The person with the largest face, levelled and cut out, with the face's new place. Raises AskPerson."""
    if not faces:
        raise AskPerson("no face found", code="no_face")
    turned, face, there = levelled(rgb, faces[0])
    x, y = face.along(0, 0)
    u = face.unit
    height, width = rgb.shape[:2]
    left, right = max(0, round(x - 5.5 * u)), min(width, round(x + 5.5 * u))
    top, bottom = max(0, round(y - 4.5 * u)), min(height, round(y + 8 * u))
    window = Window(x=left, y=top, width=right - left, height=bottom - top)
    local = moved(face, window, (right - left, bottom - top))
    person = cut_out(denoised(turned[top:bottom, left:right], 5.0), (local,))
    if not person.clear:
        raise AskPerson("the person cannot be told from the background", code="background_unclear")
    edge = cv2.blur(cv2.erode(there, np.ones((3, 3), np.uint8)), (3, 3))[top:bottom, left:right]
    alpha = person.alpha * unit_of(pixels(edge))
    return Cutout(alpha=alpha, colours=person.colours, clear=person.clear), local


def head_of(alpha: Floats, face: Face) -> Head:
    """Where the head begins and ends. Raises AskPerson `id_photo_room` where the photo cuts it off."""
    x, y = face.along(0, 0)
    u = face.unit
    left, right = max(0, round(x - 1.0 * u)), round(x + 1.0 * u)
    rows = np.flatnonzero((alpha[: round(y), left:right] > 0.5).sum(1) > 0.3 * u)
    if not len(rows) or (rows[0] <= 1 and (alpha[0, left:right] > 0.5).sum() > 0.5 * u):
        raise AskPerson("the head is cut off", code="id_photo_room")
    crown = max(float(rows[0]), y - 3.2 * u)
    around = alpha[round(max(crown, 0)) : round(y + 1.6 * u), max(0, round(x - 2.2 * u)) : round(x + 2.2 * u)]
    columns = np.arange(around.shape[1]) + max(0, round(x - 2.2 * u))
    weight = float(around.sum())
    hair_middle = float((around.sum(0) * columns).sum() / weight) if weight else x
    return Head(crown=crown, chin=y + 1.8 * u, middle=0.6 * x + 0.4 * hair_middle)


def _window(alpha: Floats, head: Head, ratio: float, wish: float) -> Window:
    """The frame around `head`: the wished one where the photo has the body for it, else tighter, else AskPerson."""
    for share in np.linspace(wish, _HEAD_MOST, 5):
        for above in np.linspace(_ABOVE, _ABOVE_MOST, 4):
            height = head.height / float(share)
            window = Window(
                x=head.middle - ratio * height / 2, y=head.crown - float(above) * height,
                width=ratio * height, height=height,
            )  # fmt: skip
            if _has_body(alpha, window):
                return window
    raise AskPerson("too little of the body is in the photo", code="id_photo_room")


def _has_body(alpha: Floats, window: Window) -> bool:
    """Whether the window shows body down to its lower edge, and no side where the photo ends across a shoulder."""
    height, width = alpha.shape
    bottom, right = window.y + window.height, window.x + window.width
    if bottom > height + 0.5:
        return False
    rows = slice(max(0, round(window.y)), round(bottom))
    slack = 0.012 * window.width
    cut_left = window.x < -slack and (alpha[rows, :2].max(1) > 0.3).any()
    cut_right = right > width + slack and (alpha[rows, -2:].max(1) > 0.3).any()
    floor = alpha[round(bottom) - 3 : round(bottom), max(0, round(window.x)) : round(right)]
    return not cut_left and not cut_right and float((floor.max(0) > 0.5).mean()) > 0.3


def framed(person: Cutout, window: Window, size: tuple[int, int]) -> tuple[Floats, Picture]:
    """Alpha and colours of `window` at `size`; nothing beyond the photo but its continued colours."""
    alpha = taken(person.alpha, window, size, border=cv2.BORDER_CONSTANT).astype(np.float32)
    inside = Window(x=max(0, window.x), y=0, width=0, height=0)
    if inside.x == 0 and window.x < 0:
        alpha[:, : max(0, round(-window.x * size[0] / window.width) - 1)] = 0
    alpha = np.clip((alpha - 0.02) / 0.96, 0, 1)
    colours = taken(bytes_of(person.colours), window, size, border=cv2.BORDER_REPLICATE)
    return alpha, colours.astype(np.uint8)


def _lit(colours: Picture, face: Face, enlarged: float) -> Picture:
    lit = exposed(balanced(evened(colours, face), 0.25), (face,), 1.0)
    return sharpened(lit, 0.5 if enlarged > 1.2 else 0.25, radius=max(1.0, min(3.0, 0.8 * enlarged)))
