"""Two pictures in one: before and after, labelled in the person's language."""

import cv2
import numpy as np
from PIL import Image

from providers.embedded.geometry import crop_window, ratio_of, taken
from providers.errors import AskPerson
from providers.media.fonts import font_for
from providers.media.pixels import Picture, pixels

LABELS: dict[str, tuple[str, str]] = {"zh": ("之前", "之后"), "en": ("Before", "After")}
_HEIGHT = 1200


def side_by_side(
    left: Picture, right: Picture, *, language: str | None, aspect_ratio: str | None = None, take: int = 0
) -> Picture:
    """Both at one height with a white line between; one above the other where they lie across (or `take` is odd).

    `language`: `zh`, `en`, or None for no labels. With `aspect_ratio` each half is cut to fit.
    """
    stacked = (left.shape[1] > 1.25 * left.shape[0]) != (take % 2 == 1)
    gap = 8
    if aspect_ratio:
        total = ratio_of(aspect_ratio)
        stacked = total < 0.8
        half = total * 2 if stacked else total / 2
    else:
        half = left.shape[1] / left.shape[0]
    long = _HEIGHT if not stacked else round(_HEIGHT * 0.75)
    size = (round(long * half), long)
    halves = [_fitted(picture, size) for picture in (left, right)]
    if language:
        halves = [_labelled(p, label) for p, label in zip(halves, LABELS[language], strict=True)]
    line = np.full((gap, size[0], 3) if stacked else (size[1], gap, 3), 255, np.uint8)
    return np.concatenate([halves[0], line, halves[1]], 0 if stacked else 1)


def _fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    window = crop_window(picture.shape[1], picture.shape[0], size[0] / size[1], ())
    return pixels(taken(picture, window, size, border=cv2.BORDER_REPLICATE))


def _labelled(picture: Picture, label: str) -> Picture:
    from PIL import ImageDraw

    try:
        font = font_for(label)
    except AskPerson:
        return picture
    image = Image.fromarray(picture)
    size = max(16, round(0.032 * max(picture.shape[:2])))
    set_font = font.at(size)
    width, pad = round(set_font.getlength(label)), round(0.55 * size)
    x, y = pad, picture.shape[0] - pad - round(1.9 * size)
    panel = Image.new("L", image.size, 0)
    ImageDraw.Draw(panel).rounded_rectangle((x, y, x + width + 2 * pad, y + round(1.9 * size)), radius=pad, fill=150)
    image.paste(Image.new("RGB", image.size, (12, 12, 14)), mask=panel)
    middle = (x + pad + width / 2, y + round(0.95 * size))
    ImageDraw.Draw(image).text(middle, label, font=set_font, fill=(255, 255, 255), anchor="mm")
    return np.asarray(image).copy()
