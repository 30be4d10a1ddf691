"""What a message leads to. Pure: everything known comes in with `MessageFacts` and `Pricing`, a `Decision` comes out.

tapped a choice ──────────────┐
answers an open question ─────┼─▶ an order ─▶ complete? ─▶ possible? ─▶ affordable? ─▶ a job
words that ask for a picture ─┘        │ no        │ no        │ no
                                       ▼           ▼           ▼
                                   a question   a sentence   a question
"""

from dataclasses import replace

from handlers.choices import leads_somewhere
from handlers.describe import describe
from handlers.dialogue import (
    answer_matching,
    answers,
    children,
    commands,
    consent,
    face_talk,
    marked_places,
    menus,
    offers,
    ordering,
    photo_advice,
    readings,
)
from handlers.dialogue.each_or_together import one_each
from handlers.dialogue.facts import MessageFacts, Pricing
from handlers.dialogue.interpretation import batch, fresh_result, order_from, photos_in_sight
from handlers.dialogue.turn import Decision, TurnBuilder
from handlers.message import Choice
from handlers.order import Order, Shot
from handlers.session import Question, Session
from intent import COMMANDS, SURE, Intent, read_answer
from providers.catalog import ACTIONS, STYLES


def decide(heard: MessageFacts, desk: Pricing) -> Decision:
    """One message, one decision."""
    turn = TurnBuilder(heard=heard, desk=desk)
    turn.take_in_photos()
    photo_advice.keep(turn)
    children.remembered(turn)
    if heard.refused:
        refuse_photos(turn)
    elif heard.marked is not None and turn.intent.operation != "command":
        marked_places.taken(turn, heard.marked, heard.message.text.strip())
    elif heard.message.choice is not None:
        tapped(turn, heard.message.choice)
    elif heard.message.came_by is not None:
        came(turn, heard.message.came_by)
    elif heard.message.forwarded and not (heard.photos or heard.quoted):
        turn.say(turn.words("say.forwarded"))
    else:
        said(turn, heard.message.text.strip())
    turn.say_what_was_left_out()
    return turn.decision()


def refuse_photos(turn: TurnBuilder) -> None:
    """A photo could not be read: nothing is started; the request waits for a better one."""
    for sentence in turn.heard.refused:
        turn.say(sentence)
    if turn.heard.message.painted is not None:
        return  # without what was painted, the words mean something else
    if good := len(turn.heard.photos):
        turn.say(turn.words("say.others_kept", count=good))
    if turn.intent.operation in ("portrait", "series", "edit") and not turn.intent.ask:
        order = order_from(turn.intent, (), turn.language)
        question = Question(kind="photo", order=order, at=turn.heard.now)
        turn.session = turn.session.model_copy(update={"question": question})


def said(turn: TurnBuilder, text: str) -> None:
    if face_talk.said(turn, text):
        return
    question = turn.open_question()
    if question is not None and face_talk.photos_came(turn, question):
        return
    if (chosen := answers.chosen(turn, question, text)) is not None:
        tapped(turn, chosen)
        return
    if question is not None and answers.answered(turn, question, text):
        return
    if turn.heard.asked is not None and (reply := read_answer(text)) is not None and reply.kind != "count":
        tapped(turn, f"{'agree' if reply.kind == 'yes' else 'refuse'}:{turn.heard.asked.job}")
        return
    read(turn, text)


def read(turn: TurnBuilder, text: str) -> None:
    intent = _priced(turn.intent) if answer_matching.asks_price(text) else turn.intent
    if intent.operation == "command":
        read_command(turn, intent, text)
    elif intent.operation == "none":
        nothing_asked(turn, text)
    elif ordering.refuse_content(turn, turn.order(intent)):
        return  # before its readings are offered, or the missing part is asked for
    elif children.refused(turn, turn.order(intent)):
        return
    elif intent.ask:
        ask_back(turn, intent)
    elif intent.decision == "ask":
        which_reading(turn, intent)
    else:
        take_reading(turn, intent)


def _priced(intent: Intent) -> Intent:
    """Where a price is asked for, the likeliest picture: it is answered with its price and begins nothing."""
    pictures = (r for r in (intent, *intent.alternatives) if r.operation not in ("command", "none") and not r.ask)
    wish = next(pictures, None) if intent.decision == "ask" else None
    return intent if wish is None else replace(wish, decision="act")


_CALLS_OFF = frozenset({"cancel", "start"})
"""Commands that end something are not run on text that may not have meant them."""


def read_command(turn: TurnBuilder, intent: Intent, text: str) -> None:
    if intent.decision == "ask" and intent.command == "cancel" and intent.confidence >= SURE:
        commands.ask_to_cancel(turn)
    elif intent.decision == "ask" and intent.command in _CALLS_OFF:
        nothing_asked(turn, text)
    else:
        commands.run(turn, intent.command or "help")


