"""The mark people see: `AI生成` in a corner of the picture, as GB 45438-2025, 5.2, asks.

The text stands at an edge or a corner, is legible, at least 5 % of the shorter side high, and says `AI` and `生成`. It
is drawn last, on the final size, on a plate of its own so that it can be read on any ground; outside the plate the
picture stays as it is. It never covers a face where another corner is free.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from providers.media.fonts import font_for

TEXT = "AI生成"
_HEIGHT = 0.052
"""Of the shorter side: the letters themselves; the standard asks for 0.05."""
_LEAST = 12
"""Pixels: below, Chinese characters are not legible. Only pictures below 230 px are held by it."""
_MARGIN, _PADDING = 0.015, 0.012
"""Of the shorter side: from the plate to the picture's edge, and from the letters to the plate's."""
_WIDEST = 0.40
"""Of the picture's width."""
_FINE = [1] * 64
"""The table for colours. They are coded at full size: halved again, sharp edges would change all over the picture."""
_PLATE, _INK = (0, 0, 0, 140), (255, 255, 255, 255)


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle in pixels: left and upper edge, width and height."""

    x: int
    y: int
    width: int
    height: int

    def overlaps(self, other: "Box") -> bool:
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and self.y < other.y + other.height and other.y < self.y + self.height


def mark_box(width: int, height: int, *, keep_free: Iterable[Box] = ()) -> Box:
    """Where the mark goes on a picture of this size: bottom right, else the first corner that covers nothing of
    `keep_free` (faces, texts); bottom right where none is free."""
    _, plate = _lettering(width, height)
    margin = round(_MARGIN * min(width, height))
    right, bottom = width - margin - plate[0], height - margin - plate[1]
    corners = [(right, bottom), (margin, bottom), (right, margin), (margin, margin)]
    boxes = [Box(x=max(0, x), y=max(0, y), width=plate[0], height=plate[1]) for x, y in corners]
    taken = tuple(keep_free)
    return next((box for box in boxes if not any(box.overlaps(other) for other in taken)), boxes[0])


def marked(data: bytes, *, keep_free: Sequence[Box] = ()) -> bytes:
    """`data` (JPEG, PNG or WebP) with the mark, in its own format and mode; its metadata is not kept.

    A JPEG is encoded with its own table for brightness, so that it changes no more than by rounding. Blocks; raises
    OSError where the bytes are no picture.
    """
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        # A palette or grey picture has no place for the plate's shades.
        wanted = "RGBA" if opened.has_transparency_data else "RGB"
        picture: Image.Image = opened if opened.mode == wanted else opened.convert(wanted)
        box = mark_box(*picture.size, keep_free=keep_free)
        area = (box.x, box.y, box.x + box.width, box.y + box.height)
        patch = Image.alpha_composite(picture.crop(area).convert("RGBA"), _plate(*picture.size, box))
        picture.paste(patch.convert(wanted), area)
        return encoded_like(picture, opened.format or "PNG")


def _lettering(width: int, height: int) -> tuple[int, tuple[int, int]]:
    """The font's size, and width and height of the plate, in pixels."""
    shorter = min(width, height)
    wanted = max(_LEAST, round(_HEIGHT * shorter + 0.5))
    padding = max(2, round(_PADDING * shorter))
    font = font_for(TEXT)
    size = wanted
    while True:
        left, top, right, bottom = font.at(size).getbbox(TEXT)
        if bottom - top >= wanted:
            break
        size += 1
    while size > 6 and right - left + 2 * padding > _WIDEST * width:
        size -= 1
        left, top, right, bottom = font.at(size).getbbox(TEXT)
    return size, (round(right - left) + 2 * padding, round(bottom - top) + 2 * padding)


def _plate(width: int, height: int, box: Box) -> Image.Image:
    size, _ = _lettering(width, height)
    plate = Image.new("RGBA", (box.width, box.height), _PLATE)
    ImageDraw.Draw(plate).text(
        (box.width / 2, box.height / 2), TEXT, font=font_for(TEXT).at(size), fill=_INK, anchor="mm"
    )
    return plate


def encoded_like(picture: Image.Image, kind: str) -> bytes:
    """The picture in the format it came in (`JPEG`, `WEBP`, else PNG), with its colour profile and nothing else.

    A JPEG keeps its own table for brightness where it brought one along.
    """
    buffer = io.BytesIO()
    profile = picture.info.get("icc_profile")
    if kind == "JPEG":
        tables = getattr(picture, "quantization", None) or {}
        kept = {"qtables": [tables[0], _FINE]} if 0 in tables and picture.mode == "RGB" else {"quality": 95}
        picture.save(buffer, "JPEG", subsampling=0, icc_profile=profile, **kept)
    elif kind == "WEBP":
        picture.save(buffer, "WEBP", quality=95, icc_profile=profile or b"")
    else:
        picture.save(buffer, "PNG", icc_profile=profile)
    return buffer.getvalue()
