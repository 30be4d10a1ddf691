"""Choices to tap: styles by group, edits, and the possible answers to a question."""

from collections.abc import Callable, Sequence
from functools import cache

from handlers.message import Choice, Language
from handlers.order import Edit, Order, Shot
from handlers.words import words
from providers.catalog import ACTIONS, STYLE_GROUPS, STYLES
from providers.errors import LikenessError

Possible = Callable[[Order], bool]

EDITS_OFFERED: tuple[str, ...] = (
    "retouch",
    "replace_bg",
    "enhance",
    "upscale",
    "restore",
    "colorize",
    "remove_person",
    "extend",
    "filter",
    "text_render",
    "slim",
    "before_after",
)


def possible_with(quote: Callable[[Order], object]) -> Possible:
    """Whether any configured provider can do an order, from a function that prices it."""

    def possible(order: Order) -> bool:
        try:
            quote(order)
        except LikenessError:
            return False
        return True

    return possible


def styles_possible(base: Order, possible: Possible) -> tuple[str, ...]:
    """The styles that some provider here can make from the photos of `base`, in catalog order."""
    return tuple(
        key for key in STYLES if possible(base.model_copy(update={"operation": "portrait", "shots": _style_shots(key)}))
    )


def actions_possible(base: Order, possible: Possible, keys: Sequence[str] = EDITS_OFFERED) -> tuple[str, ...]:
    """Likewise for edits. An action that needs text is tried with a plain one."""
    return tuple(key for key in keys if possible(_edited(base, key)))


def with_key(base: Order, key: str) -> Order:
    """`base` as an order of this style or action."""
    if key in STYLES:
        return base.model_copy(update={"operation": "portrait", "shots": _style_shots(key)})
    return _edited(base, key)


def any_action_possible(base: Order, possible: Possible) -> bool:
    return any(possible(_edited(base, key)) for key in EDITS_OFFERED)


def _edited(base: Order, key: str) -> Order:
    return base.model_copy(update={"operation": "edit", "shots": _edit_shots(key)})


@cache
def _style_shots(key: str) -> tuple[Shot, ...]:
    # Built once: a menu asks for all of them, and the quote cache is keyed by identity.
    return (Shot(style=key),)


@cache
def _edit_shots(key: str) -> tuple[Shot, ...]:
    return (Shot(edits=(Edit(action=key, prompt="white" if ACTIONS[key].needs_text else None),)),)


def style_choices(keys: Sequence[str], language: Language) -> tuple[Choice, ...]:
    return tuple(Choice(id=f"style:{k}", label=STYLES[k].name(language)) for k in keys)


def action_choices(keys: Sequence[str], language: Language) -> tuple[Choice, ...]:
    return tuple(Choice(id=f"action:{k}", label=ACTIONS[k].name(language)) for k in keys)


def group_choices(keys: Sequence[str], language: Language, *, edits: bool) -> tuple[Choice, ...]:
    """The groups of the given styles, in display order, and the edits as the last group."""
    groups = dict.fromkeys(STYLES[k].group for k in keys)
    chosen = [Choice(id=f"group:{g}", label=STYLE_GROUPS[g].name(language)) for g in STYLE_GROUPS if g in groups]
    if edits:
        chosen.append(Choice(id="edits", label=words(language, "choice.edits")))
    return tuple(chosen)


def group_name(group: str, language: Language) -> str:
    return STYLE_GROUPS[group].name(language)


def in_group(keys: Sequence[str], group: str) -> tuple[str, ...]:
    return tuple(k for k in keys if STYLES[k].group == group)


def key_choices(keys: Sequence[str], language: Language) -> tuple[Choice, ...]:
    """Choices for the style or action keys of an `ask`."""
    return tuple(
        Choice(id=f"style:{k}", label=STYLES[k].name(language))
        if k in STYLES
        else Choice(id=f"action:{k}", label=ACTIONS[k].name(language))
        for k in keys
        if k in STYLES or k in ACTIONS
    )
