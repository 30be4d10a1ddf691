"""Slips of the hand: one wrong letter in a Latin word, one character that sounds like the one meant.

Mended is only the text that is matched; what the person wrote stays as it is. A word that is a real word is left alone
(`real_words_*.txt`), and so is one the lexicon has.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import ahocorasick

from intent.lexicon.loader import lexicon, target_phrases

_SHORT = frozenset({"anime", "photo", "retro", "manga", "hanfu", "erase", "blend", "hinge", "beach"})
_PARTICLES = frozenset("的了是不都就也很还才我你他她它这那着得会要有没来到过完好")
"""They follow and precede any word: 跑到 is no 跑道, 守了 no 瘦了. In pairs they are neither slips nor mended to."""
_TOKEN = re.compile(r"[a-z]{5,18}")
_RUN = re.compile(r"([a-z])\1{2,}")
_LONGEST = 400
"""Characters at the start of a message that are looked through for slips."""


def _lines(name: str) -> list[str]:
    text = files("intent.lexicon").joinpath(name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _shorter(word: str) -> set[str]:
    return {word[:i] + word[i + 1 :] for i in range(len(word))}


def one_slip(a: str, b: str) -> bool:
    """At most one letter more, less, other, or two neighbours swapped."""
    if abs(len(a) - len(b)) > 1:
        return False
    i = 0
    while i < min(len(a), len(b)) and a[i] == b[i]:
        i += 1
    if len(a) == len(b):
        if i == len(a) - 1:
            return False  # staged, stages: an ending, not a slip
        return a[i + 1 :] == b[i + 1 :] or (a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :])
    return a[i:] == b[i + 1 :] if len(a) < len(b) else a[i + 1 :] == b[i:]


class _Latin:
    def __init__(self) -> None:
        self.known = lexicon().latin_words
        self.right = self.known | frozenset(_lines("real_words_en.txt"))
        self.targets = sorted(
            w
            for w in {w for p in target_phrases() if p.isascii() for w in re.findall(r"[a-z]+", p)}
            if len(w) >= 6 or w in _SHORT
        )
        self.index: dict[str, list[str]] = {}
        for word in self.targets:
            for key in {word, *_shorter(word)}:
                self.index.setdefault(key, []).append(word)
        self.seen: dict[str, str] = {}

    def mended(self, word: str) -> str:
        """The word meant, or the word itself. Remembers the last few thousand words."""
        if word in self.right:
            return word
        if word in self.seen:
            return self.seen[word]
        best = word
        for key in (word, *sorted(_shorter(word))):
            for candidate in self.index.get(key, ()):
                if candidate[0] == word[0] and one_slip(word, candidate):
                    best = candidate
                    break
            if best != word:
                break
        if best + "s" == word or word + "s" == best:
            best = word
        if len(self.seen) < 4000:
            self.seen[word] = best
        return best


class _Han:
    def __init__(self) -> None:
        self.sound: dict[int, str] = {}
        self.tone: dict[str, str] = {}
        first: dict[str, str] = {}
        for line in _lines("sounds.txt"):
            syllable, characters = line.split(" ", 1)
            plain = syllable[:-1]
            for char in characters:
                self.sound[ord(char)] = first.setdefault(plain, characters[0])
                self.tone[char] = syllable
        self.real = frozenset(_lines("real_words_zh.txt"))
        terms: dict[str, list[str]] = {}
        for phrase in target_phrases():
            if len(phrase) == 2 and phrase[0] != "再" and not _PARTICLES.isdisjoint(phrase):
                continue
            if 2 <= len(phrase) <= 6 and all("\u4e00" <= c <= "\u9fff" for c in phrase):
                terms.setdefault(phrase.translate(self.sound), []).append(phrase)
        self.common = frozenset("".join(lexicon().phrases))
        """Characters the lexicon uses: common enough that another tone means another word."""
        self.automaton: Any = ahocorasick.Automaton()
        for sound, phrases in terms.items():
            self.automaton.add_word(sound, (len(sound), phrases))
        self.automaton.make_automaton()

    def meant(self, written: str, phrases: list[str]) -> str | None:
        if written in phrases or written in self.real:
            return None
        for phrase in phrases:
            wrong = [(a, b) for a, b in zip(written, phrase, strict=True) if a != b]
            if len(phrase) == 2 and any(a in _PARTICLES for a, _ in wrong):
                continue
            if len(wrong) > 1 and not (len(wrong) == 2 and len(phrase) >= 4):
                continue
            if len(phrase) <= 3 and any(self.tone.get(a) != self.tone.get(b) and a in self.common for a, b in wrong):
                continue
            return phrase
        return None


@cache
def _latin() -> _Latin:
    return _Latin()


@cache
def _han() -> _Han:
    return _Han()


def correct_latin(text: str) -> list[tuple[int, int, str]]:
    """(start, end, word meant) for each Latin word that is a slip."""
    out: list[tuple[int, int, str]] = []
    latin = _latin()
    if latin.right.issuperset(_TOKEN.findall(text, 0, _LONGEST)):
        return out
    for m in _TOKEN.finditer(text, 0, _LONGEST):
        word = m.group()
        if word in latin.right:
            continue
        plain = _RUN.sub(r"\1", word)
        if plain != word and plain not in latin.known:
            plain = _RUN.sub(r"\1\1", word)
        meant = plain if plain != word and plain in latin.known else latin.mended(word)
        if meant != word:
            out.append((m.start(), m.end(), meant))
    return out


def correct_chinese(text: str, taken: Sequence[tuple[int, int, *tuple[object, ...]]]) -> str | None:
    """The text with characters that sound right put right, same length; None where nothing is to be mended.

    `taken`: what the lexicon knows already, each with its span first.
    """
    han = _han()
    sound = text[:_LONGEST].translate(han.sound)
    fixes: list[tuple[int, int, str]] = []
    for last, (length, phrases) in han.automaton.iter(sound):
        start, end = last + 1 - length, last + 1
        written = text[start:end]
        if written in phrases:
            continue
        meant = han.meant(written, phrases)
        if meant is None or any(
            a < end and start < b and b - a >= 2 and not (start <= a and b <= end and b - a < length)
            for a, b, *_ in taken
        ):
            continue
        if any(text[start - 1 : start + 1] in han.real or text[end - 1 : end + 1] in han.real for _ in (0,)):
            continue
        fixes.append((start, end, meant))
    if not fixes:
        return None
    for start, end, meant in sorted(fixes, key=lambda f: f[1] - f[0]):
        text = text[:start] + meant + text[end:]
    return text
