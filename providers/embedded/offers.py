"""What can be made on this machine without a model: free, and as plain as that."""

from functools import cache

from providers.offers import FREE, Offer, Offers, Reason
from providers.task import Consistency, Operation, Task

KEY = "embedded"
MODEL = "picture-work"
"""No model: drawing and retouching by plain arithmetic."""
STYLES = frozenset(
    {
        "professional", "artistic", "anime", "cyberpunk", "oil_painting", "watercolor", "vintage",
        "id_photo_white", "id_photo_blue", "id_photo_red", "hongkong_vintage", "light_portrait",
    }
)  # fmt: skip
EDITS = frozenset({"enhance", "retouch", "restore", "colorize", "filter", "text_render", "edit"})
ADJUSTMENTS = frozenset(
    {"brightness", "warmth", "contrast", "saturation", "sharpness", "crop", "flip", "rotate", "straighten", "size"}
)
"""Simple changes that `adjust.py` makes."""
OF_TWO = frozenset({"before_after", "comparison"})
"""Actions that put two photos into one picture; everything else is done to one photo."""
MAX_COUNT = 8

# Seconds for one picture of about 1024 x 1024 on one slow core, as bench/embedded.py measures them.
_SECONDS: dict[str, float] = {
    "professional": 2.5, "light_portrait": 2.5, "anime": 3, "artistic": 3, "oil_painting": 4, "watercolor": 3,
    "cyberpunk": 3,
}  # fmt: skip
_DRAWN = 3.0
DRAWN = frozenset({"sketch", "comic"})
"""Looks of `looks.FILTERS` that make a portrait though no style of the catalog has them."""
_BEGIN = 1.5
_OTHERS = 1.5


def _scene(task: Task) -> Reason | None:
    """A colour can be painted here, a beach cannot."""
    background = task.parameters.background
    return Reason.SCENE if background is not None and background.kind == "place" else None


def _change(task: Task) -> Reason | None:
    """What cannot be done by plain picture work, action by action."""
    if task.action == "before_after" and task.photos < 2 and not task.parameters.complete:
        return Reason.CHANGE
    if task.action == "comparison" and task.photos == 1:
        return Reason.CHANGE
    steps = task.parameters.adjustments
    known = bool(steps) and all(step.kind in ADJUSTMENTS for step in steps)
    if task.action == "edit" and not (known and task.parameters.complete):
        return Reason.CHANGE
    return None


def _own_words(task: Task) -> Reason | None:
    """Of own ideas only a look that is drawn here, where it is all that is asked for."""
    asked = task.parameters
    return None if asked.filter in DRAWN and asked.complete else Reason.PROMPT


@cache
def offers() -> Offers:
    timed = {*_SECONDS.values(), _OTHERS}
    rows: list[Offer] = []
    for seconds in sorted(timed):
        styles = frozenset(key for key in STYLES if _SECONDS.get(key, _OTHERS) == seconds)
        edits = frozenset(key for key in EDITS if _SECONDS.get(key, _OTHERS) == seconds)
        if styles:
            rows.append(_row(Operation.PORTRAIT, seconds, styles=styles, free_prompt=False))
        if edits:
            rows.append(_row(Operation.EDIT, seconds, actions=edits, refuses=_change))
    rows += [
        _row(Operation.PORTRAIT, _DRAWN, styles=frozenset(), refuses=_own_words),
        _row(Operation.EDIT, _OTHERS, actions=OF_TWO, max_photos=2, refuses=_change),
        _row(Operation.OUTPAINT, _OTHERS),
        _row(Operation.UPSCALE, 2.0, scales=frozenset({2})),
        _row(Operation.UPSCALE, 8.0, scales=frozenset({4})),
        _row(Operation.INPAINT, _OTHERS, actions=frozenset({"remove_person"})),
        _row(Operation.REMOVE_BACKGROUND, _OTHERS),
        _row(Operation.REPLACE_BACKGROUND, _OTHERS, refuses=_scene),
    ]
    return Offers(service=KEY, rows=tuple(rows))


def _row(operation: Operation, seconds: float, **more: object) -> Offer:
    values: dict[str, object] = {
        "quality": 1,
        "max_count": MAX_COUNT,
        "one_by_one": True,
        "consistency": frozenset(Consistency),
        "identity": "the photo itself, not redrawn",
    }
    return Offer(
        operation=operation,
        model=MODEL,
        price=FREE,
        seconds=_BEGIN + seconds,
        **{**values, **more},  # type: ignore[arg-type]
    )
