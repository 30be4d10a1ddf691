"""Pictures → files of at most so many bytes."""

import io
from dataclasses import dataclass

from PIL import Image

from providers.media.sizes import scaled

QUALITIES = (95, 90, 85, 80)
"""Tried in turn at full size; below that a smaller picture looks better than a coarser one."""
SHRINK = 0.85


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """A finished file in memory: JPEG, or PNG where something is transparent."""

    data: bytes
    mime: str
    suffix: str
    width: int
    height: int


def jpeg(image: Image.Image, *, quality: int = 95) -> bytes:
    """Baseline JPEG; at 90 and above with full colour resolution (4:4:4), since faces and text suffer first."""
    buffer = io.BytesIO()
    flat = image if image.mode == "RGB" else on_white(image)
    flat.save(buffer, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2)
    return buffer.getvalue()


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=4)  # a third of the default's time for 8 % more bytes
    return buffer.getvalue()


def on_white(image: Image.Image) -> Image.Image:
    """Without transparency, for formats that have none."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def encode_to_fit(image: Image.Image, *, max_bytes: int, transparent: bool = True) -> Encoded:
    """The best file of at most `max_bytes`: first lower quality, then a smaller picture; never cut off.

    `transparent=False` puts transparent pictures on white and makes them JPEG too.
    """
    alpha = transparent and image.mode == "RGBA"
    picture = image if alpha or image.mode == "RGB" else on_white(image)
    while True:
        data = b""
        for data in [png(picture)] if alpha else (jpeg(picture, quality=quality) for quality in QUALITIES):
            if len(data) <= max_bytes:
                return _encoded(picture, data, alpha)
        if max(picture.size) == 1:
            return _encoded(picture, data, alpha)
        # Bytes go with the area: one jump towards the goal instead of many small steps.
        factor = min(SHRINK, max(0.25, (max_bytes / len(data)) ** 0.5))
        picture = picture.resize(scaled(picture.size, factor), Image.Resampling.LANCZOS)


def _encoded(picture: Image.Image, data: bytes, alpha: bool) -> Encoded:
    return Encoded(
        data=data,
        mime="image/png" if alpha else "image/jpeg",
        suffix=".png" if alpha else ".jpg",
        width=picture.width,
        height=picture.height,
    )
