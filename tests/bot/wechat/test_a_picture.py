"""From a photo and a few words to the picture, on a verified account."""

from pathlib import Path

import pytest

from tests.bot.wechat.house import house, photo, text_of
from tests.servers.wechat import FakeWeChat


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
async def test_a_photo_and_a_style_become_a_picture_message(tmp_path: Path, wechat: FakeWeChat, mode: str) -> None:
    wechat.mode = mode
    async with house(tmp_path, wechat) as likeness:
        ann = likeness.phone()
        assert "1. " in text_of(await ann.sends(photo()))
        understood = text_of(await ann.types("动漫风格"))
        assert "动漫" in understood
        await likeness.all_ended()
        await likeness.settled()
        assert len(ann.pictures) == 1
        assert ann.broken == 0
        assert [push.tries for push in ann.pushes] == [1, 1]
        assert len(likeness.provider.submitted) == 1
