"""The judge of what is a face: MediaPipe's face mesh, whose score tells faces from cats, cups and backs of heads."""

from dataclasses import replace
from math import atan2, degrees, hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from providers.media.pixels import Floats, Picture, floats
from providers.people.detector import Candidate
from providers.people.face import CHEEKS, CHIN, EYE_CORNERS, FOREHEAD, Face
from providers.people.nets import net_of, outputs

_SIDE = 192
_REACH = 1.5
_FACE = 0.5
"""Faces score 1.0, cats and cups 0.4 at most, drawn faces 0.07."""
OVERTURNED = 0.85
"""The same for a face that is found only the other way up: a cat on its side scores 0.67, the least face 0.89."""
_LARGE = 0.1
"""The share of the photo's short side above which that is tried at all: small things look like much upside down."""
_ASKEW = 10.0
"""Degrees the eyes may be off level before the mesh is asked again with the head turned as it found it."""


_UPRIGHT = 0.86
"""The detector's score from which a face is the way up that its points say. Of 48 heads stood on their crown none has
more, and there the points may say the opposite."""


def judged(rgb: Picture, candidate: Candidate) -> Face | None:
    """The face that `candidate` is, or None where it is none."""
    (ax, ay), (bx, by) = candidate.points[0], candidate.points[1]
    turn, least = degrees(atan2(by - ay, bx - ax)), _FACE
    answer = _asked(rgb, candidate, turn)
    if candidate.score < _UPRIGHT and candidate.box[2] > _LARGE * min(rgb.shape[:2]):
        other = _asked(rgb, candidate, turn + 180)
        if other[0] > answer[0]:
            answer, turn, least = other, turn + 180, OVERTURNED
            candidate = replace(candidate, points=candidate.points[[1, 0, 2, 3, 5, 4]])
    face = _face(candidate, *answer)
    for _ in range(2):
        if face.score < least or abs((face.roll - turn + 180) % 360 - 180) < _ASKEW:
            break
        turn = face.roll
        face = _face(candidate, *_asked(rgb, candidate, turn))
    return face if face.score >= least else None


def _asked(rgb: Picture, candidate: Candidate, turn: float) -> tuple[float, Floats, NDArray[np.float64]]:
    """(logit, points in the network's square, points in the photo); `turn`: how far the head leans, in degrees."""
    x, y, w, h = candidate.box
    scale = _SIDE / (_REACH * max(w, h))
    matrix = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), turn, scale)
    matrix[:, 2] += np.array([_SIDE / 2 - x - w / 2, _SIDE / 2 - y - h / 2])
    source, shrunk = rgb, matrix
    if scale < 0.5:  # a large face is shrunk first, so that no pixel is passed over
        source = cv2.resize(rgb, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
        shrunk = matrix.copy()
        shrunk[:, 0] *= rgb.shape[1] / source.shape[1]
        shrunk[:, 1] *= rgb.shape[0] / source.shape[0]
    square = cv2.warpAffine(source, shrunk, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    blob = floats(square).transpose(2, 0, 1)[None] / np.float32(255)
    answers = outputs(net_of("face_landmark"), np.ascontiguousarray(blob))
    (mesh,) = (a.reshape(468, 3) for a in answers if a.size == 1404)
    (logit,) = (float(a.ravel()[0]) for a in answers if a.size == 1)
    back = cv2.invertAffineTransform(matrix)
    flat = mesh[:, :2] @ back[:, :2].T + back[:, 2]
    return logit, mesh, np.concatenate([flat, mesh[:, 2:] / scale], 1).astype(np.float64)


def _face(candidate: Candidate, logit: float, square: Floats, mesh: NDArray[np.float64]) -> Face:
    eyes = [mesh[list(corners)].mean(0) for corners in EYE_CORNERS]
    (ax, ay, az), (bx, by, bz) = eyes
    roll = degrees(atan2(by - ay, bx - ax))
    # A turned face's eyes come closer in the picture and part in depth: together they are what they were.
    unit = float(np.sqrt((bx - ax) ** 2 + (by - ay) ** 2 + min((bz - az) ** 2, 2 * ((bx - ax) ** 2 + (by - ay) ** 2))))
    (lx, ly, lz), (rx, ry, rz) = (square[i] for i in CHEEKS)
    (_, ty, tz), (_, cy, cz) = square[FOREHEAD], square[CHIN]
    size = 2.5 * unit
    lean = np.radians(roll)
    middle_x = (ax + bx) / 2 - 0.12 * size * np.sin(lean)
    middle_y = (ay + by) / 2 + 0.12 * size * np.cos(lean)
    return Face(
        x=float(middle_x - size / 2), y=float(middle_y - size / 2), w=size, h=size, roll=roll,
        score=float(1 / (1 + np.exp(-min(max(logit, -80.0), 80.0)))),
        eyes=((float(ax), float(ay)), (float(bx), float(by))),
        points=tuple((float(px), float(py)) for px, py in candidate.points),
        mesh=tuple((float(px), float(py), float(pz)) for px, py, pz in mesh),
        yaw=degrees(atan2(rz - lz, hypot(rx - lx, ry - ly))),
        pitch=degrees(atan2(cz - tz, cy - ty)),
    )  # fmt: skip
