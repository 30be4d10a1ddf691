"""Cutting `prompt` and `scene` out of what the person wrote: pieces are left out, nothing is ever added."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter

from intent.controls import Controls
from intent.lexicon.loader import picture_words, plain_names
from intent.lexicon.patterns import pattern
from intent.scan import Scan

_EDGE = " \t\r\n,.;:!?，。；：！？、~～…-—+&|/"
_EDGE_END = " \t\r\n,;:，；：、~～-—+&|/。.!！?？"
_POLITE = frozenset(
    {"please", "canyou", "want", "make", "me", "pic", "askdo", "opinion", "free", "then", "thispic", "series", "mood"}
)
_LEADS = frozenset({"please", "canyou"})
_FILLER = pattern("extract", "filler")


_START = attrgetter("start")
_NO_WORD = re.compile(r"[\W_]+")


def tidy(text: str) -> str | None:
    out = text.strip().lstrip(_EDGE).rstrip(_EDGE_END).strip()
    return out or None


def without(scan: Scan, drop: list[tuple[int, int]]) -> str | None:
    """The raw text without the given normalized spans, edges tidied."""
    if len(drop) == 2:  # only what lies before and after
        a, b = scan.normalized.raw_span(drop[0][1], drop[1][0])
        return tidy(scan.raw[a:b])
    keep: list[str] = []
    at = 0
    raw, source = scan.raw, scan.normalized
    for start, end in sorted(drop):
        if end <= at:
            continue
        start = max(start, at)
        if at < start:
            a, b = source.raw_span(at, start)
            keep.append(raw[a:b])
        at = end
    if at < len(scan.text):
        a, b = source.raw_span(at, len(scan.text))
        keep.append(raw[a:b])
    return tidy(_joined(keep))


def _joined(pieces: list[str]) -> str:
    """The pieces one after the other; where two meet, one space and one mark of punctuation are enough."""
    out = ""
    for piece in pieces:
        if out and piece:
            if out[-1].isspace() or out[-1] in _EDGE:
                piece = piece.lstrip(" \t,，、;；")
            elif piece[0] in ",，。；;!！?？、":
                out = out.rstrip()
        out += piece
    return out


def _polite(scan: Scan) -> list[tuple[int, int]]:
    """Where only asking, politeness and words for a picture stand; worked out once a message."""
    if scan.polite is None:
        made = {h.start for h in scan.words("createnoun")}
        scan.polite = [
            (h.start, h.end)
            for h in scan.hits
            if h.kind == "word" and h.key in _POLITE and not (h.key == "pic" and h.start in made)
        ]
    return scan.polite


def residue(scan: Scan, c: Controls, a: int, b: int, chosen: Iterable[tuple[int, int]]) -> str:
    """What the text between a and b says beyond asking and choosing: its letters and digits."""
    return _NO_WORD.sub("", _FILLER.sub(" ", _left(scan.text, a, b, sorted((*_polite(scan), *c.spans, *chosen)))))


def _left(text: str, a: int, b: int, spans: list[tuple[int, int]]) -> str:
    """The text between a and b without the spans, which are sorted."""
    parts = []
    at = a
    for start, end in spans:
        if start >= b:
            break
        if end <= at:
            continue
        if start > at:
            parts.append(text[at:start])
        at = end
    if at < b:
        parts.append(text[at:b])
    return " ".join(parts)


_FILLER_WORDS = frozenset(re.findall(r"[a-z]+", _FILLER.pattern))
_WORDS = re.compile(r"[a-z]+")
_FILLER_LETTERS = "".join(sorted(set(re.findall(r"[\u4e00-\u9fff]", _FILLER.pattern))))
_MEANT = re.compile(rf"[^\W\d_a-z{_FILLER_LETTERS}]")
"""A letter that no filler has."""


def says_nothing(left: str) -> bool:
    """Whether only fillers are left."""
    if _MEANT.search(left):
        return False
    for word in _WORDS.findall(left):
        if word not in _FILLER_WORDS:
            return False
    return not _NO_WORD.sub("", _FILLER.sub(" ", left))


_ASKING = re.compile(r"\b(?:make|give|get|turn|me|i|want|us)\b")
"""What asks, where it is part of a style's phrase: "make me look professional"."""


def names_only(said: str, style: str) -> bool:
    """Whether words that mean the style say nothing more: `anime`, `anime style`, `anime portrait`."""
    names = plain_names(style)
    if said in names:
        return True
    rests = [said.replace(name, " ", 1).strip() for name in names if name in said]
    return any(rest in picture_words() or says_nothing(_ASKING.sub(" ", rest)) for rest in rests)


def name_spans(scan: Scan, style: str) -> list[tuple[int, int]]:
    """Where the style is named and nothing more is said."""
    return [
        (h.start, h.end)
        for h in scan.kinds.get("style", ())
        if h.key == style and names_only(scan.text[h.start : h.end], style)
    ]


def content(
    scan: Scan,
    c: Controls,
    chosen: list[tuple[int, int]],
    a: int = 0,
    b: int | None = None,
    lead: re.Pattern[str] | None = None,
) -> str | None:
    """The person's words from a to b, without clauses that only chose something, and without polite beginnings."""
    if not scan.whole:
        return tidy(scan.raw)
    stop = len(scan.text) if b is None else b
    drop: list[tuple[int, int]] = [(0, a), (stop, len(scan.text))]
    first = True
    spans = sorted((*_polite(scan), *c.spans, *chosen))
    passed = 0
    leads = scan.classes.keys() & _LEADS
    hits = scan.hits
    for n in range(scan.clause(a), scan.clause(max(a, stop - 1)) + 1):
        x, y = scan.clause_span(n)
        x, y = max(x, a), min(y, stop)
        if x >= y:
            continue
        while passed < len(spans) and spans[passed][1] <= x:
            passed += 1
        if says_nothing(_left(scan.text, x, y, spans[passed:] if passed else spans)):
            drop.append((x, y))
            continue
        at = _skip(scan.text, x, y)
        for i in range(bisect_left(hits, at, key=_START), len(hits)) if leads else ():
            h = hits[i]
            if h.start >= y:
                break
            if h.start == at and h.end < y and h.kind == "word" and h.key in _LEADS:
                drop.append((at, h.end))
                at = _skip(scan.text, h.end, y)
        if first and lead and (m := lead.match(scan.text, at, y)) and m.end() < y - 1:
            drop.append((at, m.end()))
            at = m.end()
        first = False
        for s, e in c.spans:
            if at <= s and e <= y and (not scan.text[e:y].strip(" .!?)") or not scan.text[at:s].strip(" (")):
                drop.append((s, e))
    return without(scan, drop)


def _skip(text: str, at: int, end: int) -> int:
    while at < end and not text[at].isalnum() and text[at] not in "\"'「『《【“(#$":
        at += 1
    return at
