"""Photos looked at before money is spent on them: one sentence of what would be better, and "use it anyway".

Advice and no gate, and only where a face matters: edits that need none are never held up. Whoever said "anyway" once is
not asked about that photo again. A photo that lies on its side is set upright where an order of a face begins; of
several photos of one person the best are taken.
"""

from collections.abc import Sequence
from pathlib import Path

from handlers.dialogue.each_or_together import of_one_person
from handlers.dialogue.sheet_orders import PHOTOS
from handlers.dialogue.turn import TurnBuilder
from handlers.message import Choice
from handlers.order import Order, Shot
from handlers.quote import Quote
from handlers.session import PhotoAdvice, SessionPhoto
from providers.catalog import STYLES
from providers.people.inspector import references

NOBODY = frozenset({"screenshot", "no_face"})
GROUP = NOBODY | {"blurred", "dark", "bright"}
"""What matters of a photo of several people: not how the largest of them looks."""
EVERYTHING = GROUP | {"cut_off", "small", "turned_away", "eyes_hidden"}
_HERE = frozenset({"small"})
_OF_A_FACE = frozenset({"retouch", "slim"})
_OF_ONE_PERSON = frozenset({"character_sheet", "expression_sheet"})
_WITH_OTHERS = frozenset({"pet_together"})
_MOST_IN_TEMPLATE = 5


def concern(order: Order) -> frozenset[str]:
    """The findings that matter for an order, by their names; none where it needs no face."""
    if order.operation in ("create", "train_face") or order.face is not None:
        return frozenset()
    if order.template is not None:
        return EVERYTHING
    return frozenset().union(*map(_concern, order.shots))


def _concern(shot: Shot) -> frozenset[str]:
    actions = {edit.action for edit in shot.edits}
    if actions:
        return EVERYTHING if actions & _OF_ONE_PERSON else NOBODY if actions & _OF_A_FACE else frozenset()
    if shot.style is None:  # in words of their own: it may be about the dog
        return EVERYTHING - NOBODY
    group = shot.style in _WITH_OTHERS or (shot.style in STYLES and STYLES[shot.style].several)
    return GROUP if group else EVERYTHING


def keep(turn: TurnBuilder) -> None:
    """What was found of photos in the session stays with them."""
    found = turn.heard.advice or {}
    photos = tuple(p.model_copy(update={"advice": found.get(p.path, p.advice)}) for p in turn.session.photos)
    turn.session = turn.session.model_copy(update={"photos": photos})


def holds_up(turn: TurnBuilder, order: Order, quote: Quote) -> bool:
    """Whether the person is asked first. What costs nothing begins at once, and the advice is said with it. Of what is
    made on this machine only a face too small for it is told of: the rest looks after itself."""
    matters = concern(order) & _HERE if quote.basic else concern(order)
    if not matters or order.as_is or _unseen(turn, order.photos):
        return False
    advised = [
        (number, photo, sentence)
        for number, photo in enumerate(order.photos, 1)
        if (sentence := _sentence(turn, order, photo, matters))
    ]
    if not advised:
        return False
    lines = [
        turn.words("say.photo_nth", n=number, advice=sentence) if len(order.photos) > 1 else sentence
        for number, _, sentence in advised
    ]
    if not quote.cost:
        turn.notes.extend(lines)
        return False
    choices = (
        Choice(id="anyway:yes", label=turn.words("choice.anyway")),
        Choice(id="anyway:no", label=turn.words("choice.no")),
    )
    text = "\n".join([*lines, turn.words("say.photo_anyway")])
    turn.ask("anyway", text, choices, order=order, photos=tuple(photo for _, photo, _ in advised))
    return True


def used_anyway(turn: TurnBuilder, order: Order, photos: Sequence[Path]) -> Order:
    """The order after a yes; those photos are not asked about again."""
    kept = tuple(p.model_copy(update={"as_is": p.as_is or p.path in photos}) for p in turn.session.photos)
    turn.session = turn.session.model_copy(update={"photos": kept})
    return order.model_copy(update={"as_is": True})


def best_first(turn: TurnBuilder, order: Order) -> Order:
    """Of several photos of one person, those that show the face best, without near-duplicates."""
    one_person = of_one_person(order) and order.operation != "train_face" and order.face is None
    if len(order.photos) < 2 or not one_person or _unseen(turn, order.photos):
        return order
    most = PHOTOS if order.template is None else _MOST_IN_TEMPLATE
    chosen = references([_advice(turn, photo) for photo in order.photos], most)
    if not chosen:
        return order
    sizes = tuple(order.sizes[i] for i in chosen) if len(order.sizes) == len(order.photos) else ()
    if len(chosen) < len(order.photos):
        turn.notes.append(turn.words("say.photos_picked", n=len(order.photos), best=len(chosen)))
    return order.model_copy(update={"photos": tuple(order.photos[i] for i in chosen), "sizes": sizes})


def set_upright(turn: TurnBuilder, order: Order) -> Order:
    """The order of the photos as they are looked at, in the session too; said, for the person did not ask for it."""
    if not concern(order):
        return order
    found = {photo: _advice(turn, photo) for photo in order.photos}
    turned = {photo: advice.upright for photo, advice in found.items() if advice and advice.upright}
    if not turned:
        return order
    turn.notes.append(turn.words("say.photo_turned"))
    laid = tuple(_as_turned(p) if p.path in turned else p for p in turn.session.photos)
    turn.session = turn.session.model_copy(update={"photos": laid})
    return order.model_copy(update={"photos": tuple(turned.get(p, p) for p in order.photos), "sizes": ()})


def _as_turned(photo: SessionPhoto) -> SessionPhoto:
    advice = photo.advice
    if advice is None or advice.upright is None or advice.size is None:
        return photo
    kept = advice.model_copy(update={"upright": None, "size": None})
    width, height = advice.size
    return photo.model_copy(update={"path": advice.upright, "width": width, "height": height, "advice": kept})


def _unseen(turn: TurnBuilder, photos: Sequence[Path]) -> bool:
    """Whether some of them are to be looked at first; then that is asked for."""
    own = _own(turn)
    seen = turn.heard.advice or {}
    unseen = [p for p in photos if p in own and p not in seen and own[p].advice is None and not own[p].as_is]
    turn.look_at.extend(unseen)
    return bool(unseen)


def _own(turn: TurnBuilder) -> dict[Path, SessionPhoto]:
    """The person's own photos; what was made of them is not judged."""
    made = {picture.path for picture in turn.heard.named_job.pictures} if turn.heard.named_job else set()
    photos = (*turn.heard.quoted, *turn.heard.photos, *turn.session.photos)
    return {photo.path: photo for photo in photos if photo.path not in made}


def _advice(turn: TurnBuilder, photo: Path) -> PhotoAdvice | None:
    own = _own(turn).get(photo)
    return (turn.heard.advice or {}).get(photo) or (own.advice if own else None)


def _sentence(turn: TurnBuilder, order: Order, photo: Path, matters: frozenset[str]) -> str | None:
    own, advice = _own(turn).get(photo), _advice(turn, photo)
    if advice is None or (own is not None and own.as_is):
        return None
    for finding in advice.findings:
        if finding in matters:
            return turn.words(f"say.photo_{finding}", width=advice.width, wanted=advice.wanted)
    alone = any(shot.style in STYLES and STYLES[shot.style].exact for shot in order.shots if shot.style)
    return turn.words("say.photo_several", n=advice.faces) if alone and advice.faces > 1 else None
