"""What Replicate's models can do, those that are used here.

create                        flux-schnell (draft), nano-banana-pro; others by name
portrait, edit by words       nano-banana (draft), nano-banana-pro; Kontext, FLUX.2, PuLID by name
inpaint                       flux-fill-pro
outpaint                      flux-fill-pro, on a wider canvas with a mask
upscale                       real-esrgan
variations                    flux-redux-dev
style transfer, background    nano-banana-pro with both pictures, or by words; removal: bria/remove-background
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from providers.offers import Offer, Offers, Support, prices
from providers.task import Consistency, Operation

KEY = "replicate"
SCHNELL, DEV, PRO = (f"black-forest-labs/{name}" for name in ("flux-schnell", "flux-dev", "flux-1.1-pro"))
FLUX_2, FILL = "black-forest-labs/flux-2-pro", "black-forest-labs/flux-fill-pro"
KONTEXT, KONTEXT_MAX = "black-forest-labs/flux-kontext-pro", "black-forest-labs/flux-kontext-max"
REDUX = "black-forest-labs/flux-redux-dev"
BANANA, BANANA_PRO = "google/nano-banana", "google/nano-banana-pro"
PULID, ESRGAN, CUTOUT = "zsxkib/flux-pulid", "nightmareai/real-esrgan", "bria/remove-background"
VERSIONS: Mapping[str, str] = {
    PULID: "8baa7ef2255075b46f4d91cd238c21d31181b3e6a864463f967960bb0112525b",
    ESRGAN: "f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa",
}
"""Community models are asked by version; one that is not here is looked up."""
HELD = frozenset(Consistency)
LOOSE = frozenset({Consistency.LOOSE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What there is to know of a model that is asked in words."""

    seconds: float
    quality: int = 3
    photos: int = 0
    count: int = 1
    identity: str = ""


KINDS: Mapping[str, Kind] = {
    SCHNELL: Kind(seconds=3, quality=2, count=4),
    BANANA_PRO: Kind(seconds=30, quality=5, photos=8, identity="reference photos"),
    BANANA: Kind(seconds=12, quality=3, photos=8, identity="reference photos"),
    FLUX_2: Kind(seconds=15, quality=4, photos=8, identity="reference photos"),
    KONTEXT_MAX: Kind(seconds=12, quality=4, photos=1, identity="reference photo"),
    KONTEXT: Kind(seconds=10, quality=4, photos=1, identity="reference photo"),
    DEV: Kind(seconds=8, quality=3, count=4),
    PRO: Kind(seconds=8, quality=4),
}
UNKNOWN = Kind(seconds=30)
DRAFT, FINE = frozenset({"nano2"}), frozenset({"nanopro", "gpt"})


def offers(own: str = "") -> Offers:
    """`own`: the operator's model for create, portrait and edit by words (REPLICATE_MODEL)."""
    return Offers(service=KEY, rows=(*_by_words(own), *_special()))


def _by_words(own: str) -> Iterator[Offer]:
    for operation in (Operation.CREATE, Operation.PORTRAIT, Operation.EDIT):
        levels = {SCHNELL if operation is Operation.CREATE else BANANA: DRAFT, BANANA_PRO: FINE}
        if own and (operation is Operation.CREATE or own not in KINDS or KINDS[own].photos):
            levels = {}
            yield _row(operation, own, None)
        for model, kind in KINDS.items():
            if model != own and (kind.photos or operation is Operation.CREATE):
                yield _row(operation, model, levels.get(model, frozenset()))
    yield Offer(
        operation=Operation.PORTRAIT, model=PULID, price=prices(KEY)[PULID], seconds=40, levels=frozenset(), quality=3,
        max_count=4, min_photos=1, max_photos=1, consistency=HELD, identity="a face adapter (PuLID)",
    )  # fmt: skip


def _row(operation: Operation, model: str, levels: frozenset[str] | None, *, how: str = "", photos: int = 0) -> Offer:
    kind, listed = KINDS.get(model, UNKNOWN), prices(KEY)
    create = operation is Operation.CREATE
    least = photos or int(not create and operation is not Operation.PORTRAIT)
    return Offer(
        operation=operation,
        model=model,
        price=listed.get(model) or listed[BANANA_PRO],
        seconds=kind.seconds,
        levels=levels,
        support=Support.EMULATED if how else Support.NATIVE,
        how=how,
        quality=kind.quality,
        max_count=kind.count,
        min_photos=0 if create else least,
        max_photos=0 if create else kind.photos or int(model not in KINDS),
        consistency=HELD if kind.photos else LOOSE,
        identity="" if create else kind.identity,
    )


def _special() -> Iterator[Offer]:
    listed = prices(KEY)
    yield Offer(
        operation=Operation.INPAINT, model=FILL, price=listed[FILL], seconds=12, quality=4, min_photos=1, mask=True,
        consistency=HELD, identity="only the marked part is painted",
    )  # fmt: skip
    yield Offer(
        operation=Operation.OUTPAINT, model=FILL, price=listed[FILL], seconds=12, quality=4, min_photos=1,
        support=Support.EMULATED, how="the photo on a wider canvas, a mask over what is new",
        consistency=HELD, identity="the photo stays, its surroundings are painted",
    )  # fmt: skip
    yield Offer(
        operation=Operation.UPSCALE, model=ESRGAN, price=listed[ESRGAN], seconds=10, quality=4, min_photos=1,
        scales=frozenset({2, 4}), consistency=HELD, identity="the same picture with more pixels",
    )  # fmt: skip
    yield Offer(
        operation=Operation.VARIATIONS, model=REDUX, price=listed[REDUX], seconds=10, quality=3, max_count=4,
        min_photos=1, consistency=LOOSE, identity="the photo as image prompt",
    )  # fmt: skip
    yield _row(
        Operation.STYLE_TRANSFER, BANANA_PRO, None, how="both pictures and a prompt to nano-banana-pro", photos=2
    )
    yield Offer(
        operation=Operation.REMOVE_BACKGROUND, model=CUTOUT, price=listed[CUTOUT], seconds=8, quality=4, min_photos=1,
        consistency=HELD, identity="the subject's own pixels",
    )  # fmt: skip
    yield _row(
        Operation.REPLACE_BACKGROUND, BANANA_PRO, None, how="the photo and a prompt to nano-banana-pro", photos=1
    )
