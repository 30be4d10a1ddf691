"""`t.me/BOT?start=…`: a style or an edit is that request, anything else the greeting."""

from pathlib import Path

from tests.bot.telegram.stage import listening
from tests.servers.telegram import FakeTelegram


async def test_a_link_to_a_style_asks_for_the_photo_and_says_who_makes_pictures(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.says("/start id_photo_blue")
        await stage.read()
        assert "Now send the photo" in telegram.words(1)
        assert "An AI makes the pictures" in telegram.words(1)
        ann.photographs()
        await stage.read()
        assert (await stage.job(1)).order.shots[0].style == "id_photo_blue"


async def test_a_parameter_that_means_nothing_here_is_greeted(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        for parameter in ("promo42", "a" * 64, "not a parameter", "无效"):
            telegram.person(1).says(f"/start {parameter}")
        await stage.read()
        assert [one.text.partition(" and")[0] for one in telegram.shown(1)] == ["Hi! Send me a photo"] * 4
