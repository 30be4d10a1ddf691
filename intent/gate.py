"""Which patterns can match a message at all, found by one scan over the letters they cannot match without.

Most patterns of the rules find nothing in most messages. From a pattern's own parse tree we derive sets of literals,
of each of which one must stand in the text for a match; one automaton over all of them says which patterns are worth
a search. Where nothing can be derived the pattern is always searched: a gate saves work and never changes an answer.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import product
from typing import Any

import ahocorasick

Found = re.Match[str] | None
Search = Callable[[str], Found]
Clause = frozenset[str]

_EDGE, _START, _END = "\ue000", "\ue001", "\ue002"
"""Marks in a literal: a word's edge, the text's start, the text's end."""
_MOST = 64
"""Literals that neighbours are multiplied out to."""
_OTHER = re.compile(r"\W")
_DIGIT = re.compile(r"\d")


def flattened(text: str) -> str:
    """The text the literals are looked for in: what is of no word is a space, one at either end; a digit is a 0."""
    if not text.isalpha():
        text = _DIGIT.sub("0", _OTHER.sub(" ", text))
    return f" {text} "


def clauses(source: str) -> list[Clause]:
    """Sets of literals: a text that lacks all of one set, flattened, cannot match. Best first, at most two."""
    try:
        tree = import_module("re._parser").parse(source)
    except (ImportError, AttributeError):  # an inner module of Python's: without it there are no gates
        return []
    if tree.state.flags != re.UNICODE:
        return []
    found = sorted({c for c in map(_plain, _needs(tree)) if c}, key=lambda c: (_likely(c), sorted(c)))
    return [c for c in found if _likely(c) < 4][:2]


def _likely(clause: Clause) -> float:
    """A rough guess how often a message has one of these."""
    size = 0.0
    for literal in clause:
        chance = 1.0
        for ch in literal:
            chance *= 0.5 if ch == " " else 0.35 if ch.isascii() else 0.08
        size += chance
    return size


def _plain(strings: Iterable[str]) -> Clause:
    """The literals as they stand in a flattened text; empty where one of them says nothing."""
    out: set[str] = set()
    for string in strings:
        body = string.strip(_EDGE + _START + _END)
        letters = "".join(ch for ch in body if ch not in (_EDGE, _START, _END))
        if not letters:
            return frozenset()
        head, tail = string[: string.index(body[0])], string[len(string.rstrip(_EDGE + _START + _END)) :]
        before = _START in head or (_EDGE in head and not _OTHER.match(letters[0]))
        after = _END in tail or (_EDGE in tail and not _OTHER.match(letters[-1]))
        out.add(" " * before + flattened(letters)[1:-1] + " " * after)
    if any(not literal.strip() for literal in out):
        return frozenset()
    return frozenset(s for s in out if not any(o != s and o in s for o in out))


def _needs(tree: Sequence[tuple[Any, Any]]) -> list[set[str]]:
    """One set for each stretch of the sequence that is known: every match has one string of each set in it."""
    found: list[set[str]] = []
    now: set[str] = {""}
    for node in tree:
        strings = _strings(node)
        if strings is None:
            found += [now, *_inside(node)]
            now = {""}
        elif len(now) * len(strings) <= _MOST:
            now = {a + b for a, b in product(now, strings)}
        else:
            found.append(now)
            now = strings
    return [*found, now]


def _strings(node: tuple[Any, Any]) -> set[str] | None:
    """All strings a node can stand for, where they are few; what takes no room stands for none."""
    op, value = str(node[0]), node[1]
    if op == "LITERAL":
        return {chr(value)}
    if op == "AT":
        at = str(value)
        return {_EDGE if at == "AT_BOUNDARY" else _START if "BEGIN" in at else _END if "END" in at else ""}
    if op in ("ASSERT", "ASSERT_NOT"):
        return {""}
    if op == "IN":
        return _set(value)
    if op == "SUBPATTERN" and not value[1] and not value[2]:
        return _sequence(value[3])
    if op == "BRANCH":
        each = [_sequence(branch) for branch in value[1]]
        known = [e for e in each if e is not None]
        return set().union(*known) if len(known) == len(each) else None
    if op in ("MAX_REPEAT", "MIN_REPEAT") and value[0] == 0 and value[1] == 1:
        body = _sequence(value[2])
        return None if body is None else {"", *body}
    return None


def _sequence(tree: Iterable[tuple[Any, Any]]) -> set[str] | None:
    now: set[str] = {""}
    for node in tree:
        strings = _strings(node)
        if strings is None or len(now) * len(strings) > 4 * _MOST:
            return None
        now = {a + b for a, b in product(now, strings)}
    return now


