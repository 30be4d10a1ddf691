"""The size of an ID photo, its background and its sheet, by words in both languages."""

import pytest

from intent import parse
from intent.id_photos import id_photo_in
from intent.parameters import IdPhoto

WHITE, BLUE, RED = (255, 255, 255), (67, 142, 219), (219, 28, 36)


@pytest.mark.parametrize(
    ("words", "photo"),
    [
        ("一寸蓝底", IdPhoto(size="cn_1inch", background=BLUE)),
        ("小一寸白底证件照", IdPhoto(size="cn_small_1inch", background=WHITE)),
        ("二寸紅底", IdPhoto(size="cn_2inch", background=RED)),
        ("小二寸", IdPhoto(size="cn_small_2inch")),
        ("US visa photo", IdPhoto(size="us")),
        ("2x2 passport photo", IdPhoto(size="us")),
        ("美国签证照片", IdPhoto(size="us")),
        ("申根签证照", IdPhoto(size="schengen")),
        ("UK passport photo", IdPhoto(size="uk")),
        ("日本签证 证件照", IdPhoto(size="jp")),
        ("Korean visa picture", IdPhoto(size="kr")),
        ("中国护照照片", IdPhoto(size="cn_passport")),
        ("Chinese visa photo", IdPhoto(size="cn_visa")),
        ("加拿大护照照片 白底", IdPhoto(size="ca", background=WHITE)),
        ("two-inch white, six on a sheet", IdPhoto(size="cn_2inch", background=WHITE, paper="6inch", copies=6)),
        ("二寸红底 排版A4", IdPhoto(size="cn_2inch", background=RED, paper="a4")),
        ("passport photo", None),
        ("证件照", None),
        ("I moved to the US last year", None),
    ],
)
def test_the_size_is_read_by_name_or_by_country_and_document(words: str, photo: IdPhoto | None) -> None:
    assert id_photo_in(words) == photo


@pytest.mark.parametrize(
    ("words", "style", "size"),
    [
        ("US visa photo", "id_photo_blue", "us"),
        ("一寸蓝底", "id_photo_blue", "cn_1inch"),
        ("two-inch white, six on a sheet", "id_photo_white", "cn_2inch"),
        ("日本签证 证件照", "id_photo_white", "jp"),
        ("小二寸白底证件照", "id_photo_white", "cn_small_2inch"),
    ],
)
def test_a_message_leads_to_the_style_and_the_size(words: str, style: str, size: str) -> None:
    found = parse(words, photos=1)
    assert (found.operation, found.style, found.ask) == ("portrait", style, ())
    assert found.parameters.id_photo is not None
    assert found.parameters.id_photo.size == size


def test_copies_on_a_sheet_are_one_picture() -> None:
    found = parse("美国签证照片，排版六张", photos=1)
    assert found.count == 1
    assert found.parameters.id_photo == IdPhoto(size="us", paper="6inch", copies=6)


def test_without_a_size_the_colour_is_still_asked_for() -> None:
    assert parse("证件照", photos=1).ask == ("id_photo_white", "id_photo_blue", "id_photo_red")


@pytest.mark.parametrize(
    ("words", "style"),
    [
        ("blue ID photo", "id_photo_blue"),
        ("a red id photo please", "id_photo_red"),
        ("white ID photo", "id_photo_white"),
        ("蓝色证件照", "id_photo_blue"),
        ("red passport photo for me", "id_photo_red"),
        ("date photo at a cafe", "dating_cafe"),
    ],
)
def test_the_colour_or_the_place_that_is_named_is_neither_asked_for_nor_another(words: str, style: str) -> None:
    reading = parse(words, photos=1)
    assert (reading.style, reading.ask, reading.scene) == (style, (), None)
