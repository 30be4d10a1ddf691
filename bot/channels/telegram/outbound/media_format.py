"""What Telegram accepts as a picture: sizes, shapes, captions, and the grey placeholder."""

import io
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Literal

from PIL import Image
from telegram.error import BadRequest

from handlers.channel import DeliveryRefused
from providers.base import PictureFile
from providers.errors import LikenessError
from providers.media.preview import fit_jpeg

PHOTO_BYTES = 10 << 20
PHOTO_SIDES = 10_000
"""Width and height together."""
PHOTO_RATIO = 20
FILE_BYTES = 50 << 20
CAPTION_UNITS = 1024
PLACEHOLDER_SIDE = 512
_GREY = (222, 222, 226)

_MAY_BE_TRANSPARENT = frozenset({"image/png", "image/webp", "image/gif", "image/avif"})
_SEEN_THROUGH = 250
"""Alpha; rounding errors are not transparency."""
_NO_RIGHTS = ("not enough rights", "_forbidden")

Form = Literal["text", "photo", "document"]


class PictureGone(DeliveryRefused):
    """A file of the result is no longer on the disk: no other place would help."""


class NotAllowed(DeliveryRefused):
    """The bot may write there, but not send pictures."""


def no_rights(error: BadRequest) -> bool:
    return any(text in str(error).lower() for text in _NO_RIGHTS)


def photo_allowed(picture: PictureFile) -> bool:
    """Whether Telegram accepts it as a photo. It makes JPEGs of photos: see `transparent`."""
    long, short = max(picture.width, picture.height), min(picture.width, picture.height)
    return picture.size_bytes <= PHOTO_BYTES and long + short <= PHOTO_SIDES and long <= PHOTO_RATIO * short


def transparent(picture: PictureFile) -> bool:
    """Whether it has transparent parts, which it would lose as a photo. Blocks."""
    if picture.mime not in _MAY_BE_TRANSPARENT:
        return False
    try:
        with Image.open(picture.path) as image:
            if not image.has_transparency_data:
                return False
            alpha = image.convert("RGBA").getchannel("A")
    except (OSError, ValueError):
        return False  # whether it can be read is seen when it is sent
    lowest, _ = alpha.getextrema()
    return isinstance(lowest, int | float) and lowest < _SEEN_THROUGH


def best_form(picture: PictureFile) -> Form:
    """What it is sent as by itself. Blocks."""
    return "photo" if photo_allowed(picture) and not transparent(picture) else "document"


def album_form(pictures: Sequence[PictureFile]) -> Form:
    """What all of them are sent as; bytes can be reduced. Blocks."""
    return "photo" if all(sides_allowed(p) and not transparent(p) for p in pictures) else "document"


@cache
def placeholder() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (PLACEHOLDER_SIDE, PLACEHOLDER_SIDE), _GREY).save(out, "JPEG")
    return out.getvalue()


def sides_allowed(picture: PictureFile) -> bool:
    """Whether it can be a photo once its bytes are reduced."""
    return photo_allowed(replace(picture, size_bytes=0))


def content(picture: PictureFile, form: Form, *, most: int = FILE_BYTES) -> tuple[bytes, str]:
    """The bytes to upload, at most so many, and their file name, which says nothing about where they were made.

    Blocks. Raises PictureGone.
    """
    limit = min(most, PHOTO_BYTES if form == "photo" else FILE_BYTES)
    try:
        size = picture.path.stat().st_size
        if size > limit:
            return fit_jpeg(picture.path, limit - (1 << 16)), "likeness.jpg"
        return picture.path.read_bytes(), f"likeness{picture.path.suffix}"
    except (OSError, LikenessError):
        raise PictureGone("a picture of the result is no longer on the disk") from None
