"""From an edit's words, as `intent` reads them, to the typed parameters that providers know."""

from intent import parameter_reading
from intent.parameters import EditParameters
from providers.task import Adjustment, Background, Lettering, Outpaint, Parameters

_PIXELS_ON_A_SIDE = 2000


def parameters_of(action: str, words: str, scale: int | None = None) -> Parameters:
    """What `words` ask of the edit `action`. `scale`: 2 or 4, for an upscale."""
    said = parameter_reading.parameters_of(action, words)
    return Parameters(
        background=_background(said),
        outpaint=_outpaint(said),
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


def _background(said: EditParameters) -> Background | None:
    return Background(kind=said.background.kind, colours=said.background.colours) if said.background else None


def _outpaint(said: EditParameters) -> Outpaint | None:
    """Only amounts in pixels: without one, or in percent, the picture's size decides, which nobody knows here."""
    pixels = {m.side: round(m.amount) for m in said.margins if m.amount is not None and m.unit == "pixels"}
    if not pixels or len(pixels) < len(said.margins):
        return None
    return Outpaint(**{side: min(amount, _PIXELS_ON_A_SIDE) for side, amount in pixels.items()})


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
