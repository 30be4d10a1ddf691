"""Strokes that somebody drew on a photo with a marker, found by comparing it with the photo as it was before.

before ─┐
after ──┴▶ aligned ─▶ what changed ─▶ each piece: is it one colour laid over the photo? ─▶ the mask, rings filled

The copy with the strokes may have been recompressed, made smaller or larger, or cropped. A marker is one colour, laid
over the photo opaquely or like a highlighter: `after = s * before + (1 - s) * colour`, with one `s` and one colour for
each piece. Two photos of the same thing differ in pieces that fit no such model, and so are not taken for strokes;
neither are a flat place that lost something, a frame, or a copy with no strokes on it.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from providers.media.decode import Undecodable, decode
from providers.media.files import read_regular_file
from providers.media.pixels import Floats, Picture, floats
from providers.media.upstream import READ_BYTES

SIDE = 640
"""Pixels of the long side at which photos are compared."""
SAME_SHAPE = 0.015
"""Up to this difference in width by height, one is the other, scaled."""
TOLERANCE = 30.0
"""Levels by which a channel may lie outside what is within two pixels in the photo before: JPEG of quality 60 at half
the size stays below 25 but for a few pixels at hard edges."""
LEAST_PIECE = 14
"""Pixels at `SIDE`; specks of compression are smaller."""
SAME = 0.004
"""Share of the photo that may have changed, in small pieces, in a copy with nothing on it: hard edges, at most."""
LEAST_STROKE, MOST = 0.0007, 0.45
"""Share of the photo: of one stroke that is a stroke by itself, and of all of them."""
FLAT, LAID_ON = 16.0, 0.6
"""Levels by which a pixel may miss the model (`_apart`), and the share of them that does not."""
ON_THE_WAY, MOSTLY = 18.0, 0.72
"""The same for pixels that are a stroke's or its blurred edge's."""
CRUMBS = 0.5
"""Of the strokes' area: smaller pieces that their colour explains."""
BORDER = 0.08
"""Of width and height together, along the photo's edges."""
AROUND = 8
"""Pixels around a change that are looked at with it."""
BLURRED = 21
"""Pixels: as far around strokes a copy's compression may change something, ten to each side."""
OPAQUE, SEE_THROUGH = 0.25, 0.65
"""Of the photo before, what may show through a marker, and through a highlighter, which has a vivid colour."""
VIVID = 90.0
"""Levels between the largest and the smallest channel. Shades between are what photos differ in."""
PURE = 16.0
"""Levels from white or black, which are markers too."""
OTHER = 40.0
"""Levels by which a marker's colour differs from what lies around the piece."""
UNEXPLAINED = 0.12
"""Of the strokes' area: changes that are none. Beyond it, the photos differ."""
MOST_FILLED = 0.6
"""Share of the photo; what a ring encloses beyond that is not filled."""

Marks = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Strokes:
    """`mask`: 8-bit grey, of the size of the photo before, white where strokes are or what they encircle.
    `colour`: sRGB, of the largest. `share`: of the photo, what is white."""

    mask: Image.Image
    colour: tuple[int, int, int]
    share: float


@dataclass(frozen=True, kw_only=True)
class Compared:
    """`same`: a copy with nothing on it. Neither that nor with strokes: another photo."""

    same: bool = False
    strokes: Strokes | None = None


ANOTHER = Compared()


@dataclass(frozen=True, kw_only=True)
class _Change:
    """Pixels that hang together. `where`: within `box`, its rows and columns with some room around."""

    box: tuple[slice, slice]
    where: Marks
    area: int
    on_border: int


@dataclass(frozen=True, kw_only=True)
class _Piece:
    change: _Change
    colour: Floats


def compared(after: Path, before: Path) -> Compared:
    """What `after` is to `before`: a copy, a copy with strokes on it, or another photo. Blocks.

    Raises AskPerson for a file that is none; one that cannot be decoded is like no other.
    """
    try:
        (old, size), (new, _) = _read(before), _read(after)
    except Undecodable:
        return ANOTHER
    return compared_pixels(old, new, size=size)


def compared_pixels(before: Picture, after: Picture, *, size: tuple[int, int] | None = None) -> Compared:
    """The same of pixels (height, width, RGB). `size`: of the mask, width and height; that of `before` where None."""
    old = before.astype(np.float32)
    aligned = _aligned(before, after)
    if aligned is None:
        return ANOTHER
    new, seen = aligned
    new = _in_the_same_light(old, new, seen)
    away = _beyond(old, new)
    away[~seen] = 0
    changed = away > TOLERANCE
    if changed.mean() > MOST:
        return ANOTHER
    changes = _changes(changed)
    small = not changes or changes[0].area < LEAST_STROKE * changed.size
    if small and sum(change.area for change in changes) < SAME * changed.size:
        return Compared(same=True)
    pieces, others = _pieces(old, new, changes, seen)
    area = sum(piece.change.area for piece in pieces)
    if not pieces or area > MOST * changed.size or others > UNEXPLAINED * area + LEAST_PIECE:
        return ANOTHER
    mask = _filled(_drawn(pieces, changed.shape))
    largest = max(pieces, key=lambda piece: piece.change.area)
    red, green, blue = (round(float(value)) for value in np.clip(largest.colour, 0, 255))
    image = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
    if size is not None and image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR).point([0] * 128 + [255] * 128)
    return Compared(strokes=Strokes(mask=image, colour=(red, green, blue), share=float(mask.mean())))


