"""Several pictures as one, each in a cell of its own with its label under it; for sheets of views and expressions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from providers.media.encode import jpeg, on_white
from providers.media.files import read_regular_file
from providers.media.fonts import font_for, without_missing
from providers.media.labels import carried_over
from providers.media.preview import READ_BYTES, decoded

GROUND, INK = (250, 249, 246), (38, 38, 42)
GAP = 36
"""Pixels between cells, and from them to the edge."""
SIDE = 600
"""Of a cell's shorter side."""
LOSS = 0.04
"""What of a picture may be cut off so that it fills its cell."""
_LETTERS, _STRIP = 0.085, 0.165
"""Of a cell's width: how high the letters are, and the strip they stand in."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    path: Path
    label: str


def composed(cells: Sequence[Cell], *, columns: int, ratio: str) -> bytes:
    """JPEG of the cells in rows of at most `columns`, as even as they can be; a last row that is shorter stands in the
    middle. Every picture stands whole in its cell of the `ratio` (`3:4`), and fills it where it has about that
    ratio.

    Labels that are too long are set smaller. Blocks. Raises AskPerson `font_missing`, and MadeNothing where a file is
    no picture.
    """
    if not cells:
        raise ValueError("a sheet of nothing")
    across, down = (int(part) for part in ratio.split(":"))
    width, height = (SIDE, round(SIDE * down / across)) if across <= down else (round(SIDE * across / down), SIDE)
    rows = math.ceil(len(cells) / columns)
    in_row = math.ceil(len(cells) / rows)
    strip = round(_STRIP * width)
    step = (width + GAP, height + strip + GAP)
    image = Image.new("RGB", (in_row * step[0] + GAP, rows * step[1] + GAP), GROUND)
    for number, cell in enumerate(cells):
        row, column = divmod(number, in_row)
        there = min(in_row, len(cells) - row * in_row)
        left = (image.width - there * step[0] + GAP) // 2 + column * step[0]
        top = GAP + row * step[1]
        image.paste(_filling(on_white(decoded(cell.path, 2 * max(width, height))), (width, height)), (left, top))
        _write(image, cell.label, (left + width // 2, top + height + strip // 2), width, round(_LETTERS * width))
    data = jpeg(image, quality=92)
    return carried_over(data, *(read_regular_file(cell.path, max_bytes=READ_BYTES) for cell in cells))


def _filling(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scaled to cover the cell where next to nothing is lost by it; else whole, in the middle of it: no feet are cut
    off."""
    across, down = size[0] / picture.width, size[1] / picture.height
    covers = max(across, down) <= min(across, down) * (1 + LOSS)
    factor = max(across, down) if covers else min(across, down)
    whole = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    cell = Image.new("RGB", size, GROUND)
    scaled = picture.resize(whole, Image.Resampling.LANCZOS)
    cell.paste(scaled, ((size[0] - whole[0]) // 2, (size[1] - whole[1]) // 2))
    return cell


def _write(image: Image.Image, label: str, middle: tuple[int, int], width: int, size: int) -> None:
    font = font_for(label)
    text = without_missing(label, font)
    letters = font.at(size)
    while size > 12 and letters.getlength(text) > width:
        size -= 2
        letters = font.at(size)
    ImageDraw.Draw(image).text(middle, text, fill=INK, font=letters, anchor="mm")
