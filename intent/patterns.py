"""The longer patterns of the rules, out of `lexicon/patterns.toml`."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from intent.gate import Gated


@cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("intent.lexicon").joinpath("patterns.toml").read_text("utf-8"))


def _lines(module: str, name: str) -> list[str]:
    table = _tables()[module]
    lines = table[name].removesuffix("\n").split("\n")
    for key, value in table.items():
        lines = [line.replace(f"<<{key}>>", value) for line in lines]
    return lines


def pattern(module: str, name: str) -> re.Pattern[str]:
    """The pattern of a module: its lines are the alternatives."""
    return re.compile("|".join(_lines(module, name)))


def gated(module: str, name: str) -> Gated:
    """The same, for searching whole messages: where the message cannot match, nothing is searched."""
    return Gated(_lines(module, name))
