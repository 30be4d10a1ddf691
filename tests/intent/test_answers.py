"""Short answers to "Shall I start?"."""

import pytest

from intent import read_answer


@pytest.mark.parametrize(
    "text",
    [
        "start",
        "开始",
        "go ahead",
        "👍",
        "👍🏽",
        "[好的]",
        "[OK]",
        "ok",
        "好的吧",
        "好，开始吧",
        "yes please!",
        "OK thanks",
        "開始做吧",
        "let's do it",
        "/:strong",
    ],
)
def test_consent_is_yes(text: str) -> None:
    answer = read_answer(text)
    assert answer is not None
    assert answer.kind == "yes"


@pytest.mark.parametrize("text", ["no thanks", "不了", "算了吧", "👎", "wait", "[弱]", "先不要", "唔使"])
def test_refusal_is_no(text: str) -> None:
    answer = read_answer(text)
    assert answer is not None
    assert answer.kind == "no"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("make it 2 instead", 2),
        ("两张就行", 2),
        ("only one", 1),
        ("just one please", 1),
        ("two is enough", 2),
        ("改成三张", 3),
        ("no, make it 3", 3),
        ("那就两张吧", 2),
        ("要仨", 3),
        ("make it 50", 8),
    ],
)
def test_another_number_is_the_same_order_with_that_number(text: str, count: int) -> None:
    answer = read_answer(text)
    assert answer is not None
    assert (answer.kind, answer.count) == ("count", count)


@pytest.mark.parametrize(
    "text",
    ["2", "anime", "再来一张", "make it brighter", "第二张", "两张动漫的海报", "", "ok then do it in watercolour"],
)
def test_a_message_of_its_own_and_a_bare_number_are_no_answers(text: str) -> None:
    assert read_answer(text) is None
