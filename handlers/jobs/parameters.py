"""From an edit's text, as `intent` reads it, to the typed parameters that providers take."""

from functools import cache

from intent import parameter_reading
from intent.own_looks import look_named
from intent.parameters import EditParameters, Margin
from providers.task import MAX_OUTPAINT, Adjustment, Background, Lettering, Outpaint, Parameters

Size = tuple[int, int]
"""Width and height in pixels."""
_PERCENT_WHERE_NONE_IS_SAID = 25
"""As a fraction of the picture's size along that side: "wider to the left" does not say how much."""


def parameters_of(action: str, words: str, scale: int | None = None, size: Size | None = None) -> Parameters:
    """What `words` ask of the edit `action`. `scale`: 2 or 4, for an upscale. `size`: the photo's, if known."""
    said = parameter_reading.parameters_of(action, words)
    return Parameters(
        background=_background(said),
        outpaint=_outpaint(said, size),
        lettering=_lettering(said),
        filter=said.filter,
        change=said.change,
        tone=said.tone,
        colours=said.colours,
        adjustments=tuple(
            Adjustment(kind=step.kind, direction=step.direction, strength=step.strength, degrees=step.degrees)
            for step in said.adjustments
        ),
        scale=scale,
        complete=said.complete,
    )


@cache
def own_look(words: str) -> Parameters:
    """Of a portrait in the person's own words: the drawn look, where that is all they say."""
    look = look_named(words)
    return Parameters(filter=look) if look else Parameters(complete=False)


def _background(said: EditParameters) -> Background | None:
    return Background(kind=said.background.kind, colours=said.background.colours) if said.background else None


def _outpaint(said: EditParameters, size: Size | None) -> Outpaint | None:
    """In pixels. Without an amount, or in percent, it follows from the picture's size; without that, the text is passed
    on."""
    pixels = {margin.side: _pixels(margin, size) for margin in said.margins}
    known = {side: min(amount, MAX_OUTPAINT) for side, amount in pixels.items() if amount is not None}
    return Outpaint(**known) if known and len(known) == len(pixels) else None


def _pixels(margin: Margin, size: Size | None) -> int | None:
    if margin.amount is not None and margin.unit == "pixels":
        return round(margin.amount)
    if size is None:
        return None
    across = size[0] if margin.side in ("left", "right") else size[1]
    percent = _PERCENT_WHERE_NONE_IS_SAID if margin.amount is None else margin.amount
    return max(1, round(across * percent / 100))


def _lettering(said: EditParameters) -> Lettering | None:
    return (
        Lettering(
            text=said.lettering.text,
            replaces=said.lettering.replaces,
            position=said.lettering.position,
            colour=said.lettering.colour,
            size=said.lettering.size,
            vertical=said.lettering.vertical,
        )
        if said.lettering
        else None
    )
