"""Updates that are not what they should be: nobody else waits behind them, and nothing people wrote is logged."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from telegram import Bot

from bot.channels.telegram.inbound.lenient_json import update_from
from bot.channels.telegram.inbound.update_source import one_by_one
from bot.channels.telegram.inbound.updates import Me, Post, read
from tests.bot.telegram.stage import listening, on_stage
from tests.servers.telegram import BOT, FakeTelegram, jpeg

ME = Me(id=42, username="LikenessBot")
ANN = {"id": 1, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 1, "type": "private"}


def message(**content: Any) -> dict[str, Any]:
    return {"message_id": 5, "date": 1, "chat": CHAT, "from": ANN, **content}


def heard(**content: Any) -> Any:
    update = update_from({"update_id": 1, "message": message(**content)}, Bot("1:x"))
    return read(update, ME) if update else None


async def test_an_update_that_cannot_be_read_holds_up_nobody(
    tmp_path: Path, telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    ann, bob = telegram.person(1), telegram.person(2)
    async with listening(tmp_path, telegram) as stage:
        ann.says("/help")
        telegram.put({"message": {"message_id": 7, "text": "my secret wish"}})
        telegram.put({"message": "my secret wish"})
        telegram.put({"callback_query": {"id": "1"}})
        bob.says("/help")
        await stage.read()
        assert telegram.shown(1)
        assert telegram.shown(2)
    assert "skipping" in caplog.text
    assert "secret" not in caplog.text


def test_a_message_without_its_chat_is_nobodys() -> None:
    update = {"update_id": 3, "message": {"message_id": 7, "text": "hi"}}
    assert update_from(update, Bot("1:x")) is None


def test_of_a_message_with_a_field_of_another_shape_the_rest_is_read() -> None:
    replied = message(text="look", video=3)
    post = heard(text="anime style", poll={"question": "?"}, reply_to_message=replied)
    assert isinstance(post, Post)
    assert post.text == "anime style"


SIZES = [{"file_id": f"f{n}", "file_unique_id": f"u{n}", "width": n, "height": n} for n in (90, 1280, 320)]
LIVE = {"file_id": "video", "file_unique_id": "v", "width": 1280, "height": 960, "duration": 2}
ELSEWHERE = {"type": "user", "date": 1, "sender_user": {"id": 2, "is_bot": False, "first_name": "Bob"}}


@pytest.mark.parametrize("more", [{"photo": SIZES}, {"live_photo": LIVE | {"photo": SIZES}}])
def test_of_a_live_photo_quoted_from_another_chat_the_photo_is_taken(more: dict[str, Any]) -> None:
    post = heard(text="anime style", external_reply={"origin": ELSEWHERE, "live_photo": LIVE} | more)
    assert isinstance(post, Post)
    assert [photo.file_id for photo in post.quoted] == ["f1280"]
    assert not post.quoted_unusable


def test_a_live_photo_that_is_only_its_film_gets_the_friendly_line() -> None:
    post = heard(text="anime style", external_reply={"origin": ELSEWHERE, "live_photo": LIVE})
    assert isinstance(post, Post)
    assert (post.quoted, post.quoted_unusable) == ((), True)


@pytest.mark.parametrize("name", ["IMG_1.HIF", "live.heics", "DSC1.MPO", "scan.jp2", "no ending"])
def test_an_image_sent_as_a_file_is_one_by_its_name_too(name: str) -> None:
    document = {"file_id": "d", "file_unique_id": "u", "file_name": name, "mime_type": "application/octet-stream"}
    post = heard(document=document)
    assert isinstance(post, Post)
    assert [photo.file_id for photo in post.photos] == ["d"]


def test_a_kind_that_cannot_be_read_any_more_still_gets_the_friendly_line() -> None:
    post = heard(poll={"question": "?"})
    assert isinstance(post, Post)
    assert post.unusable


def test_the_numbers_of_unreadable_updates_are_passed_on() -> None:
    answer = {
        "ok": True,
        "result": [{"update_id": 8, "message": {}}, "?", {"update_id": 9, "message": message(text="a")}],
    }
    (bad, nothing), (good, update) = one_by_one(json.dumps(answer).encode(), Bot("1:x"))
    assert (bad, nothing, good) == (8, None, 9)
    assert update is not None
    assert update.message is not None


@pytest.mark.parametrize("answer", [b'{"ok": true, "result": [{"message": {}}]}', b"[]", b"{"])
def test_an_answer_without_one_numbered_update_is_a_fault(answer: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # JSON's own where it is none
        one_by_one(answer, Bot("1:x"))


def test_entities_outside_of_the_text_are_no_matter() -> None:
    entity = {"type": "text_mention", "offset": 1, "length": 1, "user": BOT}
    post = heard(text="🎨", entities=[entity | {"offset": 90}])
    assert isinstance(post, Post)


async def test_an_entity_that_cuts_a_letter_in_two_does_not_end_the_listening(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.says("🎨", entities=[{"type": "text_mention", "offset": 1, "length": 1, "user": BOT}])
        ann.says("/help")
        await stage.read()
        assert len(telegram.shown(1)) >= 1


def test_the_library_logs_nothing_of_what_it_cannot_read(tmp_path: Path, telegram: FakeTelegram) -> None:
    assert not logging.getLogger("telegram.Bot").isEnabledFor(logging.CRITICAL)


@pytest.mark.parametrize(
    ("name", "mime"), [(None, None), ("IMG", None), ("photo", "application/octet-stream"), ("a.JPG", None)]
)
async def test_a_file_that_tells_neither_type_nor_name_is_judged_by_its_bytes(
    tmp_path: Path, telegram: FakeTelegram, name: str | None, mime: str | None
) -> None:
    file = telegram.keep(jpeg(), "document")
    told = {"file_name": name, "mime_type": mime}
    document = {"file_id": file.id, "file_unique_id": file.unique} | {k: v for k, v in told.items() if v}
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).sends(document=document, caption="anime style")
        await stage.read()
        assert (await stage.job(1)).order.photos


def test_a_file_of_another_kind_is_no_photo() -> None:
    file = {"file_id": "a", "file_unique_id": "b"}
    for told in ({"file_name": "x.pdf"}, {"mime_type": "application/pdf"}, {"file_name": "a.zip", "mime_type": ""}):
        post = heard(document=file | told)
        assert isinstance(post, Post)
        assert post.unusable


def test_of_sizes_in_any_order_the_largest_is_taken() -> None:
    sizes = [{"file_id": str(n), "file_unique_id": str(n), "width": n, "height": n} for n in (90, 1280, 320)]
    post = heard(photo=sizes)
    assert isinstance(post, Post)
    assert post.photos[0].file_id == "1280"


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("@LikenessBot动漫风格", "动漫风格"),
        ("请@LikenessBot 画", "请  画"),
        ("＠likenessbot，动漫", "动漫"),
        ("/make动漫", "动漫"),
        ("/make，动漫", "动漫"),
        ("/make@LikenessBot：动漫", "动漫"),
    ],
)
def test_chinese_goes_on_without_a_space_after_the_name(text: str, wish: str) -> None:
    group = {"id": -100, "type": "supergroup", "title": "G"}
    post = heard(text=text, chat=group)
    assert isinstance(post, Post)
    assert post.addressed
    assert post.text == wish


@pytest.mark.parametrize(
    "text", ["@LikenessBots 动漫", "me@LikenessBot", "/make@OtherBot动漫", "/home/make", "@@LikenessBot"]
)
def test_other_names_are_not_the_bots(text: str) -> None:
    assert heard(text=text, chat={"id": -100, "type": "supergroup", "title": "G"}) is None


@pytest.mark.parametrize("poll", [{"question": "?"}, 3])
async def test_an_answer_to_a_message_that_cannot_be_read_is_given_once(
    tmp_path: Path, telegram: FakeTelegram, poll: Any
) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("anime style", poll=poll)
        (shown,) = await stage.until(lambda: telegram.pictures(1))
        await stage.ended((await stage.job(1)).id)
        assert [m.id for m in telegram.shown(1)] == [shown.id]
        asked = ann.sends(poll=poll)
        await stage.read()
        (said,) = [m for m in telegram.shown(1) if not m.is_picture]
        assert said.reply_to == asked
        assert not await stage.store.inbox("telegram")


@pytest.mark.parametrize("date", [10**13, 10**20, 10**400, -(10**20), 1.5e300])
def test_a_date_that_no_calendar_has_makes_the_message_nobodys_and_nothing_worse(date: float) -> None:
    """Found by `bench.fuzz`: the library's conversion raises OverflowError, beyond the errors of a wrong shape."""
    assert update_from({"update_id": 3, "message": {**message(text="hi"), "date": date}}, Bot("1:x")) is None
