"""The bot in callback mode, from a person's message to the picture on their screen."""

import asyncio
import io
from pathlib import Path

from PIL import Image

from tests.bot.wecom.house import house, photo
from tests.servers.wecom_chat import FakeWeCom
from tests.waiting import LONG


async def test_a_photo_with_words_becomes_pictures_in_the_streams_last_answer(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom, jobs=True) as likeness:
        ann = wecom.phone()
        bubble = await ann.says("动漫风格，两张", photo())
        assert bubble.text
        assert bubble.feedback == bubble.id
        await ann.ended()
        assert len(bubble.pictures) == 2
        assert Image.open(io.BytesIO(bubble.pictures[0])).format == "JPEG"
        assert "http" not in bubble.text
        await likeness.all_ended()
        assert [request.count for request in likeness.provider.submitted] == [2]
        assert len(ann.screen) == 1
        assert list((tmp_path / "inbox" / "wecom").iterdir()) == []


async def test_words_may_come_after_the_photo_and_choices_come_as_a_card(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann = wecom.phone()
        asked = await ann.sends_photo(photo())
        await ann.ended()
        (card,) = asked.cards
        assert card["task_id"].startswith(asked.id)
        wish = await ann.says("油画")
        await likeness.makes()
        await ann.ended()
        assert len(wish.pictures) == 1


async def test_a_press_is_one_press_whoever_else_presses_and_its_picture_is_linked_to(
    wecom: FakeWeCom, tmp_path: Path
) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann, bob = wecom.phone("ann", "wrGroup"), wecom.phone("bob", "wrGroup")
        first = await ann.says("@小像 动漫风格", photo())
        await likeness.makes()
        await ann.ended()
        (card,) = first.cards
        again = next(b["key"] for b in card["button_list"] if b["key"].startswith("again:"))
        assert await bob.presses(card, again) is None
        changed = await ann.presses(card, again)
        assert changed is not None
        assert any(b["text"].startswith("✓") for b in changed["template_card"]["button_list"])
        await ann.presses(card, again)
        await likeness.makes()
        assert [bubble.late for bubble in ann.screen] == [False, True]
        assert len(await ann.pictures()) == 2
        assert len(await likeness.all_ended(2)) == 2
        assert bob.screen == []


async def test_a_quoted_photo_is_found_in_a_picture_and_in_a_mixed_message(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann = wecom.phone("ann", "wrGroup")
        inside = {"msgtype": "mixed", "mixed": {"msg_item": [ann.text("看"), ann.image(photo(60))]}}
        for quote in (ann.image(photo(90)), inside):
            await ann.says("@小像 动漫风格", quote=quote)
            assert len((await likeness.job()).order.photos) == 1
            await likeness.makes()


async def test_two_people_in_a_group_at_once_each_get_their_own(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann, bob = wecom.phone("ann", "wrGroup"), wecom.phone("bob", "wrGroup")
        hers, his = await asyncio.gather(
            ann.says("@小像 动漫风格", photo(40)), bob.says("@小像 油画，两张", photo(120))
        )
        await asyncio.gather(likeness.makes("ann"), likeness.makes("bob", 2))
        await ann.ended()
        await bob.ended()
        assert (len(hers.pictures), len(his.pictures)) == (1, 2)
        assert hers.id != his.id
        assert await wecom.callbacks.post(wecom.client, ann.body(**ann.text("没有提到它"))) is None


async def test_the_same_message_again_is_the_same_stream_and_one_job(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann = wecom.phone()
        body = ann.body(msgtype="mixed", mixed={"msg_item": [ann.text("动漫风格"), ann.image(photo())]})
        first, second = await asyncio.gather(ann.sends(body), ann.sends(body))
        await likeness.makes()
        await ann.ended()
        third = await ann.sends(body)
        assert first is second is third
        assert len(third.pictures) == 1
        assert len(await likeness.all_ended()) == 1


async def test_while_it_is_made_the_text_goes_on_and_keeps_what_was_said(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann = wecom.phone()
        bubble = await ann.says("动漫风格", photo())
        job = await likeness.job()
        await likeness.status(job, 30)
        head = bubble.text.split("\n\n")[0]
        for seconds in (9, 9, 9):  # with a status, then without a further one
            likeness.later(seconds=seconds)
            seen = len(bubble.texts)
            await ann.until(lambda seen=seen: len(bubble.texts) > seen)  # type: ignore[misc]
            assert bubble.text.startswith(head)
        assert not bubble.finished


async def test_a_stream_ends_in_time_and_the_picture_follows_by_link(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann = wecom.phone()
        bubble = await ann.says("动漫风格", photo())
        await likeness.job()
        likeness.later(seconds=331)
        await ann.ended()
        assert "做好后会发到这里" in bubble.text
        await likeness.makes(count=2)
        assert bubble.pictures == []
        assert ann.screen[1].late
        assert len(await ann.pictures()) == 2
        assert len(wecom.used) == 1


async def test_a_stream_that_nobody_asks_for_any_more_is_given_up_for_the_link(
    wecom: FakeWeCom, tmp_path: Path
) -> None:
    wecom.polling = False
    async with house(tmp_path, wecom, pace={"silence": 0.05}) as likeness:
        ann = wecom.phone()
        bubble = await ann.says("动漫风格", photo())
        await likeness.makes()
        assert len(await ann.pictures()) == 1
        wecom.polling = True
        await ann.ended(bubble)  # asked for after all: it is not shown twice
        assert len(await ann.pictures()) == 1


async def test_without_any_way_the_picture_comes_with_the_next_message(wecom: FakeWeCom, tmp_path: Path) -> None:
    wecom.polling, wecom.late = False, 60140
    async with house(tmp_path, wecom, pace={"silence": 0.05}) as likeness:
        ann = wecom.phone()
        first = await ann.says("动漫风格", photo())
        await likeness.makes()
        assert await ann.pictures() == []
        wecom.polling = True
        await ann.ended(first)
        later = await ann.says("你好")
        await ann.ended(later)
        assert len(later.pictures) == 1
        assert len(await ann.pictures()) == 1


async def test_a_last_answer_that_was_lost_is_given_again(wecom: FakeWeCom, tmp_path: Path) -> None:
    wecom.drop_last = 2
    async with house(tmp_path, wecom) as likeness:
        ann = wecom.phone()
        bubble = await ann.says("动漫风格", photo())
        await likeness.makes()
        await ann.ended()
        assert len(bubble.pictures) == 1


async def test_a_failure_ends_the_stream_with_its_reason(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann = wecom.phone()
        bubble = await ann.says("draw me in anime style", photo())
        await likeness.fails()
        await ann.ended()
        assert bubble.pictures == []
        assert "The service finished without a picture" in bubble.text


async def test_who_opens_the_chat_is_greeted_and_a_rating_is_kept(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann = wecom.phone()
        greeting = await ann.does("enter_chat")
        assert greeting is not None
        assert "AI" in greeting["text"]["content"]
        await ann.does("feedback_event", {"id": "an-answer", "type": 1})
        health = await likeness.channel.health(ask=True)
        assert any("good: 1" in finding.message for finding in health.findings)


async def test_a_photo_that_cannot_be_had_is_asked_for_again(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom):
        ann = wecom.phone()
        wecom.media.expired = True
        bubble = await ann.sends_photo(photo())
        await ann.ended()
        assert "再发一次" in bubble.text
        huge = await ann.sends_photo(b"\xff\xd8" + bytes(10 * 1024 * 1024 + 64))
        await ann.ended()
        assert huge.text == bubble.text
        wecom.media.expired = False
        again = await ann.sends_photo(b"\xff\xd8" + bytes(10 * 1024 * 1024 + 64))
        await ann.ended()
        assert "10 MB" in again.text


async def test_a_stream_nobody_knows_ends_with_a_sentence(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom):
        ann = wecom.phone()
        body = ann.body(msgtype="stream", stream={"id": "of-another-life"})
        answer = await wecom.callbacks.post(wecom.client, body)
        assert answer is not None
        assert answer["stream"]["finish"]
        assert answer["stream"]["content"]


async def test_addresses_and_keys_of_messages_lie_closed_in_the_store(wecom: FakeWeCom, tmp_path: Path) -> None:
    async with house(tmp_path, wecom) as likeness:
        ann = wecom.phone()
        await ann.says("动漫风格", photo())
        async with asyncio.timeout(LONG):  # it is acknowledged before it is handled
            while "anime" not in (kept := str(vars(likeness.store))):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        for secret in (f"{wecom.origin}/late/", "aeskey", wecom.media_host):
            assert secret not in kept, secret
        await likeness.makes()
        await ann.ended()
