"""What a message asks for. `parse(text, photos=0)` is the whole of it; the contract is `docs/intent.md`.

Pure: the lexicon is read once, then there is no I/O, no clock and no network.
"""

from intent.answers import Answer, read_answer
from intent.controls import may_be_about_several
from intent.decide import decide
from intent.decision_state import SURE, language_of
from intent.emoji_codes import without_emoji_codes
from intent.explain import Explanation, explain
from intent.intent import COMMANDS, Intent, Language, SeriesItem, ThenEdit
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
from intent.scan import Scan


def parse(text: str, *, photos: int = 0, group: bool = False) -> Intent:
    """The one reading of a message; never raises.

    `photos`: how many pictures came with it or lie on the table from just before. `group`: it was said to the bot in a
    group, where a needless question weighs more and a missed request less.
    """
    return decide(Scan(text, photos), group=group)[0]


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
    "without_emoji_codes",
]
