"""Commands to the bot itself, typed or tapped: help, styles, status, usage, settings, privacy, forget; again, more,
cancel."""

from typing import Literal

from handlers.describe import describe
from handlers.dialogue import face_orders, offers, ordering
from handlers.dialogue.help_text import help_text
from handlers.dialogue.turn import TurnBuilder
from handlers.message import Choice
from handlers.order import Edit, Order, Shot
from handlers.session import LastResult, Session
from handlers.store.base import Job, JobState
from handlers.words import money, seconds
from providers.errors import LikenessError
from providers.ledger import KEPT
from providers.money import Money
from providers.registry import is_company, label_of

THANKS = frozenset(
    {
        "thanks",
        "thank you",
        "thx",
        "ty",
        "thanks a lot",
        "thank you so much",
        "cheers",
        "谢谢",
        "多谢",
        "谢谢你",
        "谢啦",
        "感谢",
        "谢谢师傅",
        "太感谢了",
    }
)

VARIATIONS = 3
"""Pictures made by a tap on "variations"."""


def run(turn: TurnBuilder, command: str) -> None:
    """One of the commands of the intent contract."""
    match command:
        case "start":
            turn.say(turn.words("say.hello"))
        case "styles":
            offers.offer_groups(turn, photo_came=False)
        case "status":
            _status(turn)
        case "usage":
            _usage(turn)
        case "settings":
            _settings(turn)
        case "cancel":
            _cancel_newest(turn)
        case "again":
            _again(turn, turn.intent.count, turn.intent.aspect_ratio)
        case "forget":
            _ask_to_forget(turn)
        case "privacy":
            _privacy(turn)
        case _:
            turn.say(help_text(turn))


def tapped(turn: TurnBuilder, verb: str, rest: str) -> None:
    """A choice that belongs to a command: `language:zh`, `forget:yes`."""
    if verb == "language":
        _set_language(turn, rest)
    else:
        turn.close_question()
        _forget(turn) if rest == "yes" else turn.say(turn.words("say.kept"))


def begin_anew(turn: TurnBuilder) -> None:
    """A new chat: photos, questions and the last result are dropped; the language and jobs in progress stay."""
    kept = turn.session
    turn.session = Session(
        language=kept.language,
        language_hint=kept.language_hint,
        language_fixed=kept.language_fixed,
        gender=kept.gender,
        begun=turn.heard.now,
    )
    turn.say(turn.words("say.new_chat"))


def on_job(turn: TurnBuilder, verb: str, job_id: str) -> None:
    """A choice under a result or an error: it refers to one job of this person."""
    picked_in_words = next((job for job in turn.heard.running if job.id == job_id), None)
    job = turn.result() or picked_in_words
    if job is None:
        turn.say(turn.words("say.nothing_open"))
    elif verb == "cancel":
        _cancel(turn, job.id) if job.state in (JobState.NEW, JobState.RUNNING, JobState.LATE) else turn.say(
            turn.words("say.cancelled_none")
        )
    elif verb == "resend":
        turn.resend = job.id
    elif verb in ("clean", "clean_yes"):
        _clean(turn, job, promised=verb == "clean_yes")
    elif verb == "fetch":
        turn.fetch = job.id
        turn.say(turn.words("say.fetching"), job=job.id)
    elif verb == "free":
        _try_for_free(turn, job)
    elif verb in ("again", "retry"):
        ordering.take(turn, once_more(job.order))
    elif not job.pictures:
        turn.say(turn.words("say.nothing_open"))
    elif verb == "stickers":
        turn.stickers = job.id
    elif verb == "edit":
        offers.offer_edits_of(turn, job)
    elif verb == "upscale":
        edit = Edit(action="upscale", scale=2)
        ordering.take(turn, _of_result(job.order, (job.pictures[0].path,), edit, count=1))
    else:
        vary(turn, job.order, job.pictures[0].path)


def _try_for_free(turn: TurnBuilder, job: Job) -> None:
    """Once more on the operator, who offered it; that it is once is counted where the job is committed."""
    if turn.heard.free_try:
        ordering.start(turn, once_more(job.order).model_copy(update={"free_try_of": job.id, "as_is": True}))
    else:
        turn.say(turn.words("say.nothing_open"))


