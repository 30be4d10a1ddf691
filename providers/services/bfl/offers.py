"""What Black Forest Labs can do, by operation and model.

    create, portrait, edit, style transfer, new background    FLUX.2 (photos beside the words), Kontext by name
    inpaint                                                    FLUX.1 Fill
    outpaint                                                   FLUX.1 Expand
    variations                                                 FLUX1.1 with the photo as `image_prompt` (Redux)

No upscaler, no background removal. One picture a request.
"""

from collections.abc import Iterator, Mapping

from providers.offers import Offer, Offers, Support, prices
from providers.task import Consistency, Operation

KEY = "bfl"
LEVELS: Mapping[str, str] = {"nano2": "flux-2-klein-9b", "nanopro": "flux-2-pro", "gpt": "flux-2-max"}
SECONDS: Mapping[str, float] = {
    "flux-2-klein-4b": 3, "flux-2-klein-9b": 4, "flux-2-pro": 12, "flux-2-flex": 25, "flux-2-max": 25,
    "flux-kontext-pro": 10, "flux-kontext-max": 12, "flux-pro-1.1": 8, "flux-pro-1.1-ultra": 12, "flux-dev": 8,
}  # fmt: skip
QUALITY: Mapping[str, int] = {"flux-2-klein-4b": 2, "flux-2-klein-9b": 2, "flux-dev": 2, "flux-2-max": 5}
FILL, EXPAND, REDUX = "flux-pro-1.0-fill", "flux-pro-1.0-expand", "flux-pro-1.1"
WITH_PHOTOS: Mapping[str, int] = {
    "flux-2-klein-9b": 4, "flux-2-pro": 8, "flux-2-max": 8, "flux-2-flex": 8, "flux-2-klein-4b": 4,
    "flux-kontext-pro": 1, "flux-kontext-max": 1,
}  # fmt: skip
"""Models that take photos beside the words, and how many. Kontext's further ones are experimental, so not used."""
WORDS_ONLY = ("flux-pro-1.1", "flux-pro-1.1-ultra", "flux-dev")
HELD = frozenset(Consistency)


def offers(own: str = "") -> Offers:
    """`own`: the operator's model for create, portrait and edit by words (BFL_MODEL), instead of the levels' own."""
    return Offers(service=KEY, rows=(*_by_words(own), *_special()))


def _by_words(own: str) -> Iterator[Offer]:
    for operation in (Operation.CREATE, Operation.PORTRAIT, Operation.EDIT):
        for model, levels in _models(own, words_only=operation is Operation.CREATE):
            yield _row(operation, model, levels)


def _models(own: str, *, words_only: bool) -> Iterator[tuple[str, frozenset[str] | None]]:
    """Each model with the levels it serves; the last ones serve none and can only be named."""
    named = (*WITH_PHOTOS, *(WORDS_ONLY if words_only else ()))
    if own and (own in named or own not in WORDS_ONLY):
        yield own, None
        yield from ((model, frozenset()) for model in named if model != own)
        return
    served = {model: frozenset({level}) for level, model in LEVELS.items()}
    for model in named:
        yield model, served.get(model, frozenset())


def _row(operation: Operation, model: str, levels: frozenset[str] | None, *, how: str = "", photos: int = 0) -> Offer:
    """A model asked in words. One that this version does not know is taken for one of FLUX.2's."""
    listed = prices(KEY)
    most = WITH_PHOTOS.get(model, 0 if model in WORDS_ONLY else 8)
    least = photos or int(operation is not Operation.CREATE and operation is not Operation.PORTRAIT)
    with_photo = operation is not Operation.CREATE
    price = (listed.get(f"{model} edit") if with_photo else None) or listed.get(model) or listed["flux-2-pro edit"]
    return Offer(
        operation=operation,
        model=model,
        price=price,
        seconds=SECONDS.get(model, 15),
        levels=levels,
        support=Support.EMULATED if how else Support.NATIVE,
        how=how,
        quality=QUALITY.get(model, 4),
        min_photos=0 if operation is Operation.CREATE else least,
        max_photos=0 if operation is Operation.CREATE else most,
        consistency=HELD,
        identity="reference photos" if with_photo else "",
    )


def _special() -> Iterator[Offer]:
    listed = prices(KEY)
    yield Offer(
        operation=Operation.INPAINT, model=FILL, price=listed[FILL], seconds=12, quality=4, min_photos=1, max_photos=1,
        mask=True, consistency=HELD, identity="only the marked part is painted",
    )  # fmt: skip
    yield Offer(
        operation=Operation.OUTPAINT, model=EXPAND, price=listed[EXPAND], seconds=12, quality=4, min_photos=1,
        max_photos=1, consistency=HELD, identity="the photo stays, its surroundings are painted",
    )  # fmt: skip
    yield Offer(
        operation=Operation.VARIATIONS, model=REDUX, price=listed[REDUX], seconds=8, quality=3, min_photos=1,
        max_photos=1, identity="the photo as image prompt", consistency=frozenset({Consistency.LOOSE}),
    )  # fmt: skip
    two = "both pictures and a prompt to FLUX.2"
    words = "the photo and a prompt to FLUX.2"
    for operation, how, least in (
        (Operation.STYLE_TRANSFER, two, 2),
        (Operation.REPLACE_BACKGROUND, words, 1),
    ):
        for level, model in LEVELS.items():
            yield _row(operation, model, frozenset({level}), how=how, photos=least)
