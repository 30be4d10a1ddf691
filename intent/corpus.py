"""The labelled messages of `intent/data/`: who wrote them, and which writers are held out."""

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

FOLDER = "intent.data"


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """`held_out`: only measured, never trained on; `looked_at`: its failures have been read while working, so only the
    other held-out writers say what a stranger gets. `for_rules`: the rules were made with these messages, so how well
    the rules read them says nothing about strangers."""

    name: str
    language: str
    voice: str
    who: str
    held_out: bool = False
    looked_at: bool = False
    for_rules: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """`accepted`: whole alternatives, the expected one first."""

    text: str
    photos: int
    accepted: tuple[dict[str, Any], ...]
    writer: Writer

    @property
    def operation(self) -> str:
        return str(self.accepted[0]["operation"])


@cache
def writers() -> dict[str, Writer]:
    tables = tomllib.loads(files(FOLDER).joinpath("writers.toml").read_text("utf-8"))
    return {name: Writer(name=name, **table) for name, table in tables.items()}


def digest() -> str:
    """A hash of all that is trained on: the arrays carry that of the messages they were made from."""
    whole = sha256()
    for name in sorted(w.name for w in writers().values() if not w.held_out):
        whole.update(files(FOLDER).joinpath(f"{name}.jsonl").read_bytes())
    return whole.hexdigest()


def messages_of(writer: Writer) -> list[Labelled]:
    out = []
    for line in files(FOLDER).joinpath(f"{writer.name}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        expect = dict(row["expect"])
        others = expect.pop("accept", [])
        out.append(Labelled(text=row["text"], photos=row["photos"], accepted=(expect, *others), writer=writer))
    return out
