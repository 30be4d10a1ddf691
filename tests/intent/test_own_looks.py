"""Looks that no style has but that can be drawn here: read where they are all that is said."""

from pathlib import Path

import pytest

from handlers.describe import describe
from handlers.jobs.plan import quoted, task_for
from handlers.order import Order, Shot
from intent import parse
from intent.foreign_marks import without_foreign_marks
from intent.own_looks import look_named
from providers.embedded.provider import EmbeddedProvider
from providers.errors import AskPerson
from providers.router import Router


@pytest.mark.parametrize(
    "text",
    ["sketch", "素描", "pencil sketch", "来张素描", "把我画成素描", "turn me into a pencil sketch", "素描，两张",
     "a pencil drawing of me please", "charcoal sketch of my grandfather", "线稿", "鉛筆素描", "pop art", "Sketch!!"],
)  # fmt: skip
def test_a_look_alone_is_a_portrait_in_it(text: str) -> None:
    intent = parse(text, photos=1)
    assert (intent.operation, intent.style, intent.decision) == ("portrait", None, "act")
    assert intent.prompt
    assert look_named(intent.prompt)


@pytest.mark.parametrize("text", ["turn it into a pencil drawing", "素描滤镜", "把这张照片变成素描", "sketch effect"])
def test_where_the_picture_is_to_be_changed_it_is_the_filter(text: str) -> None:
    intent = parse(text, photos=1)
    assert (intent.action, intent.parameters.filter, intent.decision) == ("filter", "sketch", "act")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("watercolor sketch of me", "watercolor"),
        ("漫画风", "anime"),
        ("a headshot in a charcoal blazer", "professional"),
    ],
)
def test_a_style_that_is_named_keeps_its_words(text: str, key: str) -> None:
    assert parse(text, photos=1).style == key


@pytest.mark.parametrize("text", ["sketch of a pirate ship", "drawing", "me as a wizard, pencil sketch", "lego style"])
def test_whatever_else_is_said_is_no_look_alone(text: str) -> None:
    assert look_named(text) is None


def order(prompt: str) -> Order:
    return Order(operation="portrait", shots=(Shot(prompt=prompt),), photos=(Path("a.jpg"),))


def test_it_is_made_on_this_machine_and_what_says_more_is_not(tmp_path: Path) -> None:
    quote = quoted(Router([EmbeddedProvider(tmp_path)]))
    assert quote(order("素描")).basic
    assert task_for(order("pencil sketch"), shot=0).parameters.filter == "sketch"
    for more in ("pencil sketch of me as a wizard", "lego style"):
        with pytest.raises(AskPerson):
            quote(order(more))


def test_it_is_told_by_its_name_and_not_in_the_words_of_the_request() -> None:
    assert describe(order("来张素描，谢谢"), "zh") == "铅笔素描"
    assert describe(order("turn me into a pencil sketch"), "en") == "Pencil sketch"


@pytest.mark.parametrize(
    ("text", "action"),
    [("cooler", "enhance"), ("裁成1:1", "edit"), ("crop to square", "edit"), ("rotate left", "edit"),
     ("sepia", "filter"), ("黑白", "filter"), ("black and white", "filter"), ("polaroid", "filter")],
)  # fmt: skip
def test_a_change_that_is_all_that_is_said_begins_at_once(text: str, action: str) -> None:
    intent = parse(text, photos=1)
    assert (intent.operation, intent.action, intent.decision) == ("edit", action, "act")


@pytest.mark.parametrize("text", ["cool", "add color to this b&w", "民国风写真", "给黑白照上色", "70s polaroid of me"])
def test_the_same_words_beside_another_wish_are_not_taken_for_a_filter(text: str) -> None:
    assert parse(text, photos=1).action != "filter"


@pytest.mark.parametrize("text", ["cooler", "sepia", "裁成1:1"])
def test_without_a_photo_they_begin_nothing(text: str) -> None:
    intent = parse(text, photos=0)
    assert intent.decision != "act" or intent.operation in ("none", "command")


@pytest.mark.parametrize(
    ("text", "left"), [("裁成16*9", "裁成16*9"), ("*anime*", "anime"), ("把**动漫**风格", "把动漫风格")]
)
def test_a_star_in_a_size_stays_and_one_around_words_goes(text: str, left: str) -> None:
    assert without_foreign_marks(text) == left
