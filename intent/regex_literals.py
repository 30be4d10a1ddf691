"""Literals that a pattern cannot match without, derived from its own parse tree.

Sets of them, of each of which one must stand in the text for a match. Where nothing can be derived there is no set.
"""

import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from itertools import product
from typing import Any

Clause = frozenset[str]

_EDGE, _START, _END = "\ue000", "\ue001", "\ue002"
"""Marks in a literal: a word's edge, the text's start, the text's end."""
_MOST = 64
"""Literals that neighbours are multiplied out to."""
_OTHER = re.compile(r"\W")
_DIGIT = re.compile(r"\d")


class _Flat(dict[int, str]):
    """`str.translate` table that works out each character the first time it is met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        out = " " if _OTHER.match(char) else "0" if _DIGIT.match(char) else char
        if len(self) < 70_000:
            self[code] = out
        return out


_FLAT = _Flat()


def flattened(text: str) -> str:
    """The text the literals are looked for in: what is of no word is a space, one at either end; a digit is a 0."""
    return f" {text if text.isalpha() else text.translate(_FLAT)} "


def clauses(source: str) -> list[Clause]:
    """Sets of literals: a text that lacks all of one set, flattened, cannot match. Best first, at most two."""
    try:
        tree = import_module("re._parser").parse(source)
    except (ImportError, AttributeError):  # an inner module of Python's: without it nothing is filtered
        return []
    if tree.state.flags != re.UNICODE:
        return []
    found = {c: _likely(c) for c in map(_plain, _needs(tree)) if c}
    best = sorted((likely, sorted(c)) for c, likely in found.items() if likely < 4)[:2]
    return [_shortest(literals) for _, literals in best]


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
        letters = string.replace(_EDGE, "").replace(_START, "").replace(_END, "")
        if not letters:
            return frozenset()
        if len(letters) == len(string):
            out.add(flattened(letters)[1:-1])
            continue
        head, tail = string[: string.index(letters[0])], string[string.rindex(letters[-1]) + 1 :]
        before = _START in head or (_EDGE in head and not _OTHER.match(letters[0]))
        after = _END in tail or (_EDGE in tail and not _OTHER.match(letters[-1]))
        out.add(" " * before + flattened(letters)[1:-1] + " " * after)
    if any(not literal.strip() for literal in out):
        return frozenset()
    return frozenset(out)


def _shortest(literals: Sequence[str]) -> Clause:
    """Without those that hold another one of them, where they are few."""
    if len(literals) > 24:
        return frozenset(literals)
    return frozenset(s for s in literals if not any(o != s and o in s for o in literals))


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
