"""A place marked on a photo by hand, and what is to happen there.

mask and words ──▶ "remove this": what is there goes · anything else: what the words say comes there
mask alone ─────▶ it is asked, with one thing to tap
margins ────────▶ the picture grows by so much; after the marked place was changed, where there is one
"""

from handlers.dialogue import ordering
from handlers.dialogue.facts import Marked
from handlers.dialogue.interpretation import wishes
from handlers.dialogue.turn import TurnBuilder
from handlers.order import Edit, Order, Shot
from intent import wants_it_gone

GONE = "remove_person"
"""The edit that takes something out of a photo; services with an eraser know it by this."""
CHANGED = "local_edit"


def taken(turn: TurnBuilder, marked: Marked, text: str) -> None:
    """Act on a picture that came with a marked place, or with room to be added."""
    said = text or _said_before(turn)
    turn.close_question()
    ordering.take(turn, _order(turn, marked, said))


def answered(turn: TurnBuilder, order: Order, text: str) -> None:
    """What is to happen at the place that an order waits with was said, or tapped (no text: it is to go)."""
    turn.close_question()
    _, *others = order.shots[0].edits
    edit = _at_the_place(text) if text else Edit(action=GONE)
    shot = order.shots[0].model_copy(update={"edits": (edit, *others)})
    ordering.take(turn, order.model_copy(update={"shots": (shot,)}))


def waits(order: Order | None) -> bool:
    """Whether it is an order for a marked place of which nobody said yet what is to happen there."""
    return order is not None and order.mask is not None


def _said_before(turn: TurnBuilder) -> str:
    """What was to be done once the photo came."""
    question = turn.open_question()
    if question is None or question.kind != "photo" or question.order is None or question.order.operation != "edit":
        return ""
    return question.order.shots[0].edits[0].prompt or ""


def _order(turn: TurnBuilder, marked: Marked, text: str) -> Order:
    intent, edits = turn.intent, list[Edit]()
    if marked.mask is not None:
        edits.append(_at_the_place(text))
    if marked.sides is not None:
        edits.append(Edit(action="extend", prompt=None if edits else text or None, sides=marked.sides))
    return Order(
        operation="edit",
        shots=(Shot(edits=tuple(edits), count=intent.count),),
        model=intent.model,
        photos=(marked.photo.path,),
        mask=marked.mask,
        language=turn.language,
        **wishes(intent),
    )


def _at_the_place(text: str) -> Edit:
    """Words that only say that it is to go are none of a prompt's: a model that fills a place paints what it reads."""
    if wants_it_gone(text):
        return Edit(action=GONE)
    return Edit(action=CHANGED, prompt=text or None)
