"""A marked place filled from the rest of the picture: what was there goes, what surrounds it goes on.

Nothing is invented. Small patches of the surroundings are laid over the place one by one, along the strongest lines
first (Criminisi, Pérez and Toyama 2004), on a reduced copy; the picture's own pixels are then taken from where those
patches lay, and their light is matched to the rim. That carries a wall, grass, sky, water or a row of tiles across a
place of modest size. Behind a larger one there would be things that nobody here can know, so it is refused.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from providers.errors import AskPerson
from providers.media.pixels import Floats, Picture, clipped, pixels

MOST = 0.10
"""The share of a picture that may be marked."""
_SIDE = 64
"""Pixels of the reduced place's longer side."""
_REACHES = (4, 3, 5)
"""A patch is this many pixels around its middle; each take another."""
_THIN = 5
"""Half the width, in pixels, of what is simply painted over from its edges: scratches, dust, a wire."""
_PLACES = 8
"""Places that are filled one by one; more of them, the smallest, are painted over."""
_EXPECTED = (0.25, 0.5, 0.12)
"""How much a pixel that is still open counts in a comparison, by the colour that its surroundings let expect; every
third take another."""
_VOTES = (-2, -1, 0, 1, 2)
_Flags = NDArray[np.bool_]
_Spots = NDArray[np.int32]


