"""Labelled messages: reading them and comparing a reading with what is expected, as the exam does."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intent import Intent, parse

HERE = Path(__file__).parent
_DEFAULTS: dict[str, Any] = {
    "style": None, "action": None, "command": None, "model": "nanopro", "count": 1, "aspect_ratio": None,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Labelled:
    text: str
    photos: int
    accepted: tuple[dict[str, Any], ...]
    """Whole alternatives, the expected one first."""

    @property
    def operation(self) -> str:
        return str(self.accepted[0]["operation"])

    def faults(self, got: Intent) -> list[str]:
        """The fields that are wrong against the alternative that fits best; empty where the reading is right."""
        return min((_faults(want, got) for want in self.accepted), key=len)


def load(name: str) -> list[Labelled]:
    out = []
    for line in (HERE / name).read_text("utf-8").splitlines():
        row = json.loads(line)
        expect = dict(row["expect"])
        others = expect.pop("accept", [])
        out.append(Labelled(text=row["text"], photos=row["photos"], accepted=(expect, *others)))
    return out


def score(rows: list[Labelled]) -> tuple[float, list[str]]:
    """The share that is exactly right, and a line for each that is not."""
    wrong = []
    for row in rows:
        faults = row.faults(parse(row.text, photos=row.photos))
        if faults:
            wrong.append(f"{faults} {row.text}")
    return 1 - len(wrong) / len(rows), wrong


def _faults(want: dict[str, Any], got: Intent) -> list[str]:
    if got.operation != want["operation"]:
        return ["operation", got.operation]
    if got.operation == "none":
        return []
    keys = ["command"] if got.operation == "command" else [*_DEFAULTS]
    if got.operation == "series":
        keys = [k for k in keys if k not in ("count", "style")]
    wrong = [k for k in keys if getattr(got, k) != want.get(k, _DEFAULTS[k])]
    wrong += ["scale"] * ("scale" in want and got.scale != want["scale"])
    wrong += ["ask"] * (set(want.get("ask", ())) != set(got.ask))
    if got.operation == "series" and [i.style for i in got.items] != [i["style"] for i in want.get("items", ())]:
        wrong.append("items")
    words = " ".join(filter(None, [got.prompt, got.scene, *(t.prompt for t in got.then)]))
    words += " ".join(f"{i.prompt or ''} {i.scene or ''}" for i in got.items)
    return wrong + [f"prompt_has {w}" for w in want.get("prompt_has", ()) if w not in words]
