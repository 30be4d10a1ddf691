"""What is named and nothing else: a change, "cooler", 裁成1:1, "sepia", 黑白, or a style, "turn this into anime". There
is nothing to weigh.

Only beside a photo: without one "cooler" is talk.
"""

import re
from typing import NamedTuple

from intent.evidence import Evidence
from intent.parameter_reading import filter_in, parameters_of
from intent.parameter_words import words_of
from intent.scan import Scan

_LIGHT = frozenset({"brightness", "warmth", "contrast", "saturation"})
_SHAPE = frozenset({"crop", "flip", "rotate", "straighten"})
_FILTERS = frozenset({"mono", "sepia", "dreamy", "polaroid"})
"""Those that no style has, and that are no talk."""
_TALK = frozenset({"soft", "softer", "glow", "romantic", "唯美", "仙气", "柔和", "bw", "mono"})
_SAID_OF = re.compile(r"\b(?:is|be|was|like|love|have)\b|[是像有?]")
"""Signs of a remark or a question about the picture."""
_SPACE = re.compile(r"\s")
_FILLERS = ("background_filler", "filter_filler", "look_filler")


class Change(NamedTuple):
    action: str
    why: str


def only_a_change(e: Evidence) -> Change | None:
    """The edit that the message names, where every word of it belongs to that; None where it says more."""
    scan = e.scan
    if not scan.photos or scan.quotes:
        return None
    asked = parameters_of("edit", scan.raw)
    kinds = {step.kind for step in asked.adjustments}
    if asked.complete and kinds <= _LIGHT:
        return Change("enhance", f"only {', '.join(sorted(kinds))}")
    if asked.complete and kinds <= _SHAPE:
        return Change("edit", f"only {', '.join(sorted(kinds))}")
    other = bool(e.acts) or e.style in e.found.strong | e.found.named
    return Change("filter", "only a filter") if not other and _is_only_a_filter(scan) else None


def _is_only_a_filter(scan: Scan) -> bool:
    found = words_of(scan.raw)
    if filter_in(found) not in _FILTERS:
        return False
    named = found.words("filters")
    said = {found.text[w.start : w.end] for w in named}
    return not said & _TALK and found.left(_FILLERS, [(w.start, w.end) for w in named]) is None


def only_a_style(e: Evidence) -> str | None:
    """The style that the message names, where every other word of it says nothing; None where it says more."""
    scan, style = e.scan, e.style
    if not scan.photos or scan.quotes or _SAID_OF.search(scan.text) or style is None:
        return None
    if (e.found.strong | e.found.named) != {style} or style not in e.found.at:
        return None
    at, found = e.found.at[style], words_of(scan.raw)
    named = _SPACE.sub(" ", scan.text[at.start : at.end])
    start = _SPACE.sub(" ", found.text).find(named)
    alone = start >= 0 and found.left(_FILLERS, [(start, start + len(named))]) is None
    return style if alone and not any(ch.isdigit() for ch in scan.text) else None
