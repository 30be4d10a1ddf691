"""What people write is read as they mean it: the contract's cases one by one, and the labelled sets as a whole."""

import pytest

from intent import SURE, parse
from intent.core import core_of
from intent.corpus import messages_of, writers
from tests.intent.labelled import load, score


@pytest.mark.parametrize(
    ("name", "least"),
    [("own_a.jsonl", 0.98), ("own_b.jsonl", 0.94), ("own_c.jsonl", 0.95), ("own_d.jsonl", 0.95), ("own_e.jsonl", 0.97)],
)
def test_the_labelled_messages_are_read_right(name: str, least: float) -> None:
    share, wrong = score(load(name))
    assert share >= least, "\n".join(wrong)


def test_no_remark_of_the_labelled_messages_is_taken_for_a_request() -> None:
    rows = [r for r in load("own_a.jsonl") if r.operation == "none"]
    fired = [r.text for r in rows if parse(r.text, photos=r.photos).decision == "act"]
    assert fired == []


def test_hardly_a_remark_with_words_of_commands_and_styles_is_taken_for_a_request() -> None:
    rows = [r for name in ("own_d.jsonl", "own_e.jsonl") for r in load(name) if r.operation == "none"]
    fired = [r.text for r in rows if parse(r.text, photos=r.photos).decision == "act"]
    assert len(rows) > 300
    assert len(fired) / len(rows) <= 0.04, "\n".join(fired)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("会议取消", None), ("取消", "cancel"), ("航班又取消了", None), ("取消刚才的任务", "cancel"),
        ("late again", None), ("again please", "again"), ("one more beer and im out", None),
        ("one more please", "again"),
        ("饭做好了吗", None), ("图做好了吗", "status"), ("is dinner ready", None), ("is my picture ready", "status"),
        ("i need help moving on saturday", None), ("i need help", "help"),
    ],
)  # fmt: skip
def test_a_commands_word_is_a_command_only_where_it_is_said_to_the_bot(text: str, command: str | None) -> None:
    assert parse(text).command == command


@pytest.mark.parametrize("text", ["wedding photo first, hanfu after that", "先婚纱后汉服", "先来婚纱照，然后汉服"])
def test_one_picture_first_and_another_after_it_are_a_series_in_that_order(text: str) -> None:
    assert [i.style for i in parse(text, photos=1).items] == ["wedding", "hanfu"]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("加上文字「Vol.3  夏日特刊」", "Vol.3  夏日特刊"),
        ("write “Class  of 2026”  on it", "Class  of 2026"),
        ("put 'Mia & Tom' on it", "Mia & Tom"),
        ("写上『ＡＢ　Ｃ』", "ＡＢ　Ｃ"),
        ('add "Two pics, please, 3:4" at the top', "Two pics, please, 3:4"),
    ],
)
def test_quoted_words_come_through_letter_for_letter(text: str, inside: str) -> None:
    got = parse(text, photos=1)
    assert (got.action, got.count, got.aspect_ratio) == ("text_render", 1, None)
    assert inside in (got.prompt or "")


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("restore it and colorize it", ["restore", "colorize"]),
        ("修复并上色", ["restore", "colorize"]),
        ("先抠图，再放大四倍", ["replace_bg", "upscale"]),
        ("remove the background, then upscale 4x", ["replace_bg", "upscale"]),
    ],
)
def test_several_edits_are_a_chain_in_the_order_said(text: str, actions: list[str]) -> None:
    got = parse(text, photos=1)
    assert [got.action, *(t.action for t in got.then)] == actions


def test_a_chained_upscale_keeps_its_scale() -> None:
    assert parse("先抠图，再放大四倍", photos=1).then[0].scale == 4


@pytest.mark.parametrize(
    "text", ["海报，1945年上海", "model 3 in red", "2寸蓝底证件照", "shot on iphone 15, casual photo"]
)
def test_numbers_that_are_no_counts_are_not_counted(text: str) -> None:
    assert parse(text, photos=1).count == 1


