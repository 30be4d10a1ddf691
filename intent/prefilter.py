"""Which patterns can match a message at all, found by one scan over the letters they cannot match without.

Most patterns of the rules find nothing in most messages. One automaton over the literals of all of them
(`intent/regex_literals.py`) says which are worth a search. A pattern without literals is always searched: the filter
saves work and never changes an answer. What it buys: reading a message takes 70 µs with it and about twice that without
(`bench/intent.py`).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ahocorasick

from intent.regex_literals import Clause, clauses, flattened

Found = re.Match[str] | None
Search = Callable[[str], Found]
FindIter = Callable[[str], Iterator[re.Match[str]]]

_REMEMBERED = 32
"""Texts whose bits are kept: a message and the parts of it that are read by themselves."""


class _Filters:
    """The literals of all patterns, a bit for each clause; bit 0 is always set."""

    def __init__(self) -> None:
        self.bits: dict[Clause, int] = {}
        self.automaton: Any = None
        self.seen: dict[str, int] = {}
        self.patterns: list[Prefiltered] = []

    def bit(self, clause: Clause) -> int:
        self.automaton = None
        self.seen.clear()
        return self.bits.setdefault(clause, 1 << (len(self.bits) + 1))

    def made(self) -> Any:
        literals: dict[str, int] = {}
        for clause, bit in self.bits.items():
            for literal in clause:
                literals[literal] = literals.get(literal, 0) | bit
        automaton = ahocorasick.Automaton()
        for literal, bits in literals.items():
            automaton.add_word(literal, bits)
        automaton.make_automaton()
        self.automaton = automaton
        return automaton


_FILTERS = _Filters()


def look(text: str) -> int:
    """Which patterns this text can match, a bit for each clause. A text not looked at is searched unfiltered."""
    may = _FILTERS.seen.get(text)
    if may is not None:
        return may
    may = 1
    for _, bits in (_FILTERS.automaton or _FILTERS.made()).iter(flattened(text)):
        may |= bits
    if len(_FILTERS.seen) >= _REMEMBERED:
        _FILTERS.seen.clear()
    _FILTERS.seen[text] = may
    return may


def patterns() -> tuple["Prefiltered", ...]:
    """All that were made, for a test that asks each with and without its filter."""
    return tuple(_FILTERS.patterns)


def any_of(*filtered: "Prefiltered") -> int:
    """The bits of which a text has one where any of these can match: one question for all of them."""
    needed = 0
    for each in filtered:
        needed |= each.needed
    return needed


class _Part:
    """One alternative, compiled when a text first comes through its filter: most never are in a short life."""

    __slots__ = ("finditer", "need", "rank", "search", "source")

    def __init__(self, rank: int, need: int, source: str) -> None:
        self.rank = rank
        self.need = need
        self.source = source
        self.search: Search = self._first
        self.finditer: FindIter = self._first_iter

    def _compile(self) -> None:
        compiled = re.compile(self.source)
        self.search, self.finditer = compiled.search, compiled.finditer

    def _first(self, text: str) -> Found:
        self._compile()
        return self.search(text)

    def _first_iter(self, text: str) -> Iterator[re.Match[str]]:
        self._compile()
        return self.finditer(text)


def _searching(needed: int, parts: Mapping[int, Sequence[_Part]], whole: Search) -> Search:
    """The search of a pattern. A closure: this is called dozens of times a message."""
    seen = _FILTERS.seen.get

    def search(text: str) -> Found:
        may = seen(text)
        if may is None:
            return whole(text)
        left = may & needed
        if not left:
            return None
        best: Found = None
        at = rank = 0
        while left:
            bit = left & -left
            left ^= bit
            for part in parts[bit]:
                need = part.need
                if may & need == need and (m := part.search(text)) is not None:
                    start = m.start()
                    if best is None or start < at or (start == at and part.rank < rank):
                        best, at, rank = m, start, part.rank
        return best

    return search


class Prefiltered:
    """A pattern whose `search` does nothing where a text that was looked at cannot match.

    `lines` are its alternatives; without groups of their own each is searched only where it can match, and the
    leftmost match wins, the first line's at the same place, as in the one pattern. `needed`: the bits of which `look`
    finds one where the pattern can match.
    """

    __slots__ = ("_compiled", "_parts", "needed", "pattern", "search")

    def __init__(self, lines: Sequence[str]) -> None:
        self.pattern = "|".join(lines)
        self._compiled: re.Pattern[str] | None = None
        parts: dict[int, list[_Part]] = {}
        split = len(lines) > 1 and not any(map(_has_group, lines))
        for rank, line in enumerate(lines if split else [self.pattern]):
            bits = [_FILTERS.bit(clause) for clause in clauses(line)] or [1]
            parts.setdefault(bits[0], []).append(_Part(rank, sum(bits), line))
        self.needed = needed = sum(parts)
        self._parts = parts
        self.search = _searching(needed, self._parts, self._anywhere)
        _FILTERS.patterns.append(self)

    def _whole(self) -> re.Pattern[str]:
        if self._compiled is None:
            self._compiled = re.compile(self.pattern)
        return self._compiled

    def _anywhere(self, text: str) -> Found:
        return (self._compiled or self._whole()).search(text)

    def each(self, text: str) -> Iterator[re.Match[str]]:
        """The matches of every alternative by itself, one alternative after the other: they may overlap."""
        may = _FILTERS.seen.get(text)
        for bit, parts in self._parts.items():
            for part in parts if may is None or may & bit else ():
                if may is None or may & part.need == part.need:
                    yield from part.finditer(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        may = _FILTERS.seen.get(text)
        return self._whole().finditer(text) if may is None or may & self.needed else iter(())

    def findall(self, text: str) -> list[str]:
        may = _FILTERS.seen.get(text)
        return self._whole().findall(text) if may is None or may & self.needed else []


_GROUP = re.compile(r"(?<!\\)\((?!\?(?!P<))")


def _has_group(line: str) -> bool:
    """Whether it captures; a bracket in a set counts as one, which only makes the search of it a whole one."""
    return _GROUP.search(line) is not None
