"""Several photos: one picture of each, or one picture of all of them.

Faces of different people are never mixed unasked: all photos go into one picture only if the text asks for it
(`photos_as`), or if the request makes no sense otherwise (a family photo, a style taken from another picture). The
person is asked if both are plausible: a number of pictures other than the number of photos, or an edit that may take
something from one photo into another.
"""

from handlers.order import Order, Shot
from intent import Intent
from providers.catalog import STYLES

MOST_PICTURES = 8
"""Pictures of one order at most."""

_TOGETHER = frozenset({"blend", "before_after", "comparison", "transfer_style"})
"""Edits that are about several photos if there are several."""
_EITHER = frozenset({"edit", "local_edit"})
"""Edits that may apply to each photo or take something from one into another; every other edit is applied to each."""

_BRINGS_TOGETHER = frozenset({"pet_together"})
"""Styles that combine several photos, besides those of several people."""
_OF_A_COUPLE = frozenset({"wedding"})
"""Styles for which two photos may well be two people in one picture."""


def settled(order: Order) -> Order:
    """The order with the answer applied: for a picture of each, one shot per photo."""
    if len(order.photos) < 2 or _shared_out(order) or of_one_person(order):
        return order
    if _actions(order) & {"transfer_style"}:
        return order
    if order.photos_as == "each" or _each_by_nature(order):
        return one_each(order)
    return order


def about_several(intent: Intent) -> bool:
    """Whether the request is about several photos by nature, or needs another one."""
    if intent.operation == "edit":
        return intent.action in _TOGETHER
    return _of_several(intent.style)


def undecided(order: Order) -> bool:
    """Whether to ask: the text does not say, and both make sense."""
    if len(order.photos) < 2 or _shared_out(order) or order.photos_as is not None or of_one_person(order):
        return False
    if order.operation == "edit":
        return not _actions(order) & _TOGETHER
    return not any(_of_several(shot.style) for shot in order.shots)


def one_each(order: Order) -> Order:
    """The same request (of a series, each of its shots) for each photo by itself; at most eight pictures in all."""
    room, shots = MOST_PICTURES, list[Shot]()
    for shot in _for_each(order):
        count = min(shot.count, room)
        if count:
            shots.append(shot.model_copy(update={"count": count}))
            room -= count
    return order.model_copy(update={"shots": tuple(shots), "photos_as": "each"})


def wanted(order: Order) -> int:
    """How many pictures one of each would be without a limit."""
    return sum(shot.count for shot in _for_each(order))


def counted(order: Order, count: int) -> Order | None:
    """The same order with that many pictures in all: of one shot so many, of several the first ones. None if there are
    fewer shots than that: it is unclear which is meant twice."""
    if len(order.shots) == 1:
        return order.model_copy(update={"shots": (order.shots[0].model_copy(update={"count": count}),)})
    singles = [shot.model_copy(update={"count": 1}) for shot in order.shots for _ in range(shot.count)]
    if count > len(singles):
        return None
    return order.model_copy(update={"shots": tuple(singles[:count])})


def together(order: Order) -> Order:
    return order.model_copy(update={"photos_as": "together"})


def _for_each(order: Order) -> list[Shot]:
    photos = len(order.photos)
    return [
        shot.model_copy(update={"photo": n, "count": _count_of_each(order, shot)})
        for n in range(photos)
        for shot in order.shots
    ]


def _count_of_each(order: Order, shot: Shot) -> int:
    """ "Two of each" is two; a number equal to the number of photos counted the photos ("turn these 3 into …")."""
    said = order.photos_as == "each" and shot.count != len(order.photos)
    return shot.count if said else 1


def of_one_person(order: Order) -> bool:
    """Whether its photos show one person, or there are none: a training, a template, a picture from text."""
    of_one = order.operation in ("create", "train_face") or order.template is not None
    return of_one or bool(_actions(order) & {"character_sheet", "expression_sheet"})


def _shared_out(order: Order) -> bool:
    return any(shot.photo is not None for shot in order.shots)


def _actions(order: Order) -> set[str]:
    return {edit.action for shot in order.shots for edit in shot.edits}


def _of_several(style: str | None) -> bool:
    return style is not None and (style in _BRINGS_TOGETHER or (style in STYLES and STYLES[style].several))


def _each_by_nature(order: Order) -> bool:
    if order.operation == "edit":
        return not _actions(order) & (_TOGETHER | _EITHER)
    if order.photos_as == "together" or any(_of_several(shot.style) for shot in order.shots):
        return False
    return all(shot.count in (1, len(order.photos)) and shot.style not in _OF_A_COUPLE for shot in order.shots)
