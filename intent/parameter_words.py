"""The words of `lexicon/parameters.toml`, found in a text: which of them, where, and what is left beside them."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import ahocorasick

from intent.lexicon.loader import is_latin
from intent.normalize import normalize


class Word(NamedTuple):
    """Half-open span in the normalized text, and the key of its table."""

    start: int
    end: int
    key: str


@cache
def tables() -> dict[str, dict[str, tuple[str, ...]]]:
    data = tomllib.loads(files("intent.lexicon").joinpath("parameters.toml").read_text("utf-8"))
    return {name: {key: tuple(words) for key, words in keys.items()} for name, keys in data.items()}


@cache
def _automaton(only: tuple[str, ...]) -> Any:
    meant: dict[str, list[tuple[str, str]]] = {}
    for name, keys in tables().items():
        for key, words in keys.items() if not only or name in only else ():
            for word in words:
                meant.setdefault(word, []).append((name, key))
    automaton = ahocorasick.Automaton()
    for word, entries in meant.items():
        automaton.add_word(word, (len(word), is_latin(word[0]), is_latin(word[-1]), tuple(entries)))
    automaton.make_automaton()
    return automaton


LONGEST = 600
"""Characters that are read for parameters."""


class ParameterWords:
    """One pass over a text. `words(table)`: its words in order; of those that overlap the longest counts.

    `only`: the tables that are wanted; all where none is named.
    """

    def __init__(self, raw: str, *only: str) -> None:
        self.raw = raw = raw[:LONGEST]
        self.source = normalize(raw)
        self.text = text = self.source.text
        self._found: dict[str, list[Word]] = {}
        size = len(text)
        for last, (length, head, tail, entries) in _automaton(only).iter(text):
            start, end = last + 1 - length, last + 1
            if head and start and is_latin(text[start - 1]):
                continue
            if tail and end < size and is_latin(text[end]):
                continue
            for table, key in entries:
                self._found.setdefault(table, []).append(Word(start, end, key))
        self._longest: dict[str, list[Word]] = {}

    def words(self, table: str) -> list[Word]:
        if table not in self._longest:
            found = self._found.get(table)
            self._longest[table] = _longest(found, len(self.text)) if found else []
        return self._longest[table]

    def first(self, table: str) -> str | None:
        words = self.words(table)
        return words[0].key if words else None

    def left(self, tables: Iterable[str], spans: Iterable[tuple[int, int]] = ()) -> tuple[int, int] | None:
        """The span of the letters that none of the tables knows, from the first to the last; None where none is."""
        known = bytearray(len(self.text))
        for start, end in (*((w.start, w.end) for t in tables for w in self.words(t)), *spans):
            known[start:end] = b"\1" * (end - start)
        rest = [i for i, ch in enumerate(self.text) if not known[i] and ch.isalpha()]
        return (rest[0], rest[-1] + 1) if rest else None

    def raw_between(self, start: int, end: int) -> str:
        a, b = self.source.raw_span(start, end)
        return self.raw[a:b]


@lru_cache(maxsize=8)
def words_of(text: str) -> ParameterWords:
    """All tables over a text. The last few are remembered: the edits of one message are read out of the same words."""
    return ParameterWords(text)


def _longest(words: list[Word], size: int) -> list[Word]:
    taken = bytearray(size)
    kept: list[Word] = []
    for word in sorted(words, key=lambda w: (w.start - w.end, w.start)):
        if not any(taken[word.start : word.end]):
            taken[word.start : word.end] = b"\1" * (word.end - word.start)
            kept.append(word)
    return sorted(kept)


HEX = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-z])")
