"""From an edit's own words to its parameters (`intent/parameters.py`)."""

import re
from dataclasses import replace
from itertools import pairwise
from typing import cast

from intent.lettering import lettering_in
from intent.parameter_words import HEX, LONGEST, ParameterWords, Word, words_of
from intent.parameters import (
    Adjustment,
    Background,
    Colour,
    EditParameters,
    Margin,
    Side,
    Strength,
)

_RATIO = re.compile(r"(?<!\d)\d{1,4}\s*(?:[:x比/]|by|to)\s*\d{1,4}")
_SKY_BLUE, _WHITE, _PLAIN = (143, 196, 242), (255, 255, 255), (236, 238, 240)
AMOUNT = re.compile(
    r"(?<!\d)(\d{1,5}(?:\.\d{1,3})?)\s*(px|pixels?|像素|%|percent|per cent|x(?![a-z])|times|倍)|"
    r"百分之(\d{1,4}|[一二三四五六七八九]?十[一二三四五六七八九]?)"
)
_BARE = re.compile(r"(?<![\d.:x])\d{2,4}(?![\d.:x%])")
_DEGREES = re.compile(r"(?<!\d)(\d{1,3}(?:\.\d{1,3})?)\s*(?:°|度|degrees?|deg\b)")
_SPREAD: dict[str, tuple[Side, ...]] = {
    "horizontal": ("left", "right"),
    "vertical": ("top", "bottom"),
    "all": ("left", "right", "top", "bottom"),
}
_AXES = frozenset({"horizontal", "vertical"})
_NEAR = 6
"""Characters between an adjustment and the word that says how strong it is to be."""
_WITH_BACKGROUND = frozenset({"replace_bg"})
_WITH_ADJUSTMENTS = frozenset(
    {"edit", "local_edit", "enhance", "upscale", "text_render", "filter", "retouch", "extend"}
)


def parameters_of(action: str, words: str | None) -> EditParameters:
    """The parameters of one edit. `words`: what the person said for it, in their own characters."""
    if not words:
        return (
            EditParameters(background=Background(kind="transparent"), complete=True)
            if action == "replace_bg"
            else (EditParameters(complete=action != "edit"))
        )
    found = words_of(words[:LONGEST])
    colours = colours_in(found)
    background = background_in(found, colours) if action == "replace_bg" else None
    adjustments = adjustments_in(found) if action in _WITH_ADJUSTMENTS else ()
    made = EditParameters(
        background=background,
        margins=margins_in(found) if action == "extend" else (),
        lettering=lettering_in(words) if action == "text_render" else None,
        filter=filter_in(found) if action in ("filter", "before_after") else None,
        change=found.first("changes") if action == "before_after" else None,
        tone=found.first("tones") if action == "colorize" else None,
        colours=colours,
        adjustments=adjustments,
    )
    return _with_completeness(action, made, found)


def _with_completeness(action: str, made: EditParameters, found: ParameterWords) -> EditParameters:
    match action:
        case "replace_bg":
            complete = made.background is not None and made.background.kind != "place"
        case "filter":
            complete = made.filter is not None or found.left(("background_filler", "filter_filler")) is None
        case "before_after":
            known = made.filter is not None or made.change is not None
            complete = known or found.left(("background_filler", "change_filler")) is None
        case "text_render":
            complete = made.lettering is not None
        case "edit" | "local_edit":
            spans = [m.span() for m in (*_RATIO.finditer(found.text), *_DEGREES.finditer(found.text))]
            fillers = ("adjustments", "strengths", "adjustment_filler", "crop_filler")
            complete = bool(made.adjustments) and found.left(fillers, spans) is None
        case _:
            complete = True
    return replace(made, complete=complete)


