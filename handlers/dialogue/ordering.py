"""From an order to a job: ask for what is missing, say what is impossible, confirm a high price, start."""

from handlers.describe import describe
from handlers.dialogue import children, consent, face_orders, offers, photo_advice, sheet_orders
from handlers.dialogue.answer_matching import asks_price
from handlers.dialogue.each_or_together import (
    MOST_PICTURES,
    of_one_person,
    one_each,
    settled,
    together,
    undecided,
    wanted,
)
from handlers.dialogue.interpretation import missing, order_from, sized
from handlers.dialogue.turn import TurnBuilder
from handlers.message import Choice
from handlers.order import Order, Shot, job_id
from handlers.store.base import Job
from handlers.words import estimated, for_guests, seconds
from intent import Intent
from providers.catalog import MODELS
from providers.errors import LikenessError
from providers.money import Money


def take(turn: TurnBuilder, order: Order) -> None:
    """Ask for what is missing; say what cannot be done; confirm a high price; otherwise start."""
    order = sized(_told(turn, order, settled(without_price_words(order))), turn.session, turn.heard)
    order = sheet_orders.applied(turn, photo_advice.best_first(turn, face_orders.applied(turn, order)))
    if refuse_content(turn, order) or children.refused(turn, order):
        return
    if (lacks := missing(order)) is not None:
        ask_for(turn, lacks, order)
        return
    if face_orders.lacks_gender(order):
        face_orders.ask_gender(turn, order)
        return
    if undecided(order):
        _ask_each_or_together(turn, order)
        return
    try:
        quote = turn.desk.quote(order)
    except LikenessError as error:
        several = order.photos_as is None and len(order.photos) > 1 and not of_one_person(order)
        if several and error.code in ("no_provider", "provider_cannot"):
            # No provider here takes several photos at once, but one at a time may work.
            _take_one_each(turn, order, error)
        else:
            refuse(turn, order, error)
        return
    if photo_advice.holds_up(turn, order, quote):
        return
    if quote.cost > Money.usd(turn.desk.confirm_above) or asks_price(turn.heard.message.text):
        cost = estimated(quote.cost, turn.language)
        text = turn.words("say.confirm", what=describe(order, turn.language), cost=cost, **_facts(turn, order))
        text += sheet_orders.at_most(turn, order, quote)
        choices = (
            Choice(id="confirm:yes", label=turn.words("choice.yes")),
            Choice(id="confirm:no", label=turn.words("choice.no")),
        )
        turn.ask("confirm", text, choices, order=order)
        return
    start(turn, order)


def without_price_words(order: Order) -> Order:
    """A question about the price is not part of the scene."""
    shots = tuple(
        shot.model_copy(update={"scene": None}) if shot.scene and asks_price(shot.scene) else shot
        for shot in order.shots
    )
    return order if shots == order.shots else order.model_copy(update={"shots": shots})


def _told(turn: TurnBuilder, order: Order, shared_out: Order) -> Order:
    """What was divided among the photos, and whether that would have exceeded the maximum number of pictures."""
    if shared_out is not order and wanted(order) > MOST_PICTURES:
        turn.note_most(wanted(order))
    return shared_out


def _take_one_each(turn: TurnBuilder, order: Order, error: LikenessError) -> None:
    each = one_each(order)
    try:
        turn.desk.quote(each)
    except LikenessError:
        refuse(turn, order, error)
        return
    take(turn, _told(turn, order, each))


def _ask_each_or_together(turn: TurnBuilder, order: Order) -> None:
    """Ask which of the two if both can be made; otherwise take the one that can."""
    each = one_each(order)
    possible: list[tuple[Order, str]] = []
    refusals: list[LikenessError] = []
    for way, label in ((each, "choice.one_each"), (together(order), "choice.all_in_one")):
        try:
            cost = estimated(turn.desk.quote(way).cost, turn.language)
        except LikenessError as error:
            refusals.append(error)
        else:
            possible.append((way, turn.words(label, n=way.count, count=_pictures(turn, way), cost=cost)))
    if not possible:
        refuse(turn, order, refusals[0])
    elif len(possible) == 1:
        way = possible[0][0]
        take(turn, _told(turn, order, way) if way is each else way)
    else:
        choices = tuple(Choice(id=f"reading:{n}", label=label) for n, (_, label) in enumerate(possible))
        orders = tuple(way for way, _ in possible)
        turn.ask("reading", turn.words("say.each_or_together", n=len(order.photos)), choices, orders=orders)


