"""Orders that say nothing but on which sides, and how far, the picture is to go on: "wider to the left", 上面多留点天.

Where every letter is understood there is nothing to weigh: it is an `extend`.
"""

import re

from intent.parameter_reading import AMOUNT, margins_in
from intent.parameter_words import words_of
from intent.scan import Scan

_VERB = re.compile(
    r"\b(?:wider|taller|widen|extend(?:ed)?|expand(?:ed)?|outpaint|add(?: another| about)? \d+ ?(?:px|pixels?)|"
    r"(?:more|extra|add(?: some)?) (?:sky|room|space|headroom|ground|floor|canvas|foreground))\b|"
    r"扩|延伸|延展|加宽|加高|拉宽|多留|多给|留白|加 ?\d+ ?(?:px|像素)"
)
_TABLES = ("sides", "extend_filler")


def is_only_widening(scan: Scan) -> bool:
    """Whether the words name sides and a verb of widening, and nothing else."""
    if scan.quotes or not _VERB.search(scan.text):
        return False
    words = words_of(scan.raw)
    if not margins_in(words):
        return False
    spans = [m.span() for m in (*_VERB.finditer(words.text), *AMOUNT.finditer(words.text))]
    return words.left(_TABLES, spans) is None
