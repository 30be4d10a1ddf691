"""The way of a picture from end to end."""

from pathlib import Path

from tests.bot.telegram.stage import on_stage
from tests.servers.telegram import FakeTelegram


async def test_a_photo_with_a_caption_becomes_a_picture_in_its_own_status_message(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1001)
    async with on_stage(tmp_path, telegram) as stage:
        asked = ann.photographs("anime style")
        (picture,) = await stage.until(lambda: telegram.pictures(ann.id))
        assert picture.reply_to == asked
        history = telegram.history[ann.id, picture.id]
        assert "Anime" in history[0]
        assert {b["text"] for b in picture.buttons} >= {"Again", "Variations", "Upscale 2×", "As file"}
        job = await stage.ended((await stage.job(ann.id)).id)
        assert job.state.value == "done"
        assert len(telegram.shown(ann.id)) == 1
