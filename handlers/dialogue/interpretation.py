"""From intent to order: which photos the text refers to, what is missing, and one line that says it back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from handlers.commands import is_command
from handlers.dialogue.answer_matching import names_no_letters
from handlers.dialogue.facts import MessageFacts
from handlers.message import Language, Message
from handlers.order import Edit, IdPhoto, Order, Shot
from handlers.session import LastResult, Session, SessionPhoto
from intent import Intent, is_about_several_photos, parse
from providers.catalog import ACTIONS

BATCH_GAP = timedelta(seconds=90)
"""Photos sent one after another with pauses up to this belong together."""
RESULT_LIFE = timedelta(hours=24)
"""How long a text may still refer to the last result."""

Missing = Literal["photo", "second_photo", "text", "style"]

_PRIORITIES: Mapping[str, Literal["quality", "speed", "cost", "privacy"]] = {
    "best": "quality",
    "fastest": "speed",
    "cheapest": "cost",
    "private": "privacy",
}


def wish_of_command(message: Message) -> Message:
    """`/oil_painting`, which is no command of ours, is read as the request its words make. One that means nothing to us
    counts as no language: it keeps its slash, and so does WeChat's `/:strong`, which is a sign."""
    text = message.text
    if not text.startswith("/") or not text[1:2].isalnum() or is_command(text):
        return message
    command, _, rest = text[1:].partition(" ")
    said = f"{command.replace('_', ' ')} {rest}".strip()
    reading = parse(said, photos=1)
    # A lone word may look like a name of something; only what is surely a wish is taken for one.
    means_nothing = reading.operation == "none" or (not rest and reading.decision != "act")
    return message if means_nothing else replace(message, text=said)


def own_words(message: Message) -> Message:
    """Without text written by somebody else: the caption of a forwarded photo is not a request here."""
    return replace(message, text="") if message.forwarded else message


def batch(session: Session, now: datetime) -> tuple[SessionPhoto, ...]:
    """The unused photos that were last added together."""
    unused = [p for p in session.fresh_photos(now) if not p.used]
    together: list[SessionPhoto] = []
    for photo in reversed(unused):
        if together and together[-1].at - photo.at > BATCH_GAP:
            break
        together.append(photo)
    return tuple(reversed(together))


def fresh_result(session: Session, now: datetime) -> LastResult | None:
    result = session.last_result
    if result is None or (session.begun is not None and result.at <= session.begun):
        return None
    return result if result.pictures and now - result.at <= RESULT_LIFE else None


def photos_in_sight(heard: MessageFacts) -> int:
    """How many pictures the text may refer to: passed to `intent` as `photos`."""
    if came := len(heard.photos) + len(heard.quoted):
        before = 0 if heard.quoted else len(batch(heard.session, heard.now))
        return came + before if before and speaks_of_several(heard.message.text) else came
    if laid := batch(heard.session, heard.now) or heard.session.fresh_photos(heard.now):
        return len(laid)
    result = fresh_result(heard.session, heard.now)
    return 1 if result and heard.now - result.at <= timedelta(minutes=30) else 0


def speaks_of_several(text: str) -> bool:
    """Whether the text is about more photos than the one it came with: "both of us", "each of these"."""
    return bool(text) and is_about_several_photos(text)


def photos_meant(intent: Intent, heard: MessageFacts) -> tuple[Path, ...]:
    """The photos an order is made from.

    Quoted photos win; then those that came with the message (with photos added just before it, see `take_in_photos`);
    then, for an edit, the last result; then those in the session; then the photos of the last order.
    """
    if intent.operation == "create":
        return ()
    if heard.quoted:
        return _paths((*heard.quoted, *heard.photos))
    laid = batch(heard.session, heard.now)
    result = fresh_result(heard.session, heard.now)
    if intent.action == "transfer_style" and len(laid) < 2:
        return _last_two(heard, result)
    if laid:
        return _paths(laid)
    if result and intent.operation == "edit":
        return result.pictures
    fresh = heard.session.fresh_photos(heard.now)
    if fresh:
        return _last_used(heard.session, fresh)
    return result.order.photos or result.pictures if result else ()


def _paths(photos: Sequence[SessionPhoto]) -> tuple[Path, ...]:
    return tuple(p.path for p in photos)


def _last_two(heard: MessageFacts, result: LastResult | None) -> tuple[Path, ...]:
    """For a style transfer: the picture to change first, the style source second."""
    seen = [*(result.pictures[:1] if result else ()), *_paths(heard.session.fresh_photos(heard.now))]
    return tuple(dict.fromkeys(seen))[-2:]


