"""The longer patterns of the rules, out of `lexicon/patterns.toml`."""

import re
import tomllib
from functools import cache
from importlib.resources import files


@cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("intent.lexicon").joinpath("patterns.toml").read_text("utf-8"))


def pattern(module: str, name: str) -> re.Pattern[str]:
    """The pattern of a module: its lines are the alternatives."""
    table = _tables()[module]
    text = "|".join(table[name].removesuffix("\n").split("\n"))
    for key, value in table.items():
        text = text.replace(f"<<{key}>>", value)
    return re.compile(text)
