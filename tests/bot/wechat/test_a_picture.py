"""From a photo and a few words to the picture, on a verified account."""

from pathlib import Path

import pytest

from bot.channels.wechat.channel import WeChatChannel
from handlers.dialogue.previews import Previews
from handlers.jobs.visible_marks import VisibleMarks
from handlers.store.base import Store
from handlers.style_previews import StylePreviews
from providers.fake import FakeProvider
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


async def test_a_sheet_of_styles_comes_where_it_is_asked_for_and_its_number_picks(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    made: list[Previews] = []

    def sketching(store: Store, channel: WeChatChannel) -> dict[str, Previews]:
        made.append(
            Previews(
                styles=StylePreviews(provider=FakeProvider(name="free"), producer="Likeness"),
                channels={"wechat": channel},
                unasked=(),
                store=store,
                folder=tmp_path / "previews",
                photos_dir=tmp_path / "photos",
                marks=VisibleMarks(),
            )
        )
        return {"previews": made[0]}

    async with house(tmp_path, wechat, conversing=sketching) as likeness:
        ann = likeness.phone()
        await ann.sends(photo())
        listed = text_of(await ann.types("都在我照片上试画"))
        assert listed.count(". ") == 9
        await likeness.channel.idle()
        await made[0].idle()
        await likeness.channel.idle()
        assert len(ann.pictures) == 1
        await ann.types("3")
        await likeness.settled()
        (job,) = await likeness.jobs()
        style = job.order.shots[0].style
        assert made[0].styles(job.chat)[2] == style
        assert len(ann.pictures) == 2
