"""What is not made of children: it is not offered where words or a style say that a photo shows one, and refused where
it is asked for all the same.

Told by the words of this message, by a child's style, and by what was said of the photos that lie there; not by the
face: nobody's age is guessed.
"""

import re
import unicodedata
from collections.abc import Iterable

from handlers.dialogue.turn import TurnBuilder
from handlers.order import Order
from providers.catalog import ACTIONS, STYLES
from providers.moderation.words import speaks_of_a_minor

STYLE = "child_portrait"
_NOT_OF_THEM = re.compile(
    r"泳装|泳衣|泳裤|比基尼|内衣|瘦身|减肥|瘦脸|瘦腰|瘦腿|显瘦|变瘦|瘦一点|瘦点|苗条|丰胸|翘臀|性感"
    r"|\b(?:swim ?suits?|swimwear|bikinis?|underwear|lingerie|slim(?:mer|ming)?|skinn(?:y|ier)|thinner|lose weight"
    r"|weight loss|sexy|belly fat)\b",
    re.IGNORECASE,
)
_CHILD = re.compile(
    r"儿子|闺女|孙子|孙女|外孙|幼儿|我家宝贝|小宝贝|\b(?:grandson|granddaughter|kiddo)s?\b", re.IGNORECASE
)


def speaks_of_one(text: str) -> bool:
    return _CHILD.search(unicodedata.normalize("NFKC", text)) is not None or speaks_of_a_minor(text)


def shown(turn: TurnBuilder, order: Order | None = None) -> bool:
    """Whether the photos that this is about are said to show a child."""
    said = [turn.heard.message.text]
    if order is not None:
        if any(shot.style == STYLE for shot in order.shots):
            return True
        said += [text for shot in order.shots for text in (shot.scene, shot.prompt) if text]
        said += [edit.prompt for shot in order.shots for edit in shot.edits if edit.prompt]
    return turn.session.child or any(speaks_of_one(text) for text in said)


def remembered(turn: TurnBuilder) -> None:
    """What is said with new photos holds for them, until others come."""
    text = turn.heard.message.text
    if turn.heard.photos:
        turn.session = turn.session.model_copy(update={"child": bool(text) and speaks_of_one(text)})
    elif text and not turn.session.child and turn.session.photos and speaks_of_one(text):
        turn.session = turn.session.model_copy(update={"child": True})


def refused(turn: TurnBuilder, order: Order) -> bool:
    """Whether it is something that is not made of a child: then one sentence, and no job."""
    if not shown(turn, order) or order.operation == "create":
        return False
    adult = any(shot.style in STYLES and STYLES[shot.style].adult for shot in order.shots if shot.style)
    edits = [edit for shot in order.shots for edit in shot.edits]
    adult = adult or any(ACTIONS[edit.action].adult for edit in edits if edit.action in ACTIONS)
    said = [turn.heard.message.text, *(text for shot in order.shots for text in (shot.scene, shot.prompt))]
    text = "\n".join(filter(None, [*said, *(edit.prompt for edit in edits)]))
    if not adult and _NOT_OF_THEM.search(unicodedata.normalize("NFKC", text)) is None:
        return False
    turn.close_question()
    turn.say(turn.words("say.not_of_children"))
    return True


def fitting(turn: TurnBuilder, keys: Iterable[str]) -> tuple[str, ...]:
    """Of styles or edits to offer, those that fit whom the photos show."""
    if not shown(turn):
        return tuple(keys)
    return tuple(key for key in keys if not (STYLES[key].adult if key in STYLES else ACTIONS[key].adult))
