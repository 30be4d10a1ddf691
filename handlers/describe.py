"""An order as one short phrase in the person's language."""

from handlers.message import Language
from handlers.order import Order, Shot
from handlers.words import words
from intent.own_looks import look_named
from providers.catalog import ACTIONS, STYLES


def describe(order: Order, language: Language) -> str:
    """The order as one short phrase: `动漫`, `Restore, then Colorize`, `Anime, Watercolour`."""
    if order.operation == "train_face":
        return words(language, "name.train_face")
    if order.sheet:
        return words(language, "name.expression_sheet" if order.expressions else "name.character_sheet")
    if order.template is not None:
        return words(language, "name.template")
    if order.face is not None:
        return words(language, "name.with_face", style=_shot_name(order.shots[0], language))
    if order.operation == "series":
        items = "、" if language == "zh" else ", "
        names = items.join(dict.fromkeys(_shot_name(shot, language) for shot in order.shots))
        photos = {shot.photo for shot in order.shots} - {None}
        return words(language, "say.each", what=names, n=len(photos)) if photos else names
    if order.mask is not None:
        return _marked_name(order.shots[0], language)
    name = _shot_name(order.shots[0], language) if order.operation != "create" else words(language, "name.create")
    if len(order.shots) > 1:
        return words(language, "say.each", what=name, n=len(order.shots))
    return name


def _marked_name(shot: Shot, language: Language) -> str:
    """Of an edit of a marked place, and what follows it."""
    first, *others = shot.edits
    gone = first.action == "remove_person"
    text = words(language, "name.marked_gone" if gone else "name.marked_changed", what=_short(first.prompt or ""))
    for edit in others:
        text = words(language, "say.chain", first=text, then=ACTIONS[edit.action].name(language))
    return text


def _shot_name(shot: Shot, language: Language) -> str:
    if shot.edits:
        names = [ACTIONS[e.action].name(language) if e.action in ACTIONS else e.action for e in shot.edits]
        text = names[0]
        for then in names[1:]:
            text = words(language, "say.chain", first=text, then=then)
        return text
    if shot.style is not None and shot.style in STYLES:
        name = STYLES[shot.style].name(language)
        return words(language, "say.own_scene", style=name, scene=_short(shot.scene)) if shot.scene else name
    if shot.prompt and (look := look_named(shot.prompt)):
        return words(language, f"name.look_{look}")
    if shot.prompt:
        return words(language, "name.own_prompt", prompt=_short(shot.prompt))
    return words(language, "name.portrait")


def _short(text: str, limit: int = 40) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
