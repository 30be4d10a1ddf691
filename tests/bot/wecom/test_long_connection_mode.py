"""The bot over the long connection, from a person's message to the picture on their screen."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from handlers.jobs.notices import JobNotices
from handlers.words import words
from tests.bot.wecom.house import another, brisk, line_house, line_settings, photo
from tests.servers.wecom import FakeLine, Media, media_server
from tests.servers.wecom_line import LinePhone
from tests.waiting import until


@pytest.fixture
def line() -> Iterator[FakeLine]:
    with FakeLine().running() as line:
        yield line


@pytest.fixture
def media() -> Iterator[Media]:
    with media_server() as media:
        yield media


def once(condition: Any) -> Any:
    """A fault that happens the first time only."""
    happened: list[bool] = []

    def fault(frame: Mapping[str, Any]) -> bool:
        if not happened and condition(frame):
            happened.append(True)
            return True
        return False

    return fault


def is_picture(frame: Mapping[str, Any]) -> bool:
    return bool((frame.get("body") or {}).get("msgtype") == "image")


async def test_a_photo_with_words_becomes_picture_messages(line: FakeLine, media: Media, tmp_path: Path) -> None:
    async with line_house(tmp_path, line, media=media, jobs=True) as likeness:
        ann = LinePhone(line, media=media)
        await ann.says("动漫风格，两张", photo())
        await ann.until(lambda: len(ann.pictures()) == 2)
        await likeness.all_ended()
        (stream,) = ann.streams().values()
        assert stream["finish"]
        frames = ann.frames("stream")
        assert [frame["stream"].get("feedback") for frame in frames] == [{"id": stream["id"]}] + [None] * (
            len(frames) - 1
        )
        await ann.until(lambda: len(ann.cards()) == 1)
        assert all(frame["headers"]["req_id"] in ann.requests for frame in line.sent("aibot_respond_msg"))


async def test_two_people_in_a_group_at_once_each_get_their_own(line: FakeLine, media: Media, tmp_path: Path) -> None:
    async with line_house(tmp_path, line, media=media) as likeness:
        ann, bob = LinePhone(line, "ann", "wrGroup", media), LinePhone(line, "bob", "wrGroup", media)
        await asyncio.gather(ann.says("@小像 动漫风格", photo(40)), bob.says("@小像 油画，两张", photo(120)))
        await ann.says("没有提到它")
        await asyncio.gather(likeness.makes("ann"), likeness.makes("bob", 2))
        assert (len(ann.pictures()), len(bob.pictures())) == (1, 2)
        assert len(ann.streams()) == len(bob.streams()) == 1


async def test_a_line_that_drops_during_an_upload_is_made_anew_and_the_picture_arrives_once(
    line: FakeLine, media: Media, tmp_path: Path
) -> None:
    line.break_after_chunks = 1
    async with line_house(tmp_path, line, media=media) as likeness:
        ann = LinePhone(line, media=media)
        await ann.says("动漫风格", photo())
        await likeness.makes()
        assert len(ann.pictures()) == 1
        assert len(line.subscriptions) == 2
        assert line.subscriptions[0] == line.subscriptions[1]
        assert len(line.sent("aibot_upload_media_init")) == 2


@pytest.mark.parametrize("code", [846605, 846608])
async def test_an_answer_that_is_refused_goes_as_a_new_message(
    line: FakeLine, media: Media, tmp_path: Path, code: int
) -> None:
    line.refuse = lambda frame: code if frame["cmd"] == "aibot_respond_msg" and is_picture(frame) else 0
    async with line_house(tmp_path, line, media=media) as likeness:
        ann = LinePhone(line, "ann", "wrGroup", media)
        await ann.says("@小像 动漫风格", photo())
        await likeness.makes()
        assert len(ann.pictures()) == 1
        sent = [frame["body"] for frame in line.sent("aibot_send_msg") if is_picture(frame)]
        assert [(body["chatid"], body["chat_type"]) for body in sent] == [("wrGroup", 2)]


@pytest.mark.parametrize("code", [45009, 846601, 6000])
async def test_a_picture_that_is_to_come_again_later_comes_again_once(
    line: FakeLine, media: Media, tmp_path: Path, code: int
) -> None:
    fault = once(is_picture)
    line.refuse = lambda frame: code if fault(frame) else 0
    async with line_house(tmp_path, line, media=media) as likeness:
        ann = LinePhone(line, media=media)
        await ann.says("动漫风格", photo())
        await likeness.makes()
        await ann.until(lambda: len(ann.pictures()) == 1)
        assert [frame["cmd"] for frame in line.sent("aibot_send_msg") if is_picture(frame)] == []


async def test_each_card_is_one_of_its_own_though_the_same_is_offered_again(
    line: FakeLine, media: Media, tmp_path: Path
) -> None:
    async with line_house(tmp_path, line, media=media) as likeness:
        ann = LinePhone(line, media=media)
        await ann.says("动漫风格", photo())
        job = await likeness.job()
        await likeness.makes()
        for number in (1, 2):
            unsure = JobNotices(job=job, words=words).unsure_delivery(number=number)
            await likeness.channel.say(job.chat, unsure)
        await ann.until(lambda: len(ann.cards()) == 3)
        first, second = ann.cards()[1:]
        assert first["button_list"] == second["button_list"]
        assert first["task_id"] != second["task_id"], "a press on the second is a press of its own"


async def test_a_line_that_is_not_subscribed_is_made_anew_and_the_picture_is_sent(
    line: FakeLine, media: Media, tmp_path: Path
) -> None:
    fault = once(is_picture)
    line.refuse = lambda frame: 846609 if fault(frame) else 0
    async with line_house(tmp_path, line, media=media) as likeness:
        ann = LinePhone(line, media=media)
        await ann.says("动漫风格", photo())
        await likeness.makes()
        assert len(ann.pictures()) == 1
        assert len(line.subscriptions) == 2


async def test_a_picture_that_may_have_arrived_is_not_sent_again_but_offered(
    line: FakeLine, media: Media, tmp_path: Path
) -> None:
    line.breaks = once(is_picture)
    async with line_house(tmp_path, line, media=media) as likeness:
        ann = LinePhone(line, media=media)
        await ann.says("动漫风格", photo())
        await likeness.makes()
        await ann.until(lambda: any("resend:" in str(card) for card in ann.cards()))
        assert len(ann.pictures()) == 1
        assert sum(is_picture(frame) for frame in line.frames) == 1


async def test_a_stream_ends_in_time_and_the_picture_comes_as_a_message(
    line: FakeLine, media: Media, tmp_path: Path
) -> None:
    async with line_house(tmp_path, line, media=media) as likeness:
        ann = LinePhone(line, media=media)
        await ann.says("动漫风格", photo())
        await likeness.job()
        likeness.later(seconds=331)
        await ann.until(lambda: all(stream["finish"] for stream in ann.streams().values()))
        await likeness.makes()
        assert len(ann.pictures()) == 1
        assert any("动漫" in text for text in ann.texts())


async def test_a_press_changes_its_card_and_its_picture_comes_as_a_message(
    line: FakeLine, media: Media, tmp_path: Path
) -> None:
    async with line_house(tmp_path, line, media=media) as likeness:
        ann = LinePhone(line, media=media)
        await ann.says("动漫风格", photo())
        await likeness.makes()
        await ann.until(ann.cards)
        card = ann.cards()[0]
        press = {"task_id": card["task_id"], "event_key": card["button_list"][0]["key"], "card_type": card["card_type"]}
        await ann.does("template_card_event", press)
        await ann.does("template_card_event", press)
        await likeness.makes()
        await ann.until(lambda: len(ann.pictures()) == 2)
        changed = [frame["body"]["template_card"] for frame in line.sent("aibot_respond_update_msg")]
        assert {update["task_id"] for update in changed} == {card["task_id"]}
        assert len(await likeness.all_ended(2)) == 2


async def test_who_opens_the_chat_is_greeted_and_a_rating_is_kept(line: FakeLine, tmp_path: Path) -> None:
    async with line_house(tmp_path, line) as likeness:
        ann = LinePhone(line)
        opened = await ann.does("enter_chat")
        await ann.until(lambda: line.sent("aibot_respond_welcome_msg"))
        (greeting,) = line.sent("aibot_respond_welcome_msg")
        assert greeting["headers"]["req_id"] == opened
        assert "AI" in greeting["body"]["text"]["content"]
        await ann.does("feedback_event", {"id": "an-answer", "type": 2})
        await until(lambda: likeness.store.value("wecom.feedback", "an-answer"))
        health = await likeness.channel.health(ask=True)
        assert any("bad: 1" in finding.message for finding in health.findings)
        assert line.sent("aibot_respond_msg") == [], "a rating is answered with nothing"


async def test_a_bot_that_was_taken_over_is_left_alone_and_that_is_said(line: FakeLine, tmp_path: Path) -> None:
    async with line_house(tmp_path, line) as likeness:
        ann = LinePhone(line)
        await ann.until(lambda: line.connected)
        event = {"msgtype": "event", "event": {"eventtype": "disconnected_event"}}
        await asyncio.to_thread(line.say, "aibot_event_callback", event)
        held = likeness.channel.line
        assert held is not None
        await ann.until(lambda: held.connection is not None and held.connection.taken_over)
        line.close(1000)
        health = await likeness.channel.health(ask=True)
        assert health.listening
        assert any("WECOM_BOT_ID" in f.message for f in health.findings if f.verdict == "broken")
        beside = another(tmp_path, line_settings(line), likeness.store, likeness.clock, {"sleep": brisk})
        await beside.start(likeness.conversation)
        for _ in range(20):
            await asyncio.sleep(0.01)
        await beside.stop()
        assert len(line.subscriptions) == 1  # nor does a process that stood by take it back


async def test_what_one_process_began_another_delivers_over_its_own_connection(
    line: FakeLine, media: Media, tmp_path: Path
) -> None:
    settings = line_settings(line, wecom_media_hosts=media.address.removeprefix("http://"))
    async with line_house(tmp_path, line, media=media) as likeness:
        ann = LinePhone(line, media=media)
        await ann.says("动漫风格", photo())
        job = await likeness.job()
        beside = another(tmp_path, settings, likeness.store, likeness.clock, {"sleep": brisk})
        await beside.start(likeness.conversation)
        assert len(line.subscriptions) == 1  # it stands by
        await likeness.channel.stop()
        await likeness.makes(channel=beside, job=job)
        assert len(ann.pictures()) == 1
        assert line.subscriptions[0]["device_id"] == line.subscriptions[1]["device_id"]
        await beside.stop()