def _last_used(session: Session, fresh: Sequence[SessionPhoto]) -> tuple[Path, ...]:
    lying = set(_paths(fresh))
    before = session.last_order.photos if session.last_order else ()
    again = tuple(p for p in before if p in lying)
    return again or _paths(fresh[-1:])


def order_from(intent: Intent, photos: tuple[Path, ...], language: Language) -> Order:
    """The order of an intent that asks for pictures (`portrait`, `series`, `edit`, `create`)."""
    shots: tuple[Shot, ...]
    match intent.operation:
        case "series":
            shots = tuple(Shot(style=i.style, scene=i.scene, prompt=i.prompt) for i in intent.items)
        case "edit":
            then = (Edit(action=t.action, prompt=t.prompt, scale=t.scale) for t in intent.then)
            first = Edit(action=intent.action or "edit", prompt=intent.prompt, scale=intent.scale)
            shots = (Shot(edits=(first, *then), count=intent.count),)
        case "create":
            shots = (Shot(prompt=intent.prompt, count=intent.count),)
        case _:
            id_photo = intent.parameters.id_photo
            shots = (
                Shot(
                    style=intent.style,
                    scene=intent.scene,
                    prompt=intent.prompt,
                    id_photo=IdPhoto(**asdict(id_photo)) if id_photo else None,
                    count=intent.count,
                ),
            )
    operation = intent.operation if intent.operation in ("series", "edit", "create") else "portrait"
    return Order(
        operation=operation,
        shots=shots,
        model=intent.model,
        aspect_ratio=intent.aspect_ratio,
        photos=photos,
        photos_as=intent.photos_as,
        language=language,
        **wishes(intent),
    )


def wishes(intent: Intent) -> dict[str, Any]:
    """What the text says about provider, quality and the like: fields of `Order`, only those mentioned."""
    said = {
        "provider": intent.provider or intent.service,
        "priority": _PRIORITIES[intent.priority] if intent.priority else None,
        "consistency": intent.consistency,
        "block": intent.not_services or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def sized(order: Order, session: Session, heard: MessageFacts) -> Order:
    """The order with the size of each photo, where all are known: edits depend on it, and how long it takes."""
    known = {p.path: (p.width, p.height) for p in (*session.photos, *heard.photos, *heard.quoted)}
    if session.last_result is not None:
        known |= dict(zip(session.last_result.pictures, session.last_result.sizes, strict=False))
    if heard.named_job is not None:
        known |= {p.path: (p.width, p.height) for p in heard.named_job.pictures}
    sizes = tuple(known[photo] for photo in order.photos if photo in known)
    return order.model_copy(update={"sizes": sizes if len(sizes) == len(order.photos) else ()})


def missing(order: Order) -> Missing | None:
    """What the person must still provide before the order can be made."""
    if order.face is not None:
        return None
    if order.template is not None:
        return None if order.photos else "photo"
    if order.operation == "create":
        return None if order.shots[0].prompt else "text"
    if not order.photos:
        return "photo"
    if order.operation == "edit":
        actions = [ACTIONS[e.action] for shot in order.shots for e in shot.edits if e.action in ACTIONS]
        if any(a.photos > len(order.photos) for a in actions):
            return "second_photo"
        edits = [e for shot in order.shots for e in shot.edits]
        if any(_lacks_text(e, len(order.photos)) for e in edits):
            return "text"
        return None
    if order.operation != "train_face" and any(not (s.style or s.prompt or s.scene) for s in order.shots):
        return "style"
    return None


def _lacks_text(edit: Edit, photos: int) -> bool:
    if edit.action not in ACTIONS or not ACTIONS[edit.action].text_needed(photos):
        return False
    return not edit.prompt or (ACTIONS[edit.action].letters and names_no_letters(edit.prompt))


def with_text(order: Order, text: str) -> Order:
    """The order completed with the text it was waiting for."""
    shot = order.shots[0]
    if order.operation != "edit":
        return order.model_copy(update={"shots": (shot.model_copy(update={"prompt": text}), *order.shots[1:])})

    def fill(edit: Edit) -> Edit:
        lacks = _lacks_text(edit, len(order.photos))
        return edit.model_copy(update={"prompt": text}) if lacks else edit

    shots = tuple(s.model_copy(update={"edits": tuple(fill(e) for e in s.edits)}) for s in order.shots)
    return order.model_copy(update={"shots": shots})
