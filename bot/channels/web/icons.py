"""Draws the page's icons, a frame of film with a likeness in it. `python -m bot.channels.web.icons` writes them."""

from pathlib import Path

from PIL import Image, ImageDraw

from bot.channels.web.shell import WEB

FILM, PAPER, LAMP = "#1c1815", "#f5f2ec", "#c23b1d"
_FINE = 8
"""Drawn so many times larger and then made small: smooth edges."""
_UNITS = 64
MASKABLE_PART = 0.62
"""Of a maskable icon, what lies within the circle that every platform leaves (a diameter of 80 %)."""


def icon(side: int, *, maskable: bool = False) -> Image.Image:
    """Square. A maskable one is filled to its edges, with the frame small in the middle."""
    large = side * _FINE
    picture = Image.new("RGBA", (large, large), PAPER if maskable else (0, 0, 0, 0))
    scale = large / _UNITS * (MASKABLE_PART if maskable else 1)
    offset = (large - _UNITS * scale) / 2
    draw = ImageDraw.Draw(picture)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return (offset + left * scale, offset + top * scale, offset + right * scale, offset + bottom * scale)

    draw.rounded_rectangle(box(6, 2, 58, 62), radius=5 * scale, fill=FILM)
    draw.rectangle(box(12, 12, 52, 52), fill=PAPER)
    for left in (14, 24, 34, 44):
        for top in (5.5, 55):
            draw.rounded_rectangle(box(left, top, left + 6, top + 3.5), radius=scale, fill=PAPER)
    draw.pieslice(box(17, 36, 47, 68), 180, 360, fill=LAMP)
    draw.ellipse(box(23.5, 17, 40.5, 37), fill=LAMP, outline=PAPER, width=round(scale))
    return picture.resize((side, side), Image.Resampling.LANCZOS)


def write(folder: Path = WEB) -> None:
    for side in (64, 180, 192, 512):
        icon(side).save(folder / f"icon-{side}.png", optimize=True)
    icon(512, maskable=True).save(folder / "icon-maskable-512.png", optimize=True)


if __name__ == "__main__":
    write()
