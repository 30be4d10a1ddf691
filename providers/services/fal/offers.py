"""What fal can do: a row for each operation and endpoint, in the order in which they are tried."""

from functools import cache

from providers.offers import Offer, Offers, Support, prices
from providers.task import Consistency, Operation

KEY = "fal"
MAX_COUNT = 4
"""`num_images` of every endpoint used here."""
MAX_PHOTOS = 8
NANO2, NANOPRO, GPT = "fal-ai/nano-banana-2", "fal-ai/nano-banana-pro", "openai/gpt-image-2"
SECONDS = {NANO2: 15.0, NANOPRO: 25.0, GPT: 150.0}
LEVEL = {NANO2: "nano2", NANOPRO: "nanopro", GPT: "gpt"}
QUALITY = {NANO2: 3, NANOPRO: 4, GPT: 5}

_HELD = frozenset(Consistency)
_EDITS = (
    Operation.EDIT,
    Operation.OUTPAINT,
    Operation.VARIATIONS,
    Operation.STYLE_TRANSFER,
    Operation.REMOVE_BACKGROUND,
    Operation.REPLACE_BACKGROUND,
)


@cache
def offers() -> Offers:
    rows: list[Offer] = []
    for model in (NANOPRO, NANO2, GPT):
        name = model.partition("/")[2]
        high = "@high" if model == GPT else ""
        plain = prices(KEY)[f"{name}{high}"]
        with_photo = prices(KEY)[f"{name}/edit{high}"] if model == GPT else plain
        rows += [_row(Operation.CREATE, model, plain, 0), _row(Operation.PORTRAIT, model, plain, 0)]
        rows += [
            _row(operation, f"{model}/edit", with_photo, MAX_PHOTOS) for operation in (Operation.PORTRAIT, *_EDITS)
        ]
        rows += _upscales(model, name)
    rows.append(_row(Operation.INPAINT, f"{GPT}/edit", prices(KEY)["gpt-image-2/edit@high"], MAX_PHOTOS))
    return Offers(service=KEY, rows=tuple(rows))


def _row(operation: Operation, endpoint: str, price: object, photos: int, **more: object) -> Offer:
    model = endpoint.removesuffix("/edit")
    emulated = operation not in (Operation.CREATE, Operation.PORTRAIT, Operation.EDIT, Operation.INPAINT)
    values: dict[str, object] = {
        "seconds": SECONDS[model],
        "levels": frozenset({LEVEL[model]}),
        "quality": QUALITY[model],
        "max_count": MAX_COUNT,
        "min_photos": 1 if photos else 0,
        "max_photos": photos,
        "support": Support.EMULATED if emulated else Support.NATIVE,
        "how": "an edit by words" if emulated else "",
        "consistency": _HELD,
        "identity": "reference photos",
    }
    return Offer(operation=operation, model=endpoint, price=price, **{**values, **more})  # type: ignore[arg-type]


def _upscales(model: str, name: str) -> list[Offer]:
    found = []
    for scale, size, slower in ((2, "2K", 1.3), (4, "4K", 1.8)):
        price = prices(KEY)["gpt-image-2/edit@8MP" if model == GPT else f"{name}@{size}"]
        found.append(
            _row(
                Operation.UPSCALE,
                f"{model}/edit",
                price,
                MAX_PHOTOS,
                scales=frozenset({scale}),
                seconds=SECONDS[model] * slower,
                how="a larger picture asked for by words",
            )
        )
    return found