def _read(path: Path) -> tuple[Picture, tuple[int, int]]:
    """At `SIDE`, and the size it really has."""
    decoded = decode(read_regular_file(path, max_bytes=READ_BYTES), max_side=SIDE)
    ground = Image.new("RGB", decoded.image.size, "white")
    ground.paste(decoded.image, mask=decoded.image.getchannel("A") if decoded.image.mode == "RGBA" else None)
    return np.asarray(ground), decoded.source_size


# --- one over the other


def _aligned(before: Picture, after: Picture) -> tuple[Floats, Marks] | None:
    """`after` in the frame of `before`, and which of its pixels there are."""
    high, wide = before.shape[:2]
    if abs((after.shape[1] / after.shape[0]) / (wide / high) - 1) <= SAME_SHAPE:
        way = cv2.INTER_AREA if after.shape[1] > wide else cv2.INTER_CUBIC
        scaled = cv2.resize(after, (wide, high), interpolation=way).astype(np.float32)
        return scaled, np.ones((high, wide), np.bool_)
    matrix = _moved(before, after)
    if matrix is None:
        return None
    warped = cv2.warpAffine(after, matrix, (wide, high), flags=cv2.INTER_AREA).astype(np.float32)
    inside = cv2.warpAffine(np.full(after.shape[:2], 255, np.uint8), matrix, (wide, high))
    seen = cv2.erode(inside, np.ones((7, 7), np.uint8)) > 250
    return (warped, seen) if seen.mean() > 0.1 else None