@pytest.mark.parametrize(
    "text",
    [
        "用免费的那个做动漫头像",
        "anime pic with the free one please",
        "油画，本机就行",
        "watercolor portrait, on this machine",
    ],
)
def test_asking_for_the_free_one_names_the_embedded_provider(text: str) -> None:
    assert parse(text, photos=1).provider == "embedded"


def test_each_picture_of_a_series_has_its_own_scene() -> None:
    got = parse("one hanfu by a lake, one chef portrait in a night market", photos=1)
    assert [i.style for i in got.items] == ["hanfu", "chef"]
    assert "lake" in (got.items[0].scene or "")
    assert "night market" in (got.items[1].scene or "")
    assert "lake" not in (got.items[1].scene or "")


def test_a_doubtful_reading_offers_the_best_ones() -> None:
    got = parse("something with feathers", photos=1)
    assert got.confidence < SURE
    assert got.decision != "act"
    assert 2 <= len(got.alternatives) <= 3
    cores = [core_of(i) for i in (got, *got.alternatives)]
    assert len(set(cores)) == len(cores)


def test_a_clear_request_is_sure_and_acted_upon() -> None:
    got = parse("动漫风格，两张", photos=1)
    assert got.confidence >= 0.9
    assert got.decision == "act"


def test_the_next_readings_come_likeliest_first() -> None:
    got = parse("画得像点，头发红的", photos=1)
    sure = [i.confidence for i in got.alternatives]
    assert sure == sorted(sure, reverse=True)


def test_in_a_group_silence_weighs_more() -> None:
    rows = [row for w in writers().values() if w.held_out for row in messages_of(w)]

    def asked(group: bool) -> int:
        return sum(parse(row.text, photos=row.photos, group=group).decision == "ask" for row in rows)

    assert asked(group=True) < asked(group=False)


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("港疯复古照", "hongkong_vintage"),
        ("婚沙照", "wedding"),
        ("watercolr portrait", "watercolor"),
        ("chrstmas pic", "christmas"),
    ],
)
def test_a_slip_of_the_hand_changes_nothing(text: str, style: str) -> None:
    assert parse(text, photos=1).style == style


@pytest.mark.parametrize("text", ["stages of grief", "a market portrait of my wife", "decoration", "北京背景板"])
def test_real_words_are_not_mended(text: str) -> None:
    from intent import explain

    assert explain(text).matched == text


@pytest.mark.parametrize(
    ("text", "styles"),
    [
        ("先来张厨师的，然后来张音乐人的", ["chef", "musician"]),
        ("first a spring garden portrait, then an autumn leaves one", ["spring_garden", "autumn_leaf"]),
        ("1. 厨师 2. 弹吉他的音乐人 3. 看书的", ["chef", "musician", "reading"]),
        ("do me 1 halloween 1 christmas", ["halloween", "christmas"]),
        ("me as a knight, a wizard and an elf, three separate pics", [None, None, None]),
        ("分别变成公主、女巫和骑士", [None, None, None]),
    ],
)
def test_pictures_one_after_the_other_are_a_series(text: str, styles: list[str | None]) -> None:
    got = parse(text, photos=1)
    assert (got.operation, [i.style for i in got.items]) == ("series", styles)


@pytest.mark.parametrize("text", ["学士服、抛帽子、图书馆门口，给我安排上", "1920s photo of me and a jazz club behind"])
def test_the_place_of_a_picture_is_not_another_picture(text: str) -> None:
    assert parse(text, photos=1).operation == "portrait"


@pytest.mark.parametrize(
    "text", ["他把我的照片删了", "同事把PPT全删了，今晚通宵重做", "隔壁老王把领英头像换成了他家二哈"]
)
def test_what_somebody_else_did_is_no_request(text: str) -> None:
    assert parse(text).operation == "none"


def test_a_request_after_a_story_is_heard() -> None:
    story = "I finally finished my PhD and never got the official pictures taken. Me in the robes with a diploma?"
    assert parse(story, photos=1).style == "graduation"


