"""What an edit's own words ask for, as values."""

import json
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intent import Adjustment, Background, Margin, parse
from intent.normalize import normalize
from intent.parameter_reading import parameters_of
from intent.parameter_words import tables

WHITE, RED, BLUE = (255, 255, 255), (0xDB, 0x1C, 0x24), (0x2F, 0x6F, 0xD0)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("remove the background", "transparent"),
        ("抠图", "transparent"),
        ("去背", "transparent"),
        ("", "transparent"),
        ("transparent background please", "transparent"),
        ("white background", "colour"),
        ("换成蓝色背景", "colour"),
        ("把背景换成纯白色", "colour"),
        ("#ff8800", "colour"),
        ("浅蓝色渐变背景", "gradient"),
        ("gradient from navy to white", "gradient"),
        ("影棚背景", "studio"),
        ("blur the background", "blurred"),
        ("背景虛化一下", "blurred"),
    ],
)
def test_backgrounds_that_need_no_invention_are_told_apart(words: str, kind: str) -> None:
    made = parameters_of("replace_bg", words)
    assert made.background is not None
    assert (made.background.kind, made.complete) == (kind, True)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("put me on a beach", "beach"),
        ("换成沙滩背景", "沙滩"),
        ("巴黎铁塔", "巴黎铁塔"),
        ("blue sky with clouds", "blue sky with clouds"),
        ("an office", "office"),
        ("海边日落", "海边日落"),
        ("a red sports car", "red sports car"),
    ],
)
def test_a_scene_is_a_place_in_the_persons_own_words_and_not_its_colour(words: str, place: str) -> None:
    made = parameters_of("replace_bg", words)
    assert made.background is not None
    assert (made.background.kind, made.background.place, made.complete) == ("place", place, False)


def test_colours_come_by_word_and_by_number_in_order() -> None:
    def colours(words: str) -> tuple[tuple[int, int, int], ...]:
        return parameters_of("edit", words).colours

    assert colours("from #17305f to white") == ((0x17, 0x30, 0x5F), WHITE)
    assert colours("白色和#f00") == (WHITE, (255, 0, 0))
    assert colours("light blue") != colours("blue")
    assert colours("covered in redwood") == ()


def test_a_gradient_takes_its_two_colours_in_order() -> None:
    assert parameters_of("replace_bg", "gradient from navy to white").background == Background(
        kind="gradient", colours=((0x17, 0x30, 0x5F), WHITE)
    )


@pytest.mark.parametrize(
    ("words", "letters", "position"),
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
        ("写上『ＡＢ　Ｃ』", "ＡＢ　Ｃ", None),
    ],
)
def test_letters_are_taken_letter_for_letter(words: str, letters: str, position: str | None) -> None:
    made = parameters_of("text_render", words).lettering
    assert made is not None
    assert (made.text, made.position) == (letters, position)


@pytest.mark.parametrize(
    ("words", "old", "new"),
    [
        ("把海报上的2023改成2024", "2023", "2024"),
        ('change the text "SALE" to "SOLD"', "SALE", "SOLD"),
        ("把“开业”改成“周年庆”", "开业", "周年庆"),
        ("replace 'Tom' with 'Tim'", "Tom", "Tim"),
        ("字改成“开业大吉”", None, "开业大吉"),
    ],
)
def test_letters_that_stand_in_for_others_say_which(words: str, old: str | None, new: str) -> None:
    made = parameters_of("text_render", words).lettering
    assert made is not None
    assert (made.replaces, made.text) == (old, new)


def test_the_manner_of_letters_is_read_outside_the_quotes_only() -> None:
    made = parameters_of("text_render", "“red top vertical”").lettering
    assert made is not None
    assert (made.colour, made.position, made.vertical) == (None, None, False)
    plain = parameters_of("text_render", "竖排大字，红色，写上「春风」").lettering
    assert plain is not None
    assert (plain.colour, plain.size, plain.vertical) == (RED, "large", True)


@given(st.text(alphabet=st.characters(exclude_characters="“”", exclude_categories=("C", "Z")), min_size=1, max_size=30))
def test_whatever_stands_in_quotes_is_kept(letters: str) -> None:
    made = parameters_of("text_render", f"加上文字“{letters}”在底部").lettering
    assert made is not None
    assert made.text == letters


_ACTIONS = ["replace_bg", "text_render", "extend", "edit", "filter", "before_after", "colorize", "enhance", "upscale"]


@given(st.sampled_from(_ACTIONS), st.text(max_size=80))
def test_every_text_has_parameters_that_json_can_carry(action: str, words: str) -> None:
    made = parameters_of(action, words).as_dict()
    assert json.loads(json.dumps(made)).keys() == made.keys()


