"""What every look starts from and ends with: sizes, seeds, noise, exposure, faces, paper and grain.

Pictures inside this package are float32 RGB in 0..1 (`Image`), masks and maps float32 in 0..1 (`Plane`);
uint8 RGB (`Picture`) comes in and goes out.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from providers.people.face import Face

Picture = npt.NDArray[np.uint8]
Image = npt.NDArray[Any]
"""float32, height × width × 3; written as Any because OpenCV's results are."""
Plane = npt.NDArray[Any]
"""float32, height × width."""
Box = tuple[int, int, int, int]
"""A face as x, y, width, height in pixels: upright, square, from mid-forehead to just below the mouth."""

MOST_ENLARGED = 4.0
"""A picture is never enlarged more than this before it is worked on: beyond it there is nothing to paint."""


DRAFT_SIDE = 480
"""Pixels of a draft's long side: a quarter of the work, and still the look."""


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """A photo at the size it is worked on, with its faces at that size and the dice for it."""

    image: Image
    people: tuple[Face, ...]
    seed: int

    @property
    def faces(self) -> tuple[Box, ...]:
        """The boxes of the faces, cut at the frame."""
        return tuple(self._cut(face) for face in self.people)

    def _cut(self, face: Face) -> Box:
        left, top = max(0, round(face.x)), max(0, round(face.y))
        right, bottom = min(self.width, round(face.x + face.w)), min(self.height, round(face.y + face.h))
        return left, top, right - left, bottom - top

    @property
    def height(self) -> int:
        return int(self.image.shape[0])

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def unit(self) -> float:
        """One thousandth of the long side in pixels: strokes and radii are given in it."""
        return max(self.height, self.width) / 1000.0

    def dice(self) -> np.random.Generator:
        """Always the same numbers for the same photo and the same take."""
        return np.random.default_rng(self.seed)


