"""Making photos fit a service's limits, instead of refusing them."""

import base64
import hashlib
from pathlib import Path

from PIL import Image

from providers.errors import AskPerson
from providers.media.accept import refusal
from providers.media.decode import Header, Undecodable, decode, inspect
from providers.media.encode import Encoded, encode_to_fit, png
from providers.media.files import read_regular_file, write_file

MAX_BYTES = 10 * 1024 * 1024
READ_BYTES = 100 * 1024 * 1024
"""Our own results come back as photos; a 4K PNG is larger than what people may send."""
MASK_BYTES = 20 * 1024 * 1024
ASPECT_TOLERANCE = 0.01
_MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def prepare(path: Path, *, into: Path | None = None, max_bytes: int = MAX_BYTES, max_side: int | None = None) -> Path:
    """`path` itself where it fits, else a copy that does, in `into` (default: beside it).

    Fits: JPEG, PNG or WebP of one upright sRGB frame without EXIF, XMP or texts, at most `max_bytes` and `max_side`
    (pixels). The copy is JPEG, or PNG where something is transparent: first lower quality, then fewer pixels.
    Blocks. Raises AskPerson as `accept` does.
    """
    data = read_regular_file(path, max_bytes=READ_BYTES)
    if mime_if_fits(data, max_bytes, max_side) is not None:
        return path
    encoded = _encoded(data, max_bytes, max_side)
    name = hashlib.sha256(encoded.data).hexdigest() + encoded.suffix
    return write_file(encoded.data, into=into or path.parent, name=name)


def data_uri(path: Path, *, max_bytes: int = MAX_BYTES, max_side: int | None = None) -> str:
    """`data:image/…;base64,…` of the picture, made to fit first. `max_bytes` counts the file, not the base64.

    Blocks. Raises AskPerson as `accept` does.
    """
    data = read_regular_file(path, max_bytes=READ_BYTES)
    mime = mime_if_fits(data, max_bytes, max_side)
    if mime is None:
        encoded = _encoded(data, max_bytes, max_side)
        data, mime = encoded.data, encoded.mime
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def prepare_mask(source: Path | bytes, *, photo: Path, into: Path) -> Path:
    """A PNG of the size of `photo`, mode L (8-bit grey), white = change, black = keep.

    What is transparent in the source counts as black. A mask of another size is stretched where its shape is the
    photo's within 1 % (the photo may have been reduced since it was drawn on). Raises AskPerson `bad_mask` for
    another shape, for no picture, and for a mask without any white, which would change nothing for money.
    """
    data = source if isinstance(source, bytes) else read_regular_file(source, max_bytes=MASK_BYTES)
    size = _inspected(read_regular_file(photo, max_bytes=READ_BYTES)).size
    try:
        image = decode(data).image
    except Undecodable as error:
        raise AskPerson(error.code, code="bad_mask") from None
    ground = Image.new("RGB", image.size, "black")
    ground.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    grey = ground.convert("L")
    if abs((grey.width / grey.height) / (size[0] / size[1]) - 1) > ASPECT_TOLERANCE:
        raise AskPerson("another shape than the photo", code="bad_mask")
    if grey.size != size:
        grey = grey.resize(size, Image.Resampling.BILINEAR)
    if not grey.point([0] * 128 + [255] * 128).getbbox():
        raise AskPerson("nothing is marked", code="bad_mask")
    encoded = png(grey)
    return write_file(encoded, into=into, name=f"{hashlib.sha256(encoded).hexdigest()}.png")


def _inspected(data: bytes) -> Header:
    try:
        return inspect(data)
    except Undecodable as error:
        raise refusal(error.code) from None


def mime_if_fits(data: bytes, max_bytes: int, max_side: int | None = None) -> str | None:
    """The type of a file that may go as it is, as `prepare` says. Raises AskPerson where it is no picture."""
    header = _inspected(data)
    if len(data) > max_bytes or (max_side is not None and max(header.size) > max_side):
        return None
    if header.orientation != 1 or header.mode not in ("RGB", "RGBA", "L") or header.frames != 1:
        return None
    return None if header.profile is not None or header.metadata else _MIMES.get(header.format)


def _encoded(data: bytes, max_bytes: int, max_side: int | None) -> Encoded:
    try:
        return encode_to_fit(decode(data, max_side=max_side).image, max_bytes=max_bytes)
    except Undecodable as error:
        raise refusal(error.code) from None
