"""Edits that ask for a sheet become one: its views follow from the text and from whose face it shows."""

from handlers.dialogue import children
from handlers.dialogue.turn import TurnBuilder
from handlers.order import Order
from handlers.quote import Quote
from handlers.sheets import pictures_of, sheets, views_asked_for
from handlers.words import estimated
from providers.errors import LikenessError
from providers.money import Money

PHOTOS = 3
"""Photos of the person that the first view is made from at most."""


def applied(turn: TurnBuilder, order: Order) -> Order:
    """The order as a sheet, if a provider here can make its views; otherwise unchanged: one picture of them all."""
    action = sheet_action(order)
    if action is None or order.sheet or not order.photos:
        return order
    shot = order.shots[0]
    said = f"{turn.heard.message.text}\n{shot.edits[0].prompt or ''}"
    keys = views_asked_for(action, said, child=children.shown(turn, order))
    changes = {
        "sheet": keys,
        "shots": (shot.model_copy(update={"count": 1, "photo": None}),),
        "photos": order.photos[:PHOTOS],
        "aspect_ratio": None,
    }
    made = order.model_copy(update=changes)
    try:
        turn.desk.quote(made)
    except LikenessError:
        return order
    return made


def at_most(turn: TurnBuilder, order: Order, quote: Quote) -> str:
    """What a sheet may cost if views have to be made again, as a line; empty for any other order."""
    if not order.sheet or not quote.cost:
        return ""
    made, most = pictures_of(order.shots[0].edits[0].action, order.sheet)
    cost = Money(amount=quote.cost.amount * most / made, currency=quote.cost.currency)
    return "\n" + turn.words("sheet.again", cost=estimated(cost, turn.language))


def sheet_action(order: Order) -> str | None:
    """The action of an order that asks for a sheet and nothing else."""
    if order.operation != "edit" or len(order.shots) != 1 or len(order.shots[0].edits) != 1 or order.mask is not None:
        return None
    action = order.shots[0].edits[0].action
    return action if action in sheets() else None
