"""Several pictures composed as one: even, whole, each with its label in letters that the fonts have."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from providers.media.sheet import GAP, GROUND, Cell, composed

LABELS = ("正面", "半侧面", "Side", "Back", "Full figure", "思考", "调皮")


def cells(folder: Path, count: int, size: tuple[int, int] = (300, 400)) -> list[Cell]:
    made = []
    for n in range(count):
        path = folder / f"{n}.png"
        Image.new("RGB", size, (200, 20 * n, 60)).save(path)
        made.append(Cell(path=path, label=LABELS[n]))
    return made


def picture(data: bytes) -> NDArray[Any]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def bands(there: NDArray[Any]) -> list[tuple[int, int]]:
    """Where a row of booleans is true, as ranges."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def is_ground(pixels: NDArray[Any]) -> NDArray[Any]:
    near: NDArray[Any] = np.abs(pixels - np.array(GROUND)).max(-1) < 12
    return near


@pytest.mark.parametrize(("count", "columns", "rows"), [(5, 3, [3, 2]), (7, 4, [4, 3]), (9, 4, [3, 3, 3]), (1, 3, [1])])
def test_cells_are_evenly_spaced_and_a_short_row_stands_in_the_middle(
    tmp_path: Path, count: int, columns: int, rows: list[int]
) -> None:
    given = [*cells(tmp_path, min(count, 7)), *cells(tmp_path, max(0, count - 7))]
    sheet = picture(composed(given, columns=columns, ratio="3:4"))
    coloured = ~is_ground(sheet) & (sheet[..., 0] > 150)
    lines = bands(np.asarray(coloured.sum(1) > 300))
    assert len(lines) == len(rows)
    assert len({end - start for start, end in lines}) == 1
    for (start, end), wanted in zip(lines, rows, strict=True):
        across = bands(np.asarray(coloured[start + 5 : end - 5].all(0)))
        assert len(across) == wanted
        assert all(abs((b[0] - a[1]) - GAP) <= 2 for a, b in pairwise(across))
        assert abs(across[0][0] - (sheet.shape[1] - across[-1][1])) <= 2


def test_a_label_stands_under_each_picture_and_touches_nothing(tmp_path: Path) -> None:
    sheet = picture(composed(cells(tmp_path, 3), columns=3, ratio="3:4"))
    below = bands(np.asarray((~is_ground(sheet) & (sheet[..., 0] > 150)).sum(1) > 300))[0][1]
    strip = sheet[below + 6 : -6]
    dark = strip.max(-1) < 110
    assert len(bands(dark.any(1))) >= 1
    top, bottom = bands(dark.any(1))[0][0], bands(dark.any(1))[-1][1]
    assert bottom - top > 0.05 * 600
    assert bottom < strip.shape[0] - 20
    thirds = np.array_split(dark.any(0), 3)
    assert all(third.any() for third in thirds)


def test_a_picture_of_another_ratio_is_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "tall.png"
    tall = Image.new("RGB", (300, 900), (200, 30, 60))
    tall.paste((10, 200, 10), (0, 860, 300, 900))
    tall.save(path)
    sheet = picture(composed([Cell(path=path, label="全身")], columns=3, ratio="3:4"))
    assert ((sheet[..., 1] > 150) & (sheet[..., 0] < 80)).sum() > 1000


def test_nothing_is_no_sheet() -> None:
    with pytest.raises(ValueError, match="nothing"):
        composed([], columns=3, ratio="1:1")
