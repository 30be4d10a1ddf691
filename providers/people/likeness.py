"""How alike the face in a result is to the person's own photos: results ranked, a clear miss told.

Never used to say who somebody is: only the photos and pictures of one job are compared with each other, and nothing of
it is kept. Without the network's files there is no score, and none is made up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from providers.media.pixels import Floats, Picture
from providers.people.descriptor import descriptor
from providers.people.find import find_faces
from providers.people.model_files import LIKENESS, are_there

SAME, OTHER = 0.50, 0.60
"""Distances. Of 1081 pairs of two people one lay below the first (two Black men: the network tells dark faces apart
less well) and 23 below the second; of 300 pictures made from a photo or spoilt copies of it three lay above the second.
It ranks well, 13503 times of 13524 the own before another's; a single number proves nothing: refuse nobody by it."""


class Likeness(StrEnum):
    ALIKE = "alike"
    DOUBTFUL = "doubtful"
    MISS = "miss"
    """Plainly another face."""
    NO_FACE = "no_face"
    """The result shows none, or it cannot be made out: a painting, a back of a head."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One result. `distance`: to the nearest of the photos' faces, 0 the same, None without a face."""

    likeness: Likeness
    distance: float | None = None


def is_known() -> bool:
    """Whether likeness can be told on this machine at all."""
    return are_there(LIKENESS)


def compared(photos: Sequence[Picture], results: Sequence[Picture]) -> tuple[Compared, ...] | None:
    """Each result beside the person's photos; None where it cannot be told: no network, or no face in any photo.

    Of several people in a photo the largest face counts; in a result any of its faces may be the person.
    """
    if not is_known():
        return None
    own = [vectors[0] for photo in photos if (vectors := _vectors(photo, 1))]
    if not own:
        return None
    return tuple(_compared(own, _vectors(result, 4)) for result in results)


def _vectors(rgb: Picture, most: int) -> list[Floats]:
    return [descriptor(rgb, face) for face in find_faces(rgb)[:most]]


def _compared(own: Sequence[Floats], found: Sequence[Floats]) -> Compared:
    if not found:
        return Compared(likeness=Likeness.NO_FACE)
    distance = min(float(np.linalg.norm(a - b)) for a in own for b in found)
    likeness = Likeness.ALIKE if distance < SAME else Likeness.MISS if distance > OTHER else Likeness.DOUBTFUL
    return Compared(likeness=likeness, distance=round(distance, 3))


def ranked(compared: Sequence[Compared]) -> tuple[int, ...]:
    """The results' indices, the likest first; those without a face last, in their own order."""
    return tuple(
        sorted(range(len(compared)), key=lambda i: (compared[i].distance is None, compared[i].distance or 0.0, i))
    )
