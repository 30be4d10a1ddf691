"""Whether a finished ID photo keeps to its rule, whoever made it: what is wrong is measured, mended where this machine
can without inventing anything, and told where it cannot.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import hypot

import cv2
import numpy as np

from providers.embedded.id_photo import COLOURS, frame_of, head_of, id_photo
from providers.embedded.id_presets import Preset
from providers.errors import AskPerson
from providers.media.pixels import Floats, Picture, disc, lab_of
from providers.people.face import EYE_CORNERS, EYELIDS, Face
from providers.people.find import find_faces
from providers.people.matting import cut_out
from providers.people.preflight import HIDDEN, hidden_eyes
from providers.task import IdPhoto

_SIZE_SLACK = 0.015
"""Shares of the height that head and eyes may be off: what a photo office's ruler does not see."""
_LEVEL, _CENTRE = 3.0, 0.05
_YAW, _PITCH = 20.0, 26.0
_OPEN = 0.13
"""Least height of an open eye as a share of its width. Narrow eyes lie about 0.2, laughing ones about 0.15."""
_UNEVEN, _COLOUR, _SHADOW = 4.0, 7.0, 5.0
"""Lab units: spread of the background, its distance from the colour asked for, its darkening beside the head."""


class Fault(StrEnum):
    """What is wrong with an ID photo."""

    NO_FACE = "no_face"
    MANY_FACES = "many_faces"
    EYES_CLOSED = "eyes_closed"
    EYES_HIDDEN = "eyes_hidden"
    """Dark glasses."""
    TURNED_AWAY = "turned_away"
    HEAD_CUT = "head_cut"
    HEAD_SIZE = "head_size"
    EYE_LINE = "eye_line"
    NOT_LEVEL = "not_level"
    NOT_CENTRED = "not_centred"
    BACKGROUND_UNEVEN = "background_uneven"
    BACKGROUND_COLOUR = "background_colour"
    SHADOW = "shadow"
    PIXELS = "pixels"

    @property
    def text_key(self) -> str:
        """The sentence that tells it to a person."""
        return f"say.id_{self.value}"


MENDABLE = frozenset(
    {
        Fault.HEAD_SIZE, Fault.EYE_LINE, Fault.NOT_LEVEL, Fault.NOT_CENTRED, Fault.BACKGROUND_UNEVEN,
        Fault.BACKGROUND_COLOUR, Fault.SHADOW, Fault.PIXELS,
    }
)  # fmt: skip


BACKGROUND = frozenset({Fault.BACKGROUND_UNEVEN, Fault.BACKGROUND_COLOUR, Fault.SHADOW})
"""Never wrong where it was painted here: whoever finds fault with it has taken a hat at the border for a wall."""
TOLD_OF_OUR_OWN = frozenset(Fault) - BACKGROUND - {Fault.NO_FACE, Fault.PIXELS}
"""What may be wrong with a picture made here: there was a face in its photo."""


@dataclass(frozen=True, kw_only=True)
class IdReport:
    """`head`: its height as a share of the picture's. `eyes`: their distance from the lower edge, likewise.
    `uneven`: spread of the background in Lab units. None where it could not be measured."""

    faults: tuple[Fault, ...]
    head: float | None = None
    eyes: float | None = None
    roll: float | None = None
    uneven: float | None = None


def id_report(rgb: Picture, preset: Preset | None, colour: tuple[int, int, int] | None = None) -> IdReport:
    """What is wrong with `rgb` as an ID photo of `preset` before `colour` (default: the preset's own, if any).

    Without a preset nothing is said of sizes: what has no rule keeps to none.
    """
    faces = find_faces(rgb)
    if not faces:
        return IdReport(faults=(Fault.NO_FACE,))
    face = faces[0]
    found: set[Fault] = set()
    if sum(other.w > 0.5 * face.w for other in faces) > 1:
        found.add(Fault.MANY_FACES)
    if not eyes_are_open(face):
        found.add(Fault.EYES_CLOSED)
    if hidden_eyes(rgb, face) > HIDDEN:
        found.add(Fault.EYES_HIDDEN)
    if abs(face.yaw or 0.0) > _YAW or abs(face.pitch or 0.0) > _PITCH:
        found.add(Fault.TURNED_AWAY)
    if abs(face.roll) > _LEVEL:
        found.add(Fault.NOT_LEVEL)
    height, width = rgb.shape[:2]
    if abs(face.between_eyes[0] / width - 0.5) > _CENTRE:
        found.add(Fault.NOT_CENTRED)
    if preset and (width, height) != preset.pixels:
        found.add(Fault.PIXELS)
    eyes = 1 - face.between_eyes[1] / height
    alpha = cut_out(rgb, faces).alpha
    uneven = _background(rgb, alpha, face, colour or (preset.background if preset else None), found)
    return IdReport(
        faults=tuple(fault for fault in Fault if fault in found | _framing(alpha, face, preset, eyes)),
        head=_head(alpha, face),
        eyes=eyes,
        roll=face.roll,
        uneven=uneven,
    )


