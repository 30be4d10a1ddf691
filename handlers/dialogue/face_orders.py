"""Portraits of a person's trained face: when it is used, and with which of its presets."""

from collections.abc import Sequence

from handlers.dialogue.turn import TurnBuilder
from handlers.message import Choice
from handlers.order import Order
from providers.catalog import STYLES
from providers.errors import LikenessError
from providers.faces import TrainedFace


def applied(turn: TurnBuilder, order: Order) -> Order:
    """The order with the trained face, if the session has no photos but those it was trained from, and a preset fits;
    otherwise unchanged."""
    if order.operation != "portrait" or order.face or order.template:
        return order
    if not set(order.photos) <= set(turn.session.trained_from):
        return order
    made = of_face(turn, order)
    if made is None or order.shots[0].style not in presets(turn.heard.faces or ()):
        return order
    try:
        turn.desk.quote(made if not lacks_gender(made) else made.model_copy(update={"gender": "female"}))
    except LikenessError:
        return order
    return made


def of_face(turn: TurnBuilder, order: Order) -> Order | None:
    face = next((face for face in turn.heard.faces or () if face.status == "ready"), None)
    if face is None:
        return None
    changes = {
        "face": face.id,
        "provider": face.service,
        "photos": (),
        "sizes": (),
        "gender": turn.session.gender or face.gender,
        "aspect_ratio": None,
    }
    shots = tuple(shot.model_copy(update={"id_photo": None}) for shot in order.shots)
    return order.model_copy(update={**changes, "shots": shots})


def lacks_gender(order: Order) -> bool:
    """Whether it has a preset for each gender and the person's gender is not known."""
    style = order.shots[0].style
    if order.face is None or order.template is not None or order.gender is not None:
        return False
    return style is not None and style in STYLES and len(STYLES[style].variants) > 1


def ask_gender(turn: TurnBuilder, order: Order) -> None:
    turn.ask("gender", turn.words("face.ask_gender"), gender_choices(turn), order=order)


def gender_choices(turn: TurnBuilder) -> tuple[Choice, ...]:
    return tuple(
        Choice(id=f"gender:{gender}", label=turn.words(f"choice.gender_{gender}")) for gender in ("female", "male")
    )


def presets(faces: Sequence[TrainedFace]) -> tuple[str, ...]:
    services = {face.service for face in faces}
    return tuple(key for key, style in STYLES.items() if services & set(style.presets))
