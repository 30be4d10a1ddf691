"""Writing on a picture: the letters as given, wrapped, placed out of the face's way, readable on any ground."""

import re
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from providers.errors import AskPerson
from providers.media.fonts import Font, font_for, without_missing
from providers.media.pixels import Picture, floats, grey_of
from providers.people.face import Face
from providers.task import Colour, Lettering

_MARGIN = 0.05
_CLOSING = set("，。、；：？！）】」』》”’…,.;:?!)]}%")


@dataclass(frozen=True, kw_only=True)
class _Block:
    """Lines set in a font, measured: `width`, `height` of the whole in pixels, `pitch` from line to line."""

    lines: tuple[str, ...]
    font: ImageFont.FreeTypeFont
    width: int
    height: int
    pitch: int
    size: int


def lettered(rgb: Picture, faces: tuple[Face, ...], lettering: Lettering, take: int = 0) -> Picture:
    """`rgb` with the letters on it. `take` changes the manner: sans, serif, on a band, outlined.

    Raises AskPerson `font_missing`, or `text_too_long` where it would not be readable.
    """
    font = font_for(lettering.text, serif=take % 4 == 1)
    letters = without_missing(lettering.text, font)
    height, width = rgb.shape[:2]
    block = _set(letters, font, width, height, lettering)
    place = lettering.position or _quiet_place(rgb, faces, block, lettering)
    x, y = _corner(place, block, width, height)
    ground = rgb[max(0, y) : y + block.height, max(0, x) : x + block.width]
    ink = lettering.colour or _ink(ground)
    return _drawn(rgb, block, (x, y), ink, place, band=take % 4 == 2, outline=take % 4 == 3)


def _set(letters: str, font: Font, width: int, height: int, lettering: Lettering) -> _Block:
    """The largest size, up to the wished one, at which the text fits its part of the picture."""
    across = width * (1 - 2 * _MARGIN)
    room = height * (0.9 if lettering.vertical else 0.42)
    wish = {"large": 0.15, "small": 0.045}.get(lettering.size or "", 0.085)
    size = round(wish * min(width, 1.3 * height) * (1.0 if len(letters) > 6 else 1.25))
    least = max(10, round(0.022 * min(width, height)))
    side = lettering.position in ("left", "right") or "_" in (lettering.position or "")
    while size >= least:
        face = font.at(size)
        if lettering.vertical:
            lines = tuple(c for c in letters if not c.isspace())
            block = _measured(tuple("".join(lines)), face, size, 1.12)
        else:
            block = _measured(_balanced(letters, face, across * (0.62 if side else 1.0)), face, size, 1.28)
        if block.width <= across and block.height <= room:
            return block
        size = min(size - 1, round(size * 0.94))
    raise AskPerson("the text is too long for the picture", code="text_too_long")


def _measured(lines: tuple[str, ...], font: ImageFont.FreeTypeFont, size: int, spacing: float) -> _Block:
    pitch = round(spacing * size)
    width = max(round(font.getlength(line)) for line in lines)
    return _Block(lines=lines, font=font, width=width, height=pitch * len(lines), pitch=pitch, size=size)


def _wrapped(letters: str, font: ImageFont.FreeTypeFont, across: float) -> tuple[str, ...]:
    """Lines at most `across` wide: broken between words and between Chinese characters, never before closing marks."""
    lines: list[str] = []
    for paragraph in letters.splitlines():
        line = ""
        for piece in _pieces(paragraph.strip()):
            if line and font.getlength((line + piece).rstrip()) > across:
                lines.append(line.rstrip())
                line = piece.lstrip()
            else:
                line += piece
            while font.getlength(line.rstrip()) > across and len(line) > 1:
                fits = next((n for n in range(len(line) - 1, 1, -1) if font.getlength(line[:n]) <= across), 1)
                lines.append(line[:fits])
                line = line[fits:]
        lines.append(line.rstrip())
    return tuple(line for line in lines if line) or (letters.strip(),)


def _balanced(letters: str, font: ImageFont.FreeTypeFont, across: float) -> tuple[str, ...]:
    """Wrapped into as few lines as fit, those about equally long: no last line of one character."""
    lines = _wrapped(letters, font, across)
    low, high = across / max(1, len(lines)), across
    while len(lines) > 1 and high - low > 4:
        middle = (low + high) / 2
        narrower = _wrapped(letters, font, middle)
        if len(narrower) == len(lines) and all(font.getlength(line) <= middle for line in narrower):
            lines, high = narrower, middle
        else:
            low = middle
    return lines


