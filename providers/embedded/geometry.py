"""Windows on a picture: which part of it, how large, and what to do where the window reaches beyond it."""

from dataclasses import dataclass
from math import ceil
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from providers.media.pixels import Picture
from providers.people.face import Face


@dataclass(frozen=True, kw_only=True)
class Window:
    """A rectangle in a picture's pixels; it may reach beyond the picture."""

    x: float
    y: float
    width: float
    height: float

    def onto(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """The affine matrix that takes the picture's pixels to a picture of `size` (width, height)."""
        sx, sy = size[0] / self.width, size[1] / self.height
        return np.array([[sx, 0, -self.x * sx], [0, sy, -self.y * sy]])


def ratio_of(aspect_ratio: str) -> float:
    """Width over height of `3:4` and the like."""
    width, _, height = aspect_ratio.partition(":")
    return float(width) / float(height)


def taken(picture: Any, window: Window, size: tuple[int, int], *, border: int) -> Any:
    """`window` of `picture` as `size` (width, height); `border` is OpenCV's way to fill what lies beyond."""
    scale = size[0] / window.width
    source = picture
    if scale < 0.6:
        smaller = 1.0 / ceil(0.5 / scale)
        fitted = (max(1, round(picture.shape[1] * smaller)), max(1, round(picture.shape[0] * smaller)))
        source = cv2.resize(picture, fitted, interpolation=cv2.INTER_AREA)
        fx, fy = fitted[0] / picture.shape[1], fitted[1] / picture.shape[0]
        window = Window(x=window.x * fx, y=window.y * fy, width=window.width * fx, height=window.height * fy)
    matrix = window.onto(size)
    matrix[:, 2] += 0.5 * (matrix[0, 0] - 1), 0.5 * (matrix[1, 1] - 1)
    way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    return cv2.warpAffine(source, matrix, size, flags=way, borderMode=border)


def moved(face: Face, window: Window, size: tuple[int, int]) -> Face:
    """`face` in the pixels of the picture that `taken` gives."""
    return face.placed(window.onto((size[0], round(size[0] * window.height / window.width))))


def crop_window(width: int, height: int, ratio: float, faces: tuple[Face, ...]) -> Window:
    """The largest window of `ratio` inside the picture; faces stay in it, their eyes about a third from the top."""
    if width / height > ratio:
        w, h = height * ratio, float(height)
    else:
        w, h = float(width), width / ratio
    if not faces:
        return Window(x=(width - w) / 2, y=(height - h) / 2, width=w, height=h)
    tops = [f.along(0, -2.2)[1] for f in faces]
    lefts, rights = [f.along(-1.4, 0)[0] for f in faces], [f.along(1.4, 0)[0] for f in faces]
    eyes = float(np.mean([f.between_eyes[1] for f in faces]))
    x = (min(lefts) + max(rights)) / 2 - w / 2
    y = min(eyes - 0.38 * h, min(tops) - 0.04 * h)
    return Window(x=min(max(x, 0.0), width - w), y=min(max(y, 0.0), height - h), width=w, height=h)


def cropped(rgb: Picture, aspect_ratio: str, faces: tuple[Face, ...]) -> Picture:
    """`rgb` cut to `aspect_ratio` around its faces, without resampling."""
    window = crop_window(rgb.shape[1], rgb.shape[0], ratio_of(aspect_ratio), faces)
    x, y = round(window.x), round(window.y)
    return rgb[y : y + max(1, round(window.height)), x : x + max(1, round(window.width))].copy()


def levelled(rgb: Picture, face: Face) -> tuple[Picture, Face, Picture]:
    """`rgb` turned about the face so that its eyes are level: (picture, face in it, 255 where there was picture)."""
    height, width = rgb.shape[:2]
    everywhere = np.full((height, width), 255, np.uint8)
    if abs(face.roll) < 1.0:
        return rgb, face, everywhere
    centre = face.between_eyes if face.eyes else face.along(0, 0)
    matrix = cv2.getRotationMatrix2D(centre, face.roll, 1.0)
    turned = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    there = cv2.warpAffine(everywhere, matrix, (width, height), flags=cv2.INTER_NEAREST)
    return turned.astype(np.uint8), face.placed(matrix), there.astype(np.uint8)
