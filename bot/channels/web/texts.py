"""The texts of the page and of the API's refusals: `web/words.json`, both languages in step (a test checks that)."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from handlers.message import Language

WORDS = Path(__file__).parent / "static" / "words.json"


@cache
def _all() -> Mapping[Language, Mapping[str, str]]:
    words: Mapping[Language, Mapping[str, str]] = json.loads(WORDS.read_text("utf-8"))
    return words


def word(language: Language, key: str, /, **params: int | str) -> str:
    """The text of `key` with its placeholders filled. Raises KeyError for an unknown key."""
    return _all()[language][key].format_map(params)


@cache
def examples() -> frozenset[str]:
    """The examples that the page offers to tap, in any of its languages."""
    return frozenset(text for words in _all().values() for key, text in words.items() if ".example" in key)


def language_of(accept: str) -> Language:
    """The language of an `Accept-Language` header: the first of ours in the browser's order of preference."""
    wishes: list[tuple[float, str]] = []
    for wish in accept.split(","):
        tag, _, quality = wish.strip().partition(";q=")
        try:
            wishes.append((float(quality or 1), tag.lower()))
        except ValueError:
            continue
    for _, tag in sorted(wishes, key=lambda wish: -wish[0]):
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "en"
