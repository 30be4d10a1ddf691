"""Codes that platforms write in place of emoji and stickers (`[裂开]`, `/:bye`): data of the platform, no words.

The names are in `lexicon/emoji_codes.txt`. A bracket with anything else in it is the person's own and stays.
"""

import re
from functools import cache
from importlib.resources import files


@cache
def _codes() -> re.Pattern[str]:
    text = files("intent.lexicon").joinpath("emoji_codes.txt").read_text("utf-8")
    names: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            names += line.split()
    slashed = sorted((n for n in names if n.startswith("/:")), key=len, reverse=True)
    bracketed = sorted((n for n in names if not n.startswith("/:")), key=len, reverse=True)
    inside = "|".join(map(re.escape, bracketed))
    return re.compile(rf"[\[［](?:{inside})[\]］]|" + "|".join(map(re.escape, slashed)), re.IGNORECASE)


def without_emoji_codes(raw: str) -> str:
    """The person's own. Between two Latin words a mark of the code stays, so that they stay apart."""
    if "[" not in raw and "/:" not in raw and "［" not in raw:
        return raw
    return _codes().sub(lambda m: _between(raw, m), raw)


def _between(raw: str, m: re.Match[str]) -> str:
    before, after = raw[: m.start()][-1:], raw[m.end() :][:1]
    if before.isascii() and before.isalnum() and after.isascii() and after.isalnum():
        return m.group()[0] if m.group().startswith("/") else m.group()[-1]
    return ""