def ask_for(turn: TurnBuilder, lacks: str, order: Order) -> None:
    match lacks:
        case "photo":
            what = describe(order, turn.language)
            turn.ask("photo", turn.words("say.need_photo", what=what), offers.own_photo(turn), order=order)
        case "second_photo":
            turn.ask("second_photo", turn.words("say.need_second_photo"), order=order)
        case "text" if order.mask is not None:
            gone = Choice(id="marked:gone", label=turn.words("choice.marked_gone"))
            strokes = turn.heard.marked is not None and turn.heard.marked.by_strokes
            text = turn.words("say.need_text_strokes" if strokes else "say.need_text_marked")
            turn.ask("text", text, (gone,), order=order)
        case "text":
            actions = {e.action for s in order.shots for e in s.edits}
            key = {"replace_bg": "say.need_text_bg", "text_render": "say.need_text_render"}
            text = next((turn.words(key[a]) for a in actions if a in key), turn.words("say.need_text"))
            turn.ask("text", text, order=order)
        case _:
            offers.offer_groups(turn, photo_came=True)
            question = turn.session.question
            if question is not None:
                waiting = question.model_copy(update={"kind": "style", "order": order})
                turn.session = turn.session.model_copy(update={"question": waiting})


def start(turn: TurnBuilder, order: Order) -> None:
    """The order becomes a job, and the person reads what was understood."""
    if refuse_content(turn, order):
        return
    if len(turn.heard.running) >= turn.desk.max_running:
        turn.say(turn.words("say.too_many_running", n=len(turn.heard.running)))
        return
    try:
        quote = turn.desk.quote(order)
    except LikenessError as error:
        refuse(turn, order, error)
        return
    if consent.asks(turn, order, quote):
        return
    if not quote.basic:
        order = photo_advice.set_upright(turn, order)
    message = turn.heard.message
    accepted = None if turn.accepted is None else tuple(sorted(turn.accepted))
    order = order.model_copy(update={"language": turn.language, "accepted": accepted})
    job = Job(
        id=job_id(message.key, len(turn.jobs), secret=turn.desk.secret),
        chat=message.chat,
        order=order,
        created=turn.heard.now,
        ref=message.ref,
        address=message.address,
        estimate=quote.cost,
    )
    turn.jobs.append(job)
    turn.mark_used(order)
    turn.session = turn.session.model_copy(update={"last_order": order, "question": None})
    key = "face.started" if job.trains else "say.understood_free" if quote.basic else "say.understood"
    cost = Money.zero() if order.free_try_of else quote.cost
    text = turn.words(
        key,
        what=describe(order, turn.language),
        time=seconds(quote.seconds, turn.language),
        cost=estimated(cost, turn.language),
        **_facts(turn, order),
    )
    plain = text
    text += sheet_orders.at_most(turn, order, quote)
    if quote.basic and order.operation != "edit" and any(shot.scene and shot.id_photo is None for shot in order.shots):
        # Said, not dropped silently: no part of a request is ignored without a word.
        text += "\n" + turn.words("say.basic_style_only")
    if quote.basic and any(edit.action == "colorize" for shot in order.shots for edit in shot.edits):
        text += "\n" + turn.words("say.basic_colorize")
    if message.group and turn.heard.session.last_order is None:
        text += "\n" + turn.words("say.ai_makes")  # nobody is greeted in a group: this is the first of their pictures
    # What costs something is never begun by a mere sign: the price comes before it, in words.
    by_sign = text == plain and message.group and not job.trains and not cost.amount
    turn.say(text, job=job.id, begins=True, by_sign=by_sign)


def refuse_content(turn: TurnBuilder, order: Order) -> bool:
    """Whether it is something that is not made here: then one calm sentence, which never says why, and no job."""
    turn.refused = turn.refused or turn.offence(order)
    if turn.refused is None:
        return False
    turn.close_question()
    turn.say(turn.words("error.refused_here"))
    return True


def refuse(turn: TurnBuilder, order: Order, error: LikenessError) -> None:
    """No provider here can do it: say so, with alternatives. Its photos wait for another request, but the next photo
    does not join them."""
    turn.mark_refused(order)
    key = error.text_key if turn.heard.owner else for_guests(error.text_key)
    turn.say(turn.words(key, **error.params), offers.ways_out(turn, order))


def _facts(turn: TurnBuilder, order: Order) -> dict[str, str]:
    return {"count": _pictures(turn, order), "model": MODELS[order.model].name(turn.language)}


def _pictures(turn: TurnBuilder, order: Order) -> str:
    return turn.words("say.many", n=order.count) if order.count > 1 else turn.words("say.one")


def filled(order: Order, intent: Intent) -> Order:
    """Complete an order that waited for its style or action, adding whatever else the new text says."""
    if intent.operation == "edit":
        filled = order_from(intent, order.photos, order.language)
        old = order.shots[0]
        return filled.model_copy(
            update={
                "model": order.model,
                "aspect_ratio": order.aspect_ratio,
                "shots": (filled.shots[0].model_copy(update={"count": old.count}),),
            }
        )
    old = order.shots[0]
    shot = Shot(
        style=intent.style,
        scene=intent.scene or old.scene or old.prompt,
        prompt=None,
        count=intent.count if intent.count > 1 else old.count,
    )
    return order.model_copy(
        update={
            "operation": "portrait",
            "shots": (shot,),
            "model": intent.model if intent.model != "nanopro" else order.model,
            "aspect_ratio": intent.aspect_ratio or order.aspect_ratio,
        }
    )
