"""People cut out of a photo, hair included.

Where they are is said by the segmentation network (`segmentation.py`), without its file by the faces alone
(`silhouette.py`, the floor). A guided filter draws the outline along the photo's edges; around heads closed-form
matting (Levin, Lischinski, Weiss 2008) with wide windows (He, Sun, Tang 2010), solved by conjugate gradients with box
filters instead of a matrix, makes soft hair of it; and the colours of the edge are freed of the old background in the
manner of blur fusion (Forte 2021). pymatting does the last two as well, but its first call compiles for half a minute.
"""

import zlib
from dataclasses import dataclass

import cv2
import numpy as np

from providers.media.guided import guided
from providers.media.pixels import (
    Floats,
    Mask,
    Picture,
    averaged,
    bytes_of,
    disc,
    floats,
    unit_of,
)
from providers.people.face import Face
from providers.people.model_files import CUTTING, are_there
from providers.people.segmentation import body_of, decided_by_colour, mask_of, parted
from providers.people.silhouette import Shapes, outline, shapes_around

_OUTLINE_UNIT = 36
_MATTE_UNIT = 72
_PULL_IN, _PULL_OUT = 0.4, 0.06
_OUTLINE_PIXELS = 300_000
_MATTE_PIXELS = 500_000
_HAIR_UNIT = 56
"""Hair is solved at this size of a head at most: finer than the network sees, and fast."""


@dataclass(frozen=True, kw_only=True)
class Cutout:
    """People cut out of a photo of the same size.

    `alpha`: H x W, 0 background to 1 person. `colours`: H x W x 3, 0 to 1, the people's own colours, with nothing of
    the old background in the soft edge. `clear`: whether the cut is good enough to be shown.
    """

    alpha: Floats
    colours: Floats
    clear: bool

    def over(self, background: Floats) -> Picture:
        """The people before `background` (H x W x 3, 0 to 1)."""
        a = self.alpha[..., None]
        mixed = self.colours * a + background * (1 - a)
        return bytes_of(mixed)


def cut_out(rgb: Picture, faces: tuple[Face, ...], *, only: Face | None = None) -> Cutout:
    """Cut the people with these faces out of `rgb`; needs at least one face. `only`: one of them, without the others.

    Keeps its last answer, which variants of a picture share.
    """
    global _last
    key = (rgb.shape, zlib.crc32(rgb.tobytes()), faces, only)
    if _last is None or _last[0] != key:
        _last = (key, _cut_out(rgb, faces, only))
    return _last[1]


_last: "tuple[object, Cutout] | None" = None


def forget() -> None:
    """Drop the last answer, for those who measure."""
    global _last
    _last = None


def _cut_out(rgb: Picture, faces: tuple[Face, ...], only: Face | None) -> Cutout:
    return (by_network if are_there(CUTTING) else by_silhouette)(rgb, faces, only)


def _with_colours(rgb: Picture, alpha: Floats, clear: bool, faces: tuple[Face, ...]) -> Cutout:
    unit = max(face.unit for face in faces)
    return Cutout(alpha=alpha, colours=true_colours(unit_of(rgb), alpha, unit), clear=clear)


def by_network(rgb: Picture, faces: tuple[Face, ...], only: Face | None = None) -> Cutout:
    """`cut_out` by the segmentation network, whose file must be there."""
    scale = min(1.0, (_MATTE_PIXELS / (rgb.shape[0] * rgb.shape[1])) ** 0.5)
    small, near = _resized(rgb, scale), tuple(face.scaled(scale) for face in faces)
    wanted = near if only is None else (near[faces.index(only)],)
    asked = mask_of(small, near)
    mask = decided_by_colour(small, asked)
    if only is not None:
        asked, mask = (parted(one, near, wanted[0]) for one in (asked, mask))
    whole = tidied(small, mask, wanted)
    clear = _is_clear(asked, mask, whole, wanted)
    alpha = _drawn(small, whole)
    for face in wanted:
        _soften_hair(alpha, small, whole, face)
    return _with_colours(rgb, _enlarged(alpha, rgb), clear, faces if only is None else (only,))


