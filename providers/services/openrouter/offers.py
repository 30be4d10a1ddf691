"""What OpenRouter can do: other makers' models, for words, and for words with pictures. It has no masks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from providers.offers import Offer, Offers, Support, prices
from providers.task import Consistency, Operation

KEY = "openrouter"
EVERY = frozenset({"nano2", "nanopro", "gpt"})
BY_NAME: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Model:
    """`count`: pictures of one call. `photos`: it takes so many. `quality_field`: it knows `quality`."""

    name: str
    count: int = 1
    photos: int = 1
    levels: frozenset[str] = BY_NAME
    seconds: float = 25.0
    quality: int = 4
    quality_field: bool = False


MODELS = (
    Model(name="google/gemini-3-pro-image-preview", photos=8, levels=frozenset({"nanopro"}), quality=4),
    Model(name="google/gemini-3.1-flash-image-preview", photos=8, levels=frozenset({"nano2"}), seconds=15, quality=3),
    Model(
        name="openai/gpt-image-2", count=8, photos=8, levels=frozenset({"gpt"}), seconds=120, quality=5,
        quality_field=True,
    ),
    Model(name="google/gemini-2.5-flash-image", photos=3, seconds=15, quality=3),
    Model(name="black-forest-labs/flux.2-pro", photos=8, seconds=20, quality=4),
)  # fmt: skip
_BY_WORDS = {
    Operation.VARIATIONS: "an edit by words",
    Operation.OUTPAINT: "an edit by words, on the wider canvas",
    Operation.REPLACE_BACKGROUND: "an edit by words",
}


def offers(default: str | None = None) -> Offers:
    """`default`: the operator's own choice for every level of quality; a name not known here takes one photo."""
    models: tuple[Model, ...] = MODELS
    if default is not None:
        known = next((model for model in MODELS if model.name == default), Model(name=default, photos=3))
        models = (Model(**{**vars(known), "levels": EVERY}), *MODELS)
    return Offers(service=KEY, rows=tuple(row for model in models for row in _rows(model)))


def _rows(model: Model) -> Iterator[Offer]:
    for operation in (Operation.CREATE, Operation.PORTRAIT):
        yield _row(operation, model, photos=(0, 0))
    for operation in (Operation.PORTRAIT, Operation.EDIT):
        yield _row(operation, model, photos=(1, model.photos))
    for operation, how in _BY_WORDS.items():
        photos = (1, 1) if operation is Operation.OUTPAINT else (1, model.photos)
        yield _row(operation, model, photos=photos, support=Support.EMULATED, how=how)
    if model.photos > 1:
        how = "both pictures and words"
        yield _row(Operation.STYLE_TRANSFER, model, photos=(2, model.photos), support=Support.EMULATED, how=how)


def _row(operation: Operation, model: Model, *, photos: tuple[int, int], **more: Any) -> Offer:
    known = prices(KEY)
    return Offer(
        operation=operation,
        model=model.name,
        price=known.get(model.name, known["any"]),
        seconds=model.seconds,
        levels=model.levels,
        quality=model.quality,
        max_count=model.count,
        min_photos=photos[0],
        max_photos=photos[1],
        consistency=frozenset(Consistency),
        identity="reference photos",
        notes={"quality": model.quality_field},
        **more,
    )
