"""What a ComfyUI has: its node classes, and the model files each of their inputs offers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

CHECKPOINTS = ("CheckpointLoaderSimple", "ckpt_name")
UPSCALERS = ("UpscaleModelLoader", "model_name")
_FACTOR = re.compile(r"(?<![a-z0-9])(?:x(\d)|(\d)x)(?![0-9])|[a-z]x(\d)(?=[a-z_.\-])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """`lists`: class → input → the values it takes, or None for an input that is no list."""

    lists: Mapping[str, Mapping[str, tuple[str, ...] | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, object_info: Any) -> "Inventory":
        """From the answer of `/object_info`; what cannot be read is left out."""
        if not isinstance(object_info, dict):
            return cls()
        return cls(lists={name: _inputs(told) for name, told in object_info.items() if isinstance(told, dict)})

    def values(self, kind: str, name: str) -> tuple[str, ...] | None:
        return self.lists.get(kind, {}).get(name)

    def matching(self, kind: str, name: str, patterns: str) -> str | None:
        """The first value like one of the patterns (`*kontext*|*fill*`, in any case), the patterns in turn."""
        for pattern in patterns.casefold().split("|"):
            for value in self.values(kind, name) or ():
                if fnmatchcase(value.casefold(), pattern):
                    return value
        return None

    @property
    def checkpoints(self) -> tuple[str, ...]:
        return self.values(*CHECKPOINTS) or ()

    @property
    def upscalers(self) -> tuple[str, ...]:
        return self.values(*UPSCALERS) or ()


def factor_of(upscaler: str) -> int:
    """How many times larger a model makes a picture, by its file name (`4x-UltraSharp`, `RealESRGAN_x2plus`).

    4 where the name does not say: nearly all of them are.
    """
    found = _FACTOR.search(upscaler)
    return int(next(digit for digit in found.groups() if digit)) if found else 4


def _inputs(told: Mapping[str, Any]) -> dict[str, tuple[str, ...] | None]:
    groups = told.get("input")
    found: dict[str, tuple[str, ...] | None] = {}
    for group in ("required", "optional"):
        inputs = groups.get(group) if isinstance(groups, dict) else None
        for name, spec in inputs.items() if isinstance(inputs, dict) else ():
            found[name] = _list(spec)
    return found


def _list(spec: Any) -> tuple[str, ...] | None:
    """Both forms: `[[…names…], {…}]` and `["COMBO", {"options": […]}]`."""
    if not isinstance(spec, list) or not spec:
        return None
    values: Any = spec[0]
    if values == "COMBO" and len(spec) > 1 and isinstance(spec[1], dict):
        values = spec[1].get("options")
    return tuple(str(value) for value in values) if isinstance(values, list) else None
