"""The painter: the page's module for masks and margins, and what it posts, for every channel that shows it.

Its files lie with the page's; `margins` go over the wire as `left=0.25,top=0.1`, shares of the picture's own sides.
"""

import math
from pathlib import Path

from handlers.message import Margins

STATIC = Path(__file__).parent / "web" / "static"
FILES = ("painter.js", "painter.css", "painter.json", "strokes.js")
MOST = 1.0
"""Of a picture's width or height on one side."""
_SIDES = frozenset({"left", "right", "top", "bottom"})
_LONGEST = 120


def margins_of(text: str) -> Margins:
    """What was posted as `left=0.25,top=0.1`. Raises ValueError for anything else, and for more than `MOST`."""
    if len(text) > _LONGEST:
        raise ValueError("too long for four sides")
    shares: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        side, _, share = part.partition("=")
        if side not in _SIDES or side in shares or not share.isascii():
            raise ValueError(f"no side: {len(part)} characters")
        shares[side] = float(share)
        if not math.isfinite(shares[side]) or not 0 <= shares[side] <= MOST:
            raise ValueError("a share beyond its bounds")
    return Margins(**shares)
