"""A person's own profile photo: on their word or tap alone, the newest, and gone with everything else of theirs."""

from pathlib import Path

import pytest

from tests.bot.telegram.stage import Stage, listening
from tests.servers.telegram import FakeTelegram, Fault, jpeg

GROUP = -1_001_000_000_077


def photos_kept(stage: Stage) -> list[Path]:
    return [file for file in stage.folder.rglob("*") if file.is_file() and file.suffix in (".jpg", ".png", ".webp", "")]


@pytest.mark.parametrize("words", ["use my profile photo and make it anime", "用我的头像做动漫"])
async def test_a_word_is_enough_and_the_newest_is_taken(tmp_path: Path, telegram: FakeTelegram, words: str) -> None:
    ann = telegram.person(1)
    ann.shows_of_herself(jpeg(640, 640, shade=40), jpeg(500, 500, shade=200))
    async with listening(tmp_path, telegram) as stage:
        ann.says(words)
        await stage.read()
        order = (await stage.job(1)).order
        assert (order.shots[0].style, len(order.photos)) == ("anime", 1)
        assert (await stage.store.session(stage.chat(1))).photos[0].width == 640
        (asked,) = telegram.of("getUserProfilePhotos")
        assert (asked.params["user_id"], asked.params["limit"]) == ("1", "1")


async def test_where_a_photo_is_missing_a_button_takes_it(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    ann.shows_of_herself(jpeg(640, 640))
    async with listening(tmp_path, telegram) as stage:
        ann.says("anime style")
        await stage.read()
        assert not telegram.of("getUserProfilePhotos"), "nobody asked for it"
        (question,) = telegram.shown(1)
        ann.taps(question, "profile_photo")
        await stage.read()
        assert (await stage.job(1)).order.shots[0].style == "anime"


async def test_in_a_group_it_is_that_of_whoever_wrote(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann, bob = telegram.person(1), telegram.person(2, "Bob")
    ann.shows_of_herself(jpeg(640, 640))
    bob.shows_of_herself(jpeg(400, 400))
    async with listening(tmp_path, telegram) as stage:
        hers = ann.says("@LikenessBot hello", GROUP)
        bob.says("/make use my profile photo, anime style", GROUP, reply_to=hers)
        await stage.read()
        assert (await stage.store.session(stage.chat(2, GROUP))).photos[0].width == 400
        assert [call.params["user_id"] for call in telegram.of("getUserProfilePhotos")] == ["2"]


async def test_words_that_were_forwarded_ask_for_nothing(tmp_path: Path, telegram: FakeTelegram) -> None:
    origin = {"type": "hidden_user", "sender_user_name": "Eve", "date": 1}
    async with listening(tmp_path, telegram) as stage:
        telegram.person(1).says("use my profile photo", forward_origin=origin)
        await stage.read()
        assert not telegram.of("getUserProfilePhotos")


async def test_one_that_is_hidden_or_missing_is_said_so(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with listening(tmp_path, telegram) as stage:
        ann.says("use my profile photo")
        await stage.read()
        assert "privacy settings hide it" in telegram.words(1)
        ann.says("用我的头像做动漫")
        await stage.read()
        assert "隐私设置" in telegram.words(1)
        assert not await stage.jobs_of(1)


async def test_one_that_cannot_be_had_now_is_no_missing_one(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    ann.shows_of_herself(jpeg(640, 640))
    async with listening(tmp_path, telegram) as stage:
        telegram.faults.append(Fault(method="getUserProfilePhotos", what=502))
        ann.says("use my profile photo, anime style")
        await stage.read()
        assert len(await stage.jobs_of(1)) == 1, "asked again at once"
        telegram.faults.extend(Fault(method="getUserProfilePhotos", what="reset") for _ in range(3))
        ann.says("use my profile photo, cyberpunk")
        await stage.read()
        assert "could not be fetched just now" in telegram.words(1)
        assert len(await stage.jobs_of(1)) == 1


async def test_it_is_forgotten_with_its_person(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    ann.shows_of_herself(jpeg(640, 640))
    async with listening(tmp_path, telegram) as stage:
        ann.says("use my profile photo")
        await stage.read()
        assert len(photos_kept(stage)) == 1, "our own copy, and nothing of what was fetched"
        ann.says("/forget")
        await stage.read()
        ann.taps(telegram.shown(1)[-1], "forget:yes")
        await stage.read()
        assert not photos_kept(stage)
