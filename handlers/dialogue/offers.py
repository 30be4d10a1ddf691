"""The menus: styles by group, edits, and alternatives after "this cannot be done here"."""

from collections.abc import Sequence
from pathlib import Path

from handlers.dialogue import children, menus
from handlers.dialogue.profile_photos import CHOICE as PROFILE_PHOTO
from handlers.dialogue.turn import SheetOfStyles, TurnBuilder
from handlers.message import Choice
from handlers.order import Edit, Order, Shot
from handlers.session import LastResult
from handlers.store.base import Job
from intent import Intent
from providers.catalog import STYLES

_PHOTO = Path("photo.jpg")
"""Stands for the photo that is still to come: what is quoted is only that there is one."""


def offer_groups(turn: TurnBuilder, *, photo_came: bool) -> None:
    base = turn.order(Intent(operation="portrait", style="professional"))
    possible = menus.possible_with(turn.desk.quote)
    styles = children.fitting(turn, menus.styles_possible(base, possible))
    edits = menus.any_action_possible(base, possible)
    text = turn.words("say.groups")
    if photo_came:
        n = len(base.photos)
        text = turn.words("say.photos_first", n=n) if n > 1 else turn.words("say.photo_first")
    choices = menus.group_choices(styles, turn.language, edits=edits)
    if len(sketched(turn)) > 1:
        choices += (Choice(id="sketches", label=turn.words("choice.sketches")),)
    turn.ask("browse", text, choices)


def own_photo(turn: TurnBuilder) -> tuple[Choice, ...]:
    """Beside "send me a photo": the profile photo instead. In a group the question opens a reply, which has no room for
    buttons; it is named by words there."""
    if not turn.desk.profile_photos or turn.heard.message.group:
        return ()
    return (Choice(id=PROFILE_PHOTO, label=turn.words("choice.profile_photo")),)


def sketched(turn: TurnBuilder) -> tuple[str, ...]:
    """The styles of a sheet of previews on the photo that lies there; none without a photo."""
    return children.fitting(turn, turn.desk.sketches) if turn.session.fresh_photos(turn.heard.now) else ()


def offer_sketches(turn: TurnBuilder) -> None:
    """The sheet follows; its numbers pick already."""
    keys = sketched(turn)
    if not keys:
        turn.say(turn.words("say.need_photo_bare"))
        return
    turn.ask("browse", turn.words("say.sketching"), menus.style_choices(keys, turn.language))
    turn.sheet = SheetOfStyles(styles=keys, asked=True)


def possible_of(turn: TurnBuilder, orders: Sequence[Order]) -> list[Order]:
    """Those that somebody here can make; that a photo is still to come is no hindrance."""
    possible = menus.possible_with(turn.desk.quote)
    return [order for order in orders if possible(_with_a_photo(order))]


def keys_possible(turn: TurnBuilder, base: Order, keys: Sequence[str]) -> tuple[str, ...]:
    """The styles and actions of a question that somebody here can make."""
    possible = menus.possible_with(turn.desk.quote)
    return tuple(key for key in keys if possible(_with_a_photo(menus.with_key(base, key))))


def _with_a_photo(order: Order) -> Order:
    return order if order.photos or order.operation == "create" else order.model_copy(update={"photos": (_PHOTO,)})


def offer_group(turn: TurnBuilder, group: str) -> None:
    base = turn.order(Intent(operation="portrait", style="professional"))
    keys = children.fitting(
        turn, menus.in_group(menus.styles_possible(base, menus.possible_with(turn.desk.quote)), group)
    )
    if not keys:
        turn.say(turn.words("say.nothing_open"))
        return
    lines = [f"{STYLES[k].name(turn.language)}: {STYLES[k].use(turn.language)}" for k in keys]
    name = menus.group_name(group, turn.language)
    text = "\n".join([turn.words("say.styles_of", group=name), *lines])
    turn.ask("browse", text, menus.style_choices(keys, turn.language))
    turn.sheet = SheetOfStyles(styles=keys, asked=False)


def offer_edits(turn: TurnBuilder) -> None:
    base = turn.order(Intent(operation="edit", action="edit"))
    keys = children.fitting(turn, menus.actions_possible(base, menus.possible_with(turn.desk.quote)))
    turn.ask("browse", turn.words("say.edits"), menus.action_choices(keys, turn.language))


def offer_edits_of(turn: TurnBuilder, job: Job) -> None:
    """What can be changed in the pictures of a job. Text that follows refers to them, even if newer pictures exist."""
    pictures = tuple(picture.path for picture in job.pictures)
    sizes = tuple((picture.width, picture.height) for picture in job.pictures)
    result = LastResult(job=job.id, order=job.order, pictures=pictures, sizes=sizes, at=turn.heard.now)
    turn.session = turn.session.model_copy(update={"last_result": result})
    shot = Shot(edits=(Edit(action="edit"),))
    base = Order(operation="edit", shots=(shot,), model=job.order.model, photos=pictures, language=turn.language)
    keys = children.fitting(turn, menus.actions_possible(base, menus.possible_with(turn.desk.quote)))
    turn.ask("style", turn.words("say.edits"), menus.action_choices(keys, turn.language), order=base)


def ways_out(turn: TurnBuilder, order: Order) -> tuple[Choice, ...]:
    """After "this cannot be done here": what can be done, one tap away."""
    if not order.photos:
        return ()
    return (
        Choice(id="groups", label=turn.words("choice.more_styles")),
        Choice(id="edits", label=turn.words("choice.edits")),
    )
