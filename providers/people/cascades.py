"""The floor where the networks' files are not: faces by the Haar cascades that OpenCV ships.

Cascades answer with many false boxes, so a box counts only when the three frontal cascades agree, or when the best of
them does and eyes are found inside it. A head that leans is found by searching turned copies of the picture, up to 25
degrees either way.
"""

from functools import cache
from math import atan2, degrees, hypot

import cv2
import numpy as np
from cv2.data import haarcascades
from numpy.typing import NDArray

from providers.media.pixels import Picture, blurred, grey_of, pixels
from providers.people.face import Face

_SEARCH_LONG_SIDE = 640
_TURNS = (0.0, -15.0, 15.0, -25.0, 25.0)


@cache
def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(f"{haarcascades}haarcascade_{name}.xml")


def by_cascades(rgb: Picture, *, most: int = 6) -> tuple[Face, ...]:
    """Faces of an upright RGB picture (H x W x 3), the largest first; empty where there is none."""
    height, width = rgb.shape[:2]
    scale = min(1.0, _SEARCH_LONG_SIDE / max(height, width))
    if max(height, width) < 400:
        scale = 400 / max(height, width)
    grey = grey_of(rgb)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    grey = pixels(cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC))
    grey = pixels(cv2.createCLAHE(2.0, (8, 8)).apply(grey))
    found: list[Face] = []
    for turn in _TURNS:
        found += _search(grey, turn)
        if turn == 0.0 and any(face.score >= 3 for face in found):
            break
    kept = _distinct(found)
    if kept:
        largest = max(face.w for face in kept)
        kept = [face for face in kept if face.w >= (0.25 if face.eyes else 0.6) * largest]
    return tuple(face.scaled(1 / scale) for face in kept[:most])