def take_reading(turn: TurnBuilder, intent: Intent) -> None:
    """Act on the intent. An edit of a result with several pictures asks which one, unless the text says."""
    order = turn.order(intent)
    result = fresh_result(turn.session, turn.heard.now)
    if result is not None and commands.asks_for_variations(order, result):
        # Same as the button under the result.
        commands.vary(turn, result.order, order.photos[0], count=intent.count)
        return
    if result is None or order.operation != "edit" or order.photos != result.pictures or len(order.photos) < 2:
        ordering.take(turn, order)
        return
    singles = [order.model_copy(update={"photos": (photo,)}) for photo in order.photos]
    labels = [turn.words("choice.picture", n=n) for n in range(1, len(singles) + 1)]
    labels.append(turn.words("choice.all"))
    choices = tuple(Choice(id=f"reading:{n}", label=label) for n, label in enumerate(labels))
    turn.ask("reading", turn.words("say.which_picture"), choices, orders=(*singles, one_each(order)))


def nothing_asked(turn: TurnBuilder, text: str) -> None:
    """No request: offer the styles if a photo came, otherwise one friendly line that fits what is in the session."""
    if photos_in_sight(turn.heard) and ordering.refuse_content(turn, turn.order(turn.intent)):
        return  # text that the parser does not read as a request, but that came with a photo
    if photos_in_sight(turn.heard) and text and children.refused(turn, turn.order(turn.intent)):
        return
    if turn.heard.photos:
        if turn.session.question is None or turn.session.question.kind == "browse" or not text:
            offers.offer_groups(turn, photo_came=True)
        else:
            turn.say(turn.words("say.photo_kept"))
    else:
        turn.say(turn.words(friendly_line(turn, text)))


def friendly_line(turn: TurnBuilder, text: str) -> str:
    """The text key of the answer to a remark."""
    question = turn.open_question()
    if answer_matching.without_signs(text) in commands.THANKS:
        return "say.thanks"
    if question is not None and question.kind in ("photo", "second_photo"):
        return "say.need_photo_bare" if question.kind == "photo" else "say.need_second_photo"
    if question is not None and question.kind != "browse":
        return "say.question_open"
    if turn.heard.running:
        return "say.remark_running"
    if batch(turn.session, turn.heard.now):
        return "say.remark_photo"
    if fresh_result(turn.session, turn.heard.now) is not None:
        return "say.remark_result"
    nothing_yet = turn.session.model_copy(update={"language": None, "language_hint": None}) == Session()
    return "say.hello" if nothing_yet else "say.small_talk"


def which_reading(turn: TurnBuilder, intent: Intent) -> None:
    """Offer the readings as buttons, a word to the bot among them; a single one is confirmed, too."""
    likely = [i for i in (intent, *intent.alternatives) if i.operation not in ("none", "command") and not i.ask]
    distinct: dict[str, Order] = {}
    for order in offers.possible_of(turn, [turn.order(reading) for reading in likely]):
        distinct.setdefault(describe(order, turn.language), order)
    if not distinct:
        ordering.take(turn, turn.order(intent))  # which says why it cannot be made
        return
    choices = [Choice(id=f"reading:{n}", label=label) for n, label in enumerate(distinct)]
    for other in intent.alternatives:
        if other.command is not None:
            choices.append(Choice(id=f"word:{other.command}", label=turn.words(f"word.{other.command}")))
    about = readings.about(turn.heard.message)
    turn.ask("reading", turn.words("say.which_reading"), tuple(choices), orders=tuple(distinct.values()), about=about)


def ask_back(turn: TurnBuilder, intent: Intent) -> None:
    """The text fits several styles or actions: offer them, and remember everything else that was said."""
    order = turn.order(intent)
    first = intent.ask[0]
    key = "say.which_id" if first.startswith("id_photo") else "say.which"
    key = "say.which_dating" if all(k.startswith("dating") for k in intent.ask) else key
    keys = children.fitting(turn, intent.ask)
    if not keys and children.refused(turn, order.model_copy(update={"shots": (Shot(style=first),)})):
        return
    keys = offers.keys_possible(turn, order, keys)
    if not keys:
        ordering.take(turn, menus.with_key(order, first))  # which says why it cannot be made
        return
    turn.ask("style", turn.words(key), menus.key_choices(keys, turn.language), order=order)


