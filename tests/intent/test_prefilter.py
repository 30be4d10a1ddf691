"""The filter saves a search and never changes what it finds: every pattern of the rules, asked both ways."""

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intent import parse
from intent.prefilter import Prefiltered, look, patterns
from intent.regex_literals import clauses, flattened
from intent.scan import Scan
from tests.intent.labelled import load

_ROWS = [*load("own_a.jsonl"), *load("own_b.jsonl")]
_ODD = ["٣", "x４", "\u200d", "\n", "İ", "_", "é", "𠮷", "  ", "'", "、"]
_words = sorted({w for r in _ROWS for w in re.findall(r"[a-z']+|[\u4e00-\u9fff]{1,2}|\W|\d+", r.text.lower())})
_texts = st.one_of(
    st.lists(st.sampled_from([*_words, *_ODD]), max_size=20).map("".join),
    st.lists(st.sampled_from([*_words, *_ODD]), max_size=20).map(" ".join),
    st.text(max_size=40),
)

Match = tuple[tuple[int, int], tuple[str | None, ...]]


@cache
def _plain(source: str) -> re.Pattern[str]:
    return re.compile(source)


def _as_value(m: re.Match[str] | None) -> Match | None:
    return None if m is None else (m.span(), m.groups())


def _differences(text: str) -> list[str]:
    """The patterns that find something else in this text behind their gate."""
    look(text)
    out = []
    for filtered in patterns():
        plain = _plain(filtered.pattern)
        if (
            _as_value(filtered.search(text)) != _as_value(plain.search(text))
            or [_as_value(m) for m in filtered.finditer(text)] != [_as_value(m) for m in plain.finditer(text)]
            or filtered.findall(text) != plain.findall(text)
        ):
            out.append(filtered.pattern)
    return out


def test_the_rules_have_patterns_behind_a_filter() -> None:
    parse("hello", photos=0)
    assert len(patterns()) > 40


def test_every_pattern_finds_the_same_in_every_labelled_message() -> None:
    for row in _ROWS:
        text = Scan(row.text, row.photos).text
        assert _differences(text) == [], text


@given(_texts)
@settings(max_examples=300, deadline=None)
def test_every_pattern_finds_the_same_in_made_up_text(text: str) -> None:
    assert _differences(text) == []


@pytest.mark.parametrize(
    ("source", "literals"),
    [
        (r"\b(?:red|blue) cars?\b", {" red car ", " red cars ", " blue car ", " blue cars "}),
        ("调.{0,2}色", {"调"}),
        (r"(?:删|清).{0,9}(?:记录|数据)", {"记录", "数据"}),
        (r"x\d", {"x0"}),
        (r"^ab$", {" ab "}),
        (r"a(?!bc)d", {"ad"}),
    ],
)
def test_the_letters_a_pattern_cannot_match_without_are_found(source: str, literals: set[str]) -> None:
    assert literals in [set(c) for c in clauses(source)]


@pytest.mark.parametrize("source", [r"\w+", "(?:abc)?", "[^a]b?", "(?i)abc", r"(?:abc|\W)", "(?:abc)*"])
def test_a_pattern_that_needs_no_letters_has_no_filter(source: str) -> None:
    assert clauses(source) == []
    assert Prefiltered([source]).search("zzz ab") is not None or _plain(source).search("zzz ab") is None


def test_the_first_line_wins_where_two_match_at_one_place() -> None:
    filtered = Prefiltered(["bb", "ab", "abc"])
    look("zz abc bb")
    m = filtered.search("zz abc bb")
    assert m is not None
    assert m.group() == "ab"


def test_a_flattened_text_keeps_its_length() -> None:
    assert flattened("a-b ٣九") == " a b 0九 "