def _moved(before: Picture, after: Picture) -> NDArray[np.float64] | None:
    """How `after` lies in `before`, where it is a part of it at another scale, upright; None where it is not."""
    finder = cv2.ORB_create(nfeatures=1500, fastThreshold=8)  # type: ignore[attr-defined]
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before, after)]
    (points, words), (points_after, words_after) = (finder.detectAndCompute(each, None) for each in grey)
    if words is None or words_after is None or min(len(words), len(words_after)) < 30:
        return None
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(words_after, words)
    if len(matches) < 30:
        return None
    source = np.array([points_after[m.queryIdx].pt for m in matches], np.float32)
    target = np.array([points[m.trainIdx].pt for m in matches], np.float32)
    matrix, kept = cv2.estimateAffinePartial2D(source, target, method=cv2.RANSAC, ransacReprojThreshold=2.0)
    if matrix is None or int(kept.sum()) < max(25, len(matches) // 5):
        return None
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    upright = abs(float(matrix[1, 0])) < 0.01 * scale
    return np.asarray(matrix, np.float64) if upright and 0.2 < scale < 5 else None


def _in_the_same_light(old: Floats, new: Floats, seen: Marks) -> Floats:
    """A copy's slight change of brightness and contrast taken back, channel by channel."""
    out = new.copy()
    for channel in range(3):
        x, y = new[..., channel][seen], old[..., channel][seen]
        shift = float(np.median(y - x))
        alike = np.abs(y - x - shift) < TOLERANCE
        mean_x, mean_y = float(x[alike].mean()), float(y[alike].mean())
        spread = float(((x[alike] - mean_x) ** 2).mean())
        if alike.mean() < 0.4 or spread < 16:
            continue
        gain = float(((x[alike] - mean_x) * (y[alike] - mean_y)).mean()) / spread
        offset = mean_y - gain * mean_x
        if 0.85 <= gain <= 1.18 and abs(offset) <= 25:
            out[..., channel] = gain * new[..., channel] + offset
    return out


def _beyond(old: Floats, new: Floats) -> Floats:
    """By how many levels each pixel lies outside what is within two pixels of it in the photo before."""
    near = np.ones((5, 5), np.uint8)
    over = np.maximum(new - cv2.dilate(old, near), cv2.erode(old, near) - new)
    return floats(np.maximum(over.max(-1), 0))


# --- which of the changes are strokes


def _changes(changed: Marks) -> list[_Change]:
    """The largest first; specks are left out."""
    joined = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found: list[_Change] = []
    for number in range(1, count):
        left, top, wide, high, area = (int(value) for value in stats[number])
        if area < LEAST_PIECE:
            continue
        rows = slice(max(0, top - AROUND), top + high + AROUND)
        columns = slice(max(0, left - AROUND), left + wide + AROUND)
        where = labels[rows, columns] == number
        edges = [where[0]] * (top == 0) + [where[-1]] * (top + high == changed.shape[0])
        edges += [where[:, 0]] * (left == 0) + [where[:, -1]] * (left + wide == changed.shape[1])
        on_border = sum(int(edge.sum()) for edge in edges)
        found.append(_Change(box=(rows, columns), where=where, area=area, on_border=on_border))
    return sorted(found, key=lambda change: -change.area)


def _pieces(old: Floats, new: Floats, changes: list[_Change], seen: Marks) -> tuple[list[_Piece], int]:
    """The pieces that a marker made, and how many pixels other changes have.

    What a marker left in crumbs, or blurred around its strokes, is its own where its colour explains it.
    """
    pieces, rest = list[_Piece](), list[_Change]()
    for change in changes:
        # A frame, a banner or another background runs along the photo's edges, a stroke does not.
        alone = change.area >= LEAST_STROKE * seen.size and change.on_border <= BORDER * sum(seen.shape)
        colour = _marker(old[change.box], new[change.box], change.where, seen[change.box]) if alone else None
        if colour is None:
            rest.append(change)
        else:
            pieces.append(_Piece(change=change, colour=colour))
    if not pieces:
        return [], 0
    beside = cv2.dilate(_drawn(pieces, seen.shape).astype(np.uint8), np.ones((BLURRED, BLURRED), np.uint8)) > 0
    room, others = CRUMBS * sum(piece.change.area for piece in pieces), 0
    for change in reversed(rest):
        x, y = old[change.box][change.where], new[change.box][change.where]
        by = next((piece for piece in pieces if _explained(x, y, piece.colour) >= MOSTLY), None)
        if by is not None and change.area <= room:
            pieces.append(_Piece(change=change, colour=by.colour))
            room -= change.area
        else:
            others += int((change.where & ~beside[change.box]).sum())
    return pieces, others


def _drawn(pieces: list[_Piece], shape: tuple[int, ...]) -> Marks:
    drawn = np.zeros(shape, np.bool_)
    for piece in pieces:
        drawn[piece.change.box] |= piece.change.where
    return drawn


def _marker(old: Floats, new: Floats, where: Marks, seen: Marks) -> Floats | None:
    """The colour of the marker that made this piece; None where none did."""
    spot = where.astype(np.uint8)
    inner = cv2.erode(spot, np.ones((3, 3), np.uint8)) > 0
    if inner.sum() < LEAST_PIECE:
        inner = where
    x, y = old[inner], new[inner]
    spread, together = ((x - x.mean(0)) ** 2).sum(), ((x - x.mean(0)) * (y - y.mean(0))).sum()
    through = float(np.clip(together / spread, 0.0, 1.0)) if spread > 1 else 0.0
    if through > SEE_THROUGH:
        return None
    if through <= OPAQUE:
        through = 0.0
    rest = y - through * x
    colour = floats(np.median(rest, axis=0) / (1 - through))
    vivid = float(colour.max() - colour.min()) >= VIVID
    plain = through == 0 and bool(colour.min() >= 255 - PURE or colour.max() <= PURE)
    if colour.min() < -20 or colour.max() > 275 or not (vivid or plain):
        return None
    missed = _apart(rest, (1 - through) * colour)
    if float((missed < FLAT).mean()) < LAID_ON or _explained(old[where], new[where], colour) < MOSTLY:
        return None
    ring = (cv2.dilate(spot, np.ones((15, 15), np.uint8)) > 0) & ~where & seen
    around = np.abs(old[ring] - colour).max(-1) < OTHER
    return None if around.size and float(around.mean()) > 0.5 else colour


def _explained(x: Floats, y: Floats, colour: Floats) -> float:
    """The share of pixels that lie, as a stroke's blurred edge does too, between what was there and the colour."""
    way = colour - x
    along = np.clip(((y - x) * way).sum(-1) / np.maximum((way**2).sum(-1), 1.0), 0.0, 1.0)
    missed = _apart(y, x + along[:, None] * way)
    return float((missed < ON_THE_WAY).mean())


def _apart(one: Floats, other: Floats) -> Floats:
    """Levels between colours. Compression spreads colour much further than light, so it counts for less."""
    away = one - other
    light = away @ np.array([0.299, 0.587, 0.114], np.float32)
    hue = away - light[..., None]
    return floats(np.sqrt(light**2 + 0.12 * (hue**2).sum(-1)))


def _filled(strokes: Marks) -> Marks:
    """The strokes, a little wider, with what they encircle: a ring that nearly closes is one."""
    spot = strokes.astype(np.uint8)
    thick = 2 * float(cv2.distanceTransform(spot, cv2.DIST_L2, 3).max())
    wide = cv2.dilate(spot, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    gap = int(np.clip(round(1.5 * thick), 3, max(spot.shape) // 16)) | 1
    room = cv2.copyMakeBorder(wide, gap, gap, gap, gap, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(room, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (gap, gap)))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(closed)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    filled = filled[gap:-gap, gap:-gap]
    return (filled if float(filled.mean()) <= MOST_FILLED else wide) > 0
