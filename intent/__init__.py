"""What a message asks for. `parse(text, photos=0)` is the whole of it; the contract is `docs/intent.md`.

The same words, the same reading: the lexicon is read once, then there is no I/O, no clock and no network.
"""

import hashlib

from intent.answers import Answer, read_answer
from intent.controls import may_be_about_several
from intent.decide import decide
from intent.decision_state import SURE, language_of
from intent.emoji_codes import without_emoji_codes
from intent.explain import Explanation, explain
from intent.intent import COMMANDS, Intent, Language, SeriesItem, ThenEdit
from intent.marked_places import wants_it_gone
from intent.parameters import (
    Adjustment,
    Background,
    Colour,
    Consistency,
    EditParameters,
    Lettering,
    Margin,
    Priority,
)
from intent.profile_photo import with_profile_photo
from intent.scan import Scan

_SHORT = 24
_REMEMBERED = 4096
_remarks: dict[tuple[bytes, int, bool], Intent] = {}
"""Readings of short remarks and commands (hello, thanks, a number): half of what is said, and the same from everybody.
By digest, and only those that hold no words, so that nobody's words are kept."""


def parse(text: str, *, photos: int = 0, group: bool = False) -> Intent:
    """The one reading of a message; never raises.

    `photos`: how many pictures came with it or lie on the table from just before. `group`: it was said to the bot in a
    group, where a needless question weighs more and a missed request less.
    """
    if len(text) > _SHORT:
        return decide(Scan(text, photos), group=group)[0]
    key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), photos, group
    if (remark := _remarks.get(key)) is not None:
        return remark
    read = decide(Scan(text, photos), group=group)[0]
    if all(reading.operation in ("none", "command") for reading in (read, *read.alternatives)):
        if len(_remarks) >= _REMEMBERED:
            _remarks.clear()
        _remarks[key] = read
    return read


def language_in(text: str) -> Language:
    """`parse(text).language`, at a twentieth of its cost."""
    return language_of(Scan(text, 0))


def is_about_several_photos(text: str) -> bool:
    """Whether the words ask for something of more photos than one: `photos_as`, if several were there."""
    return may_be_about_several(Scan(text, 2)) and parse(text, photos=2).photos_as is not None


__all__ = [
    "COMMANDS",
    "SURE",
    "Adjustment",
    "Answer",
    "Background",
    "Colour",
    "Consistency",
    "EditParameters",
    "Explanation",
    "Intent",
    "Lettering",
    "Margin",
    "Priority",
    "SeriesItem",
    "ThenEdit",
    "explain",
    "is_about_several_photos",
    "language_in",
    "parse",
    "read_answer",
    "wants_it_gone",
    "with_profile_photo",
    "without_emoji_codes",
]
