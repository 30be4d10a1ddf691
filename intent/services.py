"""Which services the words name, and which they will not have: "with OpenAI", "anything but OpenAI", 不要用 fal.

A refusal is the surer of the two: read as its opposite it would send a photo to the very company it was kept from.
"""

import re
from functools import cache

from intent.parameter_words import ParameterWords, Word, tables

_NEGATED = re.compile(
    r"(?:\b(?:not|never|avoid|no|without|nor)|n't|\b(?:dont|wont|cannot)(?: want(?: you)? to)?|"
    r"不要|不许|不准|不能|不想|千万别|别|勿|不)\s*$"
)
"""Stands before the words that name a service."""
_BEFORE_A_NAME = (
    r"\b(?:without|avoid(?:ing)?|except(?: for)?|excluding|anything but|anyone but|anybody but|"
    r"(?:don't|dont|do not) (?:send|give|upload|show)"
    r"(?: it| this| them| my (?:photo|picture|face)s?)? to) |"
    r"(?:不要|别|不能|千万别)(?:再)?(?:发给|传给|给|交给|上传到|让|找)?\s*|除了\s*"
)
_CURTLY_BEFORE = r"\b(?:no|never|skip|not(?: to)?) "
_COMMON_WORDS = frozenset({"replicate"})
"""Names that are ordinary words: "do not replicate the pose" refuses no service."""


@cache
def _refused() -> re.Pattern[str]:
    every, own = (
        "|".join(map(re.escape, names))
        for names in (_names(), [name for name in _names() if name not in _COMMON_WORDS])
    )
    return re.compile(f"(?:(?:{_BEFORE_A_NAME})(?P<name>{every})|{_CURTLY_BEFORE}(?P<own>{own}))(?![a-z0-9])")


@cache
def _names() -> dict[str, str]:
    """Each name a service goes by, the longest first, with the service's key."""
    found = {
        phrase.removeprefix("use ").removeprefix("用").strip(): key
        for key, phrases in tables()["services"].items()
        for phrase in phrases
        if phrase.startswith(("use ", "用"))
    }
    return {name: found[name] for name in sorted(found, key=len, reverse=True)}


def wanted_and_refused(said: ParameterWords) -> tuple[list[Word], list[Word]]:
    """The words that name a service, and those that refuse one; each with the service's key."""
    text = said.text
    wanted: list[Word] = []
    refused = [Word(m.start(), m.end(), _names()[m["name"] or m["own"]]) for m in _refused().finditer(text)]
    for word in said.words("services"):
        before = _NEGATED.search(text, max(0, word.start - 24), word.start)
        if before is not None:
            refused.append(Word(before.start(), word.end, word.key))
        elif not any(one.start < word.end and word.start < one.end for one in refused):
            wanted.append(word)
    return wanted, refused
