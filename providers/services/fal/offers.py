"""What fal can do: a row for each operation and endpoint, in the order in which they are tried.

    create, portrait, edit      nano-banana 2 and pro, gpt-image-2; FLUX by name
    portrait, strictly          PuLID and the face adapter, which hold a face by an embedding of it; gpt by its photos
    inpaint                     FLUX Fill, Qwen (drafts), gpt-image-2; to remove something: Bria's eraser
    outpaint                    Bria Expand, by pixels; the outpaint app for drafts
    upscale                     ESRGAN, SeedVR (finest); Aura and Clarity by name
    variations                  FLUX Redux; where the face must stay: another edit
    style transfer              the style-transfer app, gpt-image-2; both pictures go along
    background                  BiRefNet removes, Bria replaces

`notes["body"]` names the shape of the input, see `bodies.py`.
"""

from functools import cache
from typing import Any

from providers.offers import Offer, Offers, Reason, Support, prices
from providers.task import Consistency, Operation, Task

KEY = "fal"
MAX_COUNT = 4
"""`num_images` of the endpoints that have it."""
MAX_PHOTOS = 8
NANO2, NANOPRO, GPT = "fal-ai/nano-banana-2", "fal-ai/nano-banana-pro", "openai/gpt-image-2"
APP_MARGIN = 700
"""Pixels on one side, of the outpaint app."""

_HELD = frozenset(Consistency)
_LOOSE = frozenset({Consistency.LOOSE})
_LEVELS = {NANOPRO: "nanopro", NANO2: "nano2", GPT: "gpt"}
_SECONDS = {NANO2: 15.0, NANOPRO: 25.0, GPT: 150.0}
_QUALITY = {NANO2: 3, NANOPRO: 4, GPT: 5}
_NAMED: frozenset[str] = frozenset()
"""Levels of a model that is only used where it is named."""
_PHOTO = "the photo itself, not redrawn"


@cache
def offers() -> Offers:
    rows = [
        *_by_words(),
        *_faces(),
        *_portraits_and_edits(),
        *_inpaints(),
        *_outpaints(),
        *_upscales(),
        *_variations(),
        *_styles(),
        *_backgrounds(),
    ]
    return Offers(service=KEY, rows=tuple(rows))


def _row(operation: Operation, endpoint: str, body: str, *levels: str, **more: Any) -> Offer:
    """Without levels the row serves all of them."""
    values: dict[str, Any] = {
        "seconds": 12.0,
        "levels": frozenset(levels) if levels else None,
        "max_count": 1,
        "min_photos": 1,
        "max_photos": 1,
        "consistency": _HELD,
        "notes": {"body": body},
    }
    return Offer(operation=operation, model=endpoint, price=prices(KEY)[endpoint], **{**values, **more})


def _named(operation: Operation, endpoint: str, body: str, **more: Any) -> Offer:
    return _row(operation, endpoint, body, **{"levels": _NAMED, "quality": 3, **more})


def _by_words() -> list[Offer]:
    none = {"min_photos": 0, "max_photos": 0}
    rows = []
    for operation in (Operation.CREATE, Operation.PORTRAIT):
        for model, level in _LEVELS.items():
            body = "gpt" if model == GPT else "nano"
            own = {"seconds": _SECONDS[model], "quality": _QUALITY[model], "max_count": MAX_COUNT}
            rows.append(_row(operation, model, body, level, **own, **none))
        rows += [
            _named(operation, "fal-ai/flux-2-pro", "flux_2", **none),
            _named(operation, "fal-ai/flux-pro/v1.1", "flux", max_count=MAX_COUNT, **none),
            _named(operation, "fal-ai/flux-pro/v1.1-ultra", "flux_ratio", max_count=MAX_COUNT, **none),
            _named(operation, "fal-ai/flux/dev", "flux", max_count=MAX_COUNT, **none),
        ]
    return rows


def _only_strictly(task: Task) -> Reason | None:
    """An adapter holds the face and little else of the photo: it is used where that is what was asked for."""
    strict = task.consistency is Consistency.STRICT or task.service is not None
    return None if strict else Reason.CONSISTENCY


def _faces() -> list[Offer]:
    one = {"seconds": 20.0, "quality": 3, "refuses": _only_strictly}
    return [
        _row(Operation.PORTRAIT, "fal-ai/flux-pulid", "flux_pulid", "nanopro", identity="PuLID on FLUX", **one),
        _row(
            Operation.PORTRAIT,
            "fal-ai/pulid",
            "pulid",
            "nanopro",
            identity="PuLID on SDXL, several photos",
            **{**one, "min_photos": 2, "max_photos": 4, "max_count": MAX_COUNT},
        ),
        _row(
            Operation.PORTRAIT,
            "fal-ai/ip-adapter-face-id",
            "face_id",
            "nano2",
            identity="IP-Adapter FaceID on SDXL",
            **{**one, "quality": 2},
        ),
    ]


