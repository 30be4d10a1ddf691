"""Finds what looks like a face: MediaPipe's BlazeFace "back", and tiles for the small faces of a group.

It proves nothing by itself: it fires on a cat, a cup, the back of a head. `mesh.py` is the judge.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from providers.media.pixels import Floats, Picture
from providers.people.nets import net_of, outputs

_SIDE = 256
_THRESHOLD = 0.5
_SAME = 0.3
_ALONE, _GROUP = 0.1, 0.2
"""Tiles are looked at where the largest face, of one or of several, is narrower than this share of the long side:
elsewhere they find nothing that is not found already."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """`box`: x, y, w, h, square, from above the brows to the chin. `points`: eyes, nose tip, mouth, ears."""

    box: tuple[float, float, float, float]
    points: NDArray[np.float32]
    score: float


@cache
def _anchors() -> Floats:
    """896 cell centres: 16 x 16 with two each, then 8 x 8 with six each, row by row."""
    rows = []
    for cells, each in ((16, 2), (8, 6)):
        centres = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        rows.append(np.repeat(np.stack([x, y], -1).reshape(-1, 2), each, 0))
    return np.concatenate(rows)


def candidates(rgb: Picture, *, tiles: bool = True) -> tuple[Candidate, ...]:
    """What may be faces in `rgb`, the largest first. Without `tiles` the picture is only looked at whole."""
    height, width = rgb.shape[:2]
    found = _looked_at(rgb)
    people = _merged(found)
    share = max((c.box[2] for c in people), default=0.0) / max(height, width)
    if tiles and share < (_GROUP if len(people) > 1 else _ALONE):
        for left, top, side in _tiles(width, height):
            inner = (left > 0, top > 0, left + side < width, top + side < height)
            found += _in_tile(rgb, left, top, side, inner)
        people = _merged(found)
    return tuple(sorted(people, key=lambda c: -c.box[2]))


def _looked_at(rgb: Picture) -> list[Candidate]:
    height, width = rgb.shape[:2]
    scale = _SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2
    fitted = np.full((1, 3, _SIDE, _SIDE), -1, np.float32)
    part = small.astype(np.float32).transpose(2, 0, 1)
    fitted[0, :, top : top + size[1], left : left + size[0]] = part / np.float32(127.5) - 1
    answers = outputs(net_of("face_detection"), fitted)
    (logits,) = (a.ravel() for a in answers if a.size == 896)
    (raw,) = (a.reshape(896, 16) for a in answers if a.size == 896 * 16)
    scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    (good,) = np.nonzero(scores > _THRESHOLD)
    found = []
    for i in good:
        values, anchor = raw[i] / _SIDE, _anchors()[i]
        pairs = np.concatenate([values[:2] + anchor, values[2:4], (values[4:].reshape(6, 2) + anchor).ravel()])
        found.append(_placed(pairs * _SIDE, float(scores[i]), (left, top), 1 / scale))
    return found


def _placed(values: Floats, score: float, corner: tuple[int, int], scale: float) -> Candidate:
    centre, size = (values[:2] - corner) * scale, values[2:4] * scale
    points = (values[4:].reshape(6, 2) - corner) * scale
    x, y = centre - size / 2
    return Candidate(box=(float(x), float(y), float(size[0]), float(size[1])), points=points, score=score)


def _tiles(width: int, height: int) -> list[tuple[int, int, int]]:
    """(left, top, side) of overlapping squares: smaller ones the longer the picture is."""
    long, short = max(width, height), min(width, height)
    side = min(short, round(0.6 * long if long < 1.6 * short else 0.75 * short))
    across, down = (max(1, 1 + -(-(length - side) // max(1, side // 2))) for length in (width, height))
    lefts = [round(i * (width - side) / max(1, across - 1)) for i in range(across)]
    tops = [round(i * (height - side) / max(1, down - 1)) for i in range(down)]
    return [(left, top, side) for top in tops for left in lefts]


def _in_tile(rgb: Picture, left: int, top: int, side: int, inner: tuple[bool, ...]) -> list[Candidate]:
    """Faces of one tile; those that touch a border inside the picture are left to the tile beside it."""
    margin = 0.01 * side
    kept = []
    for c in _looked_at(rgb[top : top + side, left : left + side]):
        x, y, w, h = c.box
        beyond = (x < margin, y < margin, x + w > side - margin, y + h > side - margin)
        if not any(a and b for a, b in zip(beyond, inner, strict=True)):
            shift = np.array([left, top], np.float32)
            kept.append(Candidate(box=(x + left, y + top, w, h), points=c.points + shift, score=c.score))
    return kept


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two boxes x, y, w, h."""
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(0.0, wide) * max(0.0, high)
    return both / (a[2] * a[3] + b[2] * b[3] - both + 1e-9)


def _merged(found: list[Candidate]) -> list[Candidate]:
    """Overlapping hits averaged, weighted by their scores."""
    rest, out = sorted(found, key=lambda c: -c.score), []
    while rest:
        heap = [c for c in rest if overlap(c.box, rest[0].box) > _SAME]
        ids = {id(c) for c in heap}
        rest = [c for c in rest if id(c) not in ids]
        weights = [c.score for c in heap]
        box = np.average([c.box for c in heap], axis=0, weights=weights)
        points = np.average([c.points for c in heap], axis=0, weights=weights)
        out.append(
            Candidate(box=tuple(float(v) for v in box), points=points, score=heap[0].score)  # type: ignore[arg-type]
        )
    return out
