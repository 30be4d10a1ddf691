"""Whose profile photo is meant, and that it is meant as the source: nothing else may make us look at one."""

import pytest

from intent import with_profile_photo


@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        ("use my profile photo", "use my photo"),
        ("Use my profile pic and make it anime", "Use my photo and make it anime"),
        ("please use my pfp for an oil painting", "please use my photo for an oil painting"),
        ("an anime portrait from my profile photo", "an anime portrait from my photo"),
        ("based on my telegram avatar, cyberpunk", "based on my photo, cyberpunk"),
        ("make my profile photo look like a watercolor", "make my photo look like a watercolor"),
        ("my avatar", "my photo"),
        ("用我的头像做动漫", "用我的照片做动漫"),
        ("就用我头像吧", "就用我的照片吧"),
        ("拿我的电报头像画一张油画", "拿我的照片画一张油画"),
        ("把我的头像变成动漫风", "把我的照片变成动漫风"),
        ("用我的頭像做證件照", "用我的照片做證件照"),
        ("用头像就行", "用我的照片"),
        ("我的头像", "我的照片"),
    ],
)
def test_ones_own_profile_photo_is_read_as_a_photo_that_is_there(said: str, read_as: str) -> None:
    assert with_profile_photo(said) == read_as


@pytest.mark.parametrize(
    "said",
    [
        "a photo for my profile picture",
        "make me a profile picture",
        "use it as my profile photo",
        "I need a new avatar",
        "帮我做个头像",
        "做我的头像",
        "用来当我的头像",
        "把这张做成我的头像",
        "3D 头像",
        "头像",
    ],
)
def test_one_that_is_to_be_made_is_no_source(said: str) -> None:
    assert with_profile_photo(said) is None


@pytest.mark.parametrize("said", ["use his profile photo", "use Bob's profile photo", "用他的头像", "用我朋友的头像"])
def test_nobody_elses_is_read(said: str) -> None:
    assert with_profile_photo(said) is None


@pytest.mark.parametrize(
    "said",
    [
        "don't use my profile photo",
        "anime, but without using my profile photo",
        "why did you use my profile photo",
        "do you keep and use my profile photo",
        "别用我的头像",
        "不要再用我的头像",
        "为什么用我的头像",
        "你会不会用我的头像",
    ],
)
def test_one_that_is_to_be_left_alone_is_left_alone(said: str) -> None:
    assert with_profile_photo(said) is None


def test_beside_a_photo_only_outright_words_mean_another() -> None:
    assert with_profile_photo("edit my profile photo", photos=1) is None
    assert with_profile_photo("把我的头像变成动漫风", photos=1) is None
    assert with_profile_photo("use my profile photo in this style", photos=1) == "use my photo in this style"