def _portraits_and_edits() -> list[Offer]:
    rows = []
    for operation in (Operation.PORTRAIT, Operation.EDIT):
        for model, level in _LEVELS.items():
            rows.append(_with_photos(operation, model, level))
        rows += [
            _named(operation, "fal-ai/flux-pro/kontext", "kontext", max_count=MAX_COUNT, identity="FLUX Kontext"),
            _named(operation, "fal-ai/flux-pro/kontext/max", "kontext", max_count=MAX_COUNT, identity="FLUX Kontext"),
            _named(operation, "fal-ai/flux-2-pro/edit", "flux_2", max_photos=MAX_PHOTOS, identity="reference photos"),
        ]
    rows += [
        _named(Operation.EDIT, "fal-ai/codeformer", "codeformer", actions=frozenset({"restore", "enhance"})),
        _named(Operation.EDIT, "fal-ai/ddcolor", "photo_only", actions=frozenset({"colorize"}), identity=_PHOTO),
    ]
    return rows


def _with_photos(operation: Operation, model: str, level: str, *, how: str = "", least: int = 1) -> Offer:
    return _row(
        operation,
        f"{model}/edit",
        "gpt" if model == GPT else "nano",
        level,
        seconds=_SECONDS[model],
        quality=_QUALITY[model],
        max_count=MAX_COUNT,
        min_photos=least,
        max_photos=MAX_PHOTOS,
        support=Support.EMULATED if how else Support.NATIVE,
        how=how,
        identity="reference photos",
    )


def _inpaints() -> list[Offer]:
    kept = {"mask": True, "identity": "only what is marked is painted"}
    return [
        _row(
            Operation.INPAINT,
            "fal-ai/bria/eraser",
            "eraser",
            actions=frozenset({"remove_person"}),
            quality=4,
            **kept,
        ),
        _row(Operation.INPAINT, "fal-ai/flux-pro/v1/fill", "fill", "nanopro", quality=4, max_count=MAX_COUNT, **kept),
        _row(Operation.INPAINT, "fal-ai/qwen-image-edit/inpaint", "qwen_inpaint", "nano2", quality=3, **kept),
        _row(
            Operation.INPAINT,
            f"{GPT}/edit",
            "gpt",
            "gpt",
            seconds=_SECONDS[GPT],
            quality=5,
            max_count=MAX_COUNT,
            max_photos=MAX_PHOTOS,
            **kept,
        ),
    ]


def _too_far(task: Task) -> Reason | None:
    asked = task.parameters.outpaint
    far = asked is not None and max(asked.left, asked.right, asked.top, asked.bottom) > APP_MARGIN
    return Reason.SCALE if far else None


def _outpaints() -> list[Offer]:
    kept = {"identity": "the photo stays, its surroundings are painted"}
    return [
        _row(
            Operation.OUTPAINT,
            "fal-ai/image-apps-v2/outpaint",
            "outpaint_app",
            "nano2",
            max_count=MAX_COUNT,
            refuses=_too_far,
            **kept,
        ),
        _row(Operation.OUTPAINT, "fal-ai/bria/expand", "expand", quality=4, **kept),
    ]


def _upscales() -> list[Offer]:
    return [
        _row(Operation.UPSCALE, "fal-ai/seedvr/upscale/image", "seedvr", "gpt", seconds=30.0, quality=5),
        _row(Operation.UPSCALE, "fal-ai/esrgan", "esrgan", seconds=8.0, quality=4, identity=_PHOTO),
        _named(Operation.UPSCALE, "fal-ai/aura-sr", "aura", scales=frozenset({4}), identity=_PHOTO),
        _named(Operation.UPSCALE, "fal-ai/clarity-upscaler", "clarity", seconds=30.0),
    ]


def _variations() -> list[Offer]:
    redux = {"max_count": MAX_COUNT, "consistency": _LOOSE, "identity": "an embedding of the photo"}
    return [
        _row(Operation.VARIATIONS, "fal-ai/flux-1/dev/redux", "redux", "nanopro", **redux),
        _row(Operation.VARIATIONS, "fal-ai/flux/schnell/redux", "redux", "nano2", **{**redux, "quality": 2}),
        *(
            _with_photos(Operation.VARIATIONS, model, level, how="an edit that asks for another version")
            for model, level in _LEVELS.items()
        ),
    ]


def _styles() -> list[Offer]:
    app = {"min_photos": 2, "max_photos": 2, "max_count": 1, "consistency": _LOOSE, "identity": "the app's own"}
    return [
        _row(
            Operation.STYLE_TRANSFER,
            "fal-ai/image-apps-v2/style-transfer",
            "style_transfer",
            "nanopro",
            "nano2",
            **app,
        ),
        *(
            _with_photos(Operation.STYLE_TRANSFER, model, level, how="an edit of both pictures by words", least=2)
            for model, level in _LEVELS.items()
        ),
    ]


def _backgrounds() -> list[Offer]:
    cut = {"seconds": 6.0, "identity": _PHOTO}
    return [
        _row(Operation.REMOVE_BACKGROUND, "fal-ai/birefnet/v2", "birefnet", quality=5, **cut),
        _named(Operation.REMOVE_BACKGROUND, "fal-ai/bria/background/remove", "photo_only", **cut),
        _row(
            Operation.REPLACE_BACKGROUND,
            "fal-ai/bria/background/replace",
            "bria_replace",
            "nanopro",
            "nano2",
            quality=4,
            max_photos=2,
            max_count=MAX_COUNT,
            identity=_PHOTO,
        ),
        *(
            _with_photos(Operation.REPLACE_BACKGROUND, model, level, how="an edit by words")
            for model, level in _LEVELS.items()
        ),
    ]
