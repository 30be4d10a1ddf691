"""What is not made of children: it is not offered if the text or a style says that a photo shows a child, and refused
if it is asked for all the same (`providers/moderation/children.py` has the list).

Judged by the text of this message, by a child's style, and by what was said about the photos in the session.
"""

from collections.abc import Iterable

from handlers.dialogue.turn import TurnBuilder
from handlers.order import Order
from providers.moderation.children import CHILD_STYLE, is_adult, says_unfit, speaks_of_a_child


def shown(turn: TurnBuilder, order: Order | None = None) -> bool:
    """Whether the photos concerned are said to show a child."""
    styles = [shot.style for shot in order.shots] if order is not None else []
    said = [turn.heard.message.text, *(_words(order) if order is not None else ())]
    return turn.session.child or CHILD_STYLE in styles or any(map(speaks_of_a_child, said))


def remembered(turn: TurnBuilder) -> None:
    """What is said with new photos applies to them until others arrive."""
    text = turn.heard.message.text
    if turn.heard.photos:
        turn.session = turn.session.model_copy(update={"child": bool(text) and speaks_of_a_child(text)})
    elif text and not turn.session.child and turn.session.photos and speaks_of_a_child(text):
        turn.session = turn.session.model_copy(update={"child": True})


def refused(turn: TurnBuilder, order: Order) -> bool:
    """Whether this is refused for a child: then one sentence, and no job."""
    if order.operation == "create" or not shown(turn, order):
        return False
    keys = [key for shot in order.shots for key in (shot.style, *(edit.action for edit in shot.edits))]
    if not any(map(is_adult, keys)) and not says_unfit("\n".join((turn.heard.message.text, *_words(order)))):
        return False
    turn.close_question()
    turn.say(turn.words("say.not_of_children"))
    return True


def fitting(turn: TurnBuilder, keys: Iterable[str]) -> tuple[str, ...]:
    """The styles or edits to offer that suit whom the photos show."""
    return tuple(key for key in keys if not is_adult(key)) if shown(turn) else tuple(keys)


def _words(order: Order) -> tuple[str, ...]:
    said = [text for shot in order.shots for text in (shot.scene, shot.prompt, *(edit.prompt for edit in shot.edits))]
    return tuple(text for text in said if text)
