"""Asking a person before a photo is edited or sent to a company, and acting on their answer.

Both are one question: a person who has not yet confirmed that the people in the photo agree is told in the same
sentence where the photo goes, and accepts those companies with the same yes.
"""

from handlers.dialogue.turn import TurnBuilder
from handlers.message import Choice
from handlers.order import Order
from handlers.quote import Quote
from providers.errors import LikenessError
from providers.registry import label_of


def asks(turn: TurnBuilder, order: Order, quote: Quote) -> bool:
    """Whether the order waits for an answer: then the question was asked."""
    if order.photos and turn.heard.asks_whose and turn.heard.photos_agreed is None and not turn.photos_agreed:
        _ask_for_faces(turn, order, quote)
        return True
    if company := needed(turn, quote):
        _ask(turn, order, company)
        return True
    return False


def needed(turn: TurnBuilder, quote: Quote) -> str | None:
    """The first company in turn that the person has not accepted, if people are asked here at all."""
    accepted = turn.accepted
    return None if accepted is None else next((c for c in quote.companies if c not in accepted), None)


def _ask_for_faces(turn: TurnBuilder, order: Order, quote: Quote) -> None:
    names = turn.words("unit.comma").join(label_of(company) for company in quote.companies)
    where = turn.words("say.consent_goes", companies=names) if names else turn.words("say.consent_stays")
    text = turn.words("say.consent_faces", where=where, days=turn.desk.retention_days)
    choices = (
        Choice(id="consent:yes", label=turn.words("choice.consent_faces")),
        Choice(id="consent:no", label=turn.words("choice.no")),
    )
    turn.ask("consent", text, choices, order=order, companies=quote.companies, faces=True)


def _ask(turn: TurnBuilder, order: Order, company: str) -> None:
    """Ask, naming the company; the order waits for the answer."""
    key = "say.consent" if order.photos else "say.consent_words"
    choices = (
        Choice(id="consent:yes", label=turn.words("choice.consent_yes")),
        Choice(id="consent:no", label=turn.words("choice.no")),
    )
    turn.ask("consent", turn.words(key, company=label_of(company)), choices, order=order, company=company)


def elsewhere(turn: TurnBuilder, order: Order, company: str) -> Order | None:
    """The order without this company, and without any other that is not accepted; None if no provider is left."""
    while True:
        order = order.model_copy(update={"block": (*order.block, company)})
        try:
            quote = turn.desk.quote(order)
        except LikenessError:
            return None
        if (another := needed(turn, quote)) is None:
            return order
        company = another
