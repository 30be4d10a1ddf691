"""What DashScope can do: a row for each operation and model, in the order in which they are tried."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from providers.offers import Offer, Offers, Support, prices
from providers.services.dashscope import facechain
from providers.task import Consistency, Operation

KEY = "dashscope"
WANX = "wanx2.1-imageedit"
DRAFT = frozenset({"nano2"})
FINE = frozenset({"nanopro", "gpt"})
BY_NAME: frozenset[str] = frozenset()
"""No level of quality leads to it."""
MAX_PHOTOS = 3


@dataclass(frozen=True, kw_only=True)
class Model:
    """`words`: makes a picture of words alone; `photos`: takes them. `shape`: of its body, see `bodies`."""

    name: str
    words: bool
    photos: bool
    count: int
    levels: frozenset[str] = BY_NAME
    shape: str = "message"
    seconds: float = 25.0
    quality: int = 4


MODELS = (
    Model(name="qwen-image-2.0-pro", words=True, photos=False, count=6, levels=FINE),
    Model(name="qwen-image-2.0", words=True, photos=False, count=6, levels=DRAFT, seconds=15.0, quality=3),
    Model(name="qwen-image-edit-max", words=False, photos=True, count=6, levels=FINE),
    Model(name="qwen-image-edit-plus", words=False, photos=True, count=6, levels=DRAFT, seconds=15.0, quality=3),
    Model(name="qwen-image-3.0-pro", words=True, photos=True, count=6),
    Model(name="qwen-image-3.0", words=True, photos=True, count=6, quality=3),
    Model(name="qwen-image-max", words=True, photos=False, count=1),
    Model(name="qwen-image-plus", words=True, photos=False, count=1, quality=3),
    Model(name="qwen-image", words=True, photos=False, count=1, quality=2),
    # More than one is billed and not made.
    Model(name="qwen-image-edit", words=False, photos=True, count=1, quality=2),
    Model(name="wan2.7-image-pro", words=True, photos=True, count=4, shape="wan", seconds=60.0),
    Model(name="wan2.7-image", words=True, photos=True, count=4, shape="wan", seconds=60.0, quality=3),
    Model(name="wan2.6-image", words=True, photos=True, count=4, shape="wan", seconds=60.0, quality=3),
    Model(name="wan2.5-i2i-preview", words=False, photos=True, count=4, shape="images", seconds=60.0, quality=3),
)
_BY_WORDS = {
    Operation.VARIATIONS: "an edit by words, with another seed",
    Operation.REPLACE_BACKGROUND: "an edit by words",
}


def offers(default: str | None = None, *, faces: bool = True) -> Offers:
    """`default`: the operator's own choice for create, portrait and edit by words, whatever the level of quality.
    `faces`: whether FaceChain is there."""
    rows: list[Offer] = [*facechain.offers(prices(KEY))] if faces else []
    for model in MODELS if default is None else (_chosen(default), *MODELS):
        rows += _rows(model)
    rows += _functions()
    return Offers(service=KEY, rows=tuple(rows))


def _chosen(name: str) -> Model:
    """A model of this name for every level; one that is not known here is taken for the most common kind."""
    known = next((model for model in MODELS if model.name == name), None)
    if known is None:
        shape = "wan" if name.startswith("wan") else "message"
        known = Model(name=name, words="edit" not in name and "i2i" not in name, photos=True, count=1, shape=shape)
    return Model(**{**vars(known), "levels": DRAFT | FINE})


def _rows(model: Model) -> Iterator[Offer]:
    if model.words:
        for operation in (Operation.CREATE, Operation.PORTRAIT):
            yield _row(operation, model, photos=(0, 0))
    if model.photos:
        for operation in (Operation.PORTRAIT, Operation.EDIT):
            yield _row(operation, model, photos=(1, MAX_PHOTOS))
        for operation, how in _BY_WORDS.items():
            yield _row(operation, model, photos=(1, MAX_PHOTOS), support=Support.EMULATED, how=how)
        style: dict[str, Any] = {"support": Support.EMULATED, "how": "both pictures and words"}
        yield _row(Operation.STYLE_TRANSFER, model, photos=(2, MAX_PHOTOS), **style)


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
        notes={"shape": model.shape},
        **more,
    )


def _functions() -> Iterator[Offer]:
    """wanx's, each an endpoint of its own in all but the path."""
    for operation, function in (
        (Operation.INPAINT, "description_edit_with_mask"),
        (Operation.OUTPAINT, "expand"),
        (Operation.UPSCALE, "super_resolution"),
    ):
        yield Offer(
            operation=operation,
            model=WANX,
            price=prices(KEY)[WANX],
            seconds=30.0,
            quality=3,
            max_count=1 if operation is Operation.UPSCALE else 4,
            min_photos=1,
            max_photos=1,
            notes={"shape": "function", "function": function},
        )