def _search(grey: Picture, turn: float) -> list[Face]:
    """Faces of one turned copy, mapped back."""
    height, width = grey.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    turned = grey
    if turn != 0:
        turned = pixels(cv2.warpAffine(grey, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
    smallest = max(24, min(height, width) // 14)
    votes: list[tuple[tuple[int, int, int, int], float]] = []
    for name, weight in (("frontalface_alt2", 1.5), ("frontalface_default", 1.0), ("frontalface_alt", 1.0)):
        boxes, _, weights = _cascade(name).detectMultiScale3(
            turned, 1.08, 4, minSize=(smallest, smallest), outputRejectLevels=True
        )
        votes += [((x, y, w, h), weight) for (x, y, w, h), _ in zip(boxes, weights, strict=True)]
    faces = [_judge(turned, group) for group in _groups(votes)]
    if turn == 0 and not any(faces):
        faces += [_judge(turned, [(box, 3.5)]) for box in _profiles(turned, max(smallest, min(height, width) // 6))]
    back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
    return [_turned_back(face, back, turn) for face in faces if face is not None]


def _profiles(grey: Picture, smallest: int) -> list[tuple[int, int, int, int]]:
    width = grey.shape[1]
    out = []
    for mirrored in (False, True):
        boxes = _cascade("profileface").detectMultiScale(
            cv2.flip(grey, 1) if mirrored else grey, 1.08, 9, minSize=(smallest, smallest)
        )
        out += [((width - x - w) if mirrored else x, y, w, h) for x, y, w, h in boxes]
    return out


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over the smaller box."""
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0.0, wide) * max(0.0, high) / min(a[2] * a[3], b[2] * b[3])


def _groups(
    votes: list[tuple[tuple[int, int, int, int], float]],
) -> list[list[tuple[tuple[int, int, int, int], float]]]:
    groups: list[list[tuple[tuple[int, int, int, int], float]]] = []
    for vote in votes:
        for group in groups:
            if _overlap(vote[0], group[0][0]) > 0.5:
                group.append(vote)
                break
        else:
            groups.append([vote])
    return groups


def _judge(grey: Picture, group: list[tuple[tuple[int, int, int, int], float]]) -> Face | None:
    """One face of boxes that agree, or None: it needs two cascades, or two eyes where eyes belong."""
    x, y, w, h = (float(v) for v in np.average([box for box, _ in group], axis=0, weights=[s for _, s in group]))
    eyes = _eyes(grey, x, y, w, h)
    score = sum(weight for _, weight in group) + (2.0 if eyes else 0.0)
    if score < 3.5:
        return None
    roll = degrees(atan2(eyes[1][1] - eyes[0][1], eyes[1][0] - eyes[0][0])) if eyes else _lean(grey, x, y, w, h)
    return Face(x=x, y=y, w=w, h=h, roll=roll, eyes=eyes, score=score)


def _eyes(
    grey: Picture, x: float, y: float, w: float, h: float
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The pair of eyes of a face box: on either side of its middle, level within 25 degrees, plausibly apart."""
    left, top = max(0, round(x)), max(0, round(y + 0.12 * h))
    patch = grey[top : max(top + 8, round(y + 0.58 * h)), left : max(left + 8, round(x + w))]
    if min(patch.shape) < 12:
        return None
    zoom = max(1.0, 160 / patch.shape[1])
    patch = pixels(cv2.resize(patch, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC))
    smallest = round(0.14 * w * zoom)
    spots: list[tuple[float, float]] = []
    for name in ("eye", "eye_tree_eyeglasses", "lefteye_2splits", "righteye_2splits"):
        boxes = _cascade(name).detectMultiScale(patch, 1.05, 3, minSize=(smallest, smallest))
        spots += [(left + (ex + ew / 2) / zoom, top + (ey + eh / 2) / zoom) for ex, ey, ew, eh in boxes]
    middle, best, error = x + w / 2, None, 1e9
    for a in spots:
        for b in spots:
            apart, level = (b[0] - a[0]) / w, degrees(atan2(b[1] - a[1], b[0] - a[0]))
            if not (a[0] < middle < b[0] and 0.28 < apart < 0.62 and abs(level) < 25):
                continue
            off = abs((a[0] + b[0]) / 2 - middle) / w + abs(apart - 0.42) + abs((a[1] + b[1]) / 2 - y - 0.38 * h) / h
            if off < error:
                best, error = (a, b), off
    if best is None or error > 0.35:
        return None
    near = [[s for s in spots if hypot(s[0] - e[0], s[1] - e[1]) < 0.08 * w] for e in best]
    a, b = ((float(np.mean([s[0] for s in n])), float(np.mean([s[1] for s in n]))) for n in near)
    return a, b


def _lean(grey: Picture, x: float, y: float, w: float, h: float) -> float:
    """The roll at which a face is most like its own mirror image, in steps of 3 degrees; 0 where nothing stands out."""
    best = (0.0, 0.0)
    for turn in range(-18, 19, 3):
        matrix = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), turn, 128 / w)
        matrix[:, 2] += np.array([64 - x - w / 2, 64 - y - h / 2])
        patch = cv2.warpAffine(grey, matrix, (128, 128), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        patch = blurred(patch, 2) - blurred(patch, 20)
        for shift in range(-16, 17, 4):
            strip = patch[10:118, 20 + shift : 108 + shift]
            likeness = float(np.corrcoef(strip.ravel(), strip[:, ::-1].ravel())[0, 1])
            best = max(best, (likeness, float(turn)))
    return best[1] if best[0] > 0.6 else 0.0


def _turned_back(face: Face, back: NDArray[np.float64], turn: float) -> Face:
    """A face found in a copy turned by `turn` degrees, in the upright picture's pixels."""
    if turn == 0:
        return face

    def there(x: float, y: float) -> tuple[float, float]:
        return float(back[0] @ (x, y, 1.0)), float(back[1] @ (x, y, 1.0))

    cx, cy = there(*face.centre)
    eyes = (there(*face.eyes[0]), there(*face.eyes[1])) if face.eyes else None
    roll = face.roll + turn
    return Face(
        x=cx - face.w / 2,
        y=cy - face.h / 2,
        w=face.w,
        h=face.h,
        roll=roll,
        eyes=eyes,
        score=face.score - abs(turn) / 30,
    )


def _distinct(faces: list[Face]) -> list[Face]:
    """The best of each heap of overlapping faces, the largest first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if all(_overlap((face.x, face.y, face.w, face.h), (k.x, k.y, k.w, k.h)) < 0.3 for k in kept):
            kept.append(face)
    return sorted(kept, key=lambda f: -f.w * f.h)
