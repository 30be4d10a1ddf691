"""Photos made to the size a model works at, a canvas around them, and what a model made put back into the photo.

Outpainting where a service has only a mask: the photo on a larger canvas, the border filled with its own blurred
edges, and a mask that is white on the border. A model that works at one megapixel returns one megapixel: put back into
the photo, the parts nobody asked to change keep their own pixels.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from providers.errors import MadeNothing
from providers.media.accept import refusal
from providers.media.decode import MAX_PIXELS, Undecodable, decode, inspect
from providers.media.encode import encode_to_fit, png
from providers.media.files import read_regular_file, write_file
from providers.media.upstream import MAX_BYTES, READ_BYTES, mime_if_fits

OVERLAP = 24
"""Pixels of the photo beside a new border that a model may paint over, less and less: a hard edge would show."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """What a model takes. Sides are rounded to multiples of `step` pixels; `max_pixels` is width times height."""

    max_side: int | None = None
    min_side: int = 1
    max_pixels: int | None = None
    min_pixels: int = 1
    step: int = 1

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """The size of the same shape nearest to `width` x `height` that fits; the upper limits win over the lower."""
        factor = max(1.0, self.min_side / min(width, height), (self.min_pixels / (width * height)) ** 0.5)
        if self.max_pixels is not None:
            factor = min(factor, (self.max_pixels / (width * height)) ** 0.5)
        if self.max_side is not None:
            factor = min(factor, self.max_side / max(width, height))
        return self._side(width * factor), self._side(height * factor)

    def _side(self, side: float) -> int:
        lowest = -(-self.min_side // self.step) * self.step
        return max(lowest, self.step, int(side + 1e-6) // self.step * self.step)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """Pixels to add, none of them negative."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def scaled(self, across: float, down: float) -> "Sides":
        return Sides(
            left=round(self.left * across),
            top=round(self.top * down),
            right=round(self.right * across),
            bottom=round(self.bottom * down),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Canvas:
    """A picture and its mask, of one size. White = change."""

    picture: Path
    mask: Path
    size: tuple[int, int]


def size_of(path: Path) -> tuple[int, int]:
    """Width and height as shown. Blocks. Raises AskPerson as `accept` does."""
    try:
        return inspect(read_regular_file(path, max_bytes=READ_BYTES)).size
    except Undecodable as error:
        raise refusal(error.code) from None


def to_fit(path: Path, room: Room, *, into: Path, max_bytes: int = MAX_BYTES) -> Path:
    """`path` itself where it fits `room` and `max_bytes` and carries no metadata, else a copy in `into`.

    Blocks. Raises AskPerson as `accept` does.
    """
    data = read_regular_file(path, max_bytes=READ_BYTES)
    try:
        size = room.size_for(*inspect(data).size)
        if inspect(data).size == size and mime_if_fits(data, max_bytes) is not None:
            return path
        image = decode(data).image
    except Undecodable as error:
        raise refusal(error.code) from None
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    encoded = encode_to_fit(image, max_bytes=max_bytes)
    return write_file(encoded.data, into=into, name=hashlib.sha256(encoded.data).hexdigest() + encoded.suffix)


def mask_to_fit(mask: Path, size: tuple[int, int], *, into: Path) -> Path:
    """The mask (8-bit grey) as a PNG of this size; itself where it has it. Blocks."""
    with Image.open(mask) as image:
        if image.size == size and image.mode == "L":
            return mask
        grey = image.convert("L").resize(size, Image.Resampling.BILINEAR)
    return _written(grey, into)


def extended(photo: Path, sides: Sides, *, into: Path) -> Canvas:
    """The photo with a border of its own blurred edges, and the mask that is white there.

    Beside a border the mask fades out over `OVERLAP` pixels of the photo. Blocks. Raises AskPerson as `accept` does.
    """
    try:
        image = decode(read_regular_file(photo, max_bytes=READ_BYTES)).image.convert("RGB")
    except Undecodable as error:
        raise refusal(error.code) from None
    width, height = image.width + sides.left + sides.right, image.height + sides.top + sides.bottom
    if width * height > MAX_PIXELS:
        raise refusal("photo_too_many_pixels")
    margins = ((sides.top, sides.bottom), (sides.left, sides.right), (0, 0))
    canvas = Image.fromarray(np.pad(np.asarray(image), margins, mode="edge"))
    widest = max(sides.left, sides.top, sides.right, sides.bottom)
    canvas = canvas.filter(ImageFilter.GaussianBlur(max(2.0, widest / 16)))
    canvas.paste(image, (sides.left, sides.top))
    mask = Image.fromarray(_border(image.size, sides))
    return Canvas(picture=_written(canvas, into), mask=_written(mask, into), size=(width, height))


def _border(size: tuple[int, int], sides: Sides) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    across = _edges(size[0], sides.left, sides.right)
    down = _edges(size[1], sides.top, sides.bottom)
    return np.maximum(across[None, :], down[:, None])


def _edges(length: int, before: int, after: int) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    """One line of the mask: 255 on the new pixels, falling to 0 within the photo beside them."""
    place = np.arange(before + length + after, dtype=np.float32)
    depth = np.full(place.shape, np.inf, dtype=np.float32)
    if before:
        depth = np.minimum(depth, place - before + 1)
    if after:
        depth = np.minimum(depth, before + length - place)
    reach = max(1, min(OVERLAP, length // 4))
    line: np.ndarray[tuple[int], np.dtype[np.uint8]] = np.round(255 * np.clip(1 - depth / reach, 0, 1)).astype(np.uint8)
    return line


def put_back(made: bytes, *, photo: Path, mask: Path) -> bytes:
    """`made` stretched to the photo's size, and the photo's own pixels where the mask is black: a PNG.

    For free local servers alone: what was paid for is handed on as it was served. Blocks.
    Raises MadeNothing `bad_picture` where `made` is no whole picture.
    """
    try:
        picture = decode(made).image.convert("RGB")
    except Undecodable as error:
        raise MadeNothing(error.code, code="bad_picture") from None
    with Image.open(photo) as original, Image.open(mask) as grey:
        base, where = original.convert("RGB"), grey.convert("L")
    if picture.size != base.size:
        picture = picture.resize(base.size, Image.Resampling.LANCZOS)
    if where.size != base.size:
        where = where.resize(base.size, Image.Resampling.BILINEAR)
    return png(Image.composite(picture, base, where))


def _written(image: Image.Image, into: Path) -> Path:
    data = png(image)
    return write_file(data, into=into, name=f"{hashlib.sha256(data).hexdigest()}.png")
