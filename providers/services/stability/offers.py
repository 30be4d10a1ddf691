"""What Stability AI can do. One picture a request; models are named as their endpoints are.

    create                     core (draft), sd3.5-large, ultra
    inpaint                    inpaint; erase where something is only to go
    outpaint                   outpaint
    upscale                    fast: exactly four times, for photos up to one megapixel; half of that for 2x
    variations                 ultra with the photo and a strength
    style transfer             style-transfer: both pictures have their field
    background                 remove-background; replace-background-and-relight

No portraits and no edits by words: its image-to-image keeps no face.
"""

from collections.abc import Mapping

from providers.offers import Offer, Offers, Support, prices
from providers.task import Consistency, Operation

KEY = "stability"
LEVELS: Mapping[str, str] = {"nano2": "core", "nanopro": "sd3.5-large", "gpt": "ultra"}
NAMED = ("sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash")
PATHS: Mapping[str, str] = {
    "core": "generate/core",
    "ultra": "generate/ultra",
    "erase": "edit/erase",
    "inpaint": "edit/inpaint",
    "outpaint": "edit/outpaint",
    "fast": "upscale/fast",
    "style-transfer": "control/style-transfer",
    "remove-background": "edit/remove-background",
    "replace-background-and-relight": "edit/replace-background-and-relight",
}
"""Everything else is a model of `generate/sd3`."""
SECONDS: Mapping[str, float] = {
    "core": 5, "ultra": 12, "sd3.5-large": 9, "fast": 3, "remove-background": 5, "replace-background-and-relight": 40,
}  # fmt: skip
HELD = frozenset(Consistency)
LOOSE = frozenset({Consistency.LOOSE})


def path_of(model: str) -> str:
    return PATHS.get(model, "generate/sd3")


def offers(own: str = "") -> Offers:
    """`own`: the operator's model for create (STABILITY_MODEL)."""
    return Offers(service=KEY, rows=(*_create(own), *_special()))


def _create(own: str) -> list[Offer]:
    served: dict[str, frozenset[str] | None] = {model: frozenset({level}) for level, model in LEVELS.items()}
    if own:
        served = {own: None}
    for model in (*LEVELS.values(), *NAMED):
        served.setdefault(model, frozenset())
    quality = {"core": 2, "sd3.5-flash": 2, "ultra": 4}
    return [
        _row(Operation.CREATE, model, levels=levels, quality=quality.get(model, 3), photos=(0, 0))
        for model, levels in served.items()
    ]


def _special() -> list[Offer]:
    return [
        _row(Operation.INPAINT, "erase", actions=frozenset({"remove_person"}), mask=True),
        _row(Operation.INPAINT, "inpaint", mask=True),
        _row(Operation.OUTPAINT, "outpaint"),
        _row(Operation.UPSCALE, "fast", scales=frozenset({4})),
        _row(Operation.UPSCALE, "fast", scales=frozenset({2}), how="four times by the fast upscaler, then halved"),
        _row(Operation.VARIATIONS, "ultra", how="image to image with a strength", holds=LOOSE),
        _row(Operation.STYLE_TRANSFER, "style-transfer", photos=(2, 2), holds=LOOSE),
        _row(Operation.REMOVE_BACKGROUND, "remove-background", quality=4),
        _row(Operation.REPLACE_BACKGROUND, "replace-background-and-relight", photos=(1, 2), quality=4),
    ]


def _row(
    operation: Operation,
    model: str,
    *,
    levels: frozenset[str] | None = None,
    photos: tuple[int, int] = (1, 1),
    how: str = "",
    quality: int = 3,
    mask: bool = False,
    actions: frozenset[str] | None = None,
    scales: frozenset[int] | None = None,
    holds: frozenset[Consistency] = HELD,
) -> Offer:
    listed = prices(KEY)
    return Offer(
        operation=operation,
        model=model,
        price=listed.get(model) or listed["sd3.5-large"],
        seconds=SECONDS.get(model, 10),
        levels=levels,
        support=Support.EMULATED if how else Support.NATIVE,
        how=how,
        quality=quality,
        min_photos=photos[0],
        max_photos=photos[1],
        mask=mask,
        actions=actions,
        scales=scales,
        consistency=holds,
    )
