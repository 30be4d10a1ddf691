"""Codes of the platforms, numbers that count and those that do not, refusals, and several photos."""

import pytest

from intent import parse
from intent.emoji_codes import without_emoji_codes


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("谢谢[裂开]", "谢谢"),
        ("[让我看看][转圈]", ""),
        ("ok /:bye", "ok "),
        ("好看[强][强]啊", "好看啊"),
        ("hello[Smile]there", "hello]there"),
        ("竖版[竖版]", "竖版[竖版]"),
        ("[动画表情]", ""),
        ("and/or: yes", "and/or: yes"),
    ],
)
def test_a_platforms_code_is_dropped_and_a_persons_bracket_stays(text: str, plain: str) -> None:
    assert without_emoji_codes(text) == plain


@pytest.mark.parametrize("text", ["谢谢[裂开]", "[裂开]", "/:bye", "[动画表情]", "太好看了[破涕为笑][破涕为笑]"])
def test_codes_beside_a_photo_ask_for_nothing(text: str) -> None:
    assert parse(text, photos=1).operation == "none"


@pytest.mark.parametrize(
    "text", ["动漫风格[裂开]", "动漫风格（动漫风格[呲牙]）", "50 anime avatars please", "watercolor portrait"]
)
def test_neither_a_code_nor_the_styles_name_told_twice_is_a_further_wish(text: str) -> None:
    got = parse(text, photos=1)
    assert got.operation == "portrait"
    assert got.scene is None


@pytest.mark.parametrize(
    "text",
    [
        "anything but anime",
        "不要动漫风格",
        "别做成动漫",
        "don't make it anime",
        "no watercolor please",
        "除了动漫都行",
        "不要抠图",
        "别p图了",
        "i don't want a cartoon",
        "please don't restore it",
    ],
)
def test_a_bare_refusal_begins_nothing(text: str) -> None:
    assert parse(text, photos=1).operation == "none"


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("不要卡通，要油画", "oil_painting"),
        ("not anime, oil painting", "oil_painting"),
        ("别做成动漫，做成水彩吧", "watercolor"),
    ],
)
def test_a_refusal_beside_a_wish_leaves_the_wish(text: str, style: str) -> None:
    assert parse(text, photos=1).style == style


@pytest.mark.parametrize(
    "text",
    [
        "2 inch photo white background",
        "两寸蓝底证件照",
        "2x2 passport photo",
        "5 year old birthday photo",
        "a 10 mb photo, anime",
    ],
)
def test_a_unit_is_no_count(text: str) -> None:
    assert parse(text, photos=1).count == 1


@pytest.mark.parametrize(
    ("text", "count", "said"),
    [
        ("来俩动漫的", 2, None),
        ("来仨水彩头像", 3, None),
        ("动漫头像来一打", 8, 12),
        ("a hundred anime pictures", 8, 100),
        ("100 pictures in watercolor", 8, 100),
        ("十二张水彩", 8, 12),
        ("一百张动漫", 8, 100),
        ("half a dozen anime pics", 6, None),
    ],
)
def test_more_than_the_most_is_the_most_and_says_what_was_asked(text: str, count: int, said: int | None) -> None:
    got = parse(text, photos=1)
    assert (got.operation, got.count, got.count_said) == ("portrait", count, said)


@pytest.mark.parametrize(
    "text",
    [
        "turn these 3 photos into oil paintings",
        "每张都做成油画",
        "分别做成油画",
        "全部变成油画",
        "each of these as an oil painting",
    ],
)
def test_each_of_several_photos_is_to_be_a_picture_of_its_own(text: str) -> None:
    got = parse(text, photos=3)
    assert (got.style, got.count, got.photos_as) == ("oil_painting", 1, "each")


@pytest.mark.parametrize("text", ["三张合成一张", "put them all together in one picture", "把这两张合成一张合影"])
def test_photos_are_fused_where_that_is_asked_for(text: str) -> None:
    assert parse(text, photos=3).photos_as == "together"


def test_a_single_photo_is_neither() -> None:
    assert parse("每张都做成油画", photos=1).photos_as is None
