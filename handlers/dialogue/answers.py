"""Answers to an open question: yes or no, another number, the missing text, one of the choices."""

from handlers.dialogue import answer_matching, marked_places, ordering
from handlers.dialogue.each_or_together import counted
from handlers.dialogue.interpretation import with_text
from handlers.dialogue.turn import TurnBuilder
from handlers.message import Choice
from handlers.order import Order
from handlers.session import Question
from intent import Answer, read_answer, without_emoji_codes
from providers.catalog import ACTIONS, STYLES

_SHALL_I = frozenset({"confirm", "anyway", "consent", "forget"})
"""Questions answered by yes or no."""
_WAITS_FOR_PHOTO = frozenset({"photo", "second_photo"})
_COUNTS = frozenset({"confirm", "anyway", "consent"}) | _WAITS_FOR_PHOTO | {"style"}
"""Questions about an order of so many pictures, to which a number of pictures is an answer."""


def chosen(turn: TurnBuilder, question: Question | None, text: str) -> str | None:
    """The id of the offered choice that the text picks: by its number in what was shown last, or by its name in the
    open question. An exact name takes precedence over a command of the same name."""
    if not text:
        return None
    if question is None:
        return _on_the_menu(turn, text)
    if question.kind in _WAITS_FOR_PHOTO:
        return None
    reply = read_answer(text)
    if question.kind in _SHALL_I and reply is not None:
        return None if reply.kind == "count" else f"{question.kind}:{reply.kind}"
    if reply is not None and reply.kind == "yes" and len(question.options) == 1:
        return question.options[0]
    if reply is not None and reply.kind == "count" and question.kind in _COUNTS:
        return None
    if (named := answer_matching.named(question, text)) is not None:
        return named
    if turn.intent.operation == "command" and turn.intent.command != "again":
        return None
    if (photos_as := turn.intent.photos_as) is not None:
        for option, order in zip(question.options, question.orders, strict=False):
            if order.photos_as == photos_as:
                return option
    return _on_the_menu(turn, text) or answer_matching.answer(question, text)


def _on_the_menu(turn: TurnBuilder, text: str) -> str | None:
    """By number; by name only if the text means nothing else."""
    menu = turn.shown_menu()
    if menu is None:
        return None
    if (number := answer_matching.number_in(text, len(menu.options))) is not None:
        return menu.options[number - 1]
    return answer_matching.named(menu, text) if turn.intent.operation == "none" else None


def answered(turn: TurnBuilder, question: Question, text: str) -> bool:
    """Whether the message answers the open question other than by a choice; if so, it was acted on."""
    reply = None if turn.heard.photos or turn.heard.quoted else read_answer(text)
    if reply is not None and _replied(turn, question, reply):
        return True
    if turn.intent.operation == "command" and turn.intent.command != "again":
        return False
    if question.order is None:
        return False
    if question.kind in _WAITS_FOR_PHOTO or question.kind == "anyway":
        return _photo_came(turn, question, question.order, text)
    if question.kind == "text" and not turn.heard.photos and (plain := without_emoji_codes(text).strip()):
        if marked_places.waits(question.order):
            marked_places.answered(turn, question.order, plain)
            return True
        turn.close_question()
        ordering.take(turn, with_text(question.order, plain))
        return True
    if question.kind == "style" and _is_a_style(turn) and text and not turn.heard.photos:
        turn.close_question()
        ordering.take(turn, ordering.filled(question.order, turn.intent))
        return True
    return False


def _is_a_style(turn: TurnBuilder) -> bool:
    return turn.intent.operation == "portrait" and turn.intent.style in STYLES


def _replied(turn: TurnBuilder, question: Question, reply: Answer) -> bool:
    """Act on a yes, a no or a number, if the question has no such choice to pick."""
    order = question.order
    if reply.kind == "no" and question.kind not in (*_SHALL_I, "browse") and not _wants_letters(order):
        turn.close_question()
        turn.say(turn.words("say.declined"))
        return True
    if order is None:
        return False
    if reply.kind == "yes" and question.kind in _WAITS_FOR_PHOTO:
        ordering.ask_for(turn, question.kind, order)
        return True
    if reply.kind == "count" and reply.count is not None and question.kind in _COUNTS:
        return _recounted(turn, question, order, reply)
    return False


def _recounted(turn: TurnBuilder, question: Question, order: Order, reply: Answer) -> bool:
    """The same order with another number of pictures, or unchanged if the number does not apply; any other wish in the
    message is kept."""
    other = counted(order, reply.count or 1) or order
    if reply.count_said is not None:
        turn.note_most(reply.count_said)
    if question.kind != "style":
        turn.close_question()
        ordering.take(turn, other)
        return True
    number = turn.words("say.many", n=other.count) if other.count > 1 else turn.words("say.one")
    choices = tuple(Choice(id=i, label=label) for i, label in zip(question.options, question.labels, strict=True))
    turn.ask("style", turn.words("say.number_noted", number=number), choices, order=other)
    return True


def _wants_letters(order: Order | None) -> bool:
    """Whether the answer is text for the picture: then "no" may be that text."""
    return order is not None and any(
        ACTIONS[edit.action].letters for shot in order.shots for edit in shot.edits if edit.action in ACTIONS
    )


def _photo_came(turn: TurnBuilder, question: Question, order: Order, text: str) -> bool:
    came = (*turn.heard.quoted, *turn.heard.photos)
    asks_anew = bool(text) and turn.intent.operation in ("portrait", "series", "edit")
    if not came or asks_anew:
        return False
    kept = {"second_photo": order.photos, "anyway": tuple(p for p in order.photos if p not in question.photos)}
    before = kept.get(question.kind, ())
    turn.close_question()
    ordering.take(turn, order.model_copy(update={"photos": (*before, *(p.path for p in came))}))
    return True
