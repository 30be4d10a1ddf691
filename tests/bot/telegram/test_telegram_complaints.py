"""What people complained of in other bots: edits, forwards, cut texts, closed topics, lost transparency."""

import io
from pathlib import Path

import pytest
from PIL import Image

from handlers.message import Kind, Outgoing
from providers.base import PictureFile
from providers.fake import Script
from providers.media.preview import dimensions
from tests.bot.telegram.stage import Stage, listening, on_stage
from tests.servers.telegram import FakeTelegram, jpeg

GROUP = -1_001_234
GENERAL = 0


# --- edits


@pytest.mark.parametrize("after", ["水彩风格！", "水彩风格 ", "水彩风格😊"])
async def test_a_caption_edited_without_a_change_of_meaning_makes_no_second_picture(
    tmp_path: Path, telegram: FakeTelegram, after: str
) -> None:
    async with listening(tmp_path, telegram) as stage:
        ann = telegram.person(1)
        photo = ann.photographs("水彩风格")
        await stage.read()
        ann.edits(photo, caption=after)
        await stage.read()
        assert len(await stage.jobs_of(1)) == 1
        assert len(telegram.shown(1)) == 1


async def test_a_caption_edited_into_another_wish_is_one(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        ann = telegram.person(1)
        photo = ann.photographs("水彩风格")
        await stage.read()
        ann.edits(photo, caption="油画风格")
        await stage.read()
        assert len(await stage.jobs_of(1)) == 2


async def test_a_photo_replaced_by_an_edit_is_answered_with_the_new_one(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        ann = telegram.person(1)
        photo = ann.photographs("anime style", data=jpeg(400, 300, shade=10))
        await stage.read()
        ann.edits(photo, **telegram.photo_content(jpeg(300, 400, shade=200)))
        await stage.read()
        newest, first = await stage.jobs_of(1)
        assert dimensions(first.order.photos[0]) == (400, 300)
        assert dimensions(newest.order.photos[0]) == (300, 400)


# --- forwards


async def test_forwarded_photos_with_captions_start_nothing_and_are_asked_about(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        ann = telegram.person(1)
        origin = {"type": "channel", "date": 1, "message_id": 5, "chat": {"id": -1005, "type": "channel", "title": "x"}}
        ann.photographs("anime style! follow us", forward_origin=origin)
        await stage.read()
        assert not await stage.jobs_of(1)
        assert telegram.shown(1)[-1].buttons
        ann.says("oil painting")
        await stage.read()
        assert len((await stage.job(1)).order.photos) == 1


async def test_ones_own_words_passed_on_stay_ones_own(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        ann = telegram.person(1)
        ann.photographs("anime style", forward_origin={"type": "user", "date": 1, "sender_user": ann.user()})
        await stage.read()
        assert len(await stage.jobs_of(1)) == 1


# --- long texts, and what does not fit


async def test_a_text_that_a_client_cut_is_one_wish(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        ann = telegram.person(1)
        wish = "draw a lighthouse in a storm, " + "with very many waves, " * 210
        assert len(wish) > 4600
        ann.says(wish[:4096])
        ann.says(wish[4096:])
        await stage.read()
        prompt = (await stage.job(1)).order.shots[0].prompt or ""
        assert prompt.count("waves") > 200


async def test_a_text_that_nearly_fills_a_message_waits_only_a_moment(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).says("draw a lighthouse in a storm, " + "with waves, " * 320)
        await stage.read()
        assert len(await stage.jobs_of(1)) == 1


async def test_the_ninth_photo_of_an_album_is_not_left_out_without_a_word(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).sends_album(10, "restore all of these")
        await stage.read()
        assert len((await stage.job(1)).order.photos) == 8
        assert "2 of yours were left out" in telegram.words(1)


# --- places that are refused


async def wish(stage: Stage, telegram: FakeTelegram, count: int) -> None:
    telegram.person(1).photographs(f"@LikenessBot anime style, {count} pictures", GROUP, thread=555)
    await stage.until(lambda: telegram.shown(GROUP))


@pytest.mark.parametrize("count", [1, 3])
async def test_where_every_topic_is_closed_the_picture_comes_to_the_persons_own_chat(
    tmp_path: Path, telegram: FakeTelegram, count: int
) -> None:
    async with on_stage(tmp_path, telegram, script=(Script(seconds=0.5),)) as stage:
        await wish(stage, telegram, count)
        telegram.threads_closed |= {555, GENERAL}
        await stage.until(lambda: len(telegram.pictures(1)) == count)
        assert not telegram.pictures(GROUP)


@pytest.mark.parametrize("count", [1, 3])
async def test_a_picture_that_finds_no_place_is_kept_until_the_person_writes(
    tmp_path: Path, telegram: FakeTelegram, count: int
) -> None:
    async with on_stage(tmp_path, telegram, script=(Script(seconds=0.5),)) as stage:
        await wish(stage, telegram, count)
        telegram.threads_closed |= {555, GENERAL}
        telegram.strangers.add(1)
        job = (await stage.jobs_of(1, GROUP))[0]
        assert (await stage.ended(job.id)).state.value == "done"
        assert not telegram.pictures(GROUP)
        telegram.strangers.clear()
        telegram.person(1).says("/start")
        await stage.until(lambda: len(telegram.pictures(1)) == count)
        await stage.until(lambda: "Here it is" in telegram.words(1))
        telegram.person(1).says("hello")
        await stage.read()
        assert len(telegram.pictures(1)) == count


async def test_a_bot_thrown_out_of_the_group_brings_the_picture_to_the_persons_own_chat(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with on_stage(tmp_path, telegram, script=(Script(seconds=0.5),)) as stage:
        await wish(stage, telegram, 1)
        telegram.blocked.add(GROUP)
        await stage.until(lambda: len(telegram.pictures(1)) == 1)


# --- transparency


def picture(folder: Path, *, alpha: int) -> PictureFile:
    image = Image.radial_gradient("L").resize((400, 300)).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((400, 300)).point(lambda value: max(value, alpha)))
    data = io.BytesIO()
    image.save(data, "PNG")
    path = folder / f"made-{alpha}.png"
    path.write_bytes(data.getvalue())
    return PictureFile(
        path=path,
        width=400,
        height=300,
        size_bytes=len(data.getvalue()),
        mime="image/png",
        provider="fake",
        request_id="x",
    )


@pytest.mark.parametrize(("alpha", "kind"), [(0, "document"), (255, "photo")])
@pytest.mark.parametrize("count", [1, 2])
async def test_a_picture_that_is_transparent_goes_as_a_file_and_others_as_photos(
    tmp_path: Path, telegram: FakeTelegram, alpha: int, kind: str, count: int
) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).says("hello")
        await stage.read()
        outgoing = Outgoing(
            id="result:0123456789abcdef0123",
            kind=Kind.PICTURES,
            text="Here",
            pictures=tuple(picture(tmp_path, alpha=alpha) for _ in range(count)),
            job="0123456789abcdef0123",
        )
        place = await stage.channel.reserve(stage.chat(1), outgoing)
        await stage.channel.deliver(stage.chat(1), outgoing, place)
        assert [shown.file.kind for shown in telegram.pictures(1) if shown.file] == [kind] * count


# --- forgetting


async def test_after_forget_no_id_of_a_photo_is_left(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with on_stage(tmp_path, telegram) as stage:
        ann = telegram.person(1)
        ann.sends_album(3, "anime style")
        await stage.ended((await stage.job_begun(1)).id)
        assert len(telegram.pictures(1)) == 3  # nobody is mixed: one of each
        assert [request.task.photos for request in stage.provider.submitted] == [1, 1, 1]
        await stage.read()
        ann.says("/forget")
        ann.says("yes")
        await stage.read()
        inline = ("telegram.own_jobs", "telegram.own_files")
        for space in ("telegram.albums", "telegram.refs", "telegram.jobs", "telegram.places", "telegram.kept", *inline):
            assert await stage.store.space(space) == (), space
        assert not stage.channel._builder._seen.get((1, 1001))
