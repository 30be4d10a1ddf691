"""Asking a person before their pictures go to a company they have not accepted, and what their answer leads to."""

from handlers.dialogue.turn import TurnBuilder
from handlers.message import Choice
from handlers.order import Order
from handlers.quote import Quote
from providers.errors import LikenessError
from providers.registry import label_of


def needed(turn: TurnBuilder, quote: Quote) -> str | None:
    """The first company in turn that the person has not accepted, where they are asked at all."""
    accepted = turn.accepted
    return None if accepted is None else next((c for c in quote.companies if c not in accepted), None)


def ask(turn: TurnBuilder, order: Order, company: str) -> None:
    """Naming the company; the order waits for the answer."""
    key = "say.consent" if order.photos else "say.consent_words"
    choices = (
        Choice(id="consent:yes", label=turn.words("choice.consent_yes")),
        Choice(id="consent:no", label=turn.words("choice.no")),
    )
    turn.ask("consent", turn.words(key, company=label_of(company)), choices, order=order, company=company)


def elsewhere(turn: TurnBuilder, order: Order, company: str) -> Order | None:
    """The order without this company, and without any other that is not accepted; None where nobody is left."""
    while True:
        order = order.model_copy(update={"block": (*order.block, company)})
        try:
            quote = turn.desk.quote(order)
        except LikenessError:
            return None
        if (another := needed(turn, quote)) is None:
            return order
        company = another
