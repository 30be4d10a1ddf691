"""The lexicon is whole: every key of the catalogue has words in both languages, and none that it does not know."""

import re

import pytest

from intent import COMMANDS
from intent.lexicon.loader import expand, lexicon, read_file, split_phrases
from intent.normalize import normalize
from providers.catalog import ACTIONS, STYLES

_BY_GROUP = {
    "id_photo_white",
    "id_photo_blue",
    "id_photo_red",
    "dating_cafe",
    "dating_beach",
    "dating_city",
    "dating_restaurant",
}
"""Styles that two words name together: dating or an ID photo, and the place or the colour."""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_words_cover_the_catalogue_and_nothing_else(language: str) -> None:
    tables = read_file(language)
    assert set(tables["style"]) | _BY_GROUP == set(STYLES)
    assert set(tables["action"]) == set(ACTIONS)
    assert set(tables["command"]) == set(COMMANDS)
    assert set(tables["hint"]) <= set(STYLES)
    assert {"dating", "cafe", "beach", "city", "restaurant", "id", "id_white", "id_blue"} <= set(tables["group"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_key_has_several_words(language: str) -> None:
    tables = read_file(language)
    for kind in ("style", "action", "command"):
        for key, words in tables[kind].items():
            assert len(set(split_phrases(words, language))) >= 5, (kind, key)


def test_phrases_are_written_the_way_messages_are_folded() -> None:
    unlike = [p for p in lexicon().phrases if normalize(p).text != p and "é" not in p]
    assert unlike == []


def test_no_phrase_has_a_bracket_left_in_it() -> None:
    assert [p for p in lexicon().phrases if re.search(r"[(){}\[\]|]", p)] == []


def test_choices_and_options_are_written_out() -> None:
    assert sorted(expand("photo(s) of {me|us}")) == ["photo of me", "photo of us", "photos of me", "photos of us"]
    assert sorted(expand("[甲乙]级")) == ["乙级", "甲级"]
    assert sorted(expand("make (it|this) colo(u)r")) == [
        "make it color",
        "make it colour",
        "make this color",
        "make this colour",
    ]