def tapped(turn: TurnBuilder, choice: str) -> None:
    """Act on the id of a choice. An id that is no longer valid gets a friendly line, never a job."""
    verb, _, rest = choice.partition(":")
    question = turn.open_question()
    match verb:
        case key if not rest and (key in STYLES or key in ACTIONS):
            chose_key(turn, key)
        case "style" if rest in STYLES:
            chose_key(turn, rest)
        case "action" if rest in ACTIONS:
            chose_key(turn, rest)
        case "group":
            offers.offer_group(turn, rest)
        case "groups":
            offers.offer_groups(turn, photo_came=False)
        case "sketches":
            offers.offer_sketches(turn)
        case "edits":
            offers.offer_edits(turn)
        case "confirm" if question is not None and question.kind == "confirm" and question.order is not None:
            turn.close_question()
            if rest == "yes" and question.order.operation == "train_face":
                face_talk.confirmed(turn, question.order)
            elif rest == "yes":
                ordering.start(turn, question.order)
            else:
                turn.say(turn.words("say.declined"))
        case "anyway" if question is not None and question.kind == "anyway" and question.order is not None:
            turn.close_question()
            if rest == "yes":
                ordering.take(turn, photo_advice.used_anyway(turn, question.order, question.photos))
            else:
                turn.say(turn.words("say.declined"))
        case "consent" if question is not None and question.order is not None and question.faces:
            turn.close_question()
            answer_faces(turn, question, question.order, agreed=rest == "yes")
        case "consent" if question is not None and question.order is not None and question.company is not None:
            turn.close_question()
            answer_consent(turn, question.order, question.company, agreed=rest == "yes")
        case "agree" | "refuse" if turn.heard.asked is not None and turn.heard.named_job is not None:
            turn.answers_job = True
            order = turn.heard.asked.rest_of(commands.once_more(turn.heard.named_job.order))
            answer_consent(turn, order, turn.heard.asked.company, agreed=verb == "agree")
        case "marked" if question is not None and question.order is not None and marked_places.waits(question.order):
            marked_places.answered(turn, question.order, "")
        case "reading" if (
            question is not None and rest.isdecimal() and len(rest) < 4 and int(rest) < len(question.orders)
        ):
            turn.close_question()
            turn.picked = readings.picked_from(question, int(rest))
            ordering.take(turn, question.orders[int(rest)])
        case "word" if rest in COMMANDS:
            turn.close_question()
            commands.run(turn, rest)
        case "face" | "unface" | "unface_yes" | "unface_no" | "gender":
            face_talk.tapped(turn, verb, rest)
        case "new":
            commands.begin_anew(turn)
        case "language" | "forget":
            commands.tapped(turn, verb, rest)
        case "again" | "retry" | "variations" | "upscale" | "edit" | "resend" | "fetch" | "cancel" | "stickers":
            commands.on_job(turn, verb, rest)
        case "free" | "clean" | "clean_yes":
            commands.on_job(turn, verb, rest)
        case _:
            turn.say(turn.words("say.nothing_open"))


def answer_faces(turn: TurnBuilder, question: Question, order: Order, *, agreed: bool) -> None:
    """A yes accepts the companies named with it, too; after a no nothing is done with the photo."""
    if not agreed:
        turn.say(turn.words("say.declined"))
        return
    turn.photos_agreed = True
    if turn.heard.accepted is not None:
        turn.accept.extend(company for company in question.companies if company not in turn.heard.accepted)
    ordering.start(turn, order)


def answer_consent(turn: TurnBuilder, order: Order, company: str, *, agreed: bool) -> None:
    """Continue with the company, or with another provider that can make it; otherwise drop it."""
    if agreed:
        turn.accept.append(company)
        ordering.start(turn, order)
    elif (other := consent.elsewhere(turn, order, company)) is not None:
        ordering.start(turn, other)
    else:
        turn.say(turn.words("say.declined"))


def came(turn: TurnBuilder, parameter: str) -> None:
    """What brought the person here: a style or an edit is that request. Everything else leads to what the message says
    besides, or to the menu of styles."""
    text = turn.heard.message.text.strip()
    if text and leads_somewhere(parameter):
        turn.notes.append(turn.words("say.ai_makes"))  # in place of a greeting
    if text and not leads_somewhere(parameter):
        said(turn, text)
    else:
        tapped(turn, parameter if leads_somewhere(parameter) else "groups")


def chose_key(turn: TurnBuilder, key: str) -> None:
    """A style or an edit was picked: for the order that asked, otherwise for the photos in the session."""
    question = turn.open_question()
    intent = (
        Intent(operation="portrait", style=key, language=turn.language)
        if key in STYLES
        else Intent(operation="edit", action=key, language=turn.language)
    )
    base = question.order if question and question.kind == "style" else None
    turn.close_question()
    if base is None:
        ordering.take(turn, turn.order(intent))
        return
    if not base.photos:
        # The photo may have come after the question.
        base = base.model_copy(update={"photos": turn.order(intent).photos})
    ordering.take(turn, ordering.filled(base, intent))