def prepare(
    picture: Picture, faces: Sequence[Box | Face], take: int, *, least: int, most: int, draft: bool = False
) -> Canvas:
    """Scale a uint8 H×W×3 picture so that its long side is within `least`..`most` pixels; of a draft, `DRAFT_SIDE`.

    Enlarges at most fourfold. Faces are scaled along and cut at the frame; empty ones are dropped.
    Raises ValueError for anything that is not uint8 H×W×3 with at least one pixel.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise ValueError("a picture is uint8, height x width x 3")
    least, most = (min(least, DRAFT_SIDE), min(most, DRAFT_SIDE)) if draft else (least, most)
    height, width = picture.shape[:2]
    long_side = max(height, width)
    factor = min(max(1.0, least / long_side), MOST_ENLARGED) if long_side < most else most / long_side
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    if factor < 1:
        scaled: Image = calm(shrunk(picture, size), blocks=0.0)
    else:
        scaled = cv2.resize(calm(picture, blocks=blocks_of(picture)), size, interpolation=cv2.INTER_CUBIC)
    across, down = size[0] / width, size[1] / height
    image = np.multiply(scaled, np.float32(1 / 255), dtype=np.float32)
    seed = _seed(picture, take)
    if take:
        image = _other_light(image, np.random.default_rng(seed))
    people = tuple(_scaled(face, across, down) for face in faces)
    canvas = Canvas(image=image, people=people, seed=seed)
    inside = tuple(face for face, box in zip(people, canvas.faces, strict=True) if min(box[2:]) >= 4)
    return replace(canvas, people=inside)


def _other_light(image: Image, dice: np.random.Generator) -> Image:
    """Asked again, a look starts from a warmer or cooler, lighter or darker photo: visibly another picture."""
    warmth = float(dice.choice((-1, 1)) * dice.uniform(0.05, 0.09))
    gamma = float(np.exp(dice.choice((-1, 1)) * dice.uniform(0.12, 0.2)))
    gains = np.array([1 + warmth, 1.0, 1 - warmth], np.float32)
    return clamp(np.power(image, np.float32(gamma)) * gains)


def finish(image: Image) -> Picture:
    """Back to uint8; what is not a number becomes black."""
    scaled = np.nan_to_num(image * np.float32(255), nan=0.0, posinf=255.0, neginf=0.0)
    return np.asarray(np.clip(scaled + np.float32(0.5), 0, 255), dtype=np.uint8)


def _scaled(face: Box | Face, across: float, down: float) -> Face:
    if not isinstance(face, Face):
        x, y, w, h = face
        face = Face(x=x, y=y, w=w, h=h)
    # Both scales are the same to half a pixel, so the eyes may be scaled by either.
    return face.scaled((across + down) / 2)


def _seed(picture: Picture, take: int) -> int:
    small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA)
    return zlib.crc32(np.ascontiguousarray(small).tobytes(), take)


def grid(plane: Image) -> tuple[Plane, Plane]:
    """The row and the column of every pixel, as the float32 maps a remap wants."""
    height, width = plane.shape[:2]
    rows = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
    return rows, np.repeat(np.arange(width, dtype=np.float32)[None, :], height, axis=0)


def shrunk(plane: Image, size: tuple[int, int]) -> Image:
    """A copy of `size` (width, height), area-averaged."""
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))


def blur(plane: Image, sigma: float) -> Image:
    """Gaussian blur; a wide one is done on a smaller copy, which nobody can see and is many times faster."""
    if sigma <= 0.15:
        return plane
    shrink = int(sigma / 5)
    if shrink <= 1:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), dtype=np.float32)
    height, width = plane.shape[:2]
    size = (max(2, width // shrink), max(2, height // shrink))
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / shrink, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def clamp(image: Image) -> Image:
    """Cut to 0..1."""
    return np.asarray(np.clip(image, 0, 1), dtype=np.float32)


def luma(image: Image) -> Plane:
    """Rec. 709 luma of the gamma-coded values."""
    return np.asarray(cv2.transform(image, np.array([[0.2126, 0.7152, 0.0722]], np.float32)), dtype=np.float32)


def smoothstep(low: float, high: float, plane: Plane) -> Plane:
    """0 below `low`, 1 above `high`, smooth between; `low` above `high` turns it round."""
    ramp = np.clip((plane - np.float32(low)) * np.float32(1.0 / (high - low)), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), dtype=np.float32)


def mix(first: Image, second: Image, share: Plane | float) -> Image:
    """`first` where share is 0, `second` where it is 1; a plane works for all three channels."""
    if isinstance(share, np.ndarray) and first.ndim == 3 and share.ndim == 2:
        share = share[..., None]
    return np.asarray(
        first + (second - first) * np.float32(share) if isinstance(share, float) else first + (second - first) * share,
        dtype=np.float32,
    )


def to_lab(image: Image) -> Image:
    """CIE Lab: L 0..100, a and b about -100..100."""
    return np.asarray(cv2.cvtColor(np.clip(image, 0, 1), cv2.COLOR_RGB2Lab), dtype=np.float32)


def from_lab(lab: Image) -> Image:
    return clamp(np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)))


def saturate(image: Image, factor: float | Plane) -> Image:
    """Move colours away from (or towards) their own grey."""
    grey = np.repeat(luma(image)[..., None], 3, axis=2)
    return clamp(mix(grey, image, factor))


def noise_of(picture: Picture) -> float:
    """Standard deviation of the noise in grey levels (Immerkær's Laplacian difference; the median leaves edges out)."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.median(np.abs(cv2.filter2D(grey, -1, kernel))) / (6 * 0.6745))


def blocks_of(picture: Picture) -> float:
    """How much larger the steps are on the borders of JPEG's 8×8 blocks than elsewhere, in grey levels."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    excess = 0.0
    for plane in (grey, grey.T):
        steps = np.abs(np.diff(plane, axis=1)).mean(axis=0)
        if steps.size < 32:
            return 0.0
        border = np.arange(steps.size) % 8 == 7
        excess += float(steps[border].mean() - steps[~border].mean()) / 2
    return max(0.0, excess)


def calm(picture: Picture, *, blocks: float) -> Picture:
    """Take away sensor noise and JPEG blocks (`blocks` as `blocks_of` measures), only as much as there is."""
    strength = max(noise_of(picture) * 1.2, min(blocks * 2.0, 7.0))
    if strength < 2.0:
        return picture
    strength = min(strength, 14.0)
    calmed = cv2.fastNlMeansDenoisingColored(picture, None, strength, strength * 1.3, 5, 13)
    return np.asarray(calmed, dtype=np.uint8)


def expose(image: Image, *, middle: float = 0.42, strength: float = 1.0) -> Image:
    """Stretch a flat picture and lift a dark one, both within bounds; a good exposure comes back as it was."""
    light = luma(image)[::2, ::2]
    low, high = _range(light, strength)
    stretched = clamp((image - np.float32(low)) * np.float32(1 / (high - low)))
    centre = float(np.median(np.clip((light - low) / (high - low), 0, 1)))
    if centre >= middle or centre <= 0.002:
        return stretched
    gamma = max(0.5, 1 + (np.log(middle) / np.log(centre) - 1) * 0.6 * strength)
    return np.asarray(np.power(stretched, np.float32(gamma)), dtype=np.float32)


def _range(light: Plane, strength: float) -> tuple[float, float]:
    """The black and the white of a picture. High-key and low-key pictures keep most of their mood; one whose tones
    all lie close together (fog, a bad scan) is stretched nearly fully, but never to more than four times its range.
    """
    low, high = (float(value) for value in np.percentile(light, (0.5, 99.5)))
    flat = float(np.clip((0.55 - (high - low)) / 0.25, 0, 1)) * 0.9
    black = min(low, 0.12) * (1 - flat) + low * flat
    white = max(high, 0.55) * (1 - flat) + high * flat
    if white - black < 0.25:
        centre = (white + black) / 2
        black, white = centre * 0.75, centre * 0.75 + 0.25
    return black * strength, 1 - (1 - white) * strength


def clouds(canvas: Canvas, dice: np.random.Generator, *, size: float, octaves: int = 4) -> Plane:
    """Smooth random clouds around 0 (roughly -1..1); the largest are `size` units across."""
    total = np.zeros((canvas.height, canvas.width), np.float32)
    weight = 1.0
    for octave in range(octaves):
        cell = max(1.5, size * canvas.unit / 2**octave)
        rows, columns = int(canvas.height / cell) + 3, int(canvas.width / cell) + 3
        lattice = dice.standard_normal((rows, columns), dtype=np.float32)
        total += weight * cv2.resize(lattice, (canvas.width, canvas.height), interpolation=cv2.INTER_CUBIC)
        weight *= 0.5
    return np.asarray(total / np.float32(1.6), dtype=np.float32)


def grain(canvas: Canvas, dice: np.random.Generator, *, size: float) -> Plane:
    """Film grain: blurred noise of standard deviation 1, its clumps about `size` units across."""
    noise = dice.standard_normal((canvas.height, canvas.width), dtype=np.float32)
    soft = blur(noise, max(0.45, size * canvas.unit * 0.5))
    return np.asarray(soft / np.float32(soft.std() + 1e-6), dtype=np.float32)


def vignette(canvas: Canvas, *, start: float = 0.55, centre: tuple[float, float] = (0.5, 0.5)) -> Plane:
    """0 in the middle, 1 in the corners, for any shape of picture; `centre` in shares of width and height."""
    rows = (np.arange(canvas.height, dtype=np.float32)[:, None] / canvas.height - centre[1]) * 2
    columns = (np.arange(canvas.width, dtype=np.float32)[None, :] / canvas.width - centre[0]) * 2
    return smoothstep(start, 1.5, np.sqrt(rows * rows + columns * columns))
