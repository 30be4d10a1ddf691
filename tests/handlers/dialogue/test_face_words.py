"""What is said of trained faces and templates is understood in both languages, and what only sounds like it is not."""

import pytest

from handlers.dialogue.face_words import face_words


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("用这张当模板", "template"),
        ("把第二张当作模板", "template"),
        ("拿这张图做模板，两张，不要美颜", "template"),
        ("按这个模板", "template"),
        ("模板写真", "template"),
        ("use this as the template", "template"),
        ("Use the second picture as my template please", "template"),
        ("this is the template", "template"),
        ("训练我的脸", "train"),
        ("我想训练一个专属模型", "train"),
        ("帮我做一个数字分身", "train"),
        ("记住我的样子", "train"),
        ("train my face", "train"),
        ("please train a face model of me", "train"),
        ("create my digital twin", "train"),
        ("我的人脸模型有哪些", "list"),
        ("list my trained faces", "list"),
        ("删除我训练好的脸", "delete"),
        ("删掉我的数字分身", "delete"),
        ("delete my trained face", "delete"),
    ],
)
def test_a_wish_is_told_by_its_words(text: str, wish: str) -> None:
    assert face_words(text).wish == wish


@pytest.mark.parametrize(
    "text",
    [
        "make my face slimmer", "去掉脸上的痘痘", "修一下我的脸", "remove my face from the mirror", "把脸磨皮",
        "动漫风格",
        "delete the person on the left", "create a face made of flowers", "换脸", "给我做一张证件照", "/train my face",
        "",
        "forget me", "忘记我", "as a wizard", "训练有素的士兵", "show me my pictures",
    ],
)  # fmt: skip
def test_what_only_sounds_like_it_is_left_to_the_parser(text: str) -> None:
    assert face_words(text).wish is None
    assert not face_words(text).trained


def test_the_rest_of_the_words_and_what_is_said_besides_are_kept() -> None:
    said = face_words("用这张当模板，穿红裙子，不要美颜")
    assert (said.wish, said.retouch, said.rest) == ("template", False, "穿红裙子")
    said = face_words("春日花园，用我训练好的脸")
    assert (said.wish, said.trained, said.rest) == (None, True, "春日花园")
    assert face_words("a business portrait with my trained face").trained
