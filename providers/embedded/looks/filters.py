"""Which filter a person's words mean; the words are data in `filters.toml`."""

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files


def choose_filter(text: str) -> str | None:
    """The key of the filter named in a Chinese or English text, or None where no filter is.

    The longest phrase wins ("black and white film" is black and white), then the one named first.
    """
    words = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    best: tuple[int, int, str] | None = None
    for phrase, key in _phrases().items():
        place = _find(words, phrase)
        if place is not None and (best is None or (-len(phrase), place) < best[:2]):
            best = (-len(phrase), place, key)
    return best[2] if best else None


def filter_keys() -> tuple[str, ...]:
    """Every key words are listed for, in the order of the file."""
    return tuple(dict.fromkeys(_phrases().values()))


@cache
def _phrases() -> dict[str, str]:
    table = tomllib.loads(files(__package__).joinpath("filters.toml").read_text(encoding="utf-8"))
    phrases: dict[str, str] = {}
    for key, languages in table.items():
        for phrase in (*languages["zh"], *languages["en"]):
            word = unicodedata.normalize("NFKC", phrase).casefold()
            if phrases.setdefault(word, key) != key:
                raise ValueError(f"{phrase!r} is listed for {phrases[word]} and for {key}")
    return phrases


def _find(words: str, phrase: str) -> int | None:
    if phrase.isascii():
        found = re.search(rf"(?<![a-z0-9]){re.escape(phrase)}(?![a-z0-9])", words)
        return found.start() if found else None
    place = words.find(phrase)
    return place if place >= 0 else None
