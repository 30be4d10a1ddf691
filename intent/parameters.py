"""What an edit needs beyond its name, as values: read once out of the person's words, here, and nowhere again.

All of it is JSON-serialisable (`as_dict`): numbers, strings, tuples and None.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Colour = tuple[int, int, int]
"""sRGB, 0 to 255 each."""
Consistency = Literal["strict", "balanced", "loose"]
"""How far the face must stay the person's own: exactly the same, close to it, or only inspired by it."""
Priority = Literal["cheapest", "fastest", "best", "private"]
"""What the words put first when a service is chosen. `private`: the photo must not leave the operator's machines."""
Side = Literal["left", "right", "top", "bottom"]
Strength = Literal["slight", "strong"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Background:
    """`transparent`: cut away. `colour`: one plain colour (none named: any plain one). `gradient`: first colour above,
    second below. `studio`: a lit backdrop, in the colour if one is named. `blurred`: the photo's own, out of focus.
    `place`: anything else, in the person's own words."""

    kind: Literal["transparent", "colour", "gradient", "studio", "blurred", "place"]
    colours: tuple[Colour, ...] = ()
    place: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Margin:
    """Room to be added on one side. `amount` in `unit`: pixels, or percent of the picture's size across that side;
    None where the words do not say how much."""

    side: Side
    amount: float | None = None
    unit: Literal["pixels", "percent"] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lettering:
    """What to write, letter for letter. `replaces`: the letters in the picture that it stands in for.
    `position`: `top`, `bottom`, `left`, `right`, `centre`, `top_left` … or None; `size`: `large`, `small` or None."""

    text: str
    replaces: str | None = None
    position: str | None = None
    colour: Colour | None = None
    size: Literal["large", "small"] | None = None
    vertical: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    """One simple change. `direction` is `up` or `down` for amounts (brightness, warmth, contrast, saturation,
    sharpness, size), `horizontal` or `vertical` for flip, `left` or `right` (a quarter turn, or `degrees`) for rotate,
    and None for crop, straighten and undo."""

    kind: Literal[
        "brightness", "warmth", "contrast", "saturation", "sharpness", "size", "crop", "flip", "rotate", "straighten",
        "undo",
    ]  # fmt: skip
    direction: Literal["up", "down", "left", "right", "horizontal", "vertical"] | None = None
    strength: Strength | None = None
    degrees: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IdPhoto:
    """`size`: a key of the sizes of ID photos. `background`: where the words name one. `paper`: to be laid on a sheet
    of `6inch` or `a4`, with so many `copies` (None: as many as fit)."""

    size: str
    background: Colour | None = None
    paper: str | None = None
    copies: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EditParameters:
    """Only what the words say is filled.

    `filter`, `change` (what a before and after shows) and `tone` (of a colouring) are keys of
    `intent/lexicon/parameters.toml`. `complete`: these values say all that the words ask for; where it is False the
    words themselves (`prompt`) say more, and whoever cannot read words cannot do the edit.
    """

    background: Background | None = None
    margins: tuple[Margin, ...] = ()
    lettering: Lettering | None = None
    filter: str | None = None
    change: str | None = None
    tone: str | None = None
    colours: tuple[Colour, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    id_photo: IdPhoto | None = None
    """Of a portrait in one of the styles `id_photo_*`."""
    complete: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


NO_PARAMETERS = EditParameters()
