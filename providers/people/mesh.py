"""The judge of what is a face: MediaPipe's face mesh, whose score tells faces from cats, cups and backs of heads."""

from math import atan2, degrees, hypot

import cv2
import numpy as np

from providers.media.pixels import Picture, floats
from providers.people.detector import Candidate
from providers.people.face import CHEEKS, CHIN, EYE_CORNERS, FOREHEAD, Face
from providers.people.nets import net_of, outputs

_SIDE = 192
_REACH = 1.5
_FACE = 0.5
"""Faces score 1.0, cats and cups 0.4 at most, drawn faces 0.07."""


def judged(rgb: Picture, candidate: Candidate) -> Face | None:
    """The face that `candidate` is, or None where it is none."""
    (ax, ay), (bx, by) = candidate.points[0], candidate.points[1]
    turn = degrees(atan2(by - ay, bx - ax))
    x, y, w, h = candidate.box
    scale = _SIDE / (_REACH * max(w, h))
    matrix = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), turn, scale)
    matrix[:, 2] += _SIDE / 2 - x - w / 2, _SIDE / 2 - y - h / 2
    source = rgb
    if scale < 0.5:  # a large face is shrunk first, so that no pixel is passed over
        shrink = 2 * scale
        source = cv2.resize(rgb, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA).astype(np.uint8)
        exact = np.diag([rgb.shape[1] / source.shape[1], rgb.shape[0] / source.shape[0]])
        matrix[:, :2] = matrix[:, :2] @ exact
    square = cv2.warpAffine(source, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if source is not rgb:
        matrix[:, :2] = matrix[:, :2] @ np.linalg.inv(exact)
    blob = floats(square).transpose(2, 0, 1)[None] / np.float32(255)
    answers = outputs(net_of("face_landmark"), np.ascontiguousarray(blob))
    (mesh,) = (a.reshape(468, 3) for a in answers if a.size == 1404)
    (logit,) = (float(a.ravel()[0]) for a in answers if a.size == 1)
    score = 1 / (1 + np.exp(-min(max(logit, -80.0), 80.0)))
    if score < _FACE:
        return None
    back = cv2.invertAffineTransform(matrix)
    flat = mesh[:, :2] @ back[:, :2].T + back[:, 2]
    whole = np.concatenate([flat, mesh[:, 2:] / scale], 1)
    return _face(candidate, whole.astype(np.float64), mesh, float(score))


def _face(candidate: Candidate, mesh: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", square: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", score: float) -> Face:  # fmt: skip # noqa: E501
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
        x=float(middle_x - size / 2), y=float(middle_y - size / 2), w=size, h=size, roll=roll, score=score,
        eyes=((float(ax), float(ay)), (float(bx), float(by))),
        points=tuple((float(px), float(py)) for px, py in candidate.points),
        mesh=tuple((float(px), float(py), float(pz)) for px, py, pz in mesh),
        yaw=degrees(atan2(rz - lz, hypot(rx - lx, ry - ly))),
        pitch=degrees(atan2(cz - tz, cy - ty)),
    )  # fmt: skip
