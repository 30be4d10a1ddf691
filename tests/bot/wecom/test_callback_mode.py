"""The bot in callback mode, from a person's message to the picture on their screen."""

import io
from pathlib import Path

from PIL import Image

from tests.bot.wecom.house import house, made_by, photo
from tests.servers.wecom_chat import FakeWeCom


async def test_a_photo_with_words_becomes_a_picture_in_the_stream(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann = likeness.phone()
        bubble = await ann.says("动漫风格，两张", photo())
        assert bubble.text
        await ann.ended()
        assert len(bubble.pictures) == 2
        assert Image.open(io.BytesIO(bubble.pictures[0])).format == "JPEG"
        assert "http" not in bubble.text
        await likeness.all_ended()
        assert made_by(likeness.provider) == 2
        assert len(ann.screen) == 1
        assert list((tmp_path / "inbox" / "wecom").iterdir()) == []
