"""What an AUTOMATIC1111 can do: a row for each operation and checkpoint, and for what needs none."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from providers.checkpoints import find
from providers.offers import FREE, Offer, Offers, Support
from providers.services.a1111.inventory import PLAIN, Inventory
from providers.task import Consistency, Operation

KEY = "a1111"
MAX_COUNT = 8
BY_NAME: frozenset[str] = frozenset()
ACTIONS = frozenset(
    {"edit", "local_edit", "enhance", "restore", "colorize", "retouch", "filter", "car_color", "car_wrap"}
)
"""Edits that painting the photo over can do: neither letters, nor several pictures in one, nor taking things away."""


class Way(StrEnum):
    """How a row is done."""

    WORDS = "words"
    PAINTED_OVER = "img2img"
    FACE = "face"
    STYLE = "style"
    MASK = "mask"
    CANVAS = "canvas"
    UPSCALER = "upscaler"
    CUT_OUT = "cut_out"
    NEW_BACKGROUND = "new_background"


EVERYTHING = Inventory(
    checkpoints=("sd_xl",), upscalers=("R-ESRGAN 4x+",), controlnet=("ip-adapter-faceid_sdxl",),
    modules=("reference_only",), rembg=True,
)  # fmt: skip


def possible() -> Offers:
    """What one could do that has everything; for saying who could."""
    return offers(EVERYTHING)


def offers(has: Inventory, default: str | None = None) -> Offers:
    """`default`: the checkpoint, where the operator named one; one that is not there is nobody's."""
    chosen = find(has.checkpoints, default) if default else next(iter(has.checkpoints), None)
    rows: list[Offer] = []
    if chosen is not None:
        rows += _rows(chosen, has, None)
    for name in has.checkpoints:
        if name != chosen:
            rows += _rows(name, has, BY_NAME)
    return Offers(service=KEY, rows=(*rows, *_without_checkpoint(has)))


def _rows(checkpoint: str, has: Inventory, levels: frozenset[str] | None) -> Iterator[Offer]:
    def row(operation: Operation, way: Way, **more: Any) -> Offer:
        values: dict[str, Any] = {"seconds": 30.0, "quality": 2, "max_count": MAX_COUNT, "min_photos": 1}
        return _row(operation, way, checkpoint, levels=levels, **{**values, **more})

    for operation in (Operation.CREATE, Operation.PORTRAIT):
        yield row(operation, Way.WORDS, min_photos=0, max_photos=0)
    if identity := has.identity(checkpoint):
        held: dict[str, Any] = {"consistency": frozenset(Consistency), "identity": identity.how, "quality": 3}
        yield row(Operation.PORTRAIT, Way.FACE, notes={"identity": identity}, **held)
    over: dict[str, Any] = {"support": Support.EMULATED, "how": "img2img", "quality": 1}
    yield row(Operation.PORTRAIT, Way.PAINTED_OVER, consistency=frozenset({Consistency.LOOSE}), **over)
    yield row(Operation.EDIT, Way.PAINTED_OVER, actions=ACTIONS, ratios=frozenset(), **over)
    yield row(Operation.VARIATIONS, Way.PAINTED_OVER, ratios=frozenset())
    yield row(Operation.INPAINT, Way.MASK, ratios=frozenset())
    canvas = "a padded canvas, its border inpainted"
    yield row(Operation.OUTPAINT, Way.CANVAS, support=Support.EMULATED, how=canvas)
    if unit := has.style(checkpoint):
        yield row(
            Operation.STYLE_TRANSFER, Way.STYLE, min_photos=2, max_photos=2, ratios=frozenset(), notes={"unit": unit}
        )
    if has.rembg:
        around = "cut out, then inpainted around it"
        yield row(
            Operation.REPLACE_BACKGROUND, Way.NEW_BACKGROUND, support=Support.EMULATED, how=around, ratios=frozenset()
        )


def _without_checkpoint(has: Inventory) -> Iterator[Offer]:
    more: dict[str, Any] = {"min_photos": 1, "seconds": 15.0}
    plain = next((name for name in has.upscalers if name.lower() == "lanczos"), None)
    chosen = has.upscaler or plain
    for name in sorted(has.upscalers, key=lambda name: name != chosen):
        levels = None if name == chosen else BY_NAME
        if name.lower() in PLAIN:
            how = "enlarged without a model"
            values: dict[str, Any] = {"support": Support.EMULATED, "how": how, "quality": 1}
        else:
            values = {"quality": 4 if name == chosen else 3}
        yield _row(Operation.UPSCALE, Way.UPSCALER, name, levels=levels, **values, **more)
    if has.rembg:
        yield _row(Operation.REMOVE_BACKGROUND, Way.CUT_OUT, "u2net", quality=2, **more)


def _row(operation: Operation, way: Way, model: str, *, notes: dict[str, Any] | None = None, **more: Any) -> Offer:
    return Offer(operation=operation, model=model, price=FREE, notes={"way": way, **(notes or {})}, **more)
