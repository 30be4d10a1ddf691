"""What an edit's own words ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.embedded.reading import (
    Background,
    background_in,
    change_in,
    colours_in,
    keys_in,
    lettering_in,
    names_no_filter,
)

WHITE = (255, 255, 255)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("remove the background", "cut"),
        ("抠图", "cut"),
        ("去背", "cut"),
        ("", "cut"),
        ("transparent background please", "cut"),
        ("white background", "solid"),
        ("换成蓝色背景", "solid"),
        ("把背景换成纯白色", "solid"),
        ("#ff8800", "solid"),
        ("浅蓝色渐变背景", "gradient"),
        ("gradient from navy to white", "gradient"),
        ("影棚背景", "studio"),
        ("blur the background", "blur"),
        ("背景虚化一下", "blur"),
    ],
)
def test_backgrounds_that_can_be_painted_are_understood(words: str, kind: str) -> None:
    background = background_in(words)
    assert background is not None
    assert background.kind == kind


@pytest.mark.parametrize(
    "words",
    ["on a beach", "换成沙滩背景", "巴黎铁塔", "blue sky with clouds", "an office", "海边日落", "a red sports car"],
)
def test_a_scene_is_not_painted_and_not_mistaken_for_its_colour(words: str) -> None:
    assert background_in(words) is None


def test_colours_come_by_word_and_by_number_in_order() -> None:
    assert colours_in("from #17305f to white") == ((0x17, 0x30, 0x5F), WHITE)
    assert colours_in("白色和#f00") == (WHITE, (255, 0, 0))
    assert colours_in("light blue") != colours_in("blue")
    assert colours_in("covered in redwood") == ()


def test_a_gradient_takes_its_two_colours_in_order() -> None:
    assert background_in("gradient from navy to white") == Background(
        kind="gradient", colours=((0x17, 0x30, 0x5F), WHITE)
    )


@pytest.mark.parametrize(
    ("words", "letters", "place"),
    [
        ("在左上角加上文字“生日快乐”，红色", "生日快乐", "top_left"),
        ("add text 'Hello World' at the bottom in yellow", "Hello World", "bottom"),
        ("write Happy New Year at the top", "Happy New Year", "top"),
        ("加上文字：新年快乐 在底部", "新年快乐", "bottom"),
        ("写上 I don't care", "I don't care", None),
        ('put the words "Don\'t panic" big in the middle', "Don't panic", "centre"),
        ("Sale 50% in white at the top left", "Sale 50%", "top_left"),
        ("竖排写上「春风十里」", "春风十里", None),
        ("Hello", "Hello", None),
        ("add the text 《平凡的世界》", "平凡的世界", None),
        ("caption: Top of the world", "Top of the world", None),
    ],
)
def test_letters_are_taken_letter_for_letter(words: str, letters: str, place: str | None) -> None:
    found = lettering_in(words)
    assert found is not None
    assert (found.letters, found.place) == (letters, place)


def test_manner_is_read_outside_the_quotes_only() -> None:
    found = lettering_in("“red top vertical”")
    assert found is not None
    assert (found.colour, found.place, found.vertical) == (None, None, False)


@given(st.text(alphabet=st.characters(exclude_characters="“”", exclude_categories=("C", "Z")), min_size=1, max_size=30))
def test_whatever_stands_in_quotes_is_kept(letters: str) -> None:
    found = lettering_in(f"加上文字“{letters}”在底部")
    assert found is not None
    assert found.letters == letters


@given(st.text(max_size=60))
def test_no_words_break_the_reading(words: str) -> None:
    background_in(words)
    lettering_in(words)
    colours_in(words)
    change_in(words)


def test_sides_are_read_in_both_languages() -> None:
    assert keys_in("向左和上面扩展", "sides") == {"left", "top"}
    assert keys_in("extend to the right", "sides") == {"right"}
    assert keys_in("wider", "sides") == {"horizontal"}


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("", "enhance"),
        ("前后对比图", "enhance"),
        ("before and after retouch", "retouch"),
        ("减肥前后对比", None),
        ("before and after surgery", None),
    ],
)
def test_a_before_and_after_shows_only_changes_that_are_known(words: str, change: str | None) -> None:
    assert change_in(words) == change


def test_a_filter_without_a_name_is_any_filter_and_an_unknown_one_is_not() -> None:
    assert names_no_filter("加个好看的滤镜")
    assert not names_no_filter("add a glitter unicorn filter")
