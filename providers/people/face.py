"""One face of a photo: where it is, how it is turned, and the measure that all proportions of a head are given in."""

from dataclasses import dataclass, replace
from math import atan2, cos, degrees, hypot, radians, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Points = tuple[Point, ...]

CHIN, FOREHEAD = 152, 10
CHEEKS = (234, 454)
EYE_CORNERS = ((33, 133), (362, 263))
"""Of the left and the right eye as the viewer sees them; outer, inner and inner, outer."""
EYELIDS = (((159, 145), (158, 153)), ((386, 374), (385, 380)))
"""Upper and lower lid, two places on each eye."""
INNER_LIPS, OUTER_LIPS, MOUTH_CORNERS = (13, 14), (0, 17), (61, 291)
NOSE_TIP = 1


@dataclass(frozen=True, kw_only=True)
class Face:
    """One face, in pixels of the picture it was found in.

    `x, y, w, h`: the upright box, from mid-forehead to just below the mouth, square. `roll`, `yaw`, `pitch`: degrees
    the head leans clockwise, turns towards the viewer's right, and looks down. `eyes`: left and right as the viewer
    sees them. `points`: the detector's eyes, nose tip, mouth middle, ears. `mesh`: MediaPipe's 468 points as x, y and
    depth (smaller is nearer). `sharpness`: 0 to 1 as `measures` gives it; `light`: mean lightness of the skin, 0 to
    100. What the floor without models cannot know is None.
    """

    x: float
    y: float
    w: float
    h: float
    roll: float = 0.0
    eyes: tuple[Point, Point] | None = None
    score: float = 0.0
    points: Points | None = None
    mesh: tuple[tuple[float, float, float], ...] | None = None
    yaw: float | None = None
    pitch: float | None = None
    sharpness: float | None = None
    light: float | None = None

    @property
    def centre(self) -> Point:
        return self.x + self.w / 2, self.y + self.h / 2

    @property
    def between_eyes(self) -> Point:
        """The point between the eyes; estimated from the box where they were not found."""
        if self.eyes:
            (ax, ay), (bx, by) = self.eyes
            return (ax + bx) / 2, (ay + by) / 2
        return self.along(0.0, 0.0)

    @property
    def unit(self) -> float:
        """Distance between the pupils of a face seen from the front, in pixels.

        An adult's chin lies about 1.8 units below the eyes and the crown without hair about 1.8 above.
        """
        by_box = 0.40 * self.w
        if self.mesh is not None or not self.eyes:
            return by_box
        (ax, ay), (bx, by) = self.eyes
        return min(max(hypot(bx - ax, by - ay), 0.85 * by_box), 1.2 * by_box)

    @property
    def width(self) -> float:
        """From cheek to cheek in pixels."""
        if self.mesh is None:
            return 2.15 * self.unit
        (ax, ay, _), (bx, by, _) = (self.mesh[i] for i in CHEEKS)
        return max(hypot(bx - ax, by - ay), 1.2 * self.unit)

    @property
    def chin(self) -> Point:
        return self.mesh[CHIN][:2] if self.mesh is not None else self.along(0, 1.8)

    def along(self, right: float, down: float) -> Point:
        """The point `right` and `down` units from between the eyes, along the leaning head's own axes."""
        a, u = radians(self.roll), self.unit
        if self.eyes:
            ox, oy = self.between_eyes
        else:
            (cx, cy), off = self.centre, 0.12 * self.h
            ox, oy = cx + off * sin(a), cy - off * cos(a)
        return ox + u * (right * cos(a) - down * sin(a)), oy + u * (right * sin(a) + down * cos(a))

    @property
    def box(self) -> tuple[int, int, int, int]:
        return round(self.x), round(self.y), round(self.w), round(self.h)

    def scaled(self, factor: float) -> "Face":
        return self.placed(np.array([[factor, 0.0, 0.0], [0.0, factor, 0.0]]))

    def shifted(self, right: float, down: float) -> "Face":
        return self.placed(np.array([[1.0, 0.0, right], [0.0, 1.0, down]]))

    def placed(self, matrix: NDArray[Any]) -> "Face":
        """The face after its picture was turned, scaled and shifted by the 2 x 3 `matrix`."""
        m = np.asarray(matrix, np.float64)
        scale = hypot(m[0, 0], m[1, 0])

        def there(x: float, y: float) -> Point:
            return float(m[0] @ (x, y, 1.0)), float(m[1] @ (x, y, 1.0))

        (cx, cy), w = there(*self.centre), self.w * scale
        mesh = self.mesh
        if mesh is not None:
            whole = np.asarray(mesh, np.float64)
            flat = whole[:, :2] @ m[:, :2].T + m[:, 2]
            mesh = tuple(zip(flat[:, 0].tolist(), flat[:, 1].tolist(), (whole[:, 2] * scale).tolist(), strict=True))
        return replace(
            self,
            x=cx - w / 2, y=cy - self.h * scale / 2, w=w, h=self.h * scale,
            roll=_half_turn(self.roll + degrees(atan2(m[1, 0], m[0, 0]))),
            eyes=(there(*self.eyes[0]), there(*self.eyes[1])) if self.eyes else None,
            points=tuple(there(*p) for p in self.points) if self.points else None,
            mesh=mesh,
        )  # fmt: skip


def _half_turn(angle: float) -> float:
    """-180 to 180."""
    return (angle + 180.0) % 360.0 - 180.0
