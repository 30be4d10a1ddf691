"""Several pictures in one message, and several edits one after the other, in the words that no list holds."""

import pytest

from intent import parse


@pytest.mark.parametrize(
    ("text", "styles"),
    [
        ("三套：二次元 赛博 汉服 各一张", ["anime", "cyberpunk", "hanfu"]),
        ("两张，一张正装一张便装", ["professional", "casual"]),
        ("一共三张第一张厨师的第二张婚纱的第三张圣诞的", ["chef", "wedding", "christmas"]),
        ("set of three: office, something relaxed, running", ["professional", "casual", "sports_running"]),
        ("谢谢，婚纱照、汉服照、毕业照，一起做了吧", ["wedding", "hanfu", "graduation"]),
    ],
)
def test_a_list_is_read_piece_by_piece_whatever_separates_it(text: str, styles: list[str | None]) -> None:
    assert [item.style for item in parse(text, photos=1).items] == styles


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("补完裂缝再弄清楚一点", ["restore", "upscale"]),
        ("先补破洞，再上颜色", ["restore", "colorize"]),
        ('brighten it, then write "June 2026" in the corner', ["enhance", "text_render"]),
        ("mend the tear and get rid of the stranger on the edge", ["restore", "remove_person"]),
        ("路人刪掉，然後背景換成海", ["remove_person", "replace_bg"]),
    ],
)
def test_each_clause_that_asks_for_an_edit_is_a_step(text: str, actions: list[str]) -> None:
    got = parse(text, photos=1)
    assert [got.action, *(step.action for step in got.then)] == actions


@pytest.mark.parametrize(
    "text",
    [
        "后面那个大爷抢镜，去掉",
        "pimples are there on forehead, kindly remove them",
        "减重门诊的，三个月，前后对比放一起",
        "remove the cup and leave the flowers",
    ],
)
def test_a_clause_that_says_the_same_again_or_keeps_something_is_no_step(text: str) -> None:
    assert parse(text, photos=1).then == ()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("给我俩补一张婚纱照", 1),
        ("bluebells and the two of them, a spring portrait", 1),
        ("蜜月延了三次，先给我一张在布拉格的照片", 1),
        ("4x this for a poster", 1),
        ("再给三个不一样的", 3),
        ("do three others a little different", 3),
    ],
)
def test_people_times_and_factors_are_no_count_of_pictures(text: str, count: int) -> None:
    assert parse(text, photos=1).count == count


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("place me on Red Square", None),
        ("竖版海报扩成横版", "4:3"),
        ("enlarge it, we print it on a banner", None),
    ],
)
def test_a_shape_is_what_the_picture_is_to_become(text: str, ratio: str | None) -> None:
    assert parse(text, photos=1).aspect_ratio == ratio
