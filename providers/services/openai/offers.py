"""What OpenAI's image models can do. One family: a level of quality is a `quality` of the model, not another model.

    create, portrait, edit by words      native; up to 16 pictures beside the words
    inpaint                              native, but soft: the photo's own pixels are put back outside the mask
    outpaint                             the photo on a larger, transparent canvas, with a mask over what is new
    variations, style transfer,
    new background                       an edit by words, with both pictures where there are two
    background removal                   an edit onto a transparent background

No upscaler: asking a model to make a picture bigger is painting it anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from providers.offers import Offer, Offers, Price, Support, prices
from providers.task import Consistency, Operation

KEY = "openai"
MAIN = "gpt-image-2"
CUTOUT = "gpt-image-1.5"
QUALITIES: Mapping[str, str] = {"nano2": "low", "nanopro": "medium", "gpt": "high"}
SECONDS: Mapping[str, float] = {"low": 25, "medium": 50, "high": 150}
RETIRED = frozenset({"dall-e-2", "dall-e-3", "gpt-image-1"})
MAX_COUNT = 8
"""The API takes ten; nobody may ask for more than eight."""
MAX_PHOTOS = 16
HELD = frozenset(Consistency)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What a model takes. `fidelity`: the values of `input_fidelity`; a model without any refuses the field."""

    free_sizes: bool = True
    fidelity: tuple[str, ...] = ()
    holds: frozenset[Consistency] = HELD


KINDS: Mapping[str, Kind] = {
    MAIN: Kind(),
    "gpt-image-2.5-sunburst": Kind(),
    "gpt-image-2.5-flare": Kind(),
    "gpt-image-1.5": Kind(free_sizes=False, fidelity=("low", "high")),
    "chatgpt-image-latest": Kind(free_sizes=False, fidelity=("low", "high")),
    "gpt-image-1-mini": Kind(free_sizes=False, fidelity=("low",), holds=frozenset({Consistency.LOOSE})),
}
_HOW: Mapping[Operation, str] = {
    Operation.OUTPAINT: "the photo on a larger, transparent canvas with a mask, its own pixels put back",
    Operation.VARIATIONS: "an edit by words",
    Operation.STYLE_TRANSFER: "an edit with both pictures",
    Operation.REMOVE_BACKGROUND: "an edit onto a transparent background",
    Operation.REPLACE_BACKGROUND: "an edit by words",
}
_PHOTOS: Mapping[Operation, tuple[int, int]] = {
    Operation.CREATE: (0, 0),
    Operation.PORTRAIT: (0, MAX_PHOTOS),
    Operation.STYLE_TRANSFER: (2, MAX_PHOTOS),
}
_OWN_MODEL = frozenset({Operation.CREATE, Operation.PORTRAIT, Operation.EDIT})


def kind_of(model: str) -> Kind:
    """One that this version does not know is taken for a newer one of the main family; snapshots end in their date."""
    return next((KINDS[name] for name in sorted(KINDS, key=len, reverse=True) if model.startswith(name)), KINDS[MAIN])


def offers(own: str = "") -> Offers:
    """`own`: the operator's model for create, portrait and edit by words (OPENAI_MODEL); not one that was retired."""
    chosen = own if own and own not in RETIRED else MAIN
    rows = tuple(row for operation in Operation for row in _rows(operation, chosen))
    return Offers(service=KEY, rows=rows)


def _rows(operation: Operation, chosen: str) -> Iterator[Offer]:
    if operation is Operation.UPSCALE:
        return
    if operation is Operation.REMOVE_BACKGROUND:  # gpt-image-2 has transparency as a preview only
        for level, quality in QUALITIES.items():
            yield _row(operation, CUTOUT, quality, frozenset({level}))
        return
    model = chosen if operation in _OWN_MODEL else MAIN
    for level in ("nanopro", "gpt", "nano2"):
        yield _row(operation, model, QUALITIES[level], frozenset({level}))
    for name in KINDS:
        if name != model:
            yield _row(operation, name, QUALITIES["nanopro"], frozenset())


def _row(operation: Operation, model: str, quality: str, levels: frozenset[str]) -> Offer:
    least, most = _PHOTOS.get(operation, (1, MAX_PHOTOS))
    how = _HOW.get(operation, "")
    return Offer(
        operation=operation,
        model=model,
        price=_price(operation, model, quality),
        seconds=SECONDS[quality],
        levels=levels,
        support=Support.EMULATED if how else Support.NATIVE,
        how=how,
        quality={"low": 3, "medium": 4, "high": 5}[quality],
        max_count=MAX_COUNT,
        min_photos=least,
        max_photos=most,
        mask=operation is Operation.INPAINT,
        consistency=kind_of(model).holds,
        identity="" if operation is Operation.CREATE else "reference photos, read closely",
        notes={"quality": quality},
    )


def _price(operation: Operation, model: str, quality: str) -> Price:
    listed = prices(KEY)
    family = "gpt-image-1-mini" if "mini" in model else MAIN if kind_of(model).free_sizes else CUTOUT
    square = listed.get(f"{family} {quality} square") if operation is Operation.CREATE else None
    return square or listed[f"{family} {quality}"]
