"""Several copies of an ID photo on one sheet of photo paper, with marks to cut along, at 300 dots an inch."""

from types import MappingProxyType

import cv2
import numpy as np

from providers.embedded.id_presets import Preset
from providers.media.pixels import Picture

DPI = 300
PAPERS = MappingProxyType({"6inch": (152.4, 101.6), "a4": (297.0, 210.0)})
"""Paper sizes in millimetres, long side first. 6inch: the 4 x 6 inch of photo printers."""
_GAP, _EDGE = 1.0, 1.5
_MARK = (170, 170, 170)


def print_sheet(photo: Picture, preset: Preset, paper: str = "6inch", most: int | None = None) -> Picture:
    """`photo` as often as it fits on `paper`, or `most` times.

    The sheet lies or stands, the photos stand or lie, whichever takes more; upright photos where that is no fewer, or
    where `most` of them fit.
    """
    upright, lying = _dots(preset.size_mm), _dots(PAPERS[paper])
    ways = [(sheet, size) for size in (upright, upright[::-1]) for sheet in (lying, lying[::-1])]
    sheet, size = max(ways, key=lambda way: min(most or 1000, _fits(*way)[0] * _fits(*way)[1]))
    if size != upright:
        photo = np.ascontiguousarray(np.rot90(photo))
    columns, rows = _fits(sheet, size)
    wanted = min(most or columns * rows, columns * rows)
    while columns > 1 and (columns - 1) * rows >= wanted:
        columns -= 1
    rows = -(-wanted // columns)
    gap = round(_GAP * DPI / 25.4)
    left = (sheet[0] - columns * size[0] - (columns - 1) * gap) // 2
    top = (sheet[1] - rows * size[1] - (rows - 1) * gap) // 2
    way = cv2.INTER_AREA if size[1] < photo.shape[0] else cv2.INTER_CUBIC
    copy = cv2.resize(photo, size, interpolation=way)
    out = np.full((sheet[1], sheet[0], 3), 255, np.uint8)
    for number in range(wanted):
        row, column = divmod(number, columns)
        x, y = left + column * (size[0] + gap), top + row * (size[1] + gap)
        cv2.rectangle(out, (x - 1, y - 1), (x + size[0], y + size[1]), _MARK, 1)
        out[y : y + size[1], x : x + size[0]] = copy
    return out


def _dots(millimetres: tuple[float, float]) -> tuple[int, int]:
    return round(millimetres[0] * DPI / 25.4), round(millimetres[1] * DPI / 25.4)


def _fits(sheet: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows of photos of `size` on a sheet."""
    gap, edge = round(_GAP * DPI / 25.4), round(_EDGE * DPI / 25.4)
    return tuple(  # type: ignore[return-value]
        max(1, (whole - 2 * edge + gap) // (one + gap)) for whole, one in zip(sheet, size, strict=True)
    )