def _set(items: Iterable[tuple[Any, Any]]) -> set[str] | None:
    out: set[str] = set()
    for item, value in items:
        if str(item) == "LITERAL":
            out.add(chr(value))
        elif str(item) == "RANGE" and value[1] - value[0] < _MOST:
            out |= {chr(code) for code in range(value[0], value[1] + 1)}
        elif (str(item), str(value)) == ("CATEGORY", "CATEGORY_DIGIT"):
            out.add("0")
        else:
            return None
    return out


def _inside(node: tuple[Any, Any]) -> list[set[str]]:
    """What a node that stands for too many strings still needs."""
    op, value = str(node[0]), node[1]
    if op == "SUBPATTERN" and not value[1] and not value[2]:
        return _needs(value[3])
    if op in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and value[0] >= 1:
        return _needs(value[2])
    if op == "BRANCH":
        best: set[str] = set()
        for branch in value[1]:
            known = [n for n in _needs(branch) if _plain(n)]
            if not known:
                return []
            best |= min(known, key=lambda n: _likely(_plain(n)))
        return [best]
    return []


_REMEMBERED = 32
"""Texts whose gates are kept: a message and the parts of it that are read by themselves."""


class _Gates:
    """The literals of all patterns, a bit for each clause; bit 0 is always set."""

    def __init__(self) -> None:
        self.bits: dict[Clause, int] = {}
        self.automaton: Any = None
        self.seen: dict[str, int] = {}
        self.patterns: list[Gated] = []

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


_GATES = _Gates()


def look(text: str) -> int:
    """Which patterns this text can match, a bit for each clause. A text not looked at is searched without a gate."""
    may = _GATES.seen.get(text)
    if may is not None:
        return may
    may = 1
    for _, bits in (_GATES.automaton or _GATES.made()).iter(flattened(text)):
        may |= bits
    if len(_GATES.seen) >= _REMEMBERED:
        _GATES.seen.clear()
    _GATES.seen[text] = may
    return may


def patterns() -> tuple["Gated", ...]:
    """All that were made, for a test that asks each with and without its gate."""
    return tuple(_GATES.patterns)


def any_of(*gated: "Gated") -> int:
    """The bits of which a text has one where any of these can match: one question for all of them."""
    needed = 0
    for each in gated:
        needed |= each.needed
    return needed


class _Part:
    """One alternative, compiled when a text first comes through its gate: most never are in a short life."""

    __slots__ = ("need", "search", "source")

    def __init__(self, need: int, source: str) -> None:
        self.need = need
        self.source = source
        self.search: Search = self._first

    def _first(self, text: str) -> Found:
        self.search = re.compile(self.source).search
        return self.search(text)


def _searching(needed: int, parts: Sequence[_Part], whole: Search) -> Search:
    """The search of a pattern. A closure: this is called dozens of times a message."""
    seen = _GATES.seen.get

    def search(text: str) -> Found:
        may = seen(text)
        if may is None:
            return whole(text)
        if not may & needed:
            return None
        best: Found = None
        for part in parts:
            need = part.need
            if may & need == need:
                m = part.search(text)
                if m is not None and (best is None or m.start() < best.start()):
                    best = m
        return best

    return search


class Gated:
    """A pattern whose `search` does nothing where a text that was looked at cannot match.

    `lines` are its alternatives; without groups of their own each is searched only where it can match, and the
    leftmost match wins, the first line's at the same place, as in the one pattern. `needed`: the bits of which `look`
    finds one where the pattern can match.
    """

    __slots__ = ("_compiled", "needed", "pattern", "search")

    def __init__(self, lines: Sequence[str]) -> None:
        self.pattern = "|".join(lines)
        self._compiled: re.Pattern[str] | None = None
        parts: list[_Part] = []
        needed = 0
        for line in lines if len(lines) > 1 and not any(map(_has_group, lines)) else [self.pattern]:
            bits = [_GATES.bit(clause) for clause in clauses(line)] or [1]
            needed |= bits[0]
            parts.append(_Part(sum(bits), line))
        self.needed = needed
        self.search = _searching(needed, tuple(parts), self._anywhere)
        _GATES.patterns.append(self)

    def _whole(self) -> re.Pattern[str]:
        if self._compiled is None:
            self._compiled = re.compile(self.pattern)
        return self._compiled

    def _anywhere(self, text: str) -> Found:
        return (self._compiled or self._whole()).search(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        may = _GATES.seen.get(text)
        return self._whole().finditer(text) if may is None or may & self.needed else iter(())

    def findall(self, text: str) -> list[str]:
        may = _GATES.seen.get(text)
        return self._whole().findall(text) if may is None or may & self.needed else []


_GROUP = re.compile(r"(?<!\\)\((?!\?(?!P<))")


def _has_group(line: str) -> bool:
    """Whether it captures; a bracket in a set counts as one, which only makes the search of it a whole one."""
    return _GROUP.search(line) is not None
