"""The longer patterns of the rules, out of `lexicon/patterns.toml`."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from intent.prefilter import Prefiltered


@cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("intent.lexicon").joinpath("patterns.toml").read_text("utf-8"))


def _lines(module: str, name: str) -> list[str]:
    table = _tables()[module]
    lines = table[name].removesuffix("\n").split("\n")
    for key, value in table.items():
        lines = [line.replace(f"<<{key}>>", value) for line in lines]
    return lines


def _shorter(lines: list[str]) -> list[str]:
    """The same alternatives, with characters that stand alone one after the other as one set."""
    out: list[str] = []
    for line in lines:
        alone = len(line) == 1 and line.isalpha()
        if alone and out and out[-1].startswith("[") and out[-1][1:-1].isalpha():
            out[-1] = out[-1][:-1] + line + "]"
        else:
            out.append(f"[{line}]" if alone else line)
    return out


def pattern(module: str, name: str) -> re.Pattern[str]:
    """The pattern of a module: its lines are the alternatives."""
    return re.compile("|".join(_shorter(_lines(module, name))))


def prefiltered(module: str, name: str) -> Prefiltered:
    """The same, for searching whole messages: where the message cannot match, nothing is searched."""
    return Prefiltered(_shorter(_lines(module, name)))


def prefilter(source: str) -> Prefiltered:
    """The same for one short pattern of a rule."""
    return Prefiltered([source])
