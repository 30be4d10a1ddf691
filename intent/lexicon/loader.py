"""The lexicon in memory: phrases out of the data files, and one automaton over all of them.

An entry is `(kind, key, weak)`. Kinds are the tables of the files: `style`, `hint`, `group`, `action`, `word`,
`command`, `model`, `ratio`, `scale`, `neutral`. A weak entry only supports a reading; it never makes one by itself.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import ahocorasick

from intent.normalize import normalize

Entry = tuple[str, str, bool]

_COMMAS, _SPACES = re.compile(r"[,\n]"), re.compile(r"[\s,]+")
_INNERMOST = re.compile(r"\{([^{}()\[\]]*)\}|\(([^{}()\[\]]*)\)|\[([^{}()\[\]]*)\]")


def expand(phrase: str) -> list[str]:
    """`photo(s)`, `{red|blue} car`, `[甲乙]级` → every phrase meant. `(s)` may be left out, `(a|b)` is a choice."""
    m = _INNERMOST.search(phrase)
    if m is None:
        return [" ".join(phrase.split())]
    if m.group(3) is not None:
        choices = list(m.group(3))
    elif m.group(1) is not None or "|" in m.group(2):
        choices = (m.group(1) if m.group(1) is not None else m.group(2)).split("|")
    else:
        choices = [m.group(2), ""]
    return [p for c in choices for p in expand(phrase[: m.start()] + c + phrase[m.end() :])]


def is_latin(char: str) -> bool:
    """A character that words are made of in scripts with spaces."""
    return char.isalnum() and not "\u3400" <= char <= "\u9fff"


@dataclass(frozen=True, slots=True)
class Lexicon:
    automaton: Any
    phrases: dict[str, tuple[Entry, ...]]
    latin_words: frozenset[str]


def read_file(language: str) -> dict[str, dict[str, str]]:
    data = files("intent.lexicon").joinpath(f"{language}.toml").read_text("utf-8")
    return tomllib.loads(data)


def split_phrases(value: str, language: str) -> list[str]:
    """The phrases of one entry of a lexicon file, normalized as messages are."""
    pieces = (_COMMAS if language == "en" else _SPACES).split(normalize(value).text)
    out: list[str] = []
    for piece in pieces:
        piece = piece.strip()
        if _INNERMOST.search(piece) is None:
            out.append(" ".join(piece.split()) if "  " in piece else piece)
        else:
            out += expand(piece)
    return [phrase for phrase in out if phrase]


@cache
def lexicon() -> Lexicon:
    """Read once, at the first message."""
    phrases: dict[str, dict[tuple[str, str], bool]] = {}
    for language in ("en", "zh"):
        tables = read_file(language)
        weak = set(split_phrases(tables.pop("weak", {}).get("words", ""), language))
        for table, keys in tables.items():
            kind = "style" if table == "plain" else table
            for key, value in keys.items():
                for phrase in split_phrases(value, language):
                    phrases.setdefault(phrase, {}).setdefault((kind, key), phrase in weak)
    made = tuple(p for p, e in phrases.items() if ("word", "createnoun") in e)
    for phrase, entry in phrases.items():
        if any(kind == "ratio" for kind, _ in entry) and any(m in phrase for m in made if len(m) > 1):
            entry.setdefault(("word", "createnoun"), False)  # "phone wallpaper" is a shape and a thing made
    frozen = {p: tuple((k, key, weak) for (k, key), weak in e.items()) for p, e in phrases.items()}
    automaton = ahocorasick.Automaton()
    pictures = frozenset(p for p, e in frozen.items() if ("word", "pic", False) in e)
    endings = tuple(pictures)
    for phrase, entries in frozen.items():
        first, last = is_latin(phrase[0]), is_latin(phrase[-1])
        named = phrase.rsplit(" ", 1)[-1] in pictures if last else phrase.endswith(endings)
        meant = () if entries[0][0] == "neutral" else entries
        automaton.add_word(phrase, (len(phrase) - 1, first + 2 * last, named, meant))
    latin = frozenset(re.findall(r"[a-z]+", " ".join(p for p in frozen if p.isascii())))
    automaton.make_automaton()
    return Lexicon(automaton, frozen, latin)


_TARGETS = (
    ("style", ""),
    ("group", ""),
    ("action", ""),
    ("ratio", ""),
    ("command", ""),
    ("word", "pic"),
    ("word", "bg"),
    ("word", "remove"),
    ("word", "skin"),
)


@cache
def target_phrases() -> tuple[str, ...]:
    """The phrases that a slip of the hand is mended to: those that name a style, an action, a command, a shape."""
    wanted = set(_TARGETS)
    return tuple(
        p
        for p, entries in lexicon().phrases.items()
        if any((k, "") in wanted or (k, key) in wanted for k, key, _ in entries)
    )


@cache
def picture_words() -> frozenset[str]:
    """Words for a picture: photo, portrait, 头像."""
    return frozenset(p for p, entries in lexicon().phrases.items() if ("word", "pic", False) in entries)


@cache
def plain_names(style: str) -> frozenset[str]:
    """The first names of a style in each language, and those under [plain]: words that name it and say nothing more
    about the picture. Of a journey only those under [plain]: its first names are places, which are wishes."""
    first = 0 if style.startswith("travel_") else 4
    names: set[str] = set()
    for language in ("en", "zh"):
        tables = read_file(language)
        names.update(split_phrases(tables["style"].get(style, ""), language)[:first])
        names.update(split_phrases(tables["plain"].get(style, ""), language))
    return frozenset(names)
