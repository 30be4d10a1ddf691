"""Bars as SVG within the page: sizes are attributes and colours the style sheet's, since the page allows no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`label` under it, `told` above it and to whoever points at it."""

    label: str
    value: Decimal
    told: str


_WIDTH, _HEIGHT, _HEAD, _FOOT = 960, 190, 20, 22


def columns(bars: Sequence[Bar], *, title: str, nothing: str) -> str:
    """Upright bars, one beside the other, the highest as high as there is room. Every other one has its label.

    `nothing`: said in their place where all are of no height.
    """
    most = max((bar.value for bar in bars), default=Decimal(0))
    if not most:
        return f'<p class="nothing">{escape(nothing)}</p>'
    step = _WIDTH / len(bars)
    room = _HEIGHT - _HEAD - _FOOT
    parts = []
    for n, bar in enumerate(bars):
        height = float(bar.value / most) * room
        left, middle = n * step + step * 0.12, (n + 0.5) * step
        top = _HEAD + room - height
        parts.append(
            f"<g><title>{escape(bar.label)}: {escape(bar.told)}</title>"
            f'<rect class="bar" x="{left:.1f}" y="{top:.1f}" width="{step * 0.76:.1f}" height="{max(height, 1):.1f}"/>'
            + (f'<text x="{middle:.1f}" y="{top - 5:.1f}">{escape(bar.told)}</text>' if bar.value else "")
            + (f'<text x="{middle:.1f}" y="{_HEIGHT - 6}">{escape(bar.label)}</text>' if n % 2 == len(bars) % 2 else "")
            + "</g>"
        )
    return (
        f'<div class="plot" role="region" tabindex="0" aria-label="{escape(title)}">'
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<line x1="0" y1="{_HEIGHT - _FOOT}" x2="{_WIDTH}" y2="{_HEIGHT - _FOOT}"/>{"".join(parts)}</svg></div>'
    )
