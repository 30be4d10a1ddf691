"""Width, case, Traditional characters and invisible marks, with the way back to the person's own characters.

`normalize(text)` gives the text the lexicon is matched against. Every normalized character knows the index of the
character it came from, so `prompt` and `scene` can always be cut out of what the person really wrote.
"""

import unicodedata
from dataclasses import dataclass

import opencc

HIDDEN = "\x00"
"""Stands for a character that folds to nothing (variation selectors, joiners) until the careful way drops it."""

# How people write what the lexicon has once: punctuation to its plain form, Taiwan's 著 as 着.
_OWN = {
    "。": ".",
    "“": '"',
    "”": '"',
    "„": '"',
    "‟": '"',
    "‘": "'",
    "’": "'",
    "`": "'",
    "´": "'",
    "–": "-",
    "—": "-",
    "‐": "-",
    "‑": "-",
    "～": "~",
    "著": "着",
    "×": "x",
    "✖": "x",
    "＊": "*",
    "∶": ":",
    "\t": " ",
    "\r": "\n",
    "\u2028": "\n",
    "\u00a0": " ",
    "嘅": "的",
    "喺": "在",
    "乜": "什",
}
_CACHE_LIMIT = 70_000


def _traditional() -> dict[int, str]:
    """Traditional → Simplified, character by character, asked of opencc once for the whole block."""
    characters = [chr(c) for c in range(0x4E00, 0xA000)]
    simple = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {ord(t): s for t, s in zip(characters, simple, strict=True) if t != s and len(s) == 1}


class _Table(dict[int, str]):
    """`str.translate` table that works out each character the first time it is met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char in _OWN:
            out = _OWN[char]
        elif unicodedata.category(char) in ("Cf", "Mn", "Me") or 0x1F3FB <= code <= 0x1F3FF:
            out = HIDDEN
        else:
            wide = unicodedata.normalize("NFKC", char).lower()
            out = "".join(_SIMPLE.get(ord(c), _OWN.get(c, c)) for c in wide) or HIDDEN
            out = "".join(c for c in out if unicodedata.category(c) not in ("Mn", "Cf")) or HIDDEN
        if len(self) < _CACHE_LIMIT:
            self[code] = out
        return out


_SIMPLE = _traditional()
_TABLE = _Table()


@dataclass(frozen=True, slots=True)
class Normalized:
    """`text` is what is matched; `origin[i]` is the index in the raw text of its i-th character (None: the same)."""

    text: str
    origin: tuple[int, ...] | None
    raw: str

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span of the raw text for a half-open span of the normalized one."""
        if self.origin is None:
            return start, end
        if start >= end:
            at = self.origin[start] if start < len(self.origin) else len(self.raw)
            return at, at
        return self.origin[start], self.origin[end - 1] + 1


def normalize(raw: str) -> Normalized:
    text = raw.translate(_TABLE)
    if len(text) == len(raw) and HIDDEN not in text:
        return Normalized(text, None, raw)
    pieces: list[str] = []
    origin: list[int] = []
    for i, char in enumerate(raw):
        piece = _TABLE[ord(char)]
        if piece != HIDDEN:
            pieces.append(piece)
            origin.extend([i] * len(piece))
    return Normalized("".join(pieces), tuple(origin), raw)
