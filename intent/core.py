"""The core of a reading: its operation and the one key that goes with it, as one name.

`portrait:anime`, `portrait:` (in the person's own words), `ask:id` (a question back), `series`, `edit:retouch`,
`create`, `command:help`, `none`. The core is what is chosen; count, ratio, scene and the other slots are read by rules.
"""

from intent.intent import Intent

ASKED: dict[str, tuple[str, ...]] = {
    "dating": ("dating_cafe", "dating_beach", "dating_city", "dating_restaurant"),
    "id": ("id_photo_white", "id_photo_blue", "id_photo_red"),
    "beach": ("travel_tropical", "dating_beach"),
    "travel": ("travel_europe", "travel_japan", "travel_tropical"),
    "sport": ("sports_gym", "sports_running", "summer_sport"),
}
"""What is asked back about, and the keys that are offered."""
_GROUP = {frozenset(keys): name for name, keys in ASKED.items()}


def core_of(intent: Intent) -> str:
    return core(intent.operation, intent.style or intent.action or intent.command, intent.ask)


def core(operation: str, key: str | None, ask: tuple[str, ...] = ()) -> str:
    if ask:
        return f"ask:{_GROUP.get(frozenset(ask), 'other')}"
    if operation in ("portrait", "edit", "command"):
        return f"{operation}:{key or ''}"
    return operation


def operation_of(name: str) -> str:
    """The operation of a core; that of a question back is `ask`."""
    return name.partition(":")[0]