def _pieces(text: str) -> list[str]:
    """What a line may not be broken inside: a Latin word with its space, a Chinese character with closing marks."""
    pieces: list[str] = []
    for token in re.findall(r"[^\s\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+\s*|\s+|.", text):
        if pieces and token[0] in _CLOSING:
            pieces[-1] += token
        else:
            pieces.append(token)
    return pieces


def _corner(place: str, block: _Block, width: int, height: int) -> tuple[int, int]:
    margin = round(_MARGIN * min(width, height))
    x = {True: margin, False: (width - block.width) // 2}[place.endswith("left")]
    if place.endswith("right"):
        x = width - margin - block.width
    y = (height - block.height) // 2
    if place.startswith("top"):
        y = margin
    if place.startswith("bottom"):
        y = height - margin - block.height
    return max(0, x), max(0, y)


def _quiet_place(rgb: Picture, faces: tuple[Face, ...], block: _Block, lettering: Lettering) -> str:
    """Bottom or top (right or left when vertical), whichever hides less of faces and detail."""
    height, width = rgb.shape[:2]
    grey = floats(grey_of(rgb))
    busy = np.abs(grey - cv2.blur(grey, (9, 9)))
    for face in faces:
        x, y = face.along(0, 0.2)
        cv2.ellipse(busy, (round(x), round(y)), (round(1.5 * face.unit), round(2.2 * face.unit)), 0, 0, 360, 80.0, -1)
    scores: list[tuple[float, str]] = []
    for place in ("right", "left") if lettering.vertical else ("bottom", "top"):
        x, y = (round(v) for v in _corner(place, block, width, height))
        scores.append((float(busy[y : y + block.height, x : x + block.width].mean()), place))
    best, second = scores
    return best[1] if best[0] <= 1.3 * second[0] + 2 else second[1]


def _ink(ground: Picture) -> Colour:
    """White, save on a bright and quiet ground."""
    grey = grey_of(ground)
    return (28, 28, 32) if float(np.percentile(grey, 15)) > 165 else (255, 255, 255)


def _drawn(
    rgb: Picture, block: _Block, at: tuple[int, int], ink: Colour, place: str, *, band: bool, outline: bool
) -> Picture:
    picture = Image.fromarray(rgb)
    bright = 0.299 * ink[0] + 0.587 * ink[1] + 0.114 * ink[2] > 128
    other = (16, 16, 20) if bright else (255, 255, 255)
    pad = round(0.35 * block.size)
    if band:
        panel = Image.new("L", picture.size, 0)
        box = (at[0] - pad, at[1] - pad // 2, at[0] + block.width + pad, at[1] + block.height + pad // 2)
        ImageDraw.Draw(panel).rounded_rectangle(box, radius=pad, fill=150)
        picture.paste(Image.new("RGB", picture.size, other), mask=panel)
    letters = Image.new("L", picture.size, 0)
    stroke = max(1, round(block.size * (0.07 if outline else 0.028)))
    edge = Image.new("L", picture.size, 0)
    pen, edge_pen = ImageDraw.Draw(letters), ImageDraw.Draw(edge)
    for number, line in enumerate(block.lines):
        slack = block.width - round(block.font.getlength(line))
        x = at[0] + (0 if place.endswith("left") else slack if place.endswith("right") else slack // 2)
        y = at[1] + number * block.pitch + (block.pitch - block.size) // 2
        ascent, descent = block.font.getmetrics()
        top = y - (ascent + descent - block.size) // 2
        pen.text((x, top), line, font=block.font, fill=255)
        edge_pen.text((x, top), line, font=block.font, fill=255, stroke_width=stroke, stroke_fill=255)
    if not band:
        shadow = edge.filter(ImageFilter.GaussianBlur(max(1.0, 0.09 * block.size))).point(
            lambda v: min(255, v * 1.1) * 0.6
        )
        picture.paste(Image.new("RGB", picture.size, other), mask=shadow)
        faint = edge if outline else edge.point(lambda v: v * 0.55)
        picture.paste(Image.new("RGB", picture.size, other), mask=faint)
    picture.paste(Image.new("RGB", picture.size, ink), mask=letters)
    return np.asarray(picture).copy()
