"""Pictures of any mode and colour space → sRGB, 8 bits a channel, RGB or RGBA, with nothing else attached."""

import io
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from providers.media.sizes import fitted

_SPACE_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}
_BAND_PIXELS = 1 << 20
_WHOLE_PIXELS = 16_000_000
"""Above it a picture is reduced a part at a time, of about `_PART_PIXELS`."""
_PART_PIXELS = 1_000_000
_LANCZOS_REACH = 3
"""Pixels of the result that one pixel is made from, on either side."""
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


def reduced(image: Image.Image, max_side: int | None) -> Image.Image:
    """8 bits a channel, in a mode that can be converted, the long side reduced to `max_side`.

    Before the colours are converted, which then costs less. A large picture is gone through a part at a time: a whole
    copy in another mode would take as much memory again.
    """
    if max_side is None or max(image.size) <= max_side:
        return _simple(image)
    size = fitted(image.size, max_side)
    if image.mode in _DEEP:
        image = _eight_bits(image)
    if image.width * image.height > _WHOLE_PIXELS:
        return _in_parts(image, size)
    # Pillow weighs colours by their transparency here, so what is invisible does not bleed into the edges.
    return _simple(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _in_parts(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The same as `resize` of the whole, but for the last bit."""
    factor = image.height / size[1]
    rows = max(1, int(_PART_PIXELS / (image.width * factor)))
    margin = math.ceil(_LANCZOS_REACH * factor) + 1
    whole = Image.new(_simple(image.crop((0, 0, 1, 1))).mode, size)
    for first in range(0, size[1], rows):
        last = min(first + rows, size[1])
        above = max(0, math.floor(first * factor) - margin)
        below = min(image.height, math.ceil(last * factor) + margin)
        part = _simple(image.crop((0, above, image.width, below)))
        box = (0.0, first * factor - above, float(image.width), min(last * factor, image.height) - above)
        part = part.resize((size[0], last - first), Image.Resampling.LANCZOS, box=box)
        whole.paste(part, (0, first))
    return whole


def in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB, or RGBA where something is transparent. An unusable `profile` is passed over, as viewers do."""
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    if alpha is not None:
        picture = picture.convert("RGB")
        alpha = None if alpha.getextrema() == (255, 255) else alpha
    picture = _converted(picture, profile)
    if alpha is not None:
        picture.putalpha(alpha)
    picture.info = {}
    return picture


def is_srgb(profile: bytes) -> bool:
    """Whether an ICC profile says it is sRGB, so that dropping it changes nothing."""
    try:
        return "srgb" in ImageCms.getProfileDescription(io.BytesIO(profile)).lower()
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return False


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and floating grey become 8-bit grey; black-and-white becomes grey."""
    if image.mode == "1":
        return image.convert("L")
    if image.mode not in _DEEP:
        return image
    extremes = [(float(band.min()), float(band.max())) for _, band in _bands(image)]
    low, high = min(least for least, _ in extremes), max(most for _, most in extremes)
    if image.mode == "F":
        full = 1.0 if high <= 1.0 else 255.0 if high <= 255.0 else high
    else:
        full = 65535.0 if high <= 65535.0 else high
    floor = min(0.0, low)
    grey = Image.new("L", image.size)
    for top, band in _bands(image):
        scaled = (band - floor) * (255.0 / max(full - floor, 1e-6))
        grey.paste(Image.fromarray(np.clip(scaled + 0.5, 0, 255).astype(np.uint8)), (0, top))
    return grey


def _bands(image: Image.Image) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The first row and the values of one part after the other: all at once would take a gigabyte."""
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        part = image.crop((0, top, image.width, min(top + rows, image.height)))
        yield top, np.nan_to_num(np.asarray(part, dtype=np.float32), posinf=0.0, neginf=0.0)


def _simple(image: Image.Image) -> Image.Image:
    """8 bits a channel in a mode that can be resized: RGBA where something may be transparent."""
    if image.has_transparency_data and image.mode not in _DEEP:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    image = _eight_bits(image)
    return image.convert("RGB") if image.mode in ("P", "RGBX", "HSV", "YCbCr") else image


def _converted(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = _SPACE_MODES.get(source.profile.xcolor_space)
            if mode is not None and (mode == picture.mode or {mode, picture.mode} == {"RGB", "L"}):
                return _through(picture.convert(mode), source)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a broken profile says nothing about the pixels
    if picture.mode == "LAB":
        return _through(picture, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    return picture.convert("RGB")


def _through(picture: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    converted = ImageCms.profileToProfile(
        picture,
        source,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if converted is None:  # only where asked to work in place
        raise ValueError("no picture")
    return converted