@pytest.mark.parametrize(
    ("words", "margins"),
    [
        ("向左和上面扩展", [("left", None, None), ("top", None, None)]),
        ("extend to the right", [("right", None, None)]),
        ("wider", [("left", None, None), ("right", None, None)]),
        ("extend 20% to the left and 200 px on top", [("left", 20, "percent"), ("top", 200, "pixels")]),
        ("上面多留点天，左边加一倍", [("left", 100, "percent"), ("top", None, None)]),
        ("四周各加10%", [(s, 10, "percent") for s in ("left", "right", "top", "bottom")]),
        ("expand by half", [(s, 50, "percent") for s in ("left", "right", "top", "bottom")]),
        ("make it 1.5x wider", [("left", 50, "percent"), ("right", 50, "percent")]),
        ("左边百分之三十，右边两百像素", [("left", 30, "percent"), ("right", None, None)]),
        ("zoom out", []),
    ],
)
def test_sides_come_with_the_amounts_said_for_them(words: str, margins: list[tuple[str, float, str]]) -> None:
    got = parameters_of("extend", words).margins
    assert got == tuple(Margin(side=s, amount=a, unit=u) for s, a, u in margins)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "change", "complete"),
    [
        ("", None, True),
        ("前后对比图", None, True),
        ("before and after retouch", "retouch", True),
        ("减肥前后对比", None, False),
        ("before and after surgery", None, False),
    ],
)
def test_a_before_and_after_says_which_change_it_shows(words: str, change: str | None, complete: bool) -> None:
    made = parameters_of("before_after", words)
    assert (made.change, made.complete) == (change, complete)


@pytest.mark.parametrize(
    ("words", "key", "complete"),
    [
        ("加个好看的滤镜", None, True),
        ("add a glitter unicorn filter", None, False),
        ("black and white film", "mono", True),
        ("港風濾鏡", "hongkong", True),
    ],
)
def test_a_filter_is_named_any_or_unknown(words: str, key: str | None, complete: bool) -> None:
    made = parameters_of("filter", words)
    assert (made.filter, made.complete) == (key, complete)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("亮一点", [("brightness", "up", "slight", None)]),
        ("太亮了，暗一些", [("brightness", "down", "slight", None)]),
        (
            "a bit warmer with much more contrast",
            [("warmth", "up", "slight", None), ("contrast", "up", "strong", None)],
        ),
        ("饱和度降低", [("saturation", "down", None, None)]),
        ("flip it", [("flip", "horizontal", None, None)]),
        ("上下翻转", [("flip", "vertical", None, None)]),
        ("turn it upside down", [("flip", "vertical", None, None)]),
        ("rotate it 90 degrees clockwise", [("rotate", "right", None, 90.0)]),
        ("向左旋转", [("rotate", "left", None, None)]),
        ("再大一点", [("size", "up", "slight", None)]),
        ("裁成", [("crop", None, None, None)]),
        ("改回去", [("undo", None, None, None)]),
        ("undo that", [("undo", None, None, None)]),
        ("it is crooked, straighten it", [("straighten", None, None, None)]),
    ],
)
def test_simple_changes_have_a_direction(words: str, expected: list[tuple[object, ...]]) -> None:
    got = parameters_of("edit", words).adjustments
    assert [(a.kind, a.direction, a.strength, a.degrees) for a in got] == expected


def test_an_edit_is_complete_only_where_its_adjustments_say_all() -> None:
    assert parameters_of("edit", "crop it to 1:1").complete
    assert not parameters_of("edit", "crop it and remove the cup").complete
    assert not parameters_of("edit", "make the sky dramatic").complete


def test_the_keys_of_the_table_are_the_kinds_of_adjustment() -> None:
    kinds = set(get_args(get_type_hints(Adjustment)["kind"]))
    assert {key.partition("=")[0].rstrip("+-") for key in tables()["adjustments"]} == kinds


def test_the_words_are_written_the_way_messages_are_normalized() -> None:
    unlike = [w for keys in tables().values() for words in keys.values() for w in words if normalize(w).text != w]
    assert unlike == []


@pytest.mark.parametrize(
    ("text", "consistency"),
    [
        ("turn me into a viking, exactly the same face", "strict"),
        ("做成骑士，脸要一模一样", "strict"),
        ("動漫風格，臉不要變", "strict"),
        ("cyberpunk portrait, just inspired by me", "loose"),
        ("油画，不用太像", "loose"),
        ("3D头像，像我就行", "balanced"),
        ("anime portrait", None),
    ],
)
def test_how_far_the_face_must_stay_is_heard(text: str, consistency: str | None) -> None:
    assert parse(text, photos=1).consistency == consistency


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("watercolor portrait, cheapest option please", "cheapest"),
        ("动漫头像，最便宜的就行", "cheapest"),
        ("anime, asap", "fastest"),
        ("最高质量的油画", "best"),
        ("动漫风格，不要上传到外面", "private"),
        ("oil painting on my own server", "private"),
        ("anime portrait", None),
    ],
)
def test_what_is_put_first_when_a_service_is_chosen_is_heard(text: str, priority: str | None) -> None:
    got = parse(text, photos=1)
    assert (got.operation, got.priority, got.scene) == ("portrait", priority, None)


