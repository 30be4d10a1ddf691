"""Choice ids that mean the same to everybody at any time: used in menus made by operators and in printed QR codes."""

from providers.catalog import ACTIONS, STYLE_GROUPS, STYLES


def leads_somewhere(choice: str) -> bool:
    """`groups`, `edits`, `style:KEY`, `action:KEY`, `group:KEY`, or the bare key of a style or an edit."""
    kinds = {"style": STYLES, "action": ACTIONS, "group": STYLE_GROUPS}
    kind, _, rest = choice.partition(":")
    return choice in ("groups", "edits") or choice in STYLES or choice in ACTIONS or rest in kinds.get(kind, {})