def _clean(turn: TurnBuilder, job: Job, *, promised: bool) -> None:
    """The file without the visible mark: first the promise to label it."""
    if not turn.desk.clean_files or not job.pictures:
        turn.say(turn.words("say.nothing_open"))
    elif promised:
        turn.clean, turn.resend = job, job.id
    else:
        turn.say(turn.words("say.clean"), (Choice(id=f"clean_yes:{job.id}", label=turn.words("choice.clean_yes")),))


def asks_for_variations(order: Order, result: LastResult) -> bool:
    """Whether the text asks only for other versions of the last result's picture."""
    edits = order.shots[0].edits
    return len(edits) == 1 and edits[0].action == "variations" and set(order.photos) <= set(result.pictures)


def vary(turn: TurnBuilder, order: Order, picture: object, *, count: int = 1) -> None:
    """Other versions of the picture; if no provider here makes those, the same order again, several times."""
    count = count if count > 1 else VARIATIONS
    wish = _of_result(order, (picture,), Edit(action="variations"), count=count)
    try:
        turn.desk.quote(wish)
    except LikenessError:
        shots = tuple(s.model_copy(update={"count": count}) for s in order.shots[:1])
        wish = once_more(order).model_copy(update={"shots": shots})
    ordering.take(turn, wish)


def _of_result(order: Order, pictures: tuple[object, ...], edit: Edit, *, count: int) -> Order:
    return Order.model_validate(
        {
            "operation": "edit",
            "shots": (Shot(edits=(edit,), count=count),),
            "model": order.model,
            "photos": pictures,
            "language": order.language,
        }
    )


def once_more(order: Order) -> Order:
    """The same order as another take; whoever made the last one for nothing, this one is an ordinary one."""
    return order.model_copy(update={"take": order.take + 1, "free_try_of": None})


def _again(turn: TurnBuilder, count: int, aspect_ratio: str | None) -> None:
    order = turn.last_order()
    if order is None:
        turn.say(turn.words("say.again_none"))
        return
    order = once_more(order)
    changes: dict[str, object] = {}
    if aspect_ratio:
        changes["aspect_ratio"] = aspect_ratio
    if count > 1 and len(order.shots) == 1:
        changes["shots"] = (order.shots[0].model_copy(update={"count": count}),)
    if turn.intent.model != "nanopro":
        changes["model"] = turn.intent.model
    ordering.take(turn, order.model_copy(update=changes))


def _status(turn: TurnBuilder) -> None:
    if not turn.heard.running:
        turn.say(turn.words("say.status_none"))
        return
    lines = [
        turn.words(
            "say.status_line",
            what=describe(job.order, turn.language),
            state=turn.words(f"state.{job.state.value}"),
            time=seconds((turn.heard.now - job.created).total_seconds(), turn.language),
        )
        for job in turn.heard.running
    ]
    choices = tuple(Choice(id=f"cancel:{job.id}", label=turn.words("choice.cancel")) for job in turn.heard.running[:1])
    turn.say("\n".join(lines), choices)


def _usage(turn: TurnBuilder) -> None:
    usage = turn.heard.usage
    if usage is None or not usage.pictures:
        turn.say(turn.words("say.usage_none"))
        return
    spent = [money(cost, turn.language) for cost in usage.cost if cost]
    cost = " + ".join(spent) or money(Money.zero(), turn.language)
    pictures = turn.words("say.many", n=usage.pictures) if usage.pictures > 1 else turn.words("say.one")
    turn.say(turn.words("say.usage", pictures=pictures, cost=cost))


