"""Everything a person can send or tap, and everything the conversation does, by words and numbers."""

from pathlib import Path

import pytest

from handlers.jobs.delivery import Courier
from handlers.jobs.notices import JobNotices
from handlers.jobs.outcome import failure_of
from handlers.store.base import JobState
from handlers.words import words
from providers.errors import MadeNothing
from tests.bot.wechat.house import house, photo, text_of
from tests.servers.wechat import FakeWeChat


async def test_a_new_follower_is_greeted_with_an_example_and_a_menu(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        greeting = text_of(await ann.follows())
        assert "动漫" in greeting
        assert "AI" in greeting
        assert "\n1. " in greeting
        assert not ann.messages
        styles = text_of(await ann.types("1"))
        assert "\n1. " in styles
        assert "把照片发过来" in text_of(await ann.types("1"))
        await ann.sends(photo())
        await likeness.channel.idle()
        assert len(await likeness.jobs()) == 1


@pytest.mark.parametrize("parameter", ["anime", "style:anime"])
async def test_a_scanned_code_may_name_a_style(tmp_path: Path, wechat: FakeWeChat, parameter: str) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann, bob = likeness.phone(), likeness.phone("bob")
        greeting = text_of(await ann.follows(parameter))
        assert "动漫" in greeting
        assert "AI" in greeting
        assert "把照片发过来" in ann.seen[-1].text
        await bob.follows()
        assert "把照片发过来" in text_of(await bob.event("SCAN", EventKey=parameter, Ticket="t"))


async def test_a_code_with_another_parameter_leads_to_the_menu(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        assert "\n1. " in text_of(await likeness.phone().follows("shop-42"))


async def test_after_an_unfollow_nothing_is_sent_and_everything_is_deleted(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        photos = [p for p in (tmp_path / "photos").rglob("*") if p.is_file()]
        assert photos
        shown = len(ann.seen)
        assert await ann.unfollows() is None
        await likeness.channel.idle()
        await likeness.makes(ann)
        assert len(ann.seen) == shown
        assert not wechat.refused
        assert not [p for p in (tmp_path / "photos").rglob("*") if p.is_file()]
        session = await likeness.store.session((await likeness.jobs())[0].chat)
        assert not session.photos


async def test_who_follows_again_is_served_again(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.follows()
        await ann.unfollows()
        await likeness.channel.idle()
        likeness.later(seconds=5)
        assert text_of(await ann.follows())
        await likeness.wishes(ann)
        await likeness.makes(ann)
        assert len(ann.pictures) == 1


async def test_recognised_speech_is_read_like_words(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.sends(photo())
        assert "动漫" in text_of(await ann.speaks("动漫风格。"))
        assert "语音" in text_of(await ann.speaks())


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("video", {"MediaId": "m", "ThumbMediaId": "t"}),
        ("shortvideo", {"MediaId": "m", "ThumbMediaId": "t"}),
        ("location", {"Location_X": "1", "Location_Y": "2", "Scale": "3", "Label": "here"}),
        ("link", {"Title": "t", "Description": "d", "Url": "https://example.com"}),
        ("file", {"Title": "t"}),
        ("something_of_next_year", {}),
    ],
)
async def test_other_kinds_get_one_friendly_line(
    tmp_path: Path, wechat: FakeWeChat, kind: str, fields: dict[str, str]
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        assert "照片" in text_of(await ann.sends_other(kind, **fields))
        assert not ann.messages


async def test_a_message_with_nothing_in_it_gets_the_friendly_line_too(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        assert "照片" in text_of(await likeness.phone().types(" "))


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
async def test_a_pasted_control_character_costs_nobody_their_message(
    tmp_path: Path, wechat: FakeWeChat, mode: str
) -> None:
    wechat.mode = mode
    async with house(tmp_path, wechat, jobs=False) as likeness:
        assert "文字成图" in text_of(await likeness.phone().types("画一座\x0b暴风雨里的灯塔\x08"))


@pytest.mark.parametrize("event", ["VIEW", "LOCATION", "pic_photo_or_album", "TEMPLATESENDJOBFINISH", "debug_demo"])
async def test_events_that_ask_for_nothing_are_acknowledged_in_silence(
    tmp_path: Path, wechat: FakeWeChat, event: str
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        assert await ann.event(event, opens=False, EventKey="https://example.com") is None
        assert ann.pushes[-1].body == "success"


async def test_a_menu_tap_acts_like_the_choice_or_the_words_behind_it(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        assert "\n1. " in text_of(await ann.event("CLICK", EventKey="groups"))
        likeness.later(seconds=2)
        await ann.sends(photo())
        assert "动漫" in text_of(await ann.event("CLICK", EventKey="say:动漫风格"))
        likeness.later(seconds=2)
        assert "过期" in text_of(await ann.event("CLICK", EventKey="no-such-thing"))


async def test_a_tapped_item_of_a_menu_message_acts(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await likeness.makes(ann)
        item, label = ann.messages[-1].items[0]
        assert "动漫" in text_of(await ann.taps_item(item, label))
        assert len(await likeness.jobs()) == 2


async def test_numbers_answer_the_menu_message_too(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await likeness.makes(ann)
        await ann.types("3")
        await likeness.channel.idle()
        newest = (await likeness.jobs())[0]
        assert newest.order.shots[0].edits[0].action == "upscale"


async def test_a_number_after_another_answer_means_nothing_old(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await likeness.makes(ann)
        await ann.types("谢谢")
        await ann.types("1")
        await likeness.channel.idle()
        assert len(await likeness.jobs()) == 1


async def test_a_question_is_asked_back_and_answered_by_number(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.sends(photo())
        question = text_of(await ann.types("证件照"))
        assert "证件照" in question
        assert "\n2. " in question
        await ann.types("第二个")
        await likeness.channel.idle()
        assert len(await likeness.jobs()) == 1


async def test_after_a_result_words_edit_it_repeat_it_and_ask_about_it(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await likeness.makes(ann)
        for said in ("背景换成海滩", "再来一张", "放大两倍", "换几个版本"):
            await ann.types(said)
            await likeness.channel.idle()
        assert len(await likeness.jobs()) == 5
        assert "已经" in text_of(await ann.types("进度"))
        assert "停止" in text_of(await ann.types("取消"))
        assert "1 张" in text_of(await ann.types("用量"))
        assert "删除" in text_of(await ann.types("忘记我"))
        await ann.types("1")
        await likeness.channel.idle()
        done = [job for job in await likeness.jobs() if job.state is JobState.DONE]
        assert not done


async def test_people_who_write_english_are_answered_in_english(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.types("hello, can you make me a picture please")
        groups = text_of(await ann.sends(photo()))
        assert "Pick a style" in groups
        assert "Reply with a number" in groups
        await ann.types("anime style please")
        await likeness.makes(ann)
        assert "Full size" in ann.messages[-1].text


async def test_what_cannot_be_read_is_answered_in_the_persons_language(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.types("hello, can you make me a picture please")
        assert "photo" in text_of(await ann.sends_other("video", MediaId="m", ThumbMediaId="t"))
        assert "voice" in text_of(await ann.speaks())


async def test_a_long_answer_is_cut_at_a_line_and_goes_on_in_a_message(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.types("把我变成" + "一座" * 900 + "塔")
        await likeness.channel.idle()
        assert ann.broken == 0
        assert not wechat.refused


async def test_a_failure_is_told_with_a_way_to_try_again(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        (job,) = await likeness.jobs()
        failure = JobNotices(job=job, words=words).failure(failure_of(MadeNothing("x")), number=0)
        assert await Courier(likeness.store).say(likeness.channel, job.chat, failure)
        told = ann.messages[-1]
        assert told.kind == "msgmenu"
        assert told.items[0][0].startswith("retry:")
