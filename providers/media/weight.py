"""How much memory decoding a file takes, known beforehand: too much is refused, large ones take turns."""

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL import Image, TiffImagePlugin

MOST_BYTES = 400_000_000
"""For one picture being decoded. With what is made of it, it stays below 500 MB."""
LARGE_BYTES = 100_000_000
"""From here on one at a time in the process."""

_one_large = threading.RLock()
_STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""Bytes a pixel in Pillow's memory; 4 for every other mode."""
_WEBP = 16
"""Pillow decodes it as an animation: two canvases, a copy, and its own."""
_HEIF = 7
"""libheif's planes and Pillow's; measured."""


def stored_bytes(image: Image.Image) -> int:
    return image.width * image.height * _STORED.get(image.mode, 4)


def weight_of(image: Image.Image, data: bytes, *, coefficients_of: tuple[int, int] | None = None) -> int:
    """Bytes at the worst moment of `image.load()`. `image`: opened, not loaded, reduced as it will be (`draft`).

    `coefficients_of`: the size in the file of a JPEG whose coefficients are all held, since it comes in several scans.
    """
    pixels = image.width * image.height
    match image.format:
        case "JPEG" | "MPO":
            return stored_bytes(image) + _coefficients(image, coefficients_of or (0, 0))
        case "WEBP":
            return _WEBP * pixels
        case "AVIF":
            return stored_bytes(image) + int(pixels * (len(image.getbands()) + _av1_planes(image, data)))
        case "HEIF":
            return _HEIF * pixels
        case "JPEG2000":  # OpenJPEG: four bytes for each number
            return stored_bytes(image) + pixels * 5 * len(image.getbands())
        case "TIFF":
            return stored_bytes(image) + _strip_bytes(image)
        case _:
            return stored_bytes(image)


@contextmanager
def in_turn(weight: int) -> Iterator[None]:
    """Large ones one after another, so that two people's do not add up; small ones pass. May be nested in a thread."""
    if weight < LARGE_BYTES:
        yield
        return
    with _one_large:
        try:
            yield
        finally:
            give_back()


def give_back() -> None:
    """What was freed goes back to the system. glibc keeps it for the next picture, in pieces that the next does not fit
    into: after 24 hostile photos of 64 megapixels 760 MB were held, and 140 are."""
    if _trim is not None:
        _trim(0)


def _malloc_trim() -> Callable[[int], int] | None:
    """Of glibc; other libraries give back by themselves."""
    if sys.platform != "linux":
        return None
    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return found


_trim = _malloc_trim()


def _coefficients(image: Image.Image, size: tuple[int, int]) -> int:
    """Two bytes for each of each component, by its sampling in the frame header."""
    layers = getattr(image, "layer", ())
    widest = max((layer[1] * layer[2] for layer in layers), default=1)
    share = sum(layer[1] * layer[2] for layer in layers) / max(widest, 1)
    return int(2 * size[0] * size[1] * share)


def _av1_planes(image: Image.Image, data: bytes) -> float:
    """Bytes a pixel of the decoded planes, by the file's `av1C` box (AV1-ISOBMFF 2.3.3)."""
    at = data.find(b"av1C")
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0x40
    across, down, grey = flags >> 3 & 1, flags >> 2 & 1, flags >> 4 & 1
    colours = 0.0 if grey else 2 / ((1 + across) * (1 + down))
    alpha = 1 if image.mode == "RGBA" else 0
    return (1 + colours + alpha) * (2 if flags & 0x40 else 1)


def _strip_bytes(image: Image.Image) -> int:
    """What libtiff decodes at once: a strip or a tile, of all samples."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 0
    tags = image.tag_v2
    bits = tags.get(258, (1,))
    depth = sum(bits) if isinstance(bits, tuple) else int(bits)
    if 322 in tags:
        across, down = int(tags[322]), int(tags.get(323, 1))
    else:
        across, down = image.width, min(image.height, int(tags.get(278, image.height)))
    return across * down * depth // 8
