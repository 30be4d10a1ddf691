"""Drawn looks that no style has but that every maker knows: a pencil sketch, a printed comic.

"sketch", 素描, "a pencil drawing of me" say nothing else, so there is nothing to weigh: a portrait in that look, or
where the picture itself is to be changed ("turn it into a sketch", 素描滤镜), the filter.
"""

import re
from typing import Literal

from intent.parameter_reading import filter_in
from intent.parameter_words import ParameterWords, words_of
from intent.scan import Scan

LOOKS = frozenset({"sketch", "comic"})
_FILLERS = ("background_filler", "filter_filler", "look_filler")
_ONLY_ANIME = frozenset({"漫画", "comic", "comics", "drawing"})
"""Words that a style, or something to be drawn from words, has the better claim to where they stand alone."""
_CHANGED = re.compile(
    r"\b(?:it|this|the (?:photo|picture|pic|image)|filters?|effects?)\b|滤镜|效果|特效|这(?:张|幅)|照片|图片|图"
)


def look_named(words: str) -> str | None:
    """The look that is all the words ask for."""
    found = words_of(words)
    look = filter_in(found)
    return look if look in LOOKS and _all_known(found, look) else None


def only_a_look(scan: Scan) -> Literal["portrait", "edit"] | None:
    """What is asked for where the message names a look and nothing else; None where it says more, or names none."""
    if scan.quotes or look_named(scan.raw) is None:
        return None
    return "edit" if _CHANGED.search(scan.text) else "portrait"


def _all_known(found: ParameterWords, look: str) -> bool:
    named = [w for w in found.words("filters") if w.key == look]
    if all(found.text[w.start : w.end] in _ONLY_ANIME for w in named):
        return False
    others = [w for w in found.words("filters") if w.key != look]
    return not others and found.left(_FILLERS, [(w.start, w.end) for w in named]) is None
