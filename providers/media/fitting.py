"""Photos and masks made to the size that a model works at."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from providers.media.accept import refusal
from providers.media.decode import MAX_PIXELS, Undecodable, decode, inspect
from providers.media.encode import encode_to_fit, png
from providers.media.files import read_regular_file, write_file
from providers.media.upstream import MAX_BYTES, READ_BYTES, mime_if_fits


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
        before = inspect(data).size
        size = room.size_for(*before)
        if before == size and mime_if_fits(data, max_bytes) is not None:
            return path
        if inspect(data).format == "JPEG":
            size = _cheaper(before, size, room)
        image = decode(data, max_side=max(size) if max(size) < max(before) else None).image
        del data  # tens of megabytes that nobody needs while the copy is made
    except Undecodable as error:
        raise refusal(error.code) from None
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    encoded = encode_to_fit(image, max_bytes=max_bytes)
    return write_file(encoded.data, into=into, name=hashlib.sha256(encoded.data).hexdigest() + encoded.suffix)


def check_enlarged(size: tuple[int, int], scale: int) -> None:
    """Raises AskPerson `photo_too_many_pixels` where the enlarged picture would be more than can be decoded."""
    if size[0] * size[1] * scale * scale > MAX_PIXELS:
        raise refusal("photo_too_many_pixels")


def cropped(path: Path, ratio: str, *, into: Path) -> Path:
    """The largest part of the photo that has the ratio (`3:4`): of its middle, and of a high one rather the upper part.

    `path` itself where nothing is to be cut. Blocks. Raises AskPerson as `accept` does.
    """
    across, down = (int(part) for part in ratio.split(":"))
    width, height = size_of(path)
    wide, high = min(width, round(height * across / down)), min(height, round(width * down / across))
    if (wide, high) == (width, height):
        return path
    try:
        image = decode(read_regular_file(path, max_bytes=READ_BYTES)).image
    except Undecodable as error:
        raise refusal(error.code) from None
    left, top = (width - wide) // 2, (height - high) // 4
    return _written(image.crop((left, top, left + wide, top + high)), into)


def _cheaper(before: tuple[int, int], size: tuple[int, int], room: Room) -> tuple[int, int]:
    """A JPEG can be decoded at a half, a quarter or an eighth of its size, in as much less memory and time: so it is,
    where that leaves at least half of the pixels that there is room for."""
    for part in (8, 4, 2):
        smaller = (-(-before[0] // part), -(-before[1] // part))
        if 2 * smaller[0] * smaller[1] >= size[0] * size[1]:
            return min(size, room.size_for(*smaller))
    return size


def mask_to_fit(mask: Path, size: tuple[int, int], *, into: Path) -> Path:
    """The mask (8-bit grey) as a PNG of this size; itself where it has it. Blocks."""
    with Image.open(mask) as image:
        if image.size == size and image.mode == "L":
            return mask
        grey = image.convert("L").resize(size, Image.Resampling.BILINEAR)
    return _written(grey, into)


def _written(image: Image.Image, into: Path) -> Path:
    data = png(image)
    return write_file(data, into=into, name=f"{hashlib.sha256(data).hexdigest()}.png")