def tidied(rgb: Picture, mask: Floats, faces: tuple[Face, ...]) -> Mask:
    """The hard outline: along the photo's edges, without loose pieces, without holes too small to look through."""
    unit = max(face.unit for face in faces)
    smooth = guided(rgb, mask, max(2, round(0.08 * unit)), (0.03 * 255) ** 2)
    hard = (smooth > 0.5).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(hard, connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA] if count > 1 else np.zeros(0)
    large = [i + 1 for i, area in enumerate(areas) if area >= 0.05 * areas.max()]
    kept = np.isin(parts, large)
    holes, parts, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    small = [i for i in range(1, holes) if stats[i, cv2.CC_STAT_AREA] < 0.25 * unit * unit]
    return np.asarray(kept | np.isin(parts, small))


def _drawn(rgb: Picture, whole: Mask) -> Floats:
    """The outline made soft as the photo's own edges are."""
    radius = max(2, max(rgb.shape[:2]) // 128)
    soft = guided(rgb, whole.astype(np.float32), radius, (0.03 * 255) ** 2)
    return floats(np.clip((soft - 0.15) / 0.7, 0, 1))


def _soften_hair(alpha: Floats, rgb: Picture, whole: Mask, face: Face) -> None:
    """Closed-form matting around one head, laid softly over `alpha` in place."""
    (x, y), u = face.along(0, -0.2), face.unit
    left, top = max(0, round(x - 3.2 * u)), max(0, round(y - 3.2 * u))
    right, bottom = min(rgb.shape[1], round(x + 3.2 * u)), min(rgb.shape[0], round(y + 3.2 * u))
    if min(right - left, bottom - top) < 16:
        return
    part = np.s_[top:bottom, left:right]
    scale = min(1.0, _HAIR_UNIT / u)
    patch = _resized(rgb[part], scale)
    size = (patch.shape[1], patch.shape[0])
    hard = cv2.resize(whole[part].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    near = face.shifted(-left, -top).scaled(scale)
    rows, columns = np.mgrid[: size[1], : size[0]].astype(np.float32)
    hx, hy = near.along(0, -0.4)
    at_head = np.hypot((columns - hx) / 2.4, (rows - hy) / 2.6) < near.unit
    surely = np.where(at_head, cv2.erode(hard, disc(0.18 * near.unit)), cv2.erode(hard, disc(0.08 * near.unit)))
    maybe = np.where(at_head, cv2.dilate(hard, disc(0.18 * near.unit)), cv2.dilate(hard, disc(0.08 * near.unit)))
    fixed = ((surely > 0) | (maybe == 0)).astype(np.float32)
    known = np.where(fixed > 0, surely, hard).astype(np.float32)
    solved = closed_form(unit_of(patch), known, fixed, rounds=60)
    solved = np.clip((solved - 0.05) / 0.9, 0, 1)
    solved = cv2.resize(solved, (right - left, bottom - top), interpolation=cv2.INTER_CUBIC)
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    weight = np.clip(2.0 - np.hypot((columns - x) / 1.5, (rows - y) / 1.6) / u, 0, 1)
    alpha[part] += weight * (np.clip(solved, 0, 1) - alpha[part])


_DOUBT, _DOUBT_LEFT = 0.4, 0.12
"""Of 56 photos that were looked at, 6 lie above one of these, among them all 3 whose cut was not to be shown."""


def _is_clear(asked: Floats, mask: Floats, whole: Mask, faces: tuple[Face, ...]) -> bool:
    """Whether it is known where these people end: faces inside, and little doubt but along the outline.

    Doubt is what the network gives 0.1 to 0.9, farther than an eighth of a unit from the outline, as a share of the
    people around whom it lies; and again what of it colour could not decide.
    """
    near = np.zeros(whole.shape, bool)
    for face in faces:
        near[body_of(face, whole.shape)] = True
        spots = [face.along(*at) for at in ((0, 0), (-0.5, 0.6), (0.5, 0.6), (0, 1.2), (0, -0.7))]
        seen = [
            whole[round(y), round(x)] for x, y in spots if 0 <= y < whole.shape[0] - 1 and 0 <= x < whole.shape[1] - 1
        ]
        if sum(seen) < max(3, len(seen) - 1):
            return False
    unit = max(face.unit for face in faces)
    band = cv2.morphologyEx(whole.astype(np.uint8), cv2.MORPH_GRADIENT, disc(0.125 * unit)) > 0
    people = max(1.0, float((whole & near).sum()))
    doubt, left = (float(((one > 0.1) & (one < 0.9) & near & ~band).sum()) / people for one in (asked, mask))
    return doubt < _DOUBT and left < _DOUBT_LEFT and people > 4 * unit * unit


def by_silhouette(rgb: Picture, faces: tuple[Face, ...], only: Face | None = None) -> Cutout:
    """`cut_out` on the floor: the outline is grown from the shapes that faces imply."""
    height, width = rgb.shape[:2]
    wanted = faces if only is None else (only,)
    unit = max(face.unit for face in wanted)
    small_scale = min(1.0, _OUTLINE_UNIT / unit, (_OUTLINE_PIXELS / (height * width)) ** 0.5)
    small = _resized(rgb, small_scale)
    shapes = shapes_around(tuple(f.scaled(small_scale) for f in wanted), *small.shape[:2])
    found = outline(small, shapes)
    matte_scale = min(1.0, _MATTE_UNIT / unit, (_MATTE_PIXELS / (height * width)) ** 0.5)
    middle = _resized(rgb, matte_scale)
    known, fixed = _trimap(found.mask, shapes, middle.shape[:2])
    alpha = closed_form(unit_of(middle), known, fixed)
    alpha = np.clip((alpha - 0.05) / 0.9, 0, 1)
    return _with_colours(rgb, _enlarged(alpha, rgb), found.clear, wanted)


def _resized(rgb: Picture, scale: float) -> Picture:
    if scale >= 1.0:
        return rgb
    size = (max(8, round(rgb.shape[1] * scale)), max(8, round(rgb.shape[0] * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _trimap(mask: Mask, shapes: Shapes, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """(known alpha, where it is fixed) at the matte's size: much doubt around hair, little elsewhere."""
    m, unit = mask.astype(np.uint8), shapes.unit
    surely = np.where(shapes.head, cv2.erode(m, disc(0.16 * unit)), cv2.erode(m, disc(0.09 * unit)))
    maybe = np.where(shapes.head, cv2.dilate(m, disc(0.16 * unit)), cv2.dilate(m, disc(0.09 * unit)))
    surely = np.maximum(surely, shapes.sure.astype(np.uint8) * cv2.erode(m, disc(0.04 * unit)))
    grown = (size[1], size[0])
    surely, maybe = (cv2.resize(a, grown, interpolation=cv2.INTER_NEAREST) for a in (surely, maybe))
    fixed = ((surely > 0) | (maybe == 0)).astype(np.float32)
    soft = cv2.resize(m.astype(np.float32), grown, interpolation=cv2.INTER_LINEAR)
    return np.where(fixed > 0, surely, soft).astype(np.float32), fixed


def _enlarged(alpha: Floats, rgb: Picture) -> Floats:
    """`alpha` at the size of `rgb`, its edges drawn along those of `rgb`."""
    height, width = rgb.shape[:2]
    if alpha.shape == (height, width):
        return alpha
    factor = width / alpha.shape[1]
    large = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_CUBIC)
    followed = guided(rgb, np.clip(large, 0, 1), max(2, round(2 * factor)), (0.01 * 255) ** 2)
    sharp: Floats = np.clip((followed - 0.03) / 0.94, 0, 1).astype(np.float32)
    return sharp


def closed_form(rgb: Floats, known: Floats, fixed: Floats, *, radius: int = 2, rounds: int = 120) -> Floats:
    """Alpha (0 to 1) that follows the colours of `rgb` (0 to 1), equals `known` where `fixed` is 1.

    Solves (L + c F + d (1 - F)) a = (c F + d (1 - F)) k by conjugate gradients; L is the matting Laplacian of square
    windows. The small d draws the band towards the hard outline where the colours say nothing.
    """
    laplacian = _Laplacian(rgb, radius)
    weight = floats(100.0 * fixed + np.where(known > 0.5, _PULL_IN, _PULL_OUT) * (1 - fixed))
    b = weight * known
    x = known.copy()
    diagonal = weight + laplacian.diagonal_guess
    r = floats(b - (laplacian.times(x) + weight * x))
    z = floats(r / diagonal)
    p, rz = z.copy(), float((r * z).sum())
    for _ in range(rounds):
        q = laplacian.times(p) + weight * p
        step = rz / max(float((p * q).sum()), 1e-20)
        x = floats(x + step * p)
        r = floats(r - step * q)
        if float(np.abs(r).max()) < 1e-3:
            break
        z = floats(r / diagonal)
        rz_new = float((r * z).sum())
        p = floats(z + (rz_new / max(rz, 1e-20)) * p)
        rz = rz_new
    clipped: Floats = np.clip(x, 0, 1)
    return clipped


class _Laplacian:
    """The matting Laplacian as an operator: L a = |w| a - sum over windows of (a_k . I + b_k)."""

    def __init__(self, rgb: Floats, radius: int, epsilon: float = 1e-5) -> None:
        self.size = (2 * radius + 1, 2 * radius + 1)
        self.channels = [np.ascontiguousarray(rgb[..., i]) for i in range(3)]
        self.count = self._sum(np.ones(rgb.shape[:2], np.float32))
        self.per = np.float32(1) / self.count
        self.means = [self._sum(c) * self.per for c in self.channels]
        cov = np.empty((*rgb.shape[:2], 3, 3), np.float64)
        for i in range(3):
            for j in range(i, 3):
                both = self._sum(self.channels[i] * self.channels[j]) * self.per - self.means[i] * self.means[j]
                cov[..., i, j] = cov[..., j, i] = both
        cov[..., range(3), range(3)] += epsilon
        inverse = np.linalg.inv(cov).astype(np.float32)
        self.inverse = [[np.ascontiguousarray(inverse[..., i, j]) for j in range(3)] for i in range(3)]
        self.diagonal_guess = self.count * np.float32(0.7)

    def _sum(self, a: Floats) -> Floats:
        return floats(cv2.boxFilter(a, -1, self.size, normalize=False, borderType=cv2.BORDER_CONSTANT))

    def times(self, a: Floats) -> Floats:
        mean_a = self._sum(a) * self.per
        cov = [self._sum(c * a) * self.per - m * mean_a for c, m in zip(self.channels, self.means, strict=True)]
        out = self.count * a
        offset = mean_a
        for row, channel, mean in zip(self.inverse, self.channels, self.means, strict=True):
            slope = row[0] * cov[0] + row[1] * cov[1] + row[2] * cov[2]
            offset = offset - slope * mean
            out -= self._sum(slope) * channel
        return out - self._sum(offset)


def true_colours(rgb: Floats, alpha: Floats, unit: float) -> Floats:
    """The people's own colours where `rgb` is a mix of them and the background; `unit`: the largest face's, in pixels.

    Both sides begin as the colours of the nearest pixels that are wholly one or the other, so that nothing of the
    other side is in them; then blur fusion gives the soft pixels back what of their own detail fits.
    """
    fore = _spread_out(rgb, np.clip((alpha - 0.9) / 0.1, 0, 1), unit)
    back = _spread_out(rgb, np.clip((0.1 - alpha) / 0.1, 0, 1), unit)
    a = alpha[..., None]
    rest = rgb - a * fore - (1 - a) * back
    sure = a * np.clip((a - 0.3) / 0.7, 0, 1)
    return floats(np.clip(fore + sure * rest, 0, 1))


def _spread_out(rgb: Floats, weight: Floats, unit: float) -> Floats:
    """The colours where `weight` is 1, carried to where it is 0: from near by where there are any, else from afar."""
    out = floats((rgb * weight[..., None]).sum((0, 1)) / max(float(weight.sum()), 1e-3)) * np.ones_like(rgb)
    for share in (2.0, 0.7, 0.25, 0.1):
        size = 2 * max(1, round(share * unit)) + 1
        total = averaged(weight, size)[..., None]
        near = averaged(rgb * weight[..., None], size) / np.maximum(total, 1e-6)
        trust = np.clip(total / 0.12, 0, 1)
        out = floats(near * trust + out * (1 - trust))
    return floats(rgb * weight[..., None] + out * (1 - weight[..., None]))