def filled(rgb: Picture, mask: Picture, take: int = 0) -> Picture:
    """`mask` of the picture's size: what is lighter than half goes; nothing else changes. `take`: another filling of
    the same place. Raises AskPerson `marked_too_large`, `bad_mask`."""
    hole = mask >= 128
    share = float(hole.mean())
    if not hole.any():
        raise AskPerson("nothing is marked", code="bad_mask")
    if share > MOST:
        percent = {"n": round(100 * share), "most": round(100 * MOST)}
        raise AskPerson("too much is marked", code="marked_too_large", params=percent)
    rim = 2 * max(1, min(rgb.shape[:2]) // 300) + 1  # a brush seldom covers the last soft edge
    hole = cv2.dilate(hole.astype(np.uint8), np.ones((rim, rim), np.uint8)) > 0
    out = rgb.copy()
    for place in _places(hole):
        _fill(out, hole, place, take)
        hole = hole & ~place
    if hole.any():
        out = cv2.inpaint(out, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA).astype(np.uint8)
    return out


def _places(hole: _Flags) -> list[_Flags]:
    """The connected places too wide to be painted over, the largest first."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(hole.astype(np.uint8), connectivity=8)
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3)
    wide = [i for i in range(1, count) if float(depth[parts == i].max()) > _THIN] if count <= 200 else []
    wide.sort(key=lambda i: -int(stats[i, cv2.CC_STAT_AREA]))
    return [parts == i for i in wide[:_PLACES]]


def _fill(out: Picture, hole: _Flags, place: _Flags, take: int) -> None:
    """Fill one place of `out`, from its own surroundings."""
    near = _box_of(place, grown=1.2, least=48)
    picture, marked = out[near], hole[near]
    longest = max(_longest(place[near], axis) for axis in (0, 1))
    scale = min(1.0, _SIDE / longest)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = pixels(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    covered = cv2.resize(marked.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 0
    laid = _Laying.over(small, covered, take).done()
    inner = _box_of(place[near], grown=0.0, least=24)
    here, before, gone = place[near][inner], picture[inner], marked[inner]
    rest = cv2.inpaint(before, gone.astype(np.uint8), 5, cv2.INPAINT_TELEA).astype(np.float32)
    made = rest if laid is None else _matched(_taken(picture, marked, laid, inner, rest), before, gone)
    soft = cv2.GaussianBlur(here.astype(np.float32), (0, 0), 1.2)[..., None]
    mixed = before + (made - before) * soft
    picture[inner] = np.where(here[..., None], clipped(made), np.where(gone[..., None], before, clipped(mixed)))


def _longest(flags: _Flags, axis: int) -> int:
    return int(np.ptp(np.flatnonzero(flags.any(1 - axis)))) + 1


def _box_of(flags: _Flags, *, grown: float, least: int) -> tuple[slice, slice]:
    """What is flagged with so much of its own length on every side, at least so many pixels."""
    slices = []
    for axis in (0, 1):
        at = np.flatnonzero(flags.any(1 - axis))
        room = max(least, int(grown * (at[-1] - at[0] + 1)))
        slices.append(slice(max(0, int(at[0]) - room), min(flags.shape[axis], int(at[-1]) + room + 1)))
    return slices[0], slices[1]


@dataclass
class _Laying:
    """Patches being laid over what is open, where `picture` has the colours to be expected.

    `origin`: of each pixel, the row and column it was taken from.
    """

    picture: Floats
    open: _Flags
    trust: Floats
    origin: _Spots
    usable: _Flags
    """Where the middle of a patch may be taken from: nothing of it was ever marked."""
    reach: int
    expected: float

    @classmethod
    def over(cls, picture: Picture, hole: _Flags, take: int) -> "_Laying":
        lab = _membrane(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32), hole)
        reach = _REACHES[take % len(_REACHES)]
        width = 2 * reach + 1
        usable = cv2.erode((~hole).astype(np.uint8), np.ones((width, width), np.uint8), borderValue=0) > 0
        origin = _own_places(hole.shape)
        expected = _EXPECTED[take // len(_REACHES) % len(_EXPECTED)]
        trust = (~hole).astype(np.float32)
        return cls(lab, hole.copy(), trust, origin, usable, reach=reach, expected=expected)

    def done(self) -> _Spots | None:
        """Each pixel's origin once everything is laid; None where there is nothing to take from."""
        if not self.usable.any():
            return None
        cost = np.full(self.open.shape, np.inf, np.float32)
        while self.open.any():
            y, x = self._next()
            box = self._box(y, x)
            source = self._nearest(box, (y, x), cost)
            self._lay(box, (y, x), source)
        return self.origin

    def _next(self) -> tuple[int, int]:
        """The pixel of the front whose patch is best known and lies on the strongest line running into the place."""
        opened = self.open.astype(np.uint8)
        front = self.open & (cv2.erode(opened, np.ones((3, 3), np.uint8), borderValue=1) == 0)
        width = 2 * self.reach + 1
        known = cv2.blur(self.trust, (width, width), borderType=cv2.BORDER_CONSTANT)
        grey = self.picture[..., 0]
        inside = cv2.dilate(opened, np.ones((3, 3), np.uint8)) > 0
        across, down = (np.where(inside, 0, cv2.Sobel(grey, cv2.CV_32F, *by)) for by in ((1, 0), (0, 1)))
        strength = cv2.dilate(np.hypot(across, down).astype(np.float32), np.ones((width, width), np.uint8))
        priority = np.where(front, known * (1.0 + 0.02 * strength), -1.0)
        y, x = np.unravel_index(int(priority.argmax()), priority.shape)
        return int(y), int(x)

    def _box(self, y: int, x: int) -> tuple[slice, slice]:
        height, width = self.open.shape
        return slice(max(0, y - self.reach), min(height, y + self.reach + 1)), slice(
            max(0, x - self.reach), min(width, x + self.reach + 1)
        )

    def _nearest(self, box: tuple[slice, slice], at: tuple[int, int], cost: Floats) -> tuple[int, int]:
        """The middle of the patch that is most like what is known here; of equal ones the one close by."""
        patch = self.picture[box]
        known = np.where(self.open[box], self.expected, 1.0).astype(np.float32)
        weight = np.repeat(known[..., None], 3, axis=2)
        found = cv2.matchTemplate(self.picture, patch, cv2.TM_SQDIFF, mask=weight) / max(1.0, float(known.sum()))
        top, left = at[0] - box[0].start, at[1] - box[1].start
        cost[:] = np.inf
        cost[top : top + found.shape[0], left : left + found.shape[1]] = found
        rows, columns = np.indices(self.open.shape)
        away = np.hypot(rows - at[0], columns - at[1]) / max(self.open.shape)
        total = np.where(self.usable & np.isfinite(cost), cost * (1 + 0.5 * away) + 8 * away, np.inf)
        y, x = np.unravel_index(int(total.argmin()), total.shape)
        return int(y), int(x)

    def _lay(self, box: tuple[slice, slice], at: tuple[int, int], source: tuple[int, int]) -> None:
        new = self.open[box].copy()
        by = (source[0] - at[0], source[1] - at[1])
        taken = tuple(slice(part.start + step, part.stop + step) for part, step in zip(box, by, strict=True))
        rows, columns = taken
        self.picture[box][new] = self.picture[rows, columns][new]
        self.origin[box][new] = self.origin[rows, columns][new]
        self.trust[box][new] = float(self.trust[box].mean())
        self.open[box] = False


def _taken(picture: Picture, marked: _Flags, laid: _Spots, inner: tuple[slice, slice], rest: Floats) -> Floats:
    """The part `inner` of the picture, of its own pixels from where the patches lay: for each pixel and its neighbours,
    so that seams blend. `rest`: where there is none."""
    height, width = picture.shape[:2]
    size = laid.shape[:2]
    by = (laid - _own_places(size)).astype(np.float32) * np.array([height / size[0], width / size[1]], np.float32)
    rows, columns = (index.astype(np.float32) for index in np.mgrid[inner])
    reduced = np.float32(size[1] / width), np.float32(size[0] / height)
    at = (columns + 0.5) * reduced[0] - 0.5, (rows + 0.5) * reduced[1] - 0.5
    total, weight = np.zeros((*rows.shape, 3), np.float32), np.zeros(rows.shape, np.float32)
    free = (~marked).astype(np.uint8)
    for down in _VOTES:
        for across in _VOTES:
            step = cv2.remap(by, at[0] - across, at[1] - down, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
            to = np.round(columns + step[..., 1]), np.round(rows + step[..., 0])
            share = math.exp(-(down * down + across * across) / 3.0) * cv2.remap(free, *to, cv2.INTER_NEAREST)
            total += cv2.remap(picture, *to, cv2.INTER_NEAREST) * share[..., None]
            weight += share.astype(np.float32)
    return np.where(weight[..., None] > 0, total / np.maximum(weight, 1e-6)[..., None], rest).astype(np.float32)


def _own_places(shape: tuple[int, ...]) -> _Spots:
    """Each pixel's own row and column."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.stack((rows, columns), axis=-1).astype(np.int32)


def _membrane(picture: Floats, hole: _Flags) -> Floats:
    """`picture` with the colours of the rim stretched over the hole, as a film would be."""
    film = picture.copy()
    film[hole] = picture[~hole].mean(0)
    for size in (33, 17, 9, 5, 3):
        for _ in range(40):
            film[hole] = cv2.blur(film, (size, size))[hole]
    return film


def _matched(made: Floats, near: Picture, marked: _Flags) -> Floats:
    """With the light of the rim: what is off there is taken off inside, the less the farther from it."""
    size = max(2.0, 0.02 * max(marked.shape))
    flags = marked.astype(np.uint8)
    ring = (cv2.dilate(flags, np.ones((5, 5), np.uint8)) > 0) & ~marked
    rim = marked & (cv2.erode(flags, np.ones((5, 5), np.uint8), borderValue=1) == 0)
    if not ring.any() or not rim.any():
        return made
    off = _spread_of(near.astype(np.float32), ring, size) - _spread_of(made, rim, size)
    far, nearest = cv2.distanceTransformWithLabels(
        (~rim).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    at_rim = np.zeros((int(nearest.max()) + 1, 3), np.float32)
    at_rim[nearest[rim]] = np.clip(off[rim], -24, 24)
    inside = cv2.GaussianBlur(at_rim[nearest], (0, 0), size) * np.exp(-far / (4 * size))[..., None]
    return np.where(marked[..., None], made + inside, near).astype(np.float32)


def _spread_of(values: Floats, known: _Flags, size: float) -> Floats:
    """What is known there, spread over its neighbourhood; of meaning only close to it."""
    flags = known.astype(np.float32)
    spread = cv2.GaussianBlur(values * flags[..., None], (0, 0), size)
    return (spread / np.maximum(cv2.GaussianBlur(flags, (0, 0), size), 1e-6)[..., None]).astype(np.float32)