def _rgb(digits: str) -> Colour:
    digits = digits.lstrip("#")
    if len(digits) == 3:
        digits = "".join(c + c for c in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def colours_in(found: ParameterWords) -> tuple[Colour, ...]:
    """Colours in the order they are named, by word or as #rgb / #rrggbb."""
    hits = [(w.start, _rgb(w.key)) for w in found.words("colours")]
    hits += [(m.start(), _rgb(m.group(1))) for m in HEX.finditer(found.text)]
    return tuple(colour for _, colour in sorted(hits))


def background_in(found: ParameterWords, colours: tuple[Colour, ...]) -> Background:
    """The background the words ask for; without any words it is cut away."""
    kinds = [w.key for w in found.words("backgrounds")]
    spans = [m.span() for m in HEX.finditer(found.text)]
    other = found.left(("backgrounds", "colours", "background_filler"), spans)
    if other is not None and "gradient" not in kinds:
        return Background(kind="place", colours=colours, place=_whole_phrase(found, *other))
    if "blurred" in kinds and not colours:
        return Background(kind="blurred")
    if "gradient" in kinds:
        pair = colours if len(colours) > 1 else (*(colours or (_SKY_BLUE,)), _WHITE)
        return Background(kind="gradient", colours=pair[:2])
    if "studio" in kinds:
        return Background(kind="studio", colours=colours[:1])
    if colours:
        return Background(kind="colour", colours=colours[-1:])
    if "plain" in kinds:
        return Background(kind="colour", colours=(_PLAIN,))
    return Background(kind="transparent")


def _whole_phrase(found: ParameterWords, start: int, end: int) -> str:
    """The unknown words, with the colours that stand right before them: "blue sky", 白色沙滩."""
    for word in reversed(found.words("colours")):
        if word.end <= start and not any(
            c.isalpha() and c != "色" for c in found.text[word.end : start].replace("的", "")
        ):
            start = word.start
    return found.raw_between(start, end)


def filter_in(found: ParameterWords) -> str | None:
    """The longest name of a filter wins ("black and white film" is black and white), then the first."""
    words = found.words("filters")
    return min(words, key=lambda w: (w.start - w.end, w.start)).key if words else None


def _amounts(found: ParameterWords) -> list[tuple[int, int, float, str]]:
    """(start, end, amount, unit) of everything that says how much room is added, in order."""
    out: list[tuple[int, int, float, str]] = []
    for m in AMOUNT.finditer(found.text):
        if m.group(3):
            out.append((m.start(), m.end(), float(_chinese(m.group(3))), "percent"))
            continue
        value, unit = float(m.group(1)), m.group(2)
        if unit in ("x", "times", "倍"):  # "1.5x" is the new size, 一倍 what is added
            added = value if unit == "倍" else value - 1
            if added > 0:
                out.append((m.start(), m.end(), added * 100, "percent"))
        else:
            out.append((m.start(), m.end(), value, "percent" if unit.startswith(("%", "per")) else "pixels"))
    for w in found.words("amounts"):
        if not any(a < w.end and w.start < b for a, b, _, _ in out):
            out.append((w.start, w.end, float(w.key), "percent"))
    if any(unit == "pixels" for *_, unit in out):  # "300 pixels on the right and 100 at the top"
        bare = (m for m in _BARE.finditer(found.text) if not any(a < m.end() and m.start() < b for a, b, _, _ in out))
        out += [(m.start(), m.end(), float(m.group()), "pixels") for m in bare]
    return sorted(out)


def _chinese(number: str) -> int:
    if number.isdigit():
        return int(number)
    digits = "一二三四五六七八九"
    tens, _, ones = number.partition("十")
    return (digits.index(tens) + 1 if tens else 1) * 10 + (digits.index(ones) + 1 if ones else 0)


_CLAUSE_END = re.compile(r"[,;.!?\n](?!\d)")


def margins_in(found: ParameterWords) -> tuple[Margin, ...]:
    """The sides named, each with the amount said for it in its clause; an amount without a side is that of all four."""
    amounts = _amounts(found)
    taken: dict[Side, tuple[float, str] | None] = {}
    named = {w.key for w in found.words("sides")}
    for w in found.words("sides"):
        if w.key in _AXES and named.intersection(_SPREAD[w.key]):
            continue  # "wider to the left" is not wider to the right
        near = _amount_of(w, amounts, found)
        for side in _SPREAD.get(w.key, (cast("Side", w.key),)):
            if taken.get(side) is None:
                taken[side] = near
    if not taken and len(amounts) == 1:
        taken = dict.fromkeys(_SPREAD["all"], amounts[0][2:])
    return tuple(
        Margin(
            side=side,
            amount=near[0] if near else None,
            unit=("pixels" if near[1] == "pixels" else "percent") if near else None,
        )
        for side in _SPREAD["all"]
        if side in taken
        for near in (taken[side],)
    )


def _amount_of(w: Word, amounts: list[tuple[int, int, float, str]], found: ParameterWords) -> tuple[float, str] | None:
    """ "20% to the left and 200 px on top": amounts stand before their sides or after them, throughout a clause."""
    edges = [0, *(m.end() for m in _CLAUSE_END.finditer(found.text)), len(found.text)]
    start, end = next((a, b) for a, b in pairwise(edges) if a <= w.start < b)
    here = [a for a in amounts if start <= a[0] < end]
    if not here:
        return None
    first_side = min(s.start for s in found.words("sides") if start <= s.start < end)
    before = [a for a in here if a[0] < w.start]
    after = [a for a in here if a[0] >= w.end]
    if here[0][0] < first_side:
        return before[-1][2:]
    return after[0][2:] if after else here[-1][2:]


_DIRECTIONS = {"+": "up", "-": "down"}


def adjustments_in(found: ParameterWords) -> tuple[Adjustment, ...]:
    """Simple changes in the order said, one of a kind."""
    out: dict[str, Adjustment] = {}
    degrees = _DEGREES.search(found.text)
    for w in found.words("adjustments"):
        kind, direction = w.key, None
        if kind[-1] in "+-":
            kind, direction = kind[:-1], _DIRECTIONS[kind[-1]]
        elif "=" in kind:
            kind, _, direction = kind.partition("=")
        strength = next(
            (s.key for s in found.words("strengths") if s.start < w.end + _NEAR and w.start - _NEAR < s.end), None
        )
        old = out.get(kind)
        if old is not None and (direction is None or old.direction is not None):
            continue
        out[kind] = Adjustment(
            kind=kind,  # type: ignore[arg-type]  # the keys of the table are the kinds: a test holds it
            direction=direction,  # type: ignore[arg-type]
            strength=cast("Strength | None", strength) if direction in ("up", "down") else None,
            degrees=float(degrees.group(1)) if degrees and kind == "rotate" else None,
        )
    return tuple(out.values())