def _head(alpha: Floats, face: Face) -> float | None:
    try:
        return float(head_of(alpha, face).height / alpha.shape[0])
    except AskPerson:
        return None


def _framing(alpha: Floats, face: Face, preset: Preset | None, eyes: float) -> set[Fault]:
    found: set[Fault] = set()
    head = _head(alpha, face)
    if head is None:
        found.add(Fault.HEAD_CUT)
    if preset is None:
        return found
    frame = frame_of(preset)
    if head is not None and not frame.head[0] - _SIZE_SLACK <= head <= frame.head[1] + _SIZE_SLACK:
        found.add(Fault.HEAD_SIZE)
    if preset.eyes and not preset.eyes[0] - _SIZE_SLACK <= eyes <= preset.eyes[1] + _SIZE_SLACK:
        found.add(Fault.EYE_LINE)
    return found


def eyes_are_open(face: Face) -> bool:
    """By the lids of the mesh; True where a face has none."""
    if face.mesh is None:
        return True
    points = face.mesh

    def apart(a: int, b: int) -> float:
        return hypot(points[a][0] - points[b][0], points[a][1] - points[b][1])

    openness = [
        float(np.mean([apart(*lids) for lids in pairs])) / max(apart(*corners), 1e-6)
        for pairs, corners in zip(EYELIDS, EYE_CORNERS, strict=True)
    ]
    return max(openness) > _OPEN


def _background(
    rgb: Picture, alpha: Floats, face: Face, colour: tuple[int, int, int] | None, found: set[Fault]
) -> float | None:
    """Measured away from the edge of hair; adds what is wrong to `found` and gives the spread."""
    person = (alpha > 0.02).astype(np.uint8)
    lab = lab_of(rgb)
    far = cv2.dilate(person, disc(0.35 * face.unit)) == 0
    ring = (cv2.dilate(person, disc(0.30 * face.unit)) > 0) & (cv2.dilate(person, disc(0.10 * face.unit)) == 0)
    if far.mean() < 0.02:
        return None
    middle = np.median(lab[far], 0)
    spread = float(np.sqrt(((cv2.blur(lab, (5, 5))[far] - middle) ** 2).sum(-1).mean()))
    if spread > _UNEVEN:
        found.add(Fault.BACKGROUND_UNEVEN)
    if ring.any() and middle[0] - float(np.percentile(lab[ring][:, 0], 20)) > _SHADOW:
        found.add(Fault.SHADOW)
    if colour is not None:
        wanted = lab_of(np.full((1, 1, 3), colour, np.uint8))[0, 0]
        if float(np.linalg.norm(middle - wanted)) > _COLOUR:
            found.add(Fault.BACKGROUND_COLOUR)
    return spread


def id_colour(style: str, preset: Preset | None, wanted: IdPhoto | None) -> tuple[int, int, int]:
    """The background: what was asked for, else the preset's own, else that of the style."""
    if wanted is not None and wanted.background is not None:
        return wanted.background
    return preset.background if preset and preset.background else COLOURS[style]


def mended(rgb: Picture, preset: Preset | None, colour: tuple[int, int, int]) -> tuple[Picture, IdReport]:
    """`rgb` brought to the rule as far as reframing, levelling and another background can, and what is still wrong.

    The picture itself where nothing is wrong, nothing of it can be mended, or mending would not help. Without a preset
    it keeps its proportions.
    """
    report = id_report(rgb, preset, colour)
    if not set(report.faults) & MENDABLE or Fault.NO_FACE in report.faults:
        return rgb, report
    own = f"{rgb.shape[1]}:{rgb.shape[0]}"
    try:
        made = id_photo(rgb, find_faces(rgb), colour, preset=preset, aspect_ratio=None if preset else own)
    except AskPerson:
        return rgb, report
    found = id_report(made, preset, colour)
    again = replace(found, faults=tuple(fault for fault in found.faults if fault not in BACKGROUND))
    return (made, again) if len(again.faults) < len(report.faults) else (rgb, report)
