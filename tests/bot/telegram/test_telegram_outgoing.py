"""What goes out: progress and results, each picture once, whatever the line does (long: every way a send can end)."""

import asyncio
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.channels.telegram.outbound.limits import Clock
from handlers.channel import DeliveryRefused, DeliveryUnknown
from handlers.message import Choice, Kind, Outgoing
from handlers.store.base import JobState
from providers.base import PictureFile
from providers.fake import Script
from tests.bot.telegram.stage import Stage, listening, on_stage, paced
from tests.servers.telegram import FakeTelegram, Fault, jpeg, statistics
from tests.waiting import TurnedClock

GROUP = -1_001_000_000_077


def picture(folder: Path, name: str, size: tuple[int, int], *, noise: bool = False, kind: str = "PNG") -> PictureFile:
    """A result as a job hands it over; noise does not compress."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.{kind.lower()}"
    data = encoded(size, noise=noise, kind=kind)
    path.write_bytes(data)
    return PictureFile(
        path=path,
        width=size[0],
        height=size[1],
        size_bytes=len(data),
        mime="image/png",
        provider="fake",
        request_id=name,
    )


@cache
def encoded(size: tuple[int, int], *, noise: bool, kind: str) -> bytes:
    if noise:
        image = Image.merge("RGB", [Image.effect_noise(size, 90) for _ in range(3)])
    else:
        image = Image.new("RGB", size, "teal")
        image.paste((250, 240, 230), (0, 0, max(1, size[0] // 2), max(1, size[1] // 2)))
    out = BytesIO()
    image.save(out, kind, **({"compress_level": 1} if kind == "PNG" else {"quality": 95}))
    return out.getvalue()


def result(*pictures: PictureFile, text: str = "Here it is", language: str = "en") -> Outgoing:
    choices = (Choice(id="again:0123456789abcdef0123", label="Again"),)
    return Outgoing(
        id="result:0123456789abcdef0123",
        kind=Kind.PICTURES,
        pictures=pictures,
        text=text,
        choices=choices,
        job="0123456789abcdef0123",
        language="zh" if language == "zh" else "en",
    )


async def briefly(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.02))


async def delivered(stage: Stage, outgoing: Outgoing, person: int = 1) -> None:
    place = await stage.channel.reserve(stage.chat(person), outgoing)
    await stage.channel.deliver(stage.chat(person), outgoing, place)


# --- progress


async def test_a_request_is_answered_at_once_by_a_chat_action_and_one_status_message(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    made = asyncio.Event()

    async def until_made(_seconds: float) -> None:
        await made.wait()

    async with on_stage(tmp_path, telegram, script=(Script(seconds=1.0),)) as stage:
        stage.provider.sleep = until_made
        telegram.person(1).photographs("anime style")
        await stage.until(lambda: telegram.of("sendChatAction", 1) and telegram.of("sendMessage", 1))
        assert not telegram.pictures(1), "the picture takes its time"
        made.set()
        await stage.until(lambda: telegram.pictures(1))
        assert len(telegram.of("sendMessage", 1)) == 1


async def test_progress_edits_one_message_at_the_pace_telegram_allows(tmp_path: Path, telegram: FakeTelegram) -> None:
    """Time passes for the channel alone: a minute of a job in a second."""
    ahead = 0.0
    clock = Clock(now=lambda: 1e6 + ahead)
    pace = paced(wall=lambda: 1e9 + ahead, clock=clock)
    async with on_stage(tmp_path, telegram, pace=pace, script=(Script(seconds=60),)) as stage:
        telegram.person(1).photographs("anime style")
        job = await stage.job_begun(1)
        await stage.valued("telegram.jobs", job.id)
        for n in range(30):
            ahead += 1.0
            cancel = (Choice(id=f"cancel:{job.id}", label="Cancel"),)
            status = Outgoing(id=f"status:{job.id}", kind=Kind.STATUS, text=f"tick {n}", choices=cancel, job=job.id)
            await stage.channel.say(stage.chat(1), status)
        edits = telegram.of("editMessageText", 1)
        assert 3 <= len(edits) <= 11
        (shown,) = telegram.shown(1)
        assert "Anime" in shown.text
        assert shown.button("Cancel") == f"cancel:{job.id}"
        telegram.person(1).taps(shown, "Cancel")
        await stage.ended(job.id)


async def test_a_cancelled_job_says_so_and_whether_it_was_charged(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with on_stage(tmp_path, telegram, script=(Script(seconds=60),)) as stage:
        ann = telegram.person(1)
        ann.photographs("anime style")
        await stage.until(lambda: telegram.of("sendMessage", 1))
        ann.says("/cancel")
        await stage.until(lambda: "Nothing was charged" in telegram.words(1))
        assert not telegram.pictures(1)


# --- one picture


async def test_the_same_picture_is_not_shown_twice_however_often_its_delivery_is_repeated(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        outgoing = result(picture(tmp_path, "a", (600, 400)))
        place = await stage.channel.reserve(stage.chat(1), outgoing)
        for _ in range(3):
            await stage.channel.deliver(stage.chat(1), outgoing, place)
        assert len(telegram.pictures(1)) == 1


@pytest.mark.parametrize(
    ("what", "after", "count"),
    [(what, after, 1) for what in ("reset", 500, "html", "garbage") for after in (False, True)]
    + [("reset", False, 3), ("reset", True, 3)],
)
async def test_a_send_that_breaks_is_repeated_into_the_same_place(
    tmp_path: Path, telegram: FakeTelegram, what: int | str, after: bool, count: int
) -> None:
    telegram.faults.append(Fault(method="editMessageMedia", what=what, after=after))
    async with on_stage(tmp_path, telegram) as stage:
        telegram.person(1).photographs(f"anime style, {count} pictures")
        await stage.until(lambda: len(telegram.pictures(1)) == count)
        job = await stage.ended((await stage.job(1)).id)
        assert job.state is JobState.DONE
        assert len(telegram.pictures(1)) == count


async def test_a_server_that_answers_too_late_leads_to_no_second_picture(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    telegram.faults.append(Fault(method="editMessageMedia", what="hang", after=True))
    async with listening(tmp_path, telegram) as stage:
        outgoing = result(picture(tmp_path, "a", (600, 400)))
        place = await stage.channel.reserve(stage.chat(1), outgoing)
        first = asyncio.create_task(stage.channel.deliver(stage.chat(1), outgoing, place))
        await stage.until(lambda: telegram.pictures(1))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await stage.channel.deliver(stage.chat(1), outgoing, place)
        telegram.release()
        assert len(telegram.pictures(1)) == 1


async def test_an_older_server_gets_a_grey_picture_that_becomes_the_result(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    telegram.edits_text_into_media = False
    async with on_stage(tmp_path, telegram) as stage:
        telegram.person(1).photographs("anime style")
        await stage.until(lambda: telegram.pictures(1))
        await stage.ended((await stage.job(1)).id)
        refused = [c for c in telegram.of("editMessageMedia") if c.code == 400]
        assert len(refused) == 1
        telegram.person(1).photographs("oil painting")
        await stage.until(lambda: len(telegram.pictures(1)) == 2)
        await stage.ended((await stage.jobs_of(1))[0].id)
        assert len([c for c in telegram.of("editMessageMedia") if c.code == 400]) == 1, "it is remembered"
        assert all(m.is_picture for m in telegram.shown(1)), "no text is left behind"


async def test_a_place_that_the_person_deleted_is_made_anew(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        outgoing = result(picture(tmp_path, "a", (600, 400)))
        place = await stage.channel.reserve(stage.chat(1), outgoing)
        telegram.messages.clear()
        await stage.channel.deliver(stage.chat(1), outgoing, place)
        await stage.channel.deliver(stage.chat(1), outgoing, place)
        assert len(telegram.pictures(1)) <= 2
        assert telegram.pictures(1)[0].text == "Here it is"


async def test_a_long_job_rings_with_a_new_message_and_takes_its_status_away(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ahead = 0.0
    async with on_stage(
        tmp_path, telegram, pace=paced(wall=lambda: 1e9 + ahead), script=(Script(seconds=0.5),)
    ) as stage:
        asked = telegram.person(1).photographs("anime style")
        await stage.valued("telegram.jobs", (await stage.job_begun(1)).id)
        ahead = 40.0
        (shown,) = await stage.until(lambda: telegram.pictures(1))
        await stage.ended((await stage.job(1)).id)
        assert telegram.history[1, shown.id][0].startswith("Your picture is ready")
        assert shown.reply_to == asked
        assert [m.id for m in telegram.shown(1)] == [shown.id]


async def test_a_question_deleted_while_it_was_made_does_not_stop_the_answer(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with on_stage(tmp_path, telegram, script=(Script(seconds=0.4),)) as stage:
        asked = telegram.person(1).photographs("anime style")
        await stage.until(lambda: telegram.of("getFile"))
        del telegram.messages[1, asked]
        (shown,) = await stage.until(lambda: telegram.pictures(1))
        assert shown.reply_to is None


# --- forms


@pytest.mark.parametrize(
    ("size", "noise", "form"),
    [
        ((1024, 1024), False, "photo"),
        ((5000, 5000), False, "photo"),
        ((5002, 5000), False, "document"),
        ((2100, 100), False, "document"),
        ((2000, 100), False, "photo"),
        ((2100, 2000), True, "document"),
    ],
)
async def test_a_photo_where_telegram_takes_one_and_a_document_where_it_does_not(
    tmp_path: Path, telegram: FakeTelegram, size: tuple[int, int], noise: bool, form: str
) -> None:
    async with listening(tmp_path, telegram) as stage:
        await delivered(stage, result(picture(tmp_path, "a", size, noise=noise)))
        (shown,) = telegram.pictures(1)
        assert shown.file is not None
        assert shown.file.kind == form
        assert {b["text"] for b in shown.buttons} == {"Again", "As file"}
        assert not [c for c in telegram.calls if c.code == 400], "known beforehand, not tried"


async def test_a_photo_that_the_server_cannot_process_goes_as_a_document(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        broken = picture(tmp_path, "a", (600, 400))
        broken.path.write_bytes(b"not a picture at all")
        await delivered(stage, result(broken))
        (shown,) = telegram.shown(1)
        assert shown.file is not None
        assert shown.file.kind == "document"


@pytest.mark.parametrize(
    ("says", "form"),
    [
        ("Bad Request: message can't be edited", "photo"),
        ("Bad Request: PHOTO_INVALID_DIMENSIONS", "document"),
        ("Bad Request: words of next year", "document"),
    ],
)
async def test_a_picture_refused_for_whatever_reason_finds_another_way(
    tmp_path: Path, telegram: FakeTelegram, says: str, form: str
) -> None:
    async with listening(tmp_path, telegram) as stage:
        times = 2 if "next year" in says else 1
        telegram.faults.extend([Fault(method="editMessageMedia", what=400, says=says)] * times)
        await delivered(stage, result(picture(tmp_path, "a", (600, 400))))
        (shown,) = telegram.shown(1)
        assert shown.file is not None
        assert shown.is_picture
        assert shown.file.kind == form if times == 1 else shown.is_picture


async def test_where_nothing_takes_the_picture_no_place_is_left_and_the_person_is_told(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    telegram.faults.extend([Fault(method="editMessageMedia", what=400, says="Bad Request: never")] * 20)
    async with listening(tmp_path, telegram) as stage:
        with pytest.raises(DeliveryRefused):
            await delivered(stage, result(picture(tmp_path, "a", (600, 400))))
        (shown,) = telegram.shown(1)
        assert "not allowed to send them" in shown.text
        assert [b["text"] for b in shown.buttons] == ["As file"]


async def test_one_picture_that_is_refused_does_not_take_the_others_with_it(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        made = [picture(tmp_path, f"a{n}", (600, 400)) for n in range(3)]
        made[1].path.unlink()
        await delivered(stage, result(*made))
        assert len(telegram.pictures(1)) == 2
        assert len(telegram.shown(1)) == 3, "no grey one is left"
        assert "Here it is" in telegram.words(1)


@pytest.mark.parametrize("pictures", [1, 2])
async def test_where_the_bot_may_send_no_pictures_it_says_so(
    tmp_path: Path, telegram: FakeTelegram, pictures: int
) -> None:
    says = "Bad Request: not enough rights to send photos to the chat"
    method = "editMessageMedia" if pictures == 1 else "sendMediaGroup"
    telegram.faults.extend([Fault(method=method, what=400, says=says)] * 2)
    async with listening(tmp_path, telegram) as stage:
        made = [picture(tmp_path, f"a{n}", (600, 400)) for n in range(pictures)]
        with pytest.raises(DeliveryRefused):
            await delivered(stage, result(*made))
        (shown,) = telegram.shown(1)
        assert "I may not send pictures here" in shown.text


async def test_an_upload_that_a_server_finds_too_large_is_made_smaller(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.faults.append(Fault(method="editMessageMedia", what=413))
    async with listening(tmp_path, telegram) as stage:
        await delivered(stage, result(picture(tmp_path, "a", (1200, 900), noise=True)))
        first, second = telegram.of("editMessageMedia")
        assert second.upload <= first.upload // 2
        (shown,) = telegram.pictures(1)
        assert shown.file is not None
        assert (shown.file.kind, shown.file.width) == ("photo", 1200)


async def test_an_album_whose_receipt_did_not_get_through_is_not_sent_again(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        outgoing = result(*(picture(tmp_path, f"a{n}", (600, 400)) for n in range(3)))
        telegram.faults.append(Fault(method="sendMessage", what="reset"))
        with pytest.raises(DeliveryUnknown):
            await stage.channel.reserve(stage.chat(1), outgoing)
        await delivered(stage, outgoing)
        assert len(telegram.of("sendMediaGroup")) == 1
        assert len(telegram.pictures(1)) == 3
        assert len(telegram.shown(1)) == 4


async def test_what_is_being_made_is_not_announced_after_it_has_come(tmp_path: Path, telegram: FakeTelegram) -> None:
    held = asyncio.Event()

    async def until_it_came(seconds: float) -> None:
        await (held.wait() if seconds >= 1.0 else briefly(seconds))

    async with on_stage(tmp_path, telegram, pace=paced(clock=Clock(sleep=until_it_came))) as stage:
        telegram.faults.append(Fault(method="sendMessage", what=502))
        telegram.person(1).photographs("anime style")
        (shown,) = await stage.until(lambda: telegram.pictures(1))
        await stage.ended((await stage.job(1)).id)
        held.set()
        await stage.read()
        assert [m.id for m in telegram.shown(1)] == [shown.id]


async def test_a_status_message_that_was_said_before_a_crash_is_not_said_again(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        announced = Outgoing(id="m:0", kind=Kind.TEXT, text="Anime", job="0123456789abcdef0123")
        for _ in range(2):
            await stage.channel._speaker.say(stage.chat(1), announced, first=True)
        assert len(telegram.shown(1)) == 1


@pytest.mark.parametrize("spoken", [0, 1, 3])
@pytest.mark.parametrize("size", [(600, 400), (2100, 100)])
async def test_an_album_that_was_sent_without_our_knowing_is_found_again(
    tmp_path: Path, telegram: FakeTelegram, spoken: int, size: tuple[int, int]
) -> None:
    async with listening(tmp_path, telegram) as stage:
        asked = telegram.person(1).says("hm hm")
        await stage.read()
        outgoing = replace(result(*(picture(tmp_path, f"a{n}", size) for n in range(3))), ref=str(asked))
        telegram.faults.append(Fault(method="sendMediaGroup", what="reset", after=True))
        for _ in range(spoken):
            telegram.next_id()  # messages of others
        with pytest.raises(DeliveryUnknown):
            await stage.channel.reserve(stage.chat(1), outgoing)
        await delivered(stage, outgoing)
        assert len(telegram.of("sendMediaGroup")) == 1
        assert len(telegram.pictures(1)) == 3
        assert not [m for m in telegram.shown(1) if m.file and not m.is_picture], "no grey one is left"


async def test_an_album_claimed_just_before_a_crash_is_known_again(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        outgoing = result(*(picture(tmp_path, f"a{n}", (600, 400)) for n in range(3)))
        await stage.channel.reserve(stage.chat(1), outgoing)
        # As it is between the claim and the note of the place.
        await stage.store.set_value("telegram.places", f"{outgoing.id}#album", "?1")
        await delivered(stage, outgoing)
        assert len(telegram.of("sendMediaGroup")) == 1
        assert len(telegram.pictures(1)) == 3
        assert not [m for m in telegram.shown(1) if m.file and not m.is_picture], "no grey one is left"


@pytest.mark.parametrize("sent", [True, False])
async def test_an_album_that_is_looked_for_is_not_mistaken_for_anothers(
    tmp_path: Path, telegram: FakeTelegram, sent: bool
) -> None:
    async with listening(tmp_path, telegram) as stage:
        asked = telegram.person(1).says("hm hm")
        await stage.read()
        made = [picture(tmp_path, f"a{n}", (600 + n, 400)) for n in range(4)]
        one = replace(result(*made[:2]), ref=str(asked))
        two = replace(one, id="result:f123456789abcdef0123", job="f123456789abcdef0123", pictures=tuple(made[2:]))
        place = await stage.channel.reserve(stage.chat(1), one)  # still grey
        telegram.faults.append(Fault(method="sendMediaGroup", what="reset", after=sent))
        with pytest.raises(DeliveryUnknown):
            await stage.channel.reserve(stage.chat(1), two)
        await delivered(stage, two)
        await stage.channel.deliver(stage.chat(1), one, place)
        assert len({p.file.unique for p in telegram.pictures(1) if p.file}) == 4
        assert len(telegram.pictures(1)) == 4
        assert not [m for m in telegram.shown(1) if m.file and not m.is_picture], "no grey one is left"


async def test_an_album_that_was_not_sent_is_sent_after_a_look_for_it(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        asked = telegram.person(1).says("hm hm")
        await stage.read()
        outgoing = replace(result(*(picture(tmp_path, f"a{n}", (600, 400)) for n in range(2))), ref=str(asked))
        telegram.faults.append(Fault(method="sendMediaGroup", what="reset"))
        before = len(telegram.shown(1))
        with pytest.raises(DeliveryUnknown):
            await stage.channel.reserve(stage.chat(1), outgoing)
        await delivered(stage, outgoing)
        assert len(telegram.pictures(1)) == 2
        assert len(telegram.shown(1)) == before + 3, "what was sent to look is taken away"


async def test_an_album_picture_that_cannot_be_a_photo_goes_on_its_own(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        made = [picture(tmp_path, f"a{n}", (600, 400)) for n in range(3)]
        made[1].path.write_bytes(b"not a picture at all")
        await delivered(stage, result(*made))
        shown = telegram.shown(1)
        assert [m.file.kind for m in shown if m.file] == ["photo", "photo", "document"]
        assert len([m for m in shown if m.album]) == 2


async def test_the_name_of_a_file_tells_nothing_of_where_it_was_made(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with on_stage(tmp_path, telegram) as stage:
        telegram.person(1).photographs("anime style")
        (shown,) = await stage.until(lambda: telegram.pictures(1))
        job = await stage.ended((await stage.job(1)).id)
        telegram.person(1).taps(shown, "As file")
        await stage.until(lambda: len(telegram.pictures(1)) == 2)
        names = [name for call in telegram.of("editMessageMedia") for name in call.params["file_names"]]
        assert names == ["likeness.png", "likeness.png"]
        assert job.pictures[0].path.stem not in str(telegram.calls)


async def test_a_message_that_cannot_be_taken_away_at_once_is_taken_away_later(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ahead = 0.0
    telegram.faults.append(Fault(method="deleteMessage", what=429))
    async with on_stage(
        tmp_path,
        telegram,
        pace=paced(wall=lambda: 1e9 + ahead, clock=Clock(sleep=briefly)),
        script=(Script(seconds=0.5),),
    ) as stage:
        telegram.person(1).photographs("anime style")
        await stage.valued("telegram.jobs", (await stage.job_begun(1)).id)
        ahead = 40.0
        (shown,) = await stage.until(lambda: telegram.pictures(1))
        await stage.ended((await stage.job(1)).id)
        assert [m.id for m in telegram.shown(1)] == [shown.id]


async def test_a_tap_is_answered_after_a_flood_wait(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with on_stage(tmp_path, telegram, pace=paced(clock=Clock(sleep=briefly))) as stage:
        telegram.person(1).says("/styles")
        (menu,) = await stage.until(lambda: telegram.shown(1))
        telegram.faults.append(Fault(method="answerCallbackQuery", what=429))
        query = telegram.person(1).taps(menu, menu.buttons[0]["text"])
        await stage.until(lambda: query in telegram.answered)


async def test_several_pictures_are_one_album_with_the_receipt_and_its_buttons_below(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with on_stage(tmp_path, telegram) as stage:
        telegram.person(1).photographs("anime style, 4 pictures")
        await stage.until(lambda: len(telegram.pictures(1)) == 4)
        await stage.ended((await stage.job(1)).id)
        pictures, shown = telegram.pictures(1), telegram.shown(1)
        assert len({p.album for p in pictures}) == 1
        assert len({p.file.unique for p in pictures if p.file}) == 4
        (receipt,) = [m for m in shown if not m.is_picture]
        assert receipt.id > max(p.id for p in pictures)
        assert "4 pictures" in receipt.text
        assert "$" in receipt.text
        assert {b["text"] for b in receipt.buttons} >= {"Again", "Variations", "Upscale 2×", "Edit further", "As file"}


async def test_an_album_with_a_panorama_is_one_of_documents(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        await delivered(stage, result(picture(tmp_path, "a", (600, 400)), picture(tmp_path, "b", (4200, 200))))
        assert [p.file.kind for p in telegram.pictures(1) if p.file] == ["document", "document"]


async def test_an_album_with_a_heavy_picture_stays_one_of_photos(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        heavy = picture(tmp_path, "b", (2100, 2000), noise=True)
        await delivered(stage, result(picture(tmp_path, "a", (600, 400)), heavy))
        assert [p.file.kind for p in telegram.pictures(1) if p.file] == ["photo", "photo"]


async def test_a_reply_to_a_picture_of_our_album_edits_it(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("anime style, 2 pictures")
        await stage.until(lambda: len(telegram.pictures(1)) == 2)
        await stage.ended((await stage.job(1)).id)
        ann.says("make the first picture brighter", reply_to=telegram.pictures(1)[0].id)
        await stage.until(lambda: len(telegram.pictures(1)) >= 3)
        newest = (await stage.jobs_of(1))[0]
        assert newest.order.operation == "edit"


async def test_the_full_size_file_is_one_tap_away(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("anime style")
        (shown,) = await stage.until(lambda: telegram.pictures(1))
        job = await stage.ended((await stage.job(1)).id)
        tap = ann.taps(shown, "As file")
        await stage.until(lambda: len(telegram.pictures(1)) == 2)
        file = telegram.pictures(1)[1].file
        assert file is not None
        assert file.kind == "document"
        assert file.data == job.pictures[0].path.read_bytes()
        assert tap in telegram.answered


@pytest.mark.parametrize("name", ["Again", "Variations", "Upscale 2×"])
async def test_the_buttons_under_a_result_lead_to_the_next_one(
    tmp_path: Path, telegram: FakeTelegram, name: str
) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("anime style")
        (shown,) = await stage.until(lambda: telegram.pictures(1))
        await stage.ended((await stage.job(1)).id)
        ann.taps(shown, name)
        await stage.until(lambda: len(telegram.pictures(1)) >= 2)


async def test_a_double_tap_is_one(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("anime style")
        (shown,) = await stage.until(lambda: telegram.pictures(1))
        await stage.ended((await stage.job(1)).id)
        taps = [ann.taps(shown, "Again"), ann.taps(shown, "Again")]
        await stage.read()
        assert len(await stage.jobs_of(1)) == 2
        assert set(taps) <= set(telegram.answered), "both clients stop waiting"


async def test_editing_further_offers_edits_of_this_very_picture(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram) as stage:
        ann.photographs("anime style")
        (first,) = await stage.until(lambda: telegram.pictures(1))
        older = await stage.ended((await stage.job(1)).id)
        ann.photographs("oil painting", data=jpeg(500, 300))
        await stage.until(lambda: len(telegram.pictures(1)) == 2)
        ann.taps(first, "Edit further")
        await stage.until(lambda: telegram.shown(1)[-1].buttons and "action:" in str(telegram.shown(1)[-1].buttons))
        ann.taps(telegram.shown(1)[-1], "action:enhance")
        await stage.until(lambda: len(telegram.pictures(1)) == 3)
        newest = (await stage.jobs_of(1))[0]
        assert newest.order.photos == tuple(p.path for p in older.pictures)


async def test_what_a_caption_has_no_room_for_of_a_receipt_stands_below_it(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        await delivered(stage, result(picture(tmp_path, "a", (600, 400)), text="很长的说明😀" * 400))
        shown, *below = telegram.shown(1)
        assert shown.is_picture
        assert len(shown.text.encode("utf-16-le")) // 2 <= 1024
        assert shown.text + "".join(one.text for one in below) == "很长的说明😀" * 400


async def test_a_long_answer_is_several_messages_with_the_buttons_on_the_last(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        text = "\n".join(f"line {n} 😀😀😀😀😀😀" for n in range(400))
        choices = tuple(Choice(id=f"style:{n}", label=f"Style {n}") for n in range(90))
        await stage.channel.say(stage.chat(1), Outgoing(id="x", kind=Kind.CHOICES, text=text, choices=choices))
        shown = telegram.shown(1)
        assert len(shown) > 1
        assert [bool(m.buttons) for m in shown] == [False] * (len(shown) - 1) + [True]
        assert "\n".join(m.text for m in shown) == text


# --- rates


async def test_a_flood_wait_is_obeyed_and_nothing_is_lost(tmp_path: Path, telegram: FakeTelegram) -> None:
    telegram.faults.append(Fault(method="editMessageMedia", what=429, retry_after=1))
    clock = TurnedClock()
    telegram.now = clock.now
    async with on_stage(tmp_path, telegram, pace=paced(clock=Clock(now=clock.now, sleep=clock.sleep))) as stage:
        telegram.person(1).photographs("anime style")
        await stage.until(lambda: telegram.pictures(1) and len(telegram.of("editMessageMedia")) == 2)
        first, second = telegram.of("editMessageMedia")
        assert second.at - first.at >= 1.0
    assert 1.0 in clock.slept


async def test_many_at_once_stay_within_what_the_server_allows(tmp_path: Path) -> None:
    clock = TurnedClock()
    with FakeTelegram.serving(overall=30, per_chat=3, now=clock.now) as telegram:
        async with on_stage(tmp_path, telegram, pace=paced(clock=Clock(now=clock.now, sleep=clock.sleep))) as stage:
            for n in range(20):
                telegram.person(100 + n).photographs("anime style")
            await stage.until(lambda: sum(len(telegram.pictures(100 + n)) for n in range(20)) == 20)
            refused = [c for c in telegram.calls if c.code == 429]
            assert len(refused) < 14, statistics(telegram)


# --- chats that are gone


@pytest.mark.parametrize("way", ["blocked", "deleted", "told"])
async def test_a_chat_that_is_gone_ends_its_job_quietly_and_is_remembered(
    tmp_path: Path, telegram: FakeTelegram, way: str
) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, script=(Script(seconds=0.5),)) as stage:
        ann.photographs("anime style")
        await stage.until(lambda: telegram.of("sendMessage", 1))
        if way == "told":
            ann.blocks()
        else:
            (telegram.blocked if way == "blocked" else telegram.gone).add(1)
        job = await stage.ended((await stage.job(1)).id)
        assert job.error_code == "delivery_refused"
        calls = len(telegram.calls)
        await stage.channel.say(stage.chat(2), Outgoing(id="y", kind=Kind.TEXT, text="still here"))
        with pytest.raises(Exception, match="delivery_refused"):
            await stage.channel.say(stage.chat(1), Outgoing(id="x", kind=Kind.TEXT, text="hello"))
        assert len(telegram.of("sendMessage", 1)) == 1, "it is not even tried"
        assert len(telegram.calls) > calls
        telegram.blocked.discard(1)
        telegram.gone.discard(1)
        ann.says("/help")
        await stage.until(lambda: "Send a photo" in telegram.words(1))


async def test_errors_are_sentences_with_a_way_on_in_reply_to_the_question(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, script=(Script(fault="ends_without"), Script())) as stage:
        asked = ann.photographs("动漫风格")
        await stage.until(lambda: "没有出图" in telegram.words(1))
        failure = telegram.shown(1)[-1]
        assert failure.reply_to == asked
        ann.taps(failure, "retry")
        await stage.until(lambda: telegram.pictures(1))


async def test_no_answer_of_the_bot_holds_an_address_or_the_token(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, script=(Script(fault="account"),)) as stage:
        ann.photographs("anime style")
        await stage.until(lambda: len(telegram.shown(1)) >= 2)
        assert "127.0.0.1" not in telegram.words(1)
        assert "a-token" not in telegram.words(1)