def test_each_step_of_a_chain_has_its_own_parameters() -> None:
    got = parse("背景换成蓝色，再调亮一点", photos=1)
    assert got.parameters.background == Background(kind="colour", colours=(BLUE,))
    (then,) = got.then
    assert [(a.kind, a.direction) for a in then.parameters.adjustments] == [("brightness", "up")]


def test_the_contracts_object_holds_no_parameters() -> None:
    got = parse("换成蓝色背景，脸不要变，便宜点", photos=1).as_dict()
    assert not {"parameters", "consistency", "priority"} & set(got)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("加个复古滤镜", "vintage"),
        ("加個復古濾鏡", "vintage"),
        ("make it look vintage", "vintage"),
        ("港风滤镜", "hongkong"),
        ("Hong Kong film look please", "hongkong"),
        ("改成黑白的", "mono"),
        ("make it B&W", "mono"),
        ("a black and white film", "mono"),
        ("胶片感", "film"),
        ("cinematic film look", "film"),
        ("sepia tone", "sepia"),
        ("暖一点", "warm"),
        ("a bit WARMER", "warm"),
        ("冷色调", "cool"),
        ("梦幻柔光", "dreamy"),
        ("soft and dreamy", "dreamy"),
        ("铅笔素描", "sketch"),
        ("pencil drawing", "sketch"),
        ("漫画效果", "comic"),
        ("日本漫画", "anime"),
        ("make it look like an oil painting", "oil"),
        ("水彩画", "watercolor"),
        ("watercolour", "watercolor"),
        ("赛博朋克", "cyberpunk"),
        ("拍立得", "polaroid"),
        ("ｐｏｌａｒｏｉｄ", "polaroid"),
        ("make it brighter", None),
        ("scoop filmstar boil", None),
        ("", None),
    ],
)
def test_every_filter_is_named_by_several_words(text: str, key: str | None) -> None:
    assert parameters_of("filter", text).filter == key


@pytest.mark.parametrize(
    ("words", "service", "refused"),
    [
        ("anime with openai", "openai", ()),
        ("用 fal 做动漫", "fal", ()),
        ("anime, not with openai", None, ("openai",)),
        ("anime, don't use fal", None, ("fal",)),
        ("anything but Black Forest Labs, anime", None, ("bfl",)),
        ("without stability ai: watercolor", None, ("stability",)),
        ("动漫，不要用openai", None, ("openai",)),
        ("动漫，除了百炼都行", None, ("dashscope",)),
        ("不要发给openai，动漫", None, ("openai",)),
        ("don't send my photo to fal, anime", None, ("fal",)),
        ("anime via fal, not openai", "fal", ("openai",)),
        ("用openai，别用fal，动漫", "openai", ("fal",)),
        ("do not replicate the pose, anime", None, ()),
        ("动漫风格", None, ()),
    ],
)
def test_a_service_that_is_refused_is_never_taken_for_one_that_is_wanted(
    words: str, service: str | None, refused: tuple[str, ...]
) -> None:
    made = parse(words, photos=1)
    assert (made.operation, made.service, made.not_services) == ("portrait", service, refused)


@pytest.mark.parametrize(
    "words",
    [
        "照片别传出去，水彩",
        "不要发给别的公司，油画",
        "别流出去，做个动漫头像",
        "don't send my picture to any company, oil painting",
        "anime, do not share my photo",
        "it must not leave this server: watercolor",
    ],
)
def test_privacy_in_other_words_is_privacy_too(words: str) -> None:
    assert parse(words, photos=1).priority == "private"


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ("anime, strictly my face", "strict"),
        ("严格保持长相，动漫", "strict"),
        ("动漫，大概像就好", "loose"),
        ("anime, it doesn't have to be exact", "loose"),
        ("anime, keep it fairly close to my face", "balanced"),
    ],
)
def test_likeness_in_other_words(words: str, level: str) -> None:
    assert parse(words, photos=1).consistency == level


@pytest.mark.parametrize(
    ("words", "margins"),
    [
        ("wider to the left", {"left": None}),
        ("make it wider to the right please", {"right": None}),
        ("上面多留点天", {"top": None}),
        ("more sky please", {"top": None}),
        ("往左扩一点", {"left": None}),
        ("左右两边各扩展200像素", {"left": 200, "right": 200}),
        ("add 300 pixels on the right and 100 at the top", {"right": 300, "top": 100}),
        ("请把照片上下各加200像素", {"top": 200, "bottom": 200}),
    ],
)
def test_an_order_that_is_all_sides_is_acted_on(words: str, margins: dict[str, float | None]) -> None:
    made = parse(words, photos=1)
    assert (made.operation, made.action, made.decision) == ("edit", "extend", "act")
    assert {margin.side: margin.amount for margin in made.parameters.margins} == margins


@pytest.mark.parametrize(
    "words", ["wider eyes", "more light on the left", "rotate to the left", "make it 300 pixels wide", "左边那张", "up"]
)
def test_a_side_alone_widens_nothing(words: str) -> None:
    made = parse(words, photos=1)
    assert made.action != "extend" or made.decision != "act"