@pytest.mark.parametrize(
    "text",
    ["ID photo, blue background", "passport photo blue background", "证件照，蓝色背景", "blue backdrop id photo pls"],
)
def test_the_background_of_an_id_photo_is_its_style_and_no_further_wish(text: str) -> None:
    got = parse(text, photos=1)
    assert (got.style, got.scene) == ("id_photo_blue", None)
    assert parse("passport photo, white background, in a suit", photos=1).scene == "in a suit"


def test_what_is_said_first_holds_its_characters() -> None:
    assert parse("复古风写真，手上拿底片相机", photos=1).style == "vintage"


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("anime style", "anime"),
        ("in anime style please", "anime"),
        ("Vintage film look, vertical", "vintage"),
        ("professional headshot", "professional"),
        ("light and shadow portrait", "light_portrait"),
        ("油画风格，两张", "oil_painting"),
        ("复古照片", "vintage"),
        ("3D 卡通头像", "avatar_3d"),
        ("与宠物同框", "pet_together"),
        ("with a pet", "pet_together"),
    ],
)
def test_a_styles_own_name_is_that_style_and_no_further_wish(text: str, style: str) -> None:
    got = parse(text, photos=1)
    assert (got.operation, got.style, got.scene) == ("portrait", style, None)


@pytest.mark.parametrize("text", ["动漫一张，油画一张", "one as anime, one as an oil painting"])
def test_the_names_of_a_series_are_no_further_wishes(text: str) -> None:
    items = parse(text, photos=1).items
    assert [(i.style, i.scene) for i in items] == [("anime", None), ("oil_painting", None)]


def test_what_is_said_beyond_a_styles_name_is_kept() -> None:
    assert parse("impressionist oil painting", photos=1).scene == "impressionist oil painting"
    assert [i.scene for i in parse("一张在京都，一张在巴厘岛", photos=1).items] == ["在京都", "在巴厘岛"]
    assert parse("anime style, on a rooftop at night", photos=1).scene == "on a rooftop at night"


@pytest.mark.parametrize("text", ["裁成16:9", "头像 16:9", "改成16:9"])
def test_a_six_in_a_ratio_is_no_praise(text: str) -> None:
    got = parse(text, photos=1)
    assert got.operation != "none"
    assert got.aspect_ratio == "16:9"
    assert parse("这效果太6了", photos=1).operation == "none"


@pytest.mark.parametrize(
    ("text", "style", "scene"),
    [
        ("动漫风格，站在樱花树下", "anime", "站在樱花树下"),
        ("汉服风格，手里拿着一把剑", "hanfu", "手里拿着一把剑"),
        ("复古风格，雷电将军撑着伞", "vintage", "雷电将军撑着伞"),
        ("毕业照，站在樱花树下", "graduation", "站在樱花树下"),
        ("Wedding style at the beach", "wedding", "at the beach"),
        ("/anime", "anime", None),
        ("turn this into anime", "anime", None),
        ("turn it into an oil painting, please", "oil_painting", None),
        ("make it a watercolor", "watercolor", None),
    ],
)
def test_a_style_that_is_said_as_one_is_made_whatever_its_scene(text: str, style: str, scene: str | None) -> None:
    got = parse(text, photos=1)
    assert (got.decision, got.style) == ("act", style)
    assert scene is None or scene in (got.scene or "")


@pytest.mark.parametrize("text", ["/frobnicate", "/ban@other_bot"])
def test_a_command_of_somebody_else_is_no_wish(text: str) -> None:
    assert parse(text, photos=1).operation == "none"


@pytest.mark.parametrize("text", ["make the first picture brighter", "第二张暖一点", "the last photo a bit warmer"])
def test_which_picture_is_to_be_changed_is_no_further_wish(text: str) -> None:
    got = parse(text, photos=2)
    assert (got.decision, got.operation) == ("act", "edit")
