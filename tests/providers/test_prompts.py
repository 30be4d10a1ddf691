"""What a model is told: whose words count, what is kept, and how a text that is too long gives way."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.catalog import ACTIONS, STYLES
from providers.errors import AskPerson
from providers.prompts import MAX_PROMPT, create_prompt, edit_prompt, portrait_prompt, shortened

AVATARS = ("avatar_3d", "avatar_gaming", "avatar_vtuber")
LIKENESS = "Keep the likeness of "


def likeness_of(prompt: str) -> str:
    """The likeness instruction at the head of a prompt."""
    return prompt[: prompt.index("is new.") + len("is new.")]


def test_own_words_outrank_a_style() -> None:
    prompt = portrait_prompt(style="oil_painting", prompt="me as a lighthouse keeper", photos=1)
    assert "me as a lighthouse keeper" in prompt
    assert not any(part in prompt for part in STYLES["oil_painting"].setting)
    assert "impasto" not in prompt


def test_a_style_with_a_scene_holds_both_and_the_scene_comes_before_the_style_s_own_place() -> None:
    prompt = portrait_prompt(style="casual", scene="on a rooftop bar at sunset", photos=1)
    assert prompt.index("on a rooftop bar at sunset") < prompt.index(STYLES["casual"].background)
    assert "outranking any other detail given here: on a rooftop bar" in prompt


def test_a_scene_alone_extends_the_professional_style() -> None:
    prompt = portrait_prompt(style=None, scene="in a modern office", photos=1)
    assert STYLES["professional"].light in prompt
    assert "in a modern office" in prompt


def test_nothing_said_is_the_professional_style() -> None:
    assert portrait_prompt(style=None, photos=1) == portrait_prompt(style="professional", photos=1)


def test_own_words_with_a_scene_keep_both() -> None:
    prompt = portrait_prompt(style=None, prompt="as a knight", scene="in a snowy forest", photos=1)
    assert prompt.index("as a knight") < prompt.index("in a snowy forest")


@pytest.mark.parametrize("words", [None, "", "  \n"])
def test_empty_words_are_no_words(words: str | None) -> None:
    plain = portrait_prompt(style="anime", photos=1)
    assert portrait_prompt(style="anime", scene=words, prompt=words, photos=1) == plain


@pytest.mark.parametrize("style", [key for key in STYLES if key not in AVATARS])
@pytest.mark.parametrize("words", [None, "riding a whale"])
def test_the_likeness_comes_first_where_there_is_a_photo(style: str, words: str | None) -> None:
    assert portrait_prompt(style=style, prompt=words, photos=1).startswith(LIKENESS)


@pytest.mark.parametrize("style", AVATARS)
@pytest.mark.parametrize("words", [None, "riding a whale"])
@pytest.mark.parametrize("photos", [1, 2])
def test_avatars_are_drawn_freely_also_by_own_words(style: str, words: str | None, photos: int) -> None:
    prompt = portrait_prompt(style=style, prompt=words, photos=photos)
    assert LIKENESS not in prompt
    assert STYLES[style].finish[1:] in prompt
    assert (words or "") in prompt


def test_without_a_photo_no_photo_is_spoken_of() -> None:
    for style in STYLES:
        prompt = portrait_prompt(style=style, photos=0)
        assert LIKENESS not in prompt
        assert "in the photo" not in prompt
        assert "{" not in prompt


@pytest.mark.parametrize(("style", "photos"), [("professional", 1), ("family_photo", 1), ("wedding", 2), (None, 3)])
def test_the_likeness_pins_neither_look_nor_pose_nor_dress_nor_place(style: str | None, photos: int) -> None:
    said = likeness_of(portrait_prompt(style=style, photos=photos))
    assert not re.search(
        r"express|smil|gaze|mood|pose|stance|gesture|cloth|dress|outfit|background|place|setting", said
    )


def test_one_photo_keeps_one_person_several_photos_keep_everyone() -> None:
    assert "the person in the photo" in likeness_of(portrait_prompt(style="wedding", photos=1))
    two = likeness_of(portrait_prompt(style="wedding", photos=2))
    assert "everyone in the 2 photos" in two
    assert "each person" in two


def test_a_family_photo_keeps_everyone_even_in_one_photo() -> None:
    assert "everyone in the photo:" in likeness_of(portrait_prompt(style="family_photo", photos=1))


def test_own_words_with_several_photos_keep_everyone() -> None:
    prompt = portrait_prompt(style=None, prompt="us two as astronauts", photos=2)
    assert "everyone in the 2 photos" in likeness_of(prompt)


@pytest.mark.parametrize("colour", ["white", "blue", "red"])
def test_a_scene_changes_the_clothes_of_an_id_photo_and_not_its_backdrop(colour: str) -> None:
    style = STYLES[f"id_photo_{colour}"]
    prompt = portrait_prompt(style=style.key, scene="on the beach in a navy suit", photos=1)
    assert prompt.index(style.background) < prompt.index("on the beach in a navy suit")
    assert "Backdrop, crop, pose and light stay." in prompt
    assert "outranking" not in prompt


def test_an_unknown_style_is_never_taken_for_a_description() -> None:
    with pytest.raises(AskPerson) as caught:
        portrait_prompt(style="anmie", photos=1)
    assert caught.value.code == "unknown_style"
    assert caught.value.params["nearest"] == "anime"


def test_an_edit_says_what_changes_what_stays_and_how_it_is_finished() -> None:
    for key in ACTIONS:
        action = ACTIONS[key]
        prompt = edit_prompt(action=key, text="the third button in green", photos=action.photos)
        assert "the third button in green" in prompt
        assert action.keep in prompt
        assert action.finish in prompt
        assert "{" not in prompt


@pytest.mark.parametrize("key", [a.key for a in ACTIONS.values() if not a.needs_text])
def test_an_edit_without_words_does_its_default(key: str) -> None:
    action = ACTIONS[key]
    prompt = edit_prompt(action=key, text=None, photos=action.photos)
    assert action.default_prompt in prompt
    assert "{" not in prompt


@pytest.mark.parametrize("key", [a.key for a in ACTIONS.values() if a.needs_text])
def test_an_edit_that_needs_words_asks_for_them(key: str) -> None:
    with pytest.raises(AskPerson) as caught:
        edit_prompt(action=key, text=" ", photos=1)
    assert caught.value.code == "need_text"


def test_a_second_photo_stands_in_for_the_words_of_a_blend() -> None:
    prompt = edit_prompt(action="blend", text=None, photos=2)
    assert "the place shown in the second picture" in prompt
    assert ACTIONS["blend"].several in prompt


def test_an_edit_without_a_photo_or_a_transfer_without_a_second_asks_for_it() -> None:
    with pytest.raises(AskPerson) as caught:
        edit_prompt(action="enhance", text=None, photos=0)
    assert caught.value.code == "need_photo"
    with pytest.raises(AskPerson) as caught:
        edit_prompt(action="transfer_style", text=None, photos=1)
    assert caught.value.code == "need_second_photo"


def test_a_transfer_takes_content_from_the_first_and_look_from_the_second() -> None:
    prompt = edit_prompt(action="transfer_style", text=None, photos=2)
    assert prompt.index("content of the first picture") < prompt.index("look of the second")


@pytest.mark.parametrize("key", [a.key for a in ACTIONS.values() if not a.framing])
@pytest.mark.parametrize("ratio", [None, "16:9"])
def test_another_layout_is_never_told_to_keep_the_framing(key: str, ratio: str | None) -> None:
    said = edit_prompt(action=key, text="as I like it", photos=1, aspect_ratio=ratio)
    assert not re.search(r"framing|composition|crop", said)


@pytest.mark.parametrize("key", [a.key for a in ACTIONS.values() if a.framing])
def test_a_new_ratio_lifts_the_framing(key: str) -> None:
    photos = ACTIONS[key].photos
    assert "Keep the framing" in edit_prompt(action=key, text="as I like it", photos=photos)
    lifted = edit_prompt(action=key, text="as I like it", photos=photos, aspect_ratio="9:16")
    assert "Keep the framing" not in lifted
    assert "ratio 9:16" in lifted


def test_further_photos_are_given_their_part() -> None:
    assert ACTIONS["edit"].several not in edit_prompt(action="edit", text="add the cup", photos=1)
    assert ACTIONS["edit"].several in edit_prompt(action="edit", text="add the cup", photos=2)
    assert ACTIONS["transfer_style"].several not in edit_prompt(action="transfer_style", text=None, photos=2)


@pytest.mark.parametrize(("scale", "said"), [(None, "2 times"), (2, "2 times"), (4, "4 times")])
def test_an_upscale_says_how_much(scale: int | None, said: str) -> None:
    assert said in edit_prompt(action="upscale", text=None, scale=scale, photos=1)


def test_a_wrong_scale_action_or_ratio_is_refused() -> None:
    with pytest.raises(AskPerson) as caught:
        edit_prompt(action="upscale", text=None, scale=3, photos=1)
    assert caught.value.code == "bad_scale"
    with pytest.raises(AskPerson) as caught:
        edit_prompt(action="upscael", text=None, photos=1)
    assert caught.value.code == "unknown_action"
    with pytest.raises(AskPerson) as caught:
        edit_prompt(action="upscale", text=None, photos=1, aspect_ratio="5:7")
    assert caught.value.code == "unknown_aspect_ratio"


@pytest.mark.parametrize("words", ["Don't stop", "生日快乐！", "Lost cat, call Mia", "50% off  -- TODAY"])
def test_bare_words_to_write_are_set_in_quotation_marks_letter_for_letter(words: str) -> None:
    assert f": “{words}”." in edit_prompt(action="text_render", text=words, photos=1)


@pytest.mark.parametrize(
    "words",
    ["左上角加字“Vol.3 夏日特刊”", "'SUMMER SALE' in white at the top", "写「一路平安」，手写体", 'write "Hi" big'],
)
def test_words_the_person_quoted_are_not_quoted_again(words: str) -> None:
    prompt = edit_prompt(action="text_render", text=words, photos=1)
    assert words in prompt
    assert f"“{words}”" not in prompt


def test_only_lettering_is_put_in_quotation_marks() -> None:
    assert "“" not in edit_prompt(action="filter", text="like a faded postcard", photos=1)


def test_braces_in_a_person_s_words_mean_nothing() -> None:
    prompt = edit_prompt(action="upscale", text="{scale} {request} {0} \\1", scale=4, photos=1)
    assert "{scale} {request} {0} \\1" in prompt
    assert "4 times" in prompt


@pytest.mark.parametrize("words", ["make it night.", "make it night!", "变成夜晚。", "really?"])
def test_a_sentence_is_not_ended_twice(words: str) -> None:
    prompt = edit_prompt(action="edit", text=words, photos=1)
    assert f"{words} " in prompt


def test_a_create_is_the_person_s_words_and_nothing_else() -> None:
    assert create_prompt(prompt="  a lighthouse in a storm\u202e\x07 ") == "a lighthouse in a storm"
    with pytest.raises(AskPerson) as caught:
        create_prompt(prompt=" \n")
    assert caught.value.code == "need_text"


def test_a_joined_emoji_stays_whole() -> None:
    assert create_prompt(prompt="a 👩‍🚀 cat") == "a 👩‍🚀 cat"


def test_every_style_leaves_room_for_a_long_scene() -> None:
    for style in STYLES:
        scene = "x" * 2_000
        prompt = portrait_prompt(style=style, scene=scene, photos=3)
        assert scene in prompt
        assert STYLES[style].finish[1:] in prompt
        assert len(prompt) <= MAX_PROMPT


def test_our_own_words_give_way_from_the_end_and_the_likeness_last() -> None:
    scene = "word " * 680
    prompt = portrait_prompt(style="casual", scene=scene, photos=1)
    assert scene.strip() in prompt
    assert prompt.startswith(LIKENESS)
    assert STYLES["casual"].finish[1:] not in prompt


def test_words_that_are_too_long_alone_end_at_a_sentence_or_a_word() -> None:
    sentences = create_prompt(prompt="A red boat on the water. " * 300)
    assert sentences.endswith("water.")
    assert MAX_PROMPT * 4 // 5 <= len(sentences) <= MAX_PROMPT
    words = create_prompt(prompt="boat " * 2_000)
    assert words.endswith("boat")
    assert len(create_prompt(prompt="画" * 9_000)) == MAX_PROMPT
    marked = create_prompt(prompt="x" * (MAX_PROMPT - 1) + "e\u0301" + "y" * 50)
    assert not marked.endswith("e")


visible = st.characters(categories=["L", "M", "N", "P", "S", "Zs"], include_characters="\n")
anything = st.text(visible, max_size=30) | st.text("ab .。“”'{}\n", min_size=3_000, max_size=6_000)


@given(words=anything, scene=anything, style=st.sampled_from([None, *STYLES]), photos=st.integers(0, 8))
def test_a_portrait_never_loses_words_that_fit(words: str, scene: str, style: str | None, photos: int) -> None:
    prompt = portrait_prompt(style=style, scene=scene, prompt=words, photos=photos)
    assert 0 < len(prompt) <= MAX_PROMPT
    if len(words) + len(scene) + len(" ") <= MAX_PROMPT:
        assert words.strip() in prompt
        assert scene.strip() in prompt


@given(words=anything, key=st.sampled_from([*ACTIONS]), photos=st.integers(2, 8))
def test_an_edit_never_loses_words_that_fit(words: str, key: str, photos: int) -> None:
    if not words.strip() and ACTIONS[key].text_needed(photos):
        return
    prompt = edit_prompt(action=key, text=words, photos=photos)
    assert 0 < len(prompt) <= MAX_PROMPT
    if len(words) <= MAX_PROMPT:
        assert words.strip() in prompt


@given(st.text(max_size=300), st.integers(20, 200))
def test_a_text_is_shortened_to_any_limit_and_only_at_its_end(text: str, limit: int) -> None:
    short = shortened(text, limit)
    assert len(short) <= limit
    assert text.startswith(short)


def test_a_text_is_shortened_at_the_end_of_a_sentence_or_word_where_there_is_one_near() -> None:
    assert shortened("One sentence of words. Another sentence.", 24) == "One sentence of words."
    assert shortened("One sentence of many words", 24) == "One sentence of many"
