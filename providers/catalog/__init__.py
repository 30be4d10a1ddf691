"""The catalog, as data: portrait styles, edit actions, models. Adding one means adding a record."""

from providers.catalog.keys import (
    check_action,
    check_count,
    check_model,
    check_ratio,
    check_scale,
    check_style,
)
from providers.catalog.records import (
    ACTION_GROUPS,
    ACTIONS,
    MODELS,
    STYLE_GROUPS,
    STYLES,
    Action,
    Group,
    Language,
    Model,
    Style,
    actions_in,
    styles_in,
)

__all__ = [
    "ACTIONS",
    "ACTION_GROUPS",
    "MODELS",
    "STYLES",
    "STYLE_GROUPS",
    "Action",
    "Group",
    "Language",
    "Model",
    "Style",
    "actions_in",
    "check_action",
    "check_count",
    "check_model",
    "check_ratio",
    "check_scale",
    "check_style",
    "styles_in",
]