def _privacy(turn: TurnBuilder) -> None:
    """What is stored and for how long, which companies received something, and how to delete it."""
    privacy = turn.heard.privacy
    if privacy is None:
        return
    companies = [label_of(name) for name in privacy.sent_to if is_company(name)]
    between = turn.words("unit.comma")
    lines = [
        turn.words("say.privacy_kept", days=privacy.days, ledger_days=KEPT.days),
        turn.words("say.privacy_sent", companies=between.join(companies))
        if companies
        else turn.words("say.privacy_nowhere"),
    ]
    if turn.heard.accepted:
        agreed = between.join(label_of(name) for name in sorted(turn.heard.accepted))
        lines.append(turn.words("say.privacy_agreed", companies=agreed))
    if turn.heard.faces:
        kept = between.join(dict.fromkeys(label_of(face.service) for face in turn.heard.faces))
        lines.append(turn.words("face.privacy", n=len(turn.heard.faces), company=kept, days=privacy.days))
    if privacy.moderated_by:
        lines.append(turn.words("say.privacy_moderated", company=privacy.moderated_by))
    if turn.heard.photos_agreed is not None:
        lines.append(turn.words("say.privacy_faces", date=f"{turn.heard.photos_agreed:%Y-%m-%d}"))
    turn.say("\n".join([*lines, turn.words("say.privacy_delete")]))


def _settings(turn: TurnBuilder) -> None:
    session = turn.session
    current = f"choice.lang_{session.language}" if session.language_fixed else "choice.lang_auto"
    choices: tuple[Choice, ...] = (
        Choice(id="language:zh", label=turn.words("choice.lang_zh")),
        Choice(id="language:en", label=turn.words("choice.lang_en")),
        Choice(id="language:auto", label=turn.words("choice.lang_auto")),
    )
    text = turn.words("say.settings", language=turn.words(current))
    if turn.heard.faces is not None:
        which = f"choice.gender_{session.gender}" if session.gender else "face.gender_unsaid"
        text += "\n" + turn.words("face.gender", which=turn.words(which))
        choices += face_orders.gender_choices(turn)
    turn.ask("browse", text, choices)


def _set_language(turn: TurnBuilder, rest: str) -> None:
    if rest not in ("zh", "en", "auto"):
        turn.say(turn.words("say.nothing_open"))
        return
    fixed: Literal["zh", "en"] | None = "zh" if rest == "zh" else "en" if rest == "en" else None
    turn.language = fixed or turn.language
    changes = {"language": turn.language, "language_fixed": fixed is not None, "question": None}
    turn.session = turn.session.model_copy(update=changes)
    turn.say(turn.words("say.language_set" if fixed else "say.language_auto"))


def _cancel_newest(turn: TurnBuilder) -> None:
    """`cancel`: drops an open question; otherwise stops the newest running job."""
    question = turn.session.question
    turn.close_question()
    if turn.heard.running:
        _cancel(turn, turn.heard.running[0].id)
    elif question is not None and question.kind != "browse":
        turn.say(turn.words("say.declined"))
    else:
        turn.say(turn.words("say.cancelled_none"))


def ask_to_cancel(turn: TurnBuilder) -> None:
    """For words that probably call something off. An open question is dropped, which costs nothing; what is being made
    would be lost, so the person is asked first."""
    if not turn.heard.running:
        _cancel_newest(turn)
        return
    question = turn.open_question()
    turn.close_question()
    if question is not None and question.kind != "browse":
        turn.say(turn.words("say.declined"))
    job = turn.heard.running[0]
    stop = Choice(id=f"cancel:{job.id}", label=turn.words("choice.cancel"))
    turn.ask("browse", turn.words("say.cancel_ask", what=describe(job.order, turn.language)), (stop,))


def _cancel(turn: TurnBuilder, job: str) -> None:
    turn.cancel.append(job)
    turn.say(turn.words("say.cancelling"), job=job)


def _ask_to_forget(turn: TurnBuilder) -> None:
    """However it was asked for, because it cannot be undone."""
    choices = (
        Choice(id="forget:yes", label=turn.words("choice.delete")),
        Choice(id="forget:no", label=turn.words("choice.keep")),
    )
    turn.ask("forget", turn.words("say.forget_ask"), choices)


def _forget(turn: TurnBuilder) -> None:
    turn.cancel.extend(job.id for job in turn.heard.running)
    turn.forget = True
    turn.session = Session()
