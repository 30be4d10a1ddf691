"""The catalog is complete, in step in both languages, and every prompt is a whole one."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from providers import task
from providers.catalog import (
    ACTION_GROUPS,
    ACTIONS,
    MODELS,
    STYLE_GROUPS,
    STYLES,
    Action,
    Model,
    Style,
    actions_in,
    check_action,
    check_count,
    check_model,
    check_ratio,
    check_scale,
    check_style,
    styles_in,
)
from providers.catalog.keys import SHOWN, shown
from providers.catalog.listing import action_rows, model_rows, style_rows
from providers.catalog.pages import actions_page, styles_page
from providers.catalog.records import Table
from providers.errors import AskPerson

DOCS = Path(__file__).parents[2] / "docs"

STYLE_KEYS = """
professional, artistic, anime, cyberpunk, oil_painting, watercolor, vintage, casual,
dating_cafe, dating_beach, dating_city, dating_restaurant, travel_europe, travel_japan, travel_tropical, sports_gym,
sports_running, social_media, linkedin, personal_brand,
christmas, halloween, graduation, wedding, business_speech, musician, chef, outdoor_adventure, pet_together, reading,
night_city, hanfu, avatar_3d, avatar_gaming, avatar_vtuber, child_portrait, family_photo,
id_photo_white, id_photo_blue, id_photo_red,
spring_garden, summer_sport, autumn_leaf, winter_chinese, hongkong_vintage, light_portrait
"""
ACTION_KEYS = """
edit, blend, extend, local_edit, text_render, multi_angle, before_after, replace_bg, upscale, restore, colorize,
remove_person, retouch, slim, enhance, filter, comparison, car_color, car_wrap,
variations, transfer_style, character_sheet, expression_sheet
"""
AVATARS = {"avatar_3d", "avatar_gaming", "avatar_vtuber"}
ANOTHER_LAYOUT = {
    "edit",
    "blend",
    "extend",
    "variations",
    "multi_angle",
    "before_after",
    "comparison",
    "character_sheet",
    "expression_sheet",
}
SEVEN_PARTS = ("subject", "dress", "pose", "expression", "background", "light", "finish")
FACECHAIN = {
    "f_idcard_male",
    "f_idcard_female",
    "f_business_male",
    "f_business_female",
    "m_springflower_female",
    "f_summersport_female",
    "f_autumnleaf_female",
    "m_winterchinese_female",
    "f_hongkongvintage_female",
    "f_lightportray_female",
}

RECORDS: tuple[Style | Action | Model, ...] = (*STYLES.values(), *ACTIONS.values(), *MODELS.values())
HAN = re.compile(r"[\u4e00-\u9fff]")
NAMES_OF_OTHERS = re.compile(
    r"pixar|disney|ghibli|marvel|kodak|fuji|leica|canon|nikon|hasselblad|vogue|national geographic|league of legends|"
    r"instagram|tiktok|linkedin|tinder|adobe|photoshop|artstation|midjourney|wes anderson|wong kar|miyazaki|makoto",
    re.I,
)
SEXES = re.compile(r"\b(he|she|his|her|him|hers|man|men|woman|women|boy|girl|male|female|gentleman|lady|sir)\b", re.I)


def keys(listed: str) -> set[str]:
    return {key.strip() for key in listed.split(",")}


def texts_of(record: Style | Action | Model) -> dict[str, str]:
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def test_every_style_of_the_contract_has_its_record() -> None:
    for key in sorted(keys(STYLE_KEYS)):
        assert STYLES[key].key == key


def test_every_action_of_the_contract_has_its_record() -> None:
    for key in sorted(keys(ACTION_KEYS)):
        assert ACTIONS[key].key == key


def test_models_are_those_of_the_seam() -> None:
    assert tuple(MODELS) == task.LEVELS


def test_models_say_how_long_a_picture_takes() -> None:
    assert {key: model.seconds for key, model in MODELS.items()} == {"nanopro": 25, "nano2": 15, "gpt": 150}


def test_no_text_of_a_record_is_empty_or_frayed() -> None:
    for record in RECORDS:
        may_be_empty = {"default_prompt", "default_with_second"}
        for name, value in texts_of(record).items():
            assert value or name in may_be_empty, name
            assert value == value.strip(), name
            assert not re.search(r"\s\s|\n", value), name


def test_each_language_is_written_in_its_own_script() -> None:
    for record in RECORDS:
        for name, value in texts_of(record).items():
            if not name.endswith("_zh"):
                assert not HAN.search(value), name
        assert HAN.search(record.use_zh)
        assert HAN.search(record.name_zh) or isinstance(record, Model)
        assert record.name("zh") == record.name_zh
        assert record.name("en") == record.name_en
        assert record.use("zh") == record.use_zh
        assert record.use("en") == record.use_en


@pytest.mark.parametrize("records", [STYLES, ACTIONS, MODELS], ids=["styles", "actions", "models"])
def test_no_two_records_share_a_name_or_a_use(records: Mapping[str, Style | Action | Model]) -> None:
    unique = ["use_zh", "use_en"] if records is MODELS else ["name_zh", "name_en", "use_zh", "use_en"]
    for name in unique:
        values = [getattr(record, name) for record in records.values()]
        assert len(set(values)) == len(values), name


def test_every_record_is_in_a_group_and_every_group_fits_a_menu() -> None:
    assert {style.group for style in STYLES.values()} == set(STYLE_GROUPS)
    assert {action.group for action in ACTIONS.values()} == set(ACTION_GROUPS)
    for size in [len(styles_in(g)) for g in STYLE_GROUPS] + [len(actions_in(g)) for g in ACTION_GROUPS]:
        assert 2 <= size <= 8
    for group in (*STYLE_GROUPS.values(), *ACTION_GROUPS.values()):
        assert HAN.search(group.name("zh"))
        assert not HAN.search(group.name("en"))


def test_a_style_says_all_seven_parts_and_its_prompt_holds_them() -> None:
    for style in STYLES.values():
        least_words = {"subject": 6, "dress": 6, "pose": 5, "expression": 4, "background": 8, "light": 7, "finish": 8}
        for part in SEVEN_PARTS:
            clause: str = getattr(style, part)
            assert len(clause.split()) >= least_words[part], part
            assert not clause.endswith((".", ",", ";")), part
            assert clause[1:] in style.prompt, part
        assert style.subject.count("{who}") == 1
        assert "{" not in style.prompt.replace("{who}", "")
        assert len(style.prompt) < 2_000


def test_a_style_names_its_light_and_a_photograph_its_lens_or_film() -> None:
    for style in STYLES.values():
        assert re.search(r"\b(\w*light\w*|sun|sunlight|neon|softbox|spotlight|lamps?)\b", style.light), style.light
        if "photograph" in style.subject:
            assert re.search(r"\d+ mm|medium-format|film|print", style.finish), style.finish


def test_a_style_has_a_place_of_its_own() -> None:
    for style in STYLES.values():
        others = {s.background for s in STYLES.values() if s.key != style.key}
        assert style.background not in others
        assert not re.search(r"\b(nice|beautiful|pretty|stunning|amazing)\b", style.prompt)


def test_a_prompt_fits_any_sex_and_names_no_maker() -> None:
    prompts = [style.prompt for style in STYLES.values()]
    prompts += [f"{action.prompt} {action.default_prompt} {action.several}" for action in ACTIONS.values()]
    for said in prompts:
        assert not SEXES.search(said)
        assert not NAMES_OF_OTHERS.search(said)


def test_a_style_has_a_ratio_that_exists_and_is_of_a_photo() -> None:
    for style in STYLES.values():
        assert style.aspect_ratio in task.ASPECT_RATIOS
        assert style.needs == ("photo",)


def test_avatars_are_drawn_freely_and_a_family_is_everybody() -> None:
    assert not any(STYLES[key].likeness for key in AVATARS)
    assert STYLES["anime"].likeness
    assert STYLES["family_photo"].several


@pytest.mark.parametrize(("key", "colour"), [("white", "#FFFFFF"), ("blue", "#438EDB"), ("red", "#DB1C24")])
def test_an_id_photo_is_prescribed_to_the_colour(key: str, colour: str) -> None:
    style = STYLES[f"id_photo_{key}"]
    assert style.exact
    assert style.aspect_ratio == "3:4"
    assert f"flat, even {key} backdrop, hex {colour}" in style.background
    assert re.findall(r"#[0-9A-F]{6}", style.prompt) == [colour]
    for rule in (
        "head and shoulders",
        "mouth closed",
        "shoulders level and straight",
        "no shadow",
        "even frontal light",
    ):
        assert rule in style.prompt


def test_id_photos_are_prescribed_and_what_is_is_the_same_without_a_scene() -> None:
    assert all(style.exact for style in styles_in("id"))
    assert not STYLES["professional"].exact


def test_hanfu_closes_on_the_right_side() -> None:
    assert "wearer's left front laid over the right" in STYLES["hanfu"].dress


def test_every_facechain_preset_is_given_to_a_style_of_the_right_sex() -> None:
    used = {variant: key for s in STYLES.values() for variant, key in s.presets.get("dashscope", {}).items()}
    assert set(used) == {"female", "male"}
    pairs = {(v, k) for s in STYLES.values() for v, k in s.presets.get("dashscope", {}).items()}
    assert {key for _, key in pairs} >= FACECHAIN
    assert all(key.endswith(f"_{variant}") for variant, key in pairs)


def test_an_action_has_one_place_for_the_words_and_whole_sentences() -> None:
    for action in ACTIONS.values():
        assert action.prompt.count("{request}") == 1
        assert action.change.endswith("{request}.")
        assert ("{scale}" in action.prompt) == (action.key == "upscale")
        for said in (action.change, action.keep, action.finish, action.several):
            assert said[0].isupper()
            assert said.endswith(".")


def test_an_action_either_needs_words_or_knows_what_to_do_without() -> None:
    for action in ACTIONS.values():
        assert action.needs_text != bool(action.default_prompt)
        assert action.text_needed(action.photos) == action.needs_text
        assert ("text" in action.needs) == action.needs_text
        assert not action.default_prompt.endswith(".")


def test_a_second_photo_can_say_what_words_would() -> None:
    assert ACTIONS["blend"].text_needed(1)
    assert not ACTIONS["blend"].text_needed(2)
    assert ACTIONS["edit"].text_needed(2)
    assert ACTIONS["replace_bg"].default_for(1) != ACTIONS["replace_bg"].default_for(2)


def test_only_the_transfer_of_a_style_needs_two_photos() -> None:
    assert [a.key for a in ACTIONS.values() if a.photos != 1] == ["transfer_style"]
    assert ACTIONS["transfer_style"].needs == ("photo", "second_photo")


def test_an_edit_that_asks_for_another_layout_is_not_told_to_keep_it() -> None:
    for action in ACTIONS.values():
        assert action.framing == (action.key not in ANOTHER_LAYOUT)
        if not action.framing:
            assert not re.search(
                r"composition|framing|\bframe|crop|layout|position", action.prompt.replace("frames", "")
            )


def test_only_sheets_and_pairs_have_a_ratio_of_their_own() -> None:
    for action in ACTIONS.values():
        sheets = {"before_after", "comparison", "character_sheet", "expression_sheet"}
        assert (action.aspect_ratio in task.ASPECT_RATIOS) == (action.key in sheets)
        assert action.aspect_ratio is not None or action.key not in sheets


def test_before_and_after_stand_side_by_side_with_the_original_on_the_left() -> None:
    for key in ("before_after", "comparison"):
        said = ACTIONS[key].change
        assert "side by side" in said
        assert "dividing line" in said
        assert said.index("on the left") < said.index("original") < said.index("on the right")


def test_the_rows_are_plain_json_in_the_order_of_the_groups() -> None:
    rows = json.loads(json.dumps([style_rows(), action_rows(), model_rows()]))
    assert [len(part) for part in rows] == [len(STYLES), len(ACTIONS), len(MODELS)]
    assert list(dict.fromkeys(row["group"] for row in rows[0])) == list(STYLE_GROUPS)
    assert list(dict.fromkeys(row["group"] for row in rows[1])) == list(ACTION_GROUPS)
    transfer = next(row for row in rows[1] if row["key"] == "transfer_style")
    assert transfer["needs"] == ["photo", "second_photo"]
    assert transfer["aspect_ratio"] is None
    assert transfer["name"] == {"en": "Transfer a style", "zh": "风格迁移"}
    assert transfer["group_name"]["zh"] == ACTION_GROUPS[transfer["group"]].name_zh


def test_the_pages_are_what_the_records_say() -> None:
    mend = "run `python -m providers.catalog.pages`"
    assert (DOCS / "styles.md").read_text("utf-8") == styles_page(), mend
    assert (DOCS / "actions.md").read_text("utf-8") == actions_page(), mend


def test_the_files_are_not_read_before_somebody_looks() -> None:
    reads = []

    def load() -> Mapping[str, int]:
        reads.append(1)
        return {"one": 1}

    table = Table(load)
    assert not reads
    assert dict(table) == {"one": 1}
    assert reads


@pytest.mark.parametrize(
    ("given", "key"),
    [("anime", "anime"), (" Oil-Painting ", "oil_painting"), ("ID photo white", "id_photo_white"), ("ANIME", "anime")],
)
def test_case_spaces_and_hyphens_in_a_key_are_forgiven(given: str, key: str) -> None:
    assert check_style(given) == key


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ("anmie", "anime"),
        ("oilpainting", "oil_painting"),
        ("油画", "oil_painting"),
        ("passport", "id_photo_white"),
        ("chrismas", "christmas"),
        ("headshot", "professional"),
        ("watercolour painting", "watercolor"),
        ("港风", "hongkong_vintage"),
        ("avatar", "avatar_3d"),
        ("dating", "dating_city"),
    ],
)
def test_an_unknown_style_names_the_nearest(given: str, first: str) -> None:
    with pytest.raises(AskPerson) as caught:
        check_style(given)
    assert caught.value.code == "unknown_style"
    assert caught.value.text_key == "error.unknown_style"
    assert caught.value.params["given"] == given
    near = str(caught.value.params["nearest"]).split(", ")
    assert first in near
    assert 1 <= len(near) <= 3
    assert set(near) <= set(STYLES)


@pytest.mark.parametrize(
    ("given", "first"),
    [("remove background", "replace_bg"), ("上色", "colorize"), ("upscaling", "upscale"), ("colorise", "colorize")],
)
def test_an_unknown_action_names_the_nearest(given: str, first: str) -> None:
    with pytest.raises(AskPerson) as caught:
        check_action(given)
    assert caught.value.code == "unknown_action"
    assert str(caught.value.params["nearest"]).split(", ")[0] == first


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(AskPerson) as caught:
        check_model("nano banana pro")
    assert caught.value.code == "unknown_model"
    assert "nanopro" in str(caught.value.params["nearest"])
    assert check_model("GPT") == "gpt"


@pytest.mark.parametrize("given", ["", "   ", "xyzzy", "\x00", "🦙"])
def test_even_nonsense_is_answered_with_three_keys(given: str) -> None:
    with pytest.raises(AskPerson) as caught:
        check_style(given)
    assert len(str(caught.value.params["nearest"]).split(", ")) == 3


@pytest.mark.parametrize(
    ("given", "near"),
    [("2:3", "3:4, 9:16, 1:1"), ("1080x1920", "9:16, 3:4, 1:1"), ("21:9", "16:9, 4:3, 1:1"), ("tall", "1:1, 3:4, 4:3")],
)
def test_an_unknown_ratio_names_those_of_nearest_shape(given: str, near: str) -> None:
    with pytest.raises(AskPerson) as caught:
        check_ratio(given)
    assert caught.value.code == "unknown_aspect_ratio"
    assert caught.value.params["nearest"] == near


@pytest.mark.parametrize("given", ["0:0", "1:0", "", ":", "9" * 400 + ":1"])
def test_a_ratio_without_a_shape_is_refused_too(given: str) -> None:
    with pytest.raises(AskPerson):
        check_ratio(given)


def test_known_ratios_pass_full_width_ones_too() -> None:
    assert [check_ratio(r) for r in task.ASPECT_RATIOS] == list(task.ASPECT_RATIOS)
    assert check_ratio("１６：９") == "16:9"
    assert check_ratio(None) is None


@pytest.mark.parametrize(("given", "near"), [(0, "1"), (-3, "1"), (9, "8"), (100, "8"), (True, "8")])
def test_a_count_outside_one_to_eight_is_refused(given: int, near: str) -> None:
    with pytest.raises(AskPerson) as caught:
        check_count(given)
    assert caught.value.code == "bad_count"
    if given is not True:
        assert caught.value.params["nearest"] == near


def test_counts_from_one_to_eight_pass() -> None:
    assert [check_count(n) for n in range(1, 9)] == list(range(1, 9))


def test_a_scale_is_two_or_four() -> None:
    assert [check_scale(s) for s in (2, 4, None)] == [2, 4, None]
    with pytest.raises(AskPerson) as caught:
        check_scale(3)
    assert caught.value.code == "bad_scale"
    assert caught.value.params == {"given": "3", "nearest": "2, 4"}


def test_what_is_shown_back_is_one_short_visible_line() -> None:
    assert shown("a\x00b\u202ec\nd") == "abc d"
    assert shown("\ud800x") == "x"
    assert len(shown("very long " * 50)) <= SHOWN
    assert shown("x" * SHOWN) == "x" * SHOWN


def test_what_a_person_typed_is_not_in_the_hint_for_the_log() -> None:
    with pytest.raises(AskPerson) as caught:
        check_style("my secret wish")
    assert "secret" not in str(caught.value)
