"""The catalog as rows for `likeness styles`, `likeness actions` and the documents: JSON-able, in the order shown."""

from collections.abc import Mapping
from typing import TypedDict

from providers.catalog.records import (
    ACTION_GROUPS,
    ACTIONS,
    MODELS,
    STYLE_GROUPS,
    STYLES,
    Action,
    Group,
    Model,
    Style,
)


class BothLanguages(TypedDict):
    """One text in both languages."""

    en: str
    zh: str


class Row(TypedDict):
    """A style or an action. `needs`: what the person sends. `aspect_ratio`: None for that of the photo."""

    key: str
    group: str
    group_name: BothLanguages
    name: BothLanguages
    use: BothLanguages
    needs: list[str]
    aspect_ratio: str | None


class StyleRow(Row):
    """`likeness`: whether the face of the photo is kept."""

    likeness: bool


class ModelRow(TypedDict):
    """A model. `seconds`: what one picture typically takes."""

    key: str
    name: BothLanguages
    use: BothLanguages
    seconds: int


def style_rows() -> list[StyleRow]:
    """Every style, group by group."""
    return [
        StyleRow(**_row(style, STYLE_GROUPS), likeness=style.likeness)
        for group in STYLE_GROUPS
        for style in STYLES.values()
        if style.group == group
    ]


def action_rows() -> list[Row]:
    """Every action, group by group."""
    return [
        _row(action, ACTION_GROUPS) for group in ACTION_GROUPS for action in ACTIONS.values() if action.group == group
    ]


def model_rows() -> list[ModelRow]:
    """Every model, the default first."""
    return [ModelRow(key=m.key, name=_name(m), use=_use(m), seconds=m.seconds) for m in MODELS.values()]


def _row(record: Style | Action, groups: Mapping[str, Group]) -> Row:
    return Row(
        key=record.key,
        group=record.group,
        group_name=_name(groups[record.group]),
        name=_name(record),
        use=_use(record),
        needs=list(record.needs),
        aspect_ratio=record.aspect_ratio,
    )


def _name(record: Style | Action | Model | Group) -> BothLanguages:
    return BothLanguages(en=record.name_en, zh=record.name_zh)


def _use(record: Style | Action | Model) -> BothLanguages:
    return BothLanguages(en=record.use_en, zh=record.use_zh)
