"""Sizes in pixels."""


def fitted(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """`size` with its long side reduced to `max_side` where it is above; no side below 1."""
    scale = min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """`size` times `factor`; no side below 1."""
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
