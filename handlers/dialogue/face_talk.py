"""Messages about a person's trained faces, and pictures used as templates: train, list, delete, use.

A training is confirmed before it starts, with its price, a realistic time and where the face is stored. A portrait uses
the trained face if the text says so, or if there is no photo and the style has a preset.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from handlers.dialogue import answer_matching, face_orders, ordering
from handlers.dialogue.face_words import FaceWords, face_words
from handlers.dialogue.interpretation import batch
from handlers.dialogue.turn import TurnBuilder
from handlers.message import Choice
from handlers.order import Order, Shot
from handlers.session import Question, SessionPhoto
from handlers.words import estimated, seconds
from intent import Intent, parse
from providers.catalog import STYLES
from providers.errors import LikenessError
from providers.faces import MOST_PHOTOS
from providers.registry import label_of

PEOPLE = 5
"""Photos of a person that go into a template at most."""


def said(turn: TurnBuilder, text: str) -> bool:
    """Whether the text is about a face or a template; if so, it was acted on."""
    words = face_words(text)
    if words.wish == "template":
        _template(turn, words)
    elif words.wish is not None and turn.heard.faces is None:
        turn.say(turn.words("face.nobody"))
    elif words.wish == "train":
        train(turn, _photos(turn))
    elif words.wish == "list":
        _list(turn)
    elif words.wish == "delete":
        _delete(turn, text)
    elif words.trained:
        _with_face(turn, words)
    else:
        return False
    return True


# --- training


def train(turn: TurnBuilder, photos: Sequence[Path]) -> None:
    """Ask for photos, or say what a training takes and ask whether to begin."""
    order = Order(
        operation="train_face",
        shots=(Shot(),),
        photos=tuple(photos[-MOST_PHOTOS:]),
        gender=turn.session.gender,
        language=turn.language,
    )
    if not order.photos:
        turn.ask("photo", turn.words("face.need_photos"), order=order)
        return
    try:
        quote = turn.desk.quote(order)
    except LikenessError as error:
        ordering.refuse(turn, order, error)
        return
    text = turn.words(
        "face.confirm",
        n=len(order.photos),
        cost=estimated(quote.cost, turn.language),
        time=seconds(quote.seconds, turn.language),
        company=" / ".join(map(label_of, quote.companies)),
    )
    choices = (
        Choice(id="confirm:yes", label=turn.words("choice.yes")),
        Choice(id="confirm:no", label=turn.words("choice.no")),
    )
    turn.ask("confirm", text, choices, order=order)


def confirmed(turn: TurnBuilder, order: Order) -> None:
    """The person agreed, having read which company their photos go to."""
    turn.accept.extend(turn.desk.quote(order).companies if turn.accepted is not None else ())
    ordering.start(turn, order)
    if turn.jobs:
        turn.session = turn.session.model_copy(update={"trained_from": order.photos})


def photos_came(turn: TurnBuilder, question: Question) -> bool:
    """Photos that arrive while a training is being confirmed belong to it."""
    if question.order is None or question.order.operation != "train_face":
        return False
    if not turn.heard.photos or turn.intent.operation != "none":
        return False
    came = (photo.path for photo in turn.heard.photos)
    train(turn, tuple(dict.fromkeys((*question.order.photos, *came))))
    return True


def _photos(turn: TurnBuilder) -> tuple[Path, ...]:
    came = (*turn.heard.quoted, *turn.heard.photos)
    photos = batch(turn.session, turn.heard.now) or came or turn.session.fresh_photos(turn.heard.now)
    return tuple(photo.path for photo in photos)


# --- listing, deleting


def _list(turn: TurnBuilder) -> None:
    faces = turn.heard.faces or ()
    if not faces:
        turn.say(turn.words("face.none"))
        return
    lines = [
        turn.words("face.line", name=face.name, day=f"{face.created:%Y-%m-%d}", company=label_of(face.service))
        for face in faces
    ]
    choices = tuple(
        Choice(id=f"unface:{face.name}", label=turn.words("choice.delete_face", name=face.name)) for face in faces
    )
    turn.ask("browse", "\n".join(lines), choices)


def _delete(turn: TurnBuilder, text: str) -> None:
    """The one that the text names by its number, otherwise the newest; confirmed first."""
    faces = turn.heard.faces or ()
    said = set(re.findall(r"\d+", text))
    face = next((face for face in faces if face.name in said), next(iter(faces), None))
    if face is None:
        turn.say(turn.words("face.none"))
        return
    choices = (
        Choice(id=f"unface_yes:{face.name}", label=turn.words("choice.delete_face", name=face.name)),
        Choice(id="unface_no", label=turn.words("choice.keep")),
    )
    turn.ask("browse", turn.words("face.delete_ask", name=face.name), choices)


def _deleted(turn: TurnBuilder, name: str) -> None:
    face = next((face for face in turn.heard.faces or () if face.name == name), None)
    if face is None:
        turn.say(turn.words("say.nothing_open"))
        return
    turn.drop_faces.append(face.id)
    turn.say(turn.words("face.deleted", name=name))


# --- portraits of a trained face


def tapped(turn: TurnBuilder, verb: str, rest: str) -> None:
    """`face:STYLE`, `gender:female`, `unface:NAME` and its answers."""
    if verb == "face" and rest in STYLES:
        order = turn.order(Intent(operation="portrait", style=rest))
        ordering.take(turn, face_orders.of_face(turn, order) or order)  # the face may have been deleted meanwhile
    elif verb == "unface":
        _delete(turn, rest)
    elif verb == "unface_yes":
        turn.close_question()
        _deleted(turn, rest)
    elif verb == "unface_no":
        turn.close_question()
        turn.say(turn.words("say.declined"))
    elif verb == "gender" and rest in ("female", "male"):
        _set_gender(turn, "female" if rest == "female" else "male")
    else:
        turn.say(turn.words("say.nothing_open"))


def _set_gender(turn: TurnBuilder, gender: str) -> None:
    question = turn.open_question()
    turn.session = turn.session.model_copy(update={"gender": gender, "question": None})
    if question is not None and question.kind == "gender" and question.order is not None:
        ordering.take(turn, question.order.model_copy(update={"gender": gender}))
    else:
        turn.say(turn.words("face.gender_set", which=turn.words(f"choice.gender_{gender}")))


def _with_face(turn: TurnBuilder, words: FaceWords) -> None:
    """A portrait that is to use the trained face."""
    faces = turn.heard.faces or ()
    intent = parse(words.rest, photos=1) if words.rest else turn.intent
    wish = intent if intent.operation == "portrait" else Intent(operation="portrait")
    order = face_orders.of_face(turn, turn.order(wish))
    if order is None:
        turn.say(turn.words("face.none"))
    elif order.shots[0].style in face_orders.presets(faces):
        ordering.take(turn, order)
    else:
        keys = face_orders.presets(faces)
        choices = tuple(Choice(id=f"face:{key}", label=STYLES[key].name(turn.language)) for key in keys)
        turn.ask("browse", turn.words("face.presets"), choices)


# --- templates


def _template(turn: TurnBuilder, words: FaceWords) -> None:
    """Which picture is the template, and who goes into it: photos, otherwise the trained face, otherwise ask for
    photos."""
    template, people = _template_and_people(turn)
    if template is None:
        turn.say(turn.words("face.need_template"))
        return
    wish = parse(words.rest, photos=1) if words.rest else None
    more = None
    if wish is not None and wish.operation in ("portrait", "edit"):
        more = wish.prompt or wish.scene
    order = Order(
        operation="portrait",
        shots=(Shot(prompt=more, count=turn.intent.count),),
        photos=tuple(photo.path for photo in people[-PEOPLE:]),
        template=template.path,
        retouch=words.retouch,
        language=turn.language,
    )
    face = face_orders.of_face(turn, order)
    if not order.photos and face is not None:
        order = face.model_copy(update={"template": template.path})
    if not order.photos and order.face is None:
        turn.ask("photo", turn.words("face.need_person"), order=order)
        return
    ordering.take(turn, order)


def _template_and_people(turn: TurnBuilder) -> tuple[SessionPhoto | None, tuple[SessionPhoto, ...]]:
    """A picture replied to is the template; otherwise the one the text singles out; otherwise the last that came."""
    heard = turn.heard
    lying = turn.session.fresh_photos(heard.now)
    if heard.quoted:
        template = heard.quoted[0]
        people = heard.photos or tuple(photo for photo in lying if photo.path != template.path)
        return template, people
    together = batch(turn.session, heard.now) or lying[-2:]
    if not together:
        return None, ()
    n = answer_matching.picture_named(heard.message.text, len(together)) or len(together)
    template = together[n - 1]
    people = tuple(photo for photo in together if photo.path != template.path)
    earlier = tuple(photo for photo in lying if photo not in together)
    return template, people or earlier[-1:]
