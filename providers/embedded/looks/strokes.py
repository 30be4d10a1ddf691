"""Painting with curved brush strokes of several sizes (Hertzmann 1998), large first, small where they are missed.

All strokes of a layer are traced together with numpy and drawn one by one in random order.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from providers.embedded.looks.canvas import Image, Picture, Plane, blur, finish
from providers.embedded.looks.flow import Flow

SHIFT = 3
"""Fractional bits of the coordinates handed to the line drawer."""


@dataclass(frozen=True, kw_only=True)
class Brush:
    """One layer: brush `radius` in pixels, `length` in steps of one radius, the least `miss` (mean difference of the
    three channels, 0..1) at which a stroke is set, the spread of its lightness, and where it may paint at all."""

    radius: float
    length: int
    miss: float
    spread: float
    where: Plane | None = None


def paint(
    reference: Image, ground: Image, flow: Flow, brushes: list[Brush], dice: np.random.Generator
) -> tuple[Image, Plane]:
    """Paint the reference over a ground; also the height of the paint (0..1), each stroke at its own."""
    board = np.dstack([finish(ground), np.full(ground.shape[:2], 110, np.uint8)])
    for brush in brushes:
        _layer(board, reference, flow, brush, dice)
    painted = np.multiply(board[..., :3], np.float32(1 / 255), dtype=np.float32)
    return painted, np.multiply(board[..., 3], np.float32(1 / 255), dtype=np.float32)


def _layer(board: Picture, reference: Image, flow: Flow, brush: Brush, dice: np.random.Generator) -> None:
    soft = blur(reference, brush.radius * 0.45)
    starts = _starts(board, soft, brush, dice)
    if not len(starts):
        return
    paths, lengths = _trace(board, soft, flow, starts, brush)
    x, y = np.round(starts[:, 0]).astype(int), np.round(starts[:, 1]).astype(int)
    colours = soft[y, x] * 255
    lighter = dice.normal(0, brush.spread * 255, (len(starts), 1)) + dice.normal(0, brush.spread * 75, (len(starts), 3))
    colours = np.clip(colours * (1 + lighter / 255), 0, 255)
    heights = np.clip(dice.normal(128, 42, len(starts)), 20, 235)
    points = np.round(paths * (1 << SHIFT)).astype(np.int32)
    thick = np.maximum(1, np.round(brush.radius * dice.uniform(1.5, 2.1, len(starts)))).astype(int)
    for number in dice.permutation(len(starts)):
        red, green, blue = colours[number].tolist()
        cv2.polylines(
            board,
            [points[number, : lengths[number]]],
            False,
            (red, green, blue, float(heights[number])),
            int(thick[number]),
            cv2.LINE_AA,
            SHIFT,
        )


def _starts(board: Picture, soft: Image, brush: Brush, dice: np.random.Generator) -> npt.NDArray[np.float32]:
    """Where strokes begin: a jittered grid, at the worst spot of every cell, where the picture is still missed."""
    height, width = soft.shape[:2]
    missed = np.abs(board[..., :3].astype(np.float32) * np.float32(1 / 255) - soft).mean(2)
    if brush.where is not None:
        missed = missed * brush.where
    cell = max(2, round(brush.radius * 1.6))
    rows, columns = np.mgrid[0:height:cell, 0:width:cell]
    around = cv2.blur(missed, (cell, cell))
    rows = np.clip(rows + dice.integers(0, cell, rows.shape), 0, height - 1).ravel()
    columns = np.clip(columns + dice.integers(0, cell, columns.shape), 0, width - 1).ravel()
    wanted = around[rows, columns] >= brush.miss
    return np.stack([columns[wanted], rows[wanted]], axis=1).astype(np.float32)


def _trace(
    board: Picture, soft: Image, flow: Flow, starts: npt.NDArray[np.float32], brush: Brush
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Follow the flow from every start both ways; a stroke ends where the canvas is nearer to the picture than it."""
    height, width = soft.shape[:2]
    colour = soft[starts[:, 1].astype(int), starts[:, 0].astype(int)]
    half = max(1, brush.length // 2)
    arms = []
    for sign in (1.0, -1.0):
        place, alive = starts.copy(), np.ones(len(starts), bool)
        heading = np.zeros_like(place)
        arm = [place.copy()]
        for number in range(half):
            column = np.clip(place[:, 0], 0, width - 1).astype(int)
            row = np.clip(place[:, 1], 0, height - 1).astype(int)
            tangent = np.stack([flow.across[row, column], flow.down[row, column]], axis=1)
            if number == 0:
                tangent *= np.float32(sign)
            else:
                tangent *= np.copysign(1.0, (tangent * heading).sum(1, keepdims=True)).astype(np.float32)
            heading = tangent
            there = place + tangent * np.float32(brush.radius)
            column = np.clip(there[:, 0], 0, width - 1).astype(int)
            row = np.clip(there[:, 1], 0, height - 1).astype(int)
            apart = np.abs(soft[row, column] - colour).mean(1)
            painted = np.abs(soft[row, column] - board[row, column, :3] * np.float32(1 / 255)).mean(1)
            alive &= (apart <= np.maximum(painted, 0.035)) | (apart < 0.02)
            place = np.where(alive[:, None], there, place)
            arm.append(place.copy())
        arms.append(np.stack(arm, axis=1))
    paths = np.concatenate([arms[1][:, ::-1], arms[0][:, 1:]], axis=1)
    return paths, np.full(len(starts), paths.shape[1], dtype=np.int64)
