"""What a person's last action allows decides what is sent; what is not sent waits, and comes first."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.customer_messages.follower_store import FollowerStore
from handlers.channel import DeliveryError
from handlers.message import Chat, Choice, Kind, Outgoing
from handlers.store.base import DeliveryState, JobState
from tests.bot.wechat.house import PATIENT, House, beside, house, photo, text_of
from tests.servers.wechat import FakeWeChat, Phone


async def said(likeness: House, person: Phone, text: str, job: str | None = None) -> None:
    chat = Chat(channel="wechat", chat=person.openid, person=person.openid)
    outgoing = Outgoing(id=f"note:{text}", kind=Kind.TEXT, text=text, job=job, language="zh")
    await likeness.channel.say(chat, outgoing)


async def test_the_picture_comes_with_its_receipt_and_what_can_be_done_next(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await likeness.makes(ann)
        picture, receipt = ann.messages
        assert picture.kind == "image"
        assert receipt.kind == "msgmenu"
        assert [item.partition(":")[0] for item, _ in receipt.items][:3] == ["again", "variations", "upscale"]
        assert picture.ai
        assert ann.sent_in_window == 2


async def test_words_leave_room_for_every_picture_still_being_made(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await ann.types("再来一张")
        for n in range(8):
            await said(likeness, ann, f"word {n}")
        assert ann.sent_in_window == 3, "five are allowed, and two pictures are being made"
        await likeness.makes(ann)
        await likeness.makes(ann)
        assert len(ann.pictures) == 2
        assert not wechat.refused


async def test_progress_is_the_typing_state_and_costs_nothing(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        chat = Chat(channel="wechat", chat=ann.openid, person=ann.openid)
        before = wechat.typings[ann.openid]
        for n in range(10):
            cancel = (Choice(id="cancel:x", label="取消"),)
            status = Outgoing(id="status:x", kind=Kind.STATUS, text=f"{n}", choices=cancel, language="zh")
            await likeness.channel.say(chat, status)
            # Steps whose sums lie far from 15 and 30: the test's own time runs on in between.
            likeness.later(seconds=4)
        # Counted by person: the probe of the account's rights asks for a typing state too, whenever it gets to it.
        shown = wechat.typings[ann.openid] - before
        assert shown == 2, "every 15 seconds, for 30 seconds after the person's last message"
        assert ann.sent_in_window == 0
        assert not ann.messages


@pytest.mark.parametrize("count", [2, 4])
async def test_several_pictures_go_out_one_by_one_while_the_budget_allows(
    tmp_path: Path, wechat: FakeWeChat, count: int
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann, f"动漫风格，{count}张")
        await likeness.makes(ann, count)
        assert len(ann.pictures) == count
        assert len(set(ann.pictures)) == count
        assert not wechat.refused


async def test_more_pictures_than_the_budget_allows_are_one_numbered_collage_and_a_link(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann, "动漫风格，6张")
        await likeness.makes(ann, 6)
        assert len(ann.pictures) == 1
        words = ann.messages[-1].text
        assert "回复 2" in words
        link = words.partition('href="')[2].partition('"')[0]
        page = await likeness.get(link)
        assert page.text.count("<img") == 6
        second = await ann.types("2")
        assert second is not None
        assert second.kind == "image"
        assert second.picture not in ann.pictures[:1]
        assert text_of(await ann.types("第三张")) == "" or ann.seen[-1].kind == "image"
        assert len(await likeness.jobs()) == 1, "looking at a picture makes none"


async def test_after_two_days_a_result_waits_and_comes_first_when_the_person_writes(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        likeness.later(hours=49)
        await likeness.makes(ann)
        assert likeness.rows[0].state is DeliveryState.SENT
        assert not ann.messages
        assert not wechat.refused, "the ledger knows before the platform has to say so"
        await ann.types("你好")
        await likeness.channel.idle()
        assert [s.kind for s in ann.seen if s.kind == "image"] == ["image"]
        await ann.types("谢谢")
        await likeness.channel.idle()
        assert len(ann.pictures) == 1


@pytest.mark.parametrize("code", [45015, 45047, 45009, 40164])
async def test_a_platform_that_counts_otherwise_is_believed(tmp_path: Path, wechat: FakeWeChat, code: int) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("custom/send", errcode=code)
        await likeness.makes(ann)
        assert not ann.pictures
        assert likeness.rows[0].state is DeliveryState.SENT
        await ann.types("你好")
        await likeness.channel.idle()
        assert len(ann.pictures) == 1


async def test_a_used_up_budget_holds_results_in_their_order(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        for _ in range(3):
            await likeness.wishes(ann)
        people = FollowerStore(likeness.store, clock=likeness.clock)
        while await people.take(ann.openid):
            pass
        for n in range(3):
            await likeness.makes(ann, sizes=(300 + 10 * n, 200))
        assert not ann.messages
        await ann.types("你好")
        await likeness.channel.idle()
        assert len(ann.pictures) >= 2
        await ann.types("好")
        await likeness.channel.idle()
        assert len(ann.pictures) == len(set(ann.pictures)) == 3


@pytest.mark.parametrize("code", [45009, 48001, 50002])
async def test_a_result_that_cannot_be_sent_is_in_the_answer_when_the_person_writes(
    tmp_path: Path, wechat: FakeWeChat, code: int
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("custom/send", errcode=code, times=1000)
        await likeness.makes(ann)
        shown = await ann.types("你好")
        assert shown is not None
        assert shown.kind == "image"
        assert len(ann.pictures) == 1


async def test_words_that_had_to_wait_come_with_the_next_answer(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.types("你好")
        likeness.later(hours=49)
        await said(likeness, ann, "服务方拒绝了这张图")
        assert not ann.messages
        assert text_of(await ann.types("你好")).startswith("服务方拒绝了这张图")
        assert "服务方拒绝了这张图" not in text_of(await ann.types("你好"))


async def test_a_tap_allows_three_messages_in_a_minute_and_after_it_what_a_message_allowed(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.event("CLICK", EventKey="groups")
        for n in range(5):
            await said(likeness, ann, f"word {n}")
        assert len(ann.messages) == 3
        bob = likeness.phone("bob")
        await bob.event("CLICK", EventKey="groups")
        likeness.later(seconds=61)
        await said(likeness, bob, "late")
        assert not bob.messages
        zoe = likeness.phone("zoe")
        await zoe.types("你好")
        await zoe.event("CLICK", EventKey="groups")
        for n in range(9):
            await said(likeness, zoe, f"word {n}")
        assert len(zoe.messages) == 3
        likeness.later(seconds=61)
        for n in range(9):
            await said(likeness, zoe, f"later {n}")
        assert len(zoe.messages) == 3 + 5
        assert not wechat.refused


async def test_after_a_tap_no_more_is_sent_than_the_tap_allows_whatever_a_message_allowed_before(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    wechat.last_action_only = True
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.sends(photo())
        await ann.event("CLICK", EventKey="say:动漫风格，四张")
        await likeness.makes(ann, 4)
        assert [message.kind for message in ann.messages] == ["image", "text"]
        assert "4 张拼在一张里" in ann.messages[1].text
        assert not wechat.refused


async def test_a_message_after_a_tap_allows_five_again(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.last_action_only = True
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.types("你好")
        await ann.event("CLICK", EventKey="groups")
        await ann.types("你好")
        for n in range(9):
            await said(likeness, ann, f"word {n}")
        assert len(ann.messages) == 5
        assert not wechat.refused


async def test_a_fault_in_the_middle_of_a_long_text_does_not_bring_its_beginning_twice(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.types("你好")
        wechat.plan("custom/send", errcode=-1, after=1)
        await said(likeness, ann, "开头" + "中" * 900 + "结尾")
        assert [message.text[:2] for message in ann.messages] == ["开头"]
        assert "结尾" in text_of(await ann.types("你好"))


async def test_where_a_tap_ends_the_window_before_it_the_result_waits(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.last_action_only = True
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await ann.event("CLICK", EventKey="groups")
        likeness.later(seconds=90)
        await likeness.makes(ann)
        assert wechat.refused == [(ann.openid, 45015)]
        await ann.types("你好")
        await likeness.channel.idle()
        assert len(ann.pictures) == 1


async def test_a_repeated_push_opens_no_second_budget(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        people = FollowerStore(likeness.store, clock=likeness.clock)
        await people.opened("o1", "message", "k1")
        for _ in range(2):
            await people.take("o1")
        await people.opened("o1", "message", "k1")
        assert (await people.read("o1")).room(likeness.clock()) == 3
        await people.opened("o1", "message", "k2")
        assert (await people.read("o1")).room(likeness.clock()) == 5


async def test_of_many_who_send_at_once_no_more_than_the_budget_get_through(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.types("你好")
        await asyncio.gather(*(said(likeness, ann, f"word {n}") for n in range(30)))
        assert len(ann.messages) == 5
        assert not wechat.refused


async def test_a_lost_answer_to_a_picture_is_not_repeated_and_can_be_asked_for(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("custom/send", do="garbage")
        await likeness.makes(ann)
        assert likeness.rows[0].state is DeliveryState.SENT
        assert len(ann.pictures) == 1
        receipt = ann.messages[-1]
        assert "没看到" in receipt.text
        assert "/r/" in receipt.text
        assert receipt.items[0][1] == "重新发送"
        people = FollowerStore(likeness.store, clock=likeness.clock)
        assert (await people.read(ann.openid)).room(likeness.clock()) == 3, "it may have been sent, so it counts"


async def test_a_result_that_waited_and_whose_send_is_unclear_is_linked_with_its_receipt(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        likeness.later(hours=49)
        await likeness.makes(ann)
        wechat.plan("custom/send", do="garbage")
        await ann.types("你好")
        await likeness.channel.idle()
        await ann.types("你好")
        await likeness.channel.idle()
        assert len(ann.pictures) == 1
        assert sum("没看到" in seen.text and "/r/" in seen.text for seen in ann.messages) == 1


async def dies_at(likeness: House, person: Phone, message: int, *, count: int = 1) -> None:
    """Its process dies while the platform has the `message`-th customer message of a result; another takes it up."""
    likeness.wechat.plan("custom/send", do="hold_after", after=message - 1)
    dying = asyncio.create_task(likeness.makes(person, count))
    await asyncio.to_thread(likeness.wechat.holding.wait)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    likeness.wechat.release()
    assert len(person.messages) == message
    await likeness.makes(person, count)


async def test_stopped_while_a_picture_is_on_its_way_its_answer_is_awaited_and_the_receipt_follows_later(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("custom/send", do="hold_after")
        making = asyncio.create_task(likeness.makes(ann))
        await asyncio.to_thread(wechat.holding.wait)
        stopping = asyncio.create_task(likeness.channel.stop())
        while not likeness.channel.api.ending:  # noqa: ASYNC110  # it stops in its own order
            await asyncio.sleep(0.01)
        wechat.release()
        await stopping
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        assert [seen.kind for seen in ann.messages] == ["image"]
        async with beside(likeness) as (channel, _):
            await likeness.makes(ann, channel=channel)
        assert [seen.kind for seen in ann.messages] == ["image", "msgmenu"]
        assert "没看到" not in ann.messages[-1].text


async def test_a_platform_that_hangs_does_not_hold_up_the_stop(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False, deadlines=replace(PATIENT, last=0.05)) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("custom/send", do="hold_after")
        making = asyncio.create_task(likeness.makes(ann))
        await asyncio.to_thread(wechat.holding.wait)
        await likeness.channel.stop()
        await asyncio.wait({making})
        assert making.cancelled()


async def test_killed_between_a_picture_and_its_receipt_the_ledger_knows_that_the_picture_came(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await dies_at(likeness, ann, 2)
        assert likeness.rows[-1].state is DeliveryState.SENT
        assert len(ann.pictures) == 1
        assert len(ann.messages) == 2, "the receipt may have come, so it is not said twice"


async def test_killed_among_several_pictures_the_others_follow_and_none_comes_twice(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await dies_at(likeness, ann, 2, count=3)
        assert likeness.rows[-1].state is DeliveryState.SENT
        assert len(set(ann.pictures)) == len(ann.pictures) == 3
        assert "没看到" in ann.messages[-1].text, "nobody knows of the second"
        people = FollowerStore(likeness.store, clock=likeness.clock)
        assert (await people.read(ann.openid)).room(likeness.clock()) == 5 - ann.sent_in_window


async def test_a_result_that_is_asked_for_again_is_sent_again(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        job = await likeness.makes(ann)
        await likeness.store.update_job(job.id, state=JobState.DELIVERING, delivery=1)
        await likeness.makes(ann)
        assert len(ann.pictures) == 2


async def test_a_receipt_for_which_no_message_is_left_comes_with_the_next_answer(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        await likeness.makes(ann, 5)
        assert [seen.kind for seen in ann.messages] == ["image"] * 5
        assert "原图" in text_of(await ann.types("你好"))


async def test_a_platform_that_is_away_is_tried_again(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("custom/send", status=503, times=2)
        wechat.plan("media/upload", errcode=-1, times=2)
        wechat.plan("custom/send", errcode=45011)
        await likeness.makes(ann)
        assert likeness.rows[0].state is DeliveryState.SENT
        assert len(ann.pictures) == 1


@pytest.mark.parametrize("code", [40003, 43004, 43019])
async def test_to_who_does_not_follow_nothing_is_sent(tmp_path: Path, wechat: FakeWeChat, code: int) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await likeness.wishes(ann)
        wechat.plan("custom/send", errcode=code)
        await likeness.makes(ann)
        assert likeness.rows[0].state is DeliveryState.REFUSED
        sends = wechat.calls["message/custom/send"]
        with pytest.raises(DeliveryError):
            await said(likeness, ann, "hello?")
        assert wechat.calls["message/custom/send"] == sends
