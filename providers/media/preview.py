"""Small and combined versions of picture files, for chats. All block: call them through `in_thread`.

A label in the file is carried over into what is made of it.

The files are ours (accepted or saved), so an unreadable one is a fault of the machine: MadeNothing `bad_picture`.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from providers.errors import AskPerson, MadeNothing
from providers.media.decode import Undecodable, decode, inspect
from providers.media.encode import encode_to_fit, jpeg, on_white
from providers.media.files import read_regular_file
from providers.media.integrity import jpeg_is_sound
from providers.media.labels import carried_over, read_label
from providers.media.sizes import fitted
from providers.media.upstream import mime_if_fits
from providers.media.xmp import MAX_PACKET

READ_BYTES = 100 * 1024 * 1024
PREVIEW_QUALITY = 85
CELL = 640
GAP = 12
BLANK_SPREAD = 6
"""Grey levels (of 255) between the darkest and the lightest spot of a picture that shows nothing."""


def dimensions(path: Path) -> tuple[int, int]:
    """Width and height in pixels, as shown. Decodes pixels only where it must."""
    try:
        return inspect(_read(path)).size
    except Undecodable as error:
        raise MadeNothing(error.code, code="bad_picture") from None


def looks_blank(path: Path) -> bool:
    """Whether the picture is one flat colour, such as the black one some services send for refused content."""
    small = on_white(decoded(path, 256)).resize((32, 32), Image.Resampling.BOX)
    spread = np.ptp(np.asarray(small, dtype=np.int16), axis=(0, 1))
    return bool((spread <= BLANK_SPREAD).all())


def thumbnail(path: Path, long_side: int) -> bytes:
    """JPEG of at most `long_side` pixels on the long side, never enlarged; transparent becomes white."""
    return carried_over(jpeg(decoded(path, long_side), quality=PREVIEW_QUALITY), _read(path))


def fit_jpeg(path: Path, max_bytes: int) -> bytes:
    """JPEG of the whole picture in at most `max_bytes` (WeChat: 2 MB): lower quality first, then fewer pixels.

    A JPEG that fits is returned as it is.
    """
    data = _read(path)
    try:
        if mime_if_fits(data, max_bytes) == "image/jpeg" and jpeg_is_sound(data):
            return data
        picture = decode(data).image
    except (Undecodable, AskPerson) as error:
        raise MadeNothing(error.code, code="bad_picture") from None
    room = MAX_PACKET if read_label(data) else 0
    return carried_over(encode_to_fit(picture, max_bytes=max_bytes - room, transparent=False).data, data)


def collage(paths: Sequence[Path], *, numbered: bool = True, numbers: Sequence[int] | None = None) -> bytes:
    """JPEG with all pictures in order, each whole in a cell of 640 × 640, numbered in its upper left corner: from 1, or
    with `numbers`."""
    if not paths:
        raise ValueError("a collage of nothing")
    columns = math.ceil(math.sqrt(len(paths)))
    rows = math.ceil(len(paths) / columns)
    step = CELL + GAP
    sheet = Image.new("RGB", (columns * step + GAP, rows * step + GAP), "white")
    for index, path in enumerate(paths):
        picture = _enlarged(on_white(decoded(path, CELL)))
        left = GAP + index % columns * step
        top = GAP + index // columns * step
        sheet.paste(picture, (left + (CELL - picture.width) // 2, top + (CELL - picture.height) // 2))
        if numbered:
            _number(sheet, left, top, str(numbers[index] if numbers else index + 1))
    return carried_over(jpeg(sheet, quality=PREVIEW_QUALITY), *(_read(path) for path in paths))


def _read(path: Path) -> bytes:
    try:
        return read_regular_file(path, max_bytes=READ_BYTES)
    except AskPerson as error:
        raise MadeNothing(error.code, code="bad_picture") from None


def decoded(path: Path, max_side: int | None) -> Image.Image:
    try:
        return decode(_read(path), max_side=max_side).image
    except Undecodable as error:
        raise MadeNothing(error.code, code="bad_picture") from None


def _enlarged(picture: Image.Image) -> Image.Image:
    """Small pictures fill their cell too."""
    factor = CELL / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture if factor <= 1 else picture.resize(fitted(size, CELL), Image.Resampling.LANCZOS)


def _number(sheet: Image.Image, left: int, top: int, text: str) -> None:
    radius = CELL // 14
    draw = ImageDraw.Draw(sheet)
    centre = (left + radius + GAP, top + radius + GAP)
    box = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
    draw.ellipse(box, fill="black", outline="white", width=4)
    draw.text(centre, text, fill="white", font=ImageFont.load_default(radius * 1.2), anchor="mm")
