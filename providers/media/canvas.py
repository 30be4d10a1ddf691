"""A photo on the canvas of a service that only knows certain sizes, and back: for masks and for widening.

    photo and sides to add → `lay_out` → a Layout: which size to ask for, and where on it everything lies
    `ground`               → what is sent: the photo in its place, the rest of the canvas empty
    `mask_on`              → the mask that belongs to it, white = change; `as_alpha` where a service reads transparency
    `bring_back`           → what was made, at the photo's own resolution, with the photo's own pixels where nothing
                             was to change: models that repaint softly change what they were told to keep

Masks are 8-bit grey, white = change, as everywhere in this program. All of it blocks: call it through `in_thread`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from providers.media.encode import on_white

Size = tuple[int, int]
Box = tuple[int, int, int, int]
"""left, upper, right, lower, as Pillow has them."""

RIM = 16
"""Pixels at most, at a photo's edge, over which it passes into what was added around it."""
FEATHER = 0.004
"""Of the shorter side: over so much a change passes into the photo, inside the mask."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """Pixels to add to a photo, at its own resolution."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    def around(self, size: Size) -> Size:
        """The size of the photo with what is added."""
        return size[0] + self.left + self.right, size[1] + self.top + self.bottom

    def scaled(self, across: float, down: float) -> "Sides":
        """For the photo made so many times as wide and as high."""
        return Sides(
            left=round(self.left * across),
            right=round(self.right * across),
            top=round(self.top * down),
            bottom=round(self.bottom * down),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """`target`: the size of the finished picture; `photo`: where the photo lies in it, at its own resolution.

    `canvas`: the size to ask the service for; `frame`: the part of it that becomes the target. Outside of the frame
    is only what fills a canvas of another shape, and is cut off again.
    """

    target: Size
    photo: Box
    canvas: Size
    frame: Box

    @property
    def box(self) -> Box:
        """Where the photo lies on the canvas."""
        across = (self.frame[2] - self.frame[0]) / self.target[0]
        down = (self.frame[3] - self.frame[1]) / self.target[1]
        left, upper, right, lower = self.photo
        return (
            self.frame[0] + round(left * across), self.frame[1] + round(upper * down),
            self.frame[0] + round(right * across), self.frame[1] + round(lower * down),
        )  # fmt: skip


def lay_out(photo: Size, sides: Sides, choose: Callable[[Size], Size]) -> Layout:
    """`choose`: the size to ask for, as near as the service can come to a wanted one.

    A canvas of nearly the target's shape (within 2 %) is filled, stretched by a hair; any other holds the target whole.
    """
    target = sides.around(photo)
    canvas = choose(target)
    across, down = canvas[0] / target[0], canvas[1] / target[1]
    frame = (0, 0, *canvas)
    if abs(across / down - 1) > 0.02:
        factor = min(across, down)
        wide, high = max(1, round(target[0] * factor)), max(1, round(target[1] * factor))
        left, upper = (canvas[0] - wide) // 2, (canvas[1] - high) // 2
        frame = (left, upper, left + wide, upper + high)
    place = (sides.left, sides.top, sides.left + photo[0], sides.top + photo[1])
    return Layout(target=target, photo=place, canvas=canvas, frame=frame)


def ground(photo: Image.Image, layout: Layout) -> Image.Image:
    """RGBA of the canvas' size: the photo in its place, the rest transparent. RGB where the photo fills it."""
    box = layout.box
    placed = _opaque(photo).resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.LANCZOS)
    if placed.size == layout.canvas:
        return placed
    canvas = Image.new("RGBA", layout.canvas, (0, 0, 0, 0))
    canvas.paste(placed, box[:2])
    return canvas


def mask_on(layout: Layout, mask: Image.Image | None = None) -> Image.Image:
    """What is to change on the canvas, of its size: all around the photo, and in it what `mask` says (white).

    `mask` is of the photo's shape; None: nothing in it changes.
    """
    box = layout.box
    size = (box[2] - box[0], box[3] - box[1])
    canvas = Image.new("L", layout.canvas, 255)
    inside = Image.new("L", size, 0) if mask is None else mask.convert("L").resize(size, Image.Resampling.BILINEAR)
    canvas.paste(inside, box[:2])
    return canvas


def as_alpha(mask: Image.Image) -> Image.Image:
    """RGBA of the mask's size for services that read transparency: transparent = change."""
    keep = ImageChops.invert(mask.convert("L"))
    return Image.merge("RGBA", (keep, keep, keep, keep))


def bring_back(made: Image.Image, photo: Image.Image, layout: Layout, mask: Image.Image | None = None) -> Image.Image:
    """The finished picture, of the target's size. Where the mask is black the photo's very pixels remain.

    `made` may be of another size than the canvas, if of its shape. Around a photo without a mask, a rim of at most
    16 pixels at the sides that were added to passes from one into the other.
    """
    across, down = made.width / layout.canvas[0], made.height / layout.canvas[1]
    frame = layout.frame
    region = (round(frame[0] * across), round(frame[1] * down), round(frame[2] * across), round(frame[3] * down))
    picture = _opaque(made).resize(layout.target, Image.Resampling.LANCZOS, box=region)
    place = layout.photo
    size = (place[2] - place[0], place[3] - place[1])
    own = _opaque(photo)
    if own.size != size:
        own = own.resize(size, Image.Resampling.LANCZOS)
    keep = _rim(layout) if mask is None else ImageChops.invert(_feathered(mask, size))
    picture.paste(own, place[:2], keep)
    return picture


def _opaque(image: Image.Image) -> Image.Image:
    """RGB; the image itself where it is: a copy of a large one costs tens of megabytes. Only to be read."""
    return image if image.mode == "RGB" else on_white(image)


def _feathered(mask: Image.Image, size: Size) -> Image.Image:
    """The mask with edges that fade inwards: what is black stays black."""
    grey = mask.convert("L").resize(size, Image.Resampling.BILINEAR)
    radius = max(1.0, min(size) * FEATHER)
    return ImageChops.darker(grey, grey.filter(ImageFilter.GaussianBlur(radius)))


def _rim(layout: Layout) -> Image.Image:
    """How much of the photo remains at each of its pixels: all of it, less towards the sides that were added to."""
    left, upper, right, lower = layout.photo
    wide, high = right - left, lower - upper
    rim = max(1, min(RIM, wide // 32, high // 32))
    steps = (np.arange(rim) + 1) / (rim + 1)
    across, down = np.ones(wide), np.ones(high)
    if left:
        across[:rim] = steps
    if right < layout.target[0]:
        across[-rim:] = steps[::-1]
    if upper:
        down[:rim] = steps
    if lower < layout.target[1]:
        down[-rim:] = steps[::-1]
    return Image.fromarray((np.minimum(down[:, None], across[None, :]) * 255).round().astype(np.uint8))
