"""The seam through which the rest of the program learns who is in a photo."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from providers.media.pixels import Picture
from providers.people.cascades import by_cascades
from providers.people.detector import candidates, overlap
from providers.people.face import Face
from providers.people.matting import Cutout, cut_out
from providers.people.measures import measured
from providers.people.mesh import OVERTURNED, judged
from providers.people.model_files import CUTTING, FINDING, are_there

MOST = 24


@dataclass(frozen=True, kw_only=True)
class People:
    """Everybody in a photo: `faces`, the largest first, and, made when first asked for, their cut-out."""

    rgb: Picture
    faces: tuple[Face, ...]

    @cached_property
    def cutout(self) -> Cutout | None:
        """All people of the photo; None where there is no face to prove that anybody is there."""
        return cut_out(self.rgb, self.faces) if self.faces else None


def find_people(rgb: Picture) -> People:
    """Who is in `rgb` (H x W x 3, uint8)."""
    return People(rgb=rgb, faces=find_faces(rgb))


def by_models() -> bool:
    """Whether faces are found and people cut out by networks; else the classical floor does it."""
    return are_there(CUTTING)


def find_faces(rgb: Picture, *, most: int = MOST) -> tuple[Face, ...]:
    """Faces of an RGB picture (H x W x 3), the largest first; empty where there is none. Heads may lie on their side.

    With models 468 points, pose and quality of each come along. Faces below a fifth of the largest are passers-by and
    left out.
    """
    found = _by_networks(rgb, most) if are_there(FINDING) else by_cascades(rgb, most=most)
    return tuple(measured(rgb, face) for face in found)


_SURE, _TURNED = 0.75, 0.6
"""A detector's score from which no other way up is tried, and what a face must have there to count."""


def _by_networks(rgb: Picture, most: int) -> tuple[Face, ...]:
    """The photo as it is; where that shows nothing certain, also on its sides and on its head."""
    best, surest = _upright(rgb, most)
    for quarters in (1, 3, 2):
        if surest < _SURE:
            turned = np.ascontiguousarray(np.rot90(rgb, quarters))
            found, sure = _upright(turned, most, whole=True)
            if sure > max(surest, _TURNED):
                matrix = _turned_back(quarters, turned.shape[1], turned.shape[0])
                best, surest = tuple(face.placed(matrix) for face in found), sure
    return best


def _upright(rgb: Picture, most: int, *, whole: bool = False) -> tuple[tuple[Face, ...], float]:
    """(faces, the highest score of the detector among them)."""
    kept: list[Face] = []
    surest = 0.0
    for candidate in candidates(rgb, tiles=not whole)[: 2 * most]:
        face = judged(rgb, candidate)
        if (
            face is not None
            and (not whole or face.score >= OVERTURNED)
            and all(overlap(_box(face), _box(other)) < 0.3 for other in kept)
        ):
            kept.append(face)
            surest = max(surest, candidate.score)
    kept.sort(key=lambda face: -face.w)
    return tuple(face for face in kept if face.w >= 0.2 * kept[0].w)[:most], surest


def upright(rgb: Picture, faces: tuple[Face, ...]) -> tuple[Picture, tuple[Face, ...]]:
    """A photo whose largest face lies on its side or its head, turned the right way up; others as they are."""
    quarters = round(faces[0].roll / 90) % 4 if faces else 0
    if quarters == 0 or abs((faces[0].roll + 45) % 90 - 45) > 35:
        return rgb, faces
    turned = np.ascontiguousarray(np.rot90(rgb, quarters))
    matrix = _turned_back(4 - quarters, rgb.shape[1], rgb.shape[0])
    return turned, tuple(face.placed(matrix) for face in faces)


def _turned_back(quarters: int, width: int, height: int) -> NDArray[np.float64]:
    """From the pixels of a picture turned by `numpy.rot90`, of this size, to those of the picture itself."""
    if quarters == 1:
        return np.array([[0.0, -1.0, height], [1.0, 0.0, 0.0]])
    if quarters == 3:
        return np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, width]])
    return np.array([[-1.0, 0.0, width], [0.0, -1.0, height]])


def _box(face: Face) -> tuple[float, float, float, float]:
    return face.x, face.y, face.w, face.h
