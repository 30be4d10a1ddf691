"""What people send, in every shape Telegram has for it."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.channels.telegram.inbound.photos import AT_ONCE
from handlers.order import Order
from tests.bot.telegram.stage import Stage, listening, on_stage, paced
from tests.providers.media.pictures import encoded
from tests.servers.telegram import MB, FakeTelegram, Fault, jpeg

GROUP = -1_001_000_000_077


async def order(stage: Stage, person: int, chat: int | None = None) -> Order:
    await stage.read()
    return (await stage.job(person, chat)).order


def size(order: Order) -> list[tuple[int, int]]:
    sizes = []
    for path in order.photos:
        with Image.open(path) as image:
            sizes.append(image.size)
    return sizes


async def test_of_a_photo_the_largest_size_is_taken(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.photographs("anime style", data=jpeg(800, 600))
        assert size(await order(stage, 1)) == [(800, 600)]


@pytest.mark.parametrize(
    ("kind", "name", "mime"),
    [
        ("PNG", "me.png", "image/png"),
        ("WEBP", "me.webp", "image/webp"),
        ("JPEG", "me.heic", "application/octet-stream"),
        ("JPEG", "IMG_1.JPG", None),
    ],
)
async def test_an_image_sent_as_a_file_is_a_photo(
    tmp_path: Path, telegram: FakeTelegram, kind: str, name: str, mime: str | None
) -> None:
    out = io.BytesIO()
    Image.new("RGB", (300, 400), "teal").save(out, kind)
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).sends_file(out.getvalue(), "anime style", name=name, mime=mime)
        assert size(await order(stage, 1)) == [(300, 400)]


async def test_a_heic_file_is_a_photo(tmp_path: Path, telegram: FakeTelegram) -> None:
    heic = encoded(Image.new("RGB", (320, 240), "olive"), "HEIF")
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).sends_file(heic, "anime style", name="IMG_0001.HEIC", mime="image/heic")
        assert size(await order(stage, 1)) == [(320, 240)]


async def test_a_file_above_20_mb_is_refused_plainly_and_never_asked_for(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.sends_file(jpeg(), "anime style", size=20 * MB + 1)
        await stage.read()
        assert "at most 20 MB" in telegram.words(1)
        assert not telegram.of("getFile")
        assert not await stage.jobs_of(1)


async def test_a_large_file_whose_size_was_not_told_is_refused_plainly_too(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.sends_file(jpeg() + bytes(20 * MB), "anime style", size=-1)
        await stage.read()
        assert "at most 20 MB" in telegram.words(1)


@pytest.mark.parametrize(("arrival", "caption_on"), [((0, 1, 2), 0), ((2, 0, 1), 1), ((1, 2, 0), 2)])
async def test_an_album_in_any_order_with_the_caption_on_any_item_is_one_request(
    tmp_path: Path, telegram: FakeTelegram, arrival: tuple[int, ...], caption_on: int
) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).sends_album(3, "anime style", order=arrival, caption_on=caption_on)
        photos = (await order(stage, 1)).photos
        assert len(photos) == 3
        shades = []
        for path in photos:
            with Image.open(path) as image:
                shades.append(image.convert("RGB").getpixel((1, 1))[0])  # type: ignore[index]  # RGB: three numbers
        assert shades == sorted(shades), "in the order they were sent"


async def test_the_parts_of_an_album_that_come_later_still_belong_to_it(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram, pace=paced(album_pause=3.0)) as stage:
        telegram.person(1).sends_album(4, "anime style", hold=(2, 3))
        await stage.until(lambda: telegram.unread == 0)
        telegram.release_held()
        assert len((await order(stage, 1)).photos) == 4


async def test_an_album_without_words_waits_for_them(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram, pace=paced(album_pause=150.0, album_longest=300.0)) as stage:
        with telegram.at_once():
            ann.sends_album(3)
            ann.says("anime style")  # ends the album at once: nobody waits for its pause
        assert len((await order(stage, 1)).photos) == 3


async def test_two_albums_and_a_photo_in_between_are_three_messages(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram, pace=paced(album_pause=3.0)) as stage:
        with telegram.at_once():
            ann.sends_album(3, "anime style", hold=(1, 2))
            ann.sends_album(2, "oil painting", hold=(1,))
            ann.photographs("watercolor")
            telegram.release_held()
        await stage.read()
        jobs = await stage.jobs_of(1)
        photos = {job.order.shots[0].style: len(job.order.photos) for job in jobs}
        assert photos == {"anime": 3, "oil_painting": 2, "watercolor": 1}


async def test_a_part_of_an_album_that_comes_after_it_was_handled_is_on_its_own(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.sends_album(3, "anime style", hold=(2,))
        assert len((await order(stage, 1)).photos) == 2
        said = len(telegram.shown(1))
    async with listening(tmp_path, telegram) as stage:  # a restart changes nothing of it
        telegram.release_held()
        await stage.read()
        assert len(await stage.jobs_of(1)) == 1
        assert len(telegram.shown(1)) == said + 1
        assert len((await stage.store.session(stage.chat(1))).photos) == 3


async def test_an_album_is_answered_with_a_chat_action_while_its_parts_come(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram, pace=paced(album_pause=150.0, album_longest=300.0)) as stage:
        telegram.person(1).sends_album(2, "anime style", hold=(1,))
        await stage.until(lambda: any(call.method == "sendChatAction" for call in telegram.calls))
        assert not telegram.shown(1)


async def test_two_people_send_albums_at_the_same_time(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    async with listening(tmp_path, telegram) as stage:
        with telegram.at_once():
            ann.sends_album(3, "anime style", hold=(1, 2))
            bob.sends_album(2, "oil painting", hold=(1,))
            telegram.release_held()
        assert len((await order(stage, 1)).photos) == 3
        assert len((await order(stage, 2)).photos) == 2


VIDEO = {"file_id": "v", "file_unique_id": "uv", "width": 640, "height": 480, "duration": 3, "mime_type": "video/mp4"}
PAPER = {"file_id": "p", "file_unique_id": "up", "mime_type": "application/pdf", "file_name": "a.pdf"}


@pytest.mark.parametrize("other", [{"video": VIDEO}, {"document": PAPER}])
@pytest.mark.parametrize(("captioned", "first"), [("photo", "photo"), ("photo", "other"), ("other", "other")])
async def test_of_an_album_with_something_else_in_it_the_photos_are_taken(
    tmp_path: Path, telegram: FakeTelegram, other: dict[str, Any], captioned: str, first: str
) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        contents = {"photo": telegram.photo_content(jpeg()), "other": other}
        for name in ("photo", "other") if first == "photo" else ("other", "photo"):
            caption = {"caption": "anime style"} if name == captioned else {}
            ann.sends(media_group_id="mixed", **(contents[name] | caption))
        assert len((await order(stage, 1)).photos) == 1
        await stage.read()
        assert "I work with photos" not in telegram.words(1), "it is not refused"
        assert "1 of the things you sent are not photos" in telegram.words(1), "nor passed over without a word"


async def test_an_album_without_any_photo_gets_the_friendly_line_once(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        for caption in ({"caption": "anime style"}, {}):
            ann.sends(media_group_id="films", video=VIDEO, **caption)
        await stage.read()
        assert [m.text.startswith("I work with photos") for m in telegram.shown(1)] == [True]


async def test_an_edited_caption_is_a_new_wish(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        photo = ann.photographs("hm hm hm")
        await stage.read()
        assert not await stage.jobs_of(1)
        ann.edits(photo, caption="anime style")
        assert (await order(stage, 1)).shots[0].style == "anime"
        ann.edits(photo, caption="anime style")  # clients report edits that change nothing
        await stage.read()
        assert len(await stage.jobs_of(1)) == 1


async def test_a_reply_to_a_photo_means_that_photo(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        first = ann.photographs(data=jpeg(500, 400))
        ann.photographs(data=jpeg(333, 222))
        await stage.read()
        ann.says("anime style", reply_to=first)
        assert size(await order(stage, 1)) == [(500, 400)]


async def test_a_reply_to_one_picture_of_an_album_means_the_whole_album(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        album = ann.sends_album(3)
        await stage.read()
        ann.says("anime style", reply_to=album[1])
        assert len((await order(stage, 1)).photos) == 3


async def test_a_reply_to_a_result_edits_that_result(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("anime style")
        (first,) = await stage.until(lambda: telegram.pictures(1))
        await stage.ended((await stage.job(1)).id)
        ann.photographs(data=jpeg(700, 500))  # another photo is in the session
        await stage.read()
        ann.says("make it brighter", reply_to=first.id)
        await stage.until(lambda: len(telegram.pictures(1)) == 2)
        newest, older = await stage.jobs_of(1)
        assert newest.order.operation == "edit"
        assert newest.order.photos == tuple(p.path for p in older.pictures)


async def test_a_forwarded_photo_is_a_photo(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    origin = {"type": "hidden_user", "sender_user_name": "Eve", "date": 1}
    async with listening(tmp_path, telegram) as stage:
        ann.says("anime style")
        ann.photographs(forward_origin=origin)
        assert (await order(stage, 1)).shots[0].style == "anime"


async def test_a_sticker_that_does_not_move_is_a_photo(tmp_path: Path, telegram: FakeTelegram) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (512, 512), (200, 30, 30, 255)).save(out, "WEBP")
    file = telegram.keep(out.getvalue(), "sticker")
    sticker = {
        "file_id": file.id,
        "file_unique_id": file.unique,
        "width": 512,
        "height": 512,
        "is_animated": False,
        "is_video": False,
        "type": "regular",
    }
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.sends(sticker=sticker)
        ann.says("anime style")
        assert size(await order(stage, 1)) == [(512, 512)]


MOVING: dict[str, Any] = {
    "sticker": {
        "file_id": "s",
        "file_unique_id": "s",
        "width": 9,
        "height": 9,
        "is_animated": True,
        "is_video": False,
        "type": "regular",
    },
    "voice": {"file_id": "v", "file_unique_id": "v", "duration": 3},
    "video": {"file_id": "v", "file_unique_id": "v", "duration": 3, "width": 9, "height": 9},
    "location": {"latitude": 1.0, "longitude": 2.0},
}


@pytest.mark.parametrize("kind", MOVING)
async def test_other_kinds_get_one_friendly_line_in_private_and_none_in_groups(
    tmp_path: Path, telegram: FakeTelegram, kind: str
) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.sends(**{kind: MOVING[kind]})
        ann.sends(GROUP, **{kind: MOVING[kind]})
        await stage.read()
        assert len(telegram.shown(1)) == 1
        assert "I work with photos" in telegram.words(1)
        assert not telegram.shown(GROUP)


async def test_a_download_that_fails_is_tried_again(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.faults.extend([Fault(method="getFile", what=502), Fault(method="download", what="reset")])
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).photographs("anime style")
        assert len((await order(stage, 1)).photos) == 1


@pytest.mark.parametrize("what", ["broken", "large", "lost", "words"])
async def test_what_goes_wrong_with_a_message_is_said_in_reply_to_it(
    tmp_path: Path, telegram: FakeTelegram, what: str
) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        match what:
            case "broken":
                asked = ann.sends_file(b"no picture at all", "anime style")
            case "large":
                asked = ann.sends_file(jpeg(), "anime style", size=21 << 20)
            case "lost":
                telegram.faults.extend([Fault(method="getFile", what=500)] * 9)
                asked = ann.photographs("anime style")
            case _:
                asked = ann.says("x" * 4000)
        await stage.read()
        (said,) = telegram.shown(1)
        assert said.reply_to == asked
        ann.says("/help")
        await stage.read()
        assert telegram.shown(1)[-1].reply_to is None


async def test_a_download_that_ends_too_early_is_tried_again(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.faults.append(Fault(method="download", what="short"))
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).photographs("anime style")
        assert size(await order(stage, 1)) == [(320, 240)]
        assert len(telegram.of("download")) == 2


async def test_a_server_of_our_own_may_name_files_on_this_machine(tmp_path: Path, telegram: FakeTelegram) -> None:
    kept = tmp_path / "kept by the server.jpg"
    kept.write_bytes(jpeg(640, 480))
    telegram.local_files = kept
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).photographs("anime style")
        assert size(await order(stage, 1)) == [(640, 480)]
        assert not telegram.of("download")


async def test_a_photo_that_cannot_be_fetched_keeps_no_others_out(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram, pace=paced(photo_pauses=(300.0,))) as stage:
        telegram.faults.extend([Fault(method="getFile", what=500)] * (AT_ONCE + 1))
        for person in range(10, 11 + AT_ONCE):
            telegram.person(person).photographs("anime style")
        await stage.until(lambda: not telegram.faults)
        telegram.person(1).photographs("anime style")
        await stage.job_begun(1)


@pytest.mark.parametrize("place", [None, "group"])
async def test_words_in_reply_to_a_video_are_no_wish_for_another_photo(
    tmp_path: Path, telegram: FakeTelegram, place: str | None
) -> None:
    chat = -1_001_000_000_077 if place else 1
    ann, bob = telegram.person(1), telegram.person(2)
    async with listening(tmp_path, telegram) as stage:
        ann.photographs("@LikenessBot", chat)
        video = bob.sends(chat, video=MOVING["video"])
        await stage.read()
        ann.says("@LikenessBot anime style", chat, reply_to=video)
        await stage.read()
        assert not await stage.jobs_of(1, chat)
        assert "I work with photos" in telegram.shown(chat)[-1].text


async def test_without_its_photo_a_wish_does_not_go_on(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.faults.extend([Fault(method="download", what=404)] * 9)
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).photographs("动漫风格")
        telegram.person(1).says("hello there, are you listening")
        await stage.read()
        assert "could not fetch your photo" in telegram.words(1)
        assert not await stage.jobs_of(1)
        assert not list((tmp_path / "inbox" / "telegram").glob("*")), "nothing is left behind"


async def test_words_of_one_person_are_answered_in_their_order(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.photographs()
        ann.says("anime style")
        ann.says("oil painting")
        await stage.read()
        newest, older = await stage.jobs_of(1)
        assert [older.order.shots[0].style, newest.order.shots[0].style] == ["anime", "oil_painting"]


async def test_an_update_that_comes_twice_is_one(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        message = ann._message(None, **telegram.photo_content(jpeg()), caption="anime style")
        number = telegram.put({"message": message})
        await stage.read()
        telegram.repeat(number, {"message": message})
        await stage.read()
        assert len(await stage.jobs_of(1)) == 1
        assert len(telegram.shown(1)) == 1
