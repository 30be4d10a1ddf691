"""ID photos: head and shoulders before exactly one colour, framed as a country's rule or a photo office wants it.

Eyes level, face in the middle. Background may be added above and beside the person, body never: it must be in the photo
down to the lower edge.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from providers.embedded.changes import graded
from providers.embedded.geometry import Window, levelled, moved, ratio_of, taken
from providers.embedded.id_presets import Preset
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
_HEIGHT, _HEIGHT_LEAST, _HEIGHT_MOST = 1200, 800, 2400
"""Pixels: of an ordinary photo, of one that would have to be enlarged more than twofold, and of a large one."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """A head in a cut-out: `crown` and `chin` are rows, `middle` a column, in pixels."""

    crown: float
    chin: float
    middle: float

    @property
    def height(self) -> float:
        return self.chin - self.crown


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a framed head must keep to, as shares of the height: its own height, the room above it, and, where the rule
    has one, the eyes' distance from the lower edge. `wish`: the head's height to try first."""

    head: tuple[float, float] = (0.57, 0.70)
    above: tuple[float, float] = (0.07, 0.17)
    eyes: tuple[float, float] | None = None
    wish: float = 0.60


ORDINARY = Frame()


def frame_of(preset: Preset) -> Frame:
    """A preset's rule, drawn in by a hundredth so that a pixel of rounding breaks none of it."""
    low, high = preset.head
    room = 1 - (low + high) / 2
    above = preset.above or (max(0.04, 0.2 * room), 0.6 * room)
    return Frame(head=_drawn_in(low, high), above=above, eyes=preset.eyes, wish=(low + high) / 2)


def _drawn_in(low: float, high: float) -> tuple[float, float]:
    slack = min(0.01, 0.2 * (high - low))
    return low + slack, high - slack


def id_photo(
    rgb: Picture,
    faces: tuple[Face, ...],
    colour: tuple[int, int, int],
    *,
    preset: Preset | None = None,
    aspect_ratio: str | None = None,
    take: int = 0,
) -> Picture:
    """An ID photo of the largest face before `colour`: of the preset's very size, else 800 to 2400 pixels high.

    Another `take`: a little closer, wider, lighter, warmer; never outside the preset's rule.
    Raises AskPerson: `no_face`, `background_unclear`, `id_photo_room` (head cut off, or too little body).
    """
    person, face = portrait_cut(rgb, faces)
    head = head_of(person.alpha, face)
    frame = frame_of(preset) if preset else ORDINARY
    ratio = preset.ratio if preset else ratio_of(aspect_ratio or "3:4")
    window = _window(person.alpha, head, face, ratio, frame, (0.0, 0.04, -0.03)[take % 3])
    size = preset.pixels if preset else _size(window, ratio)
    alpha, colours = framed(person, window, size)
    lit = _lit(colours, moved(face, window, size), size[0] / window.width)
    lit = graded(lit, (0, 0, 0, 3, 3, 3, 1, 1, 1)[take % 9])
    flat = np.empty((size[1], size[0], 3), np.float32)
    flat[:] = np.array(colour, np.float32) / 255
    mixed = unit_of(lit) * alpha[..., None] + flat * (1 - alpha[..., None])
    return bytes_of(mixed)


def _size(window: Window, ratio: float) -> tuple[int, int]:
    """As many pixels as the photo has there, within bounds."""
    height = min(max(_HEIGHT_LEAST, round(2 * window.height)), _HEIGHT)
    height = min(max(height, round(window.height)), _HEIGHT_MOST)
    return round(height * ratio), height


def portrait_cut(rgb: Picture, faces: tuple[Face, ...]) -> tuple[Cutout, Face]:
    """The person with the largest face, levelled and cut out without neighbours, with the face's new place.

    Raises AskPerson.
    """
    if not faces:
        raise AskPerson("no face found", code="no_face")
    turned, matrix, there = levelled(rgb, faces[0])
    near = tuple(face.placed(matrix) for face in faces)
    x, y = near[0].along(0, 0)
    u = near[0].unit
    height, width = rgb.shape[:2]
    left, right = max(0, round(x - 5.5 * u)), min(width, round(x + 5.5 * u))
    top, bottom = max(0, round(y - 4.5 * u)), min(height, round(y + 8 * u))
    local = tuple(face.shifted(-left, -top) for face in near)
    inside = tuple(f for f in local if 0 <= f.centre[0] < right - left and 0 <= f.centre[1] < bottom - top)
    person = cut_out(denoised(turned[top:bottom, left:right], 5.0), inside, only=local[0])
    if not person.clear:
        raise AskPerson("the person cannot be told from the background", code="background_unclear")
    edge = cv2.blur(cv2.erode(there, np.ones((3, 3), np.uint8)), (3, 3))[top:bottom, left:right]
    alpha = person.alpha * unit_of(pixels(edge))
    return Cutout(alpha=alpha, colours=person.colours, clear=person.clear), local[0]


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
    return Head(crown=crown, chin=face.chin[1], middle=0.6 * x + 0.4 * hair_middle)


def _window(alpha: Floats, head: Head, face: Face, ratio: float, frame: Frame, closer: float) -> Window:
    """The frame around `head`: the wished one where the photo has the body for it, else tighter or wider within the
    rule, else AskPerson. `closer` is added to the wish. A frame without a missing corner (a photo set level has none of
    the body there) goes before a nearer one with it."""
    low, high = frame.head
    with_corner: Window | None = None
    wish = min(max(frame.wish + closer, low), high)
    eyes = face.between_eyes[1]
    for share in sorted(np.linspace(low, high, 9), key=lambda one: abs(one - wish)):
        height = head.height / float(share)
        for above in _rooms(frame, float(share), (eyes - head.crown) / height):
            window = Window(
                x=head.middle - ratio * height / 2, y=head.crown - above * height, width=ratio * height, height=height
            )
            if _has_body(alpha, window):
                if _is_whole(alpha, window):
                    return window
                with_corner = with_corner or window
    if with_corner is not None:
        return with_corner
    raise AskPerson("too little of the body is in the photo", code="id_photo_room")


def _rooms(frame: Frame, share: float, eyes_below_crown: float) -> Iterator[float]:
    """Rooms above the crown to try, the best first, as shares of the height."""
    low, high = frame.above
    if frame.eyes is not None:
        lowest, highest = _drawn_in(*frame.eyes)
        # The eyes' distance from below is 1 - above - eyes_below_crown.
        low, high = max(low, 1 - highest - eyes_below_crown), min(high, 1 - lowest - eyes_below_crown)
    if low > high:
        return
    wish = min(max(0.3 * (1 - share), low), high)
    yield from sorted((float(one) for one in np.linspace(low, high, 7)), key=lambda one: abs(one - wish))


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


def _is_whole(alpha: Floats, window: Window) -> bool:
    """Whether the body is about as wide at the lower edge as a little above it: shoulders do not get narrower."""
    bottom = round(window.y + window.height)
    columns = slice(max(0, round(window.x)), round(window.x + window.width))
    wide = [np.flatnonzero(alpha[row, columns] > 0.5) for row in (bottom - round(0.08 * window.height), bottom - 2)]
    if not all(len(row) for row in wide):
        return False
    (left, right), (lower_left, lower_right) = ((row[0], row[-1]) for row in wide)
    slack = 0.03 * window.width
    return bool(lower_left - left < slack and right - lower_right < slack)


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
    lit = exposed(balanced(evened(colours, face), 0.25), (face,), 0.8)
    return sharpened(lit, 0.5 if enlarged > 1.2 else 0.25, radius=max(1.0, min(3.0, 0.8 * enlarged)))
