"""One pass over a message: what the lexicon finds in it, its clauses, its quotes, its numbers.

Everything the rules ask is answered by `Scan`; nothing here decides.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from typing import NamedTuple

from intent.emoji_codes import without_emoji_codes
from intent.foreign_marks import without_foreign_marks
from intent.lexicon.loader import Entry, is_latin, lexicon
from intent.lexicon.patterns import pattern, prefiltered
from intent.normalize import Normalized, normalize
from intent.prefilter import look
from intent.spelling import correct_chinese, correct_latin

SCANNED = 1600
"""Characters that are read for meaning. Longer messages keep their words for `prompt`, but only the first three
quarters of this and the last quarter are scanned."""

_MARK_CUT = re.compile(r"[,;!?\n|.](?!\d)|(?<![:/])/(?![/\d])")
"""A slash of an address cuts nothing."""
_DASH = re.compile(r"\s-\s")
_WORD_CUT = prefiltered("scan", "cut")
_QUOTE = pattern("scan", "quote")
_WORD = re.compile(r"[^\W_]")
_LETTER = re.compile(r"[a-z]")
_MARK = re.compile(r"[\"'「『《«【]")


class Hit(NamedTuple):
    """A phrase found: the half-open span in the normalized text, and one thing it means."""

    start: int
    end: int
    kind: str
    key: str
    weak: bool
    named: bool
    """It ends in a word for a picture (毕业照, "beach photo")."""


_new = tuple.__new__


class Scan:
    """The message as the rules see it."""

    __slots__ = (
        "ascii",
        "by",
        "classes",
        "counted",
        "cuts",
        "hits",
        "kinds",
        "latin",
        "may",
        "normalized",
        "photos",
        "polite",
        "quotes",
        "raw",
        "text",
        "whole",
    )  # fmt: skip

    def __init__(self, raw: str, photos: int) -> None:
        self.photos = photos
        self.counted: list[tuple[int, int, int]] | None = None
        self.polite: list[tuple[int, int]] | None = None
        self.raw = raw = without_foreign_marks(without_emoji_codes(raw))
        self.normalized: Normalized = normalize(
            raw if len(raw) <= SCANNED else raw[: SCANNED * 3 // 4] + "\n" + raw[-SCANNED // 4 :]
        )
        self.normalized = _without_thanks(_with_latin_corrected(self.normalized))
        self.text = self.normalized.text
        self.ascii = self.text.isascii()
        self.latin = self.ascii or _LETTER.search(self.text) is not None
        self.whole = len(raw) <= SCANNED
        self.hits = self._find()
        if not self.ascii and (mended := correct_chinese(self.text, self.hits)) is not None:
            self.text = mended
            self.hits = self._find()
        self.may = look(self.text)
        """Which patterns can match: bits to ask `any_of` and `Prefiltered.needed` with."""
        self.quotes = [(m.start(), m.end()) for m in _QUOTE.finditer(self.text)] if _has_quote(self.text) else []
        self.cuts = self._cuts()
        self.by: defaultdict[tuple[str, str], list[Hit]] = defaultdict(list)
        self.kinds: defaultdict[str, list[Hit]] = defaultdict(list)
        self.classes: defaultdict[str, list[Hit]] = defaultdict(list)
        for hit in self.hits:
            kind = hit[2]
            if kind == "word":
                self.classes[hit[3]].append(hit)
            else:
                self.by[kind, hit[3]].append(hit)
                self.kinds[kind].append(hit)

    def _cuts(self) -> list[int]:
        """Where the clauses end."""
        text = self.text
        cuts = [m.start() for m in _MARK_CUT.finditer(text)]
        if "-" in text:
            cuts += [m.start() for m in _DASH.finditer(text)]
            cuts.sort()
        if self.may & _WORD_CUT.needed:
            cuts += [m.start() for m in _WORD_CUT.finditer(text)]
            cuts.sort()
        if self.quotes:
            cuts = [c for c in cuts if not any(a < c < b - 1 for a, b in self.quotes)]
        return cuts

    def _find(self) -> list[Hit]:
        text = self.text
        size = len(text)
        found: list[tuple[int, int, bool, tuple[Entry, ...]]] = []
        for last, (back, latin, named, entries) in lexicon().automaton.iter(text):
            start = last - back
            if latin:
                if latin & 1 and start and (before := text[start - 1]) != " ":  # noqa: SIM102  # read one by one
                    if is_latin(before) and not before.isdigit():
                        continue
                if latin & 2 and last + 1 < size and (after := text[last + 1]) != " " and is_latin(after):
                    continue
            # Ends only grow, and of one end the longest comes first: what lies inside the newest is on top.
            while found and found[-1][0] >= start:
                found.pop()
            if not found or found[-1][1] <= last:
                found.append((start, last + 1, named, entries))
        hits: list[Hit] = []
        for start, end, named, entries in found:
            for kind, key, weak in entries:
                hits.append(_new(Hit, (start, end, kind, key, weak, named)))  # twice as fast as Hit(...)
        return hits

    def has(self, *keys: str) -> bool:
        """Any of these word classes."""
        classes = self.classes
        for key in keys:  # noqa: SIM110  # a generator costs more than the look-ups
            if key in classes:
                return True
        return False

    def words(self, *keys: str) -> list[Hit]:
        """The hits of these word classes."""
        if len(keys) == 1:
            return self.classes.get(keys[0], [])
        return [h for key in keys for h in self.classes.get(key, ())]

    def clause(self, at: int) -> int:
        return bisect_right(self.cuts, at)

    def clause_span(self, number: int) -> tuple[int, int]:
        start = 0 if number == 0 else self.cuts[number - 1]
        end = self.cuts[number] if number < len(self.cuts) else len(self.text)
        return start, end

    def quoted(self, hit: Hit) -> bool:
        return bool(self.quotes) and any(a <= hit.start and hit.end <= b for a, b in self.quotes)

    def near(self, first: list[Hit], second: list[Hit], gap: int) -> tuple[Hit, Hit] | None:
        """The first pair of hits in one clause with at most `gap` characters between them, in either order."""
        for a in first:
            for b in second:
                if a.start == b.start:
                    continue
                between = b.start - a.end if b.start > a.start else a.start - b.end
                if between <= gap and self.clause(a.start) == self.clause(b.start):
                    return a, b
        return None


_THANKS = pattern("scan", "thanks")
"""Thanks, emoji and marks at the end of a message: they ask for nothing and change nothing."""
_THANKS_HAN = frozenset(re.findall(r"[\u3400-\u9fff]", _THANKS.pattern))
_THANKS_LATIN = frozenset({"thanks", *re.findall(r"[a-z]+", re.sub(r"\\.", " ", _THANKS.pattern))})


def _may_thank(text: str) -> bool:
    """Whether thanks or marks can stand at its end, by its last word."""
    last = text[-1:]
    if not last.isalnum():
        return True
    if last >= "\u3400":
        return last in _THANKS_HAN or not last <= "\u9fff"
    word = text[text.rfind(" ") + 1 :]
    return word in _THANKS_LATIN or not word.isalpha() or not word.isascii() or word.startswith(("haha", "hehe"))


def _without_thanks(normalized: Normalized) -> Normalized:
    """The message without the thanks at its end; a message of thanks alone stays."""
    if not _may_thank(normalized.text):
        return normalized
    m = _THANKS.search(normalized.text, max(0, len(normalized.text) - 60))
    if m is None or not _WORD.search(normalized.text, 0, m.start()):
        return normalized
    return Normalized(normalized.text[: m.start()], normalized.origin, normalized.raw)


def _with_latin_corrected(normalized: Normalized) -> Normalized:
    """The normalized text with slips in Latin words put right; a changed word's letters all point at its own place."""
    slips = correct_latin(normalized.text)
    if not slips:
        return normalized
    origin = list(normalized.origin or range(len(normalized.text)))
    text = normalized.text
    for start, end, word in reversed(slips):
        places = origin[start:end]
        spread = [places[min(i, len(places) - 1)] for i in range(len(word))]
        spread[-1] = places[-1]
        text = text[:start] + word + text[end:]
        origin[start:end] = spread
    return Normalized(text, tuple(origin), normalized.raw)


def _has_quote(text: str) -> bool:
    return _MARK.search(text) is not None
