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


def heads_of(faces: tuple[Face, ...], width: int, height: int) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of all heads with a little room, as far as the picture has them."""
    spots = [face.along(*at) for face in faces for at in ((-1.7, 0.0), (1.7, 0.0), (0.0, -2.4), (0.0, 2.2))]
    xs, ys = [x for x, _ in spots], [y for _, y in spots]
    return max(0.0, min(xs)), max(0.0, min(ys)), min(float(width), max(xs)), min(float(height), max(ys))


def crop_window(width: int, height: int, ratio: float, faces: tuple[Face, ...]) -> Window:
    """The largest window of `ratio` inside the picture with all heads in it, eyes about a third from the top.

    Where no window of that ratio holds all heads, the whole picture: nobody is cut in two.
    """
    if width / height > ratio:
        w, h = height * ratio, float(height)
    else:
        w, h = float(width), width / ratio
    if not faces:
        return Window(x=(width - w) / 2, y=(height - h) / 2, width=w, height=h)
    left, top, right, bottom = heads_of(faces, width, height)
    if right - left > w + 0.5 or bottom - top > h + 0.5:
        return Window(x=0.0, y=0.0, width=float(width), height=float(height))
    eyes = float(np.mean([f.between_eyes[1] for f in faces]))
    x = min(max((left + right) / 2 - w / 2, right - w), left)
    y = min(max(min(eyes - 0.38 * h, top - 0.02 * h), bottom - h), top)
    return Window(x=min(max(x, 0.0), width - w), y=min(max(y, 0.0), height - h), width=w, height=h)


def cropped(rgb: Picture, aspect_ratio: str, faces: tuple[Face, ...]) -> tuple[Picture, tuple[Face, ...]]:
    """`rgb` cut to `aspect_ratio` around its faces, without resampling, and the faces in it; whole where a head would
    be cut."""
    window = crop_window(rgb.shape[1], rgb.shape[0], ratio_of(aspect_ratio), faces)
    x, y = round(window.x), round(window.y)
    part = rgb[y : y + max(1, round(window.height)), x : x + max(1, round(window.width))].copy()
    return part, tuple(face.shifted(-x, -y) for face in faces)


def levelled(rgb: Picture, face: Face) -> tuple[Picture, NDArray[np.float64], Picture]:
    """`rgb` turned about the face so that its eyes are level: (picture, the matrix that faces are placed by,
    255 where there was picture)."""
    height, width = rgb.shape[:2]
    everywhere = np.full((height, width), 255, np.uint8)
    if abs(face.roll) < 1.0:
        return rgb, np.eye(2, 3), everywhere
    matrix = np.asarray(cv2.getRotationMatrix2D(face.between_eyes, face.roll, 1.0), np.float64)
    turned = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    there = cv2.warpAffine(everywhere, matrix, (width, height), flags=cv2.INTER_NEAREST)
    return turned.astype(np.uint8), matrix, there.astype(np.uint8)
