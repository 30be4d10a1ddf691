"""Which ID photo is meant: its size by name or by country and document, its background, and whether on a sheet."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from intent.normalize import normalize
from intent.parameters import Colour, IdPhoto

_CHINESE = {"visa": "cn_visa", "passport": "cn_passport", "id": "cn_1inch"}
_LONGEST = 400
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "nine": 9, "ten": 10, "twelve": 12}
_COPIES = re.compile(
    rf"(?<![a-z0-9])(\d{{1,2}}|{'|'.join(_NUMBERS)})\s+"
    r"(?:copies |photos |pictures |of them )?(?:on (?:a|one)|per|to a) sheet"
)


@cache
def _table(name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(key, its words as one pattern) of a table, Latin words whole."""
    data = tomllib.loads(files("intent.lexicon").joinpath("id_photos.toml").read_text("utf-8"))
    return tuple(
        (key, re.compile("|".join(_word(w) for w in sorted(words, key=len, reverse=True))))
        for key, words in data[name].items()
    )


def _word(word: str) -> str:
    escaped = re.escape(word)
    return rf"(?<![a-z0-9]){escaped}(?![a-z0-9])" if word.isascii() else escaped


def _first(table: str, text: str) -> str | None:
    """The key of the longest word of a table in `text`, the first of several."""
    hits = [(m.end() - m.start(), -m.start(), key) for key, words in _table(table) if (m := words.search(text))]
    return max(hits)[2] if hits else None


def id_photo_in(words: str, count: int = 1) -> IdPhoto | None:
    """The ID photo that `words` describe, None where they name no size. `count`: how many pictures they ask for, which
    on a sheet are its copies."""
    text = normalize(words[:_LONGEST]).text
    size = _size(text)
    if size is None:
        return None
    background = _first("backgrounds", text)
    sheet = _first("sheets", text) or _first("papers", text)
    if (copies := _COPIES.search(text)) is not None:
        count = _NUMBERS.get(copies[1]) or int(copies[1])
    return IdPhoto(
        size=size,
        background=_rgb(background) if background else None,
        paper=(_first("papers", text) or "6inch") if sheet else None,
        copies=count if sheet and count > 1 else None,
    )


def _size(text: str) -> str | None:
    if (size := _first("sizes", text)) is not None:
        return size
    country, document = _first("countries", text), _first("documents", text)
    if country is None or document is None:
        return None
    return _CHINESE[document] if country == "cn" else country


def _rgb(digits: str) -> Colour:
    return int(digits[1:3], 16), int(digits[3:5], 16), int(digits[5:7], 16)
