"""Places that are made anew, and grey pictures on servers that are not quite like Telegram's: none is left over."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.channel import DeliveryLater, DeliveryUnknown
from handlers.message import Outgoing
from tests.bot.telegram.stage import Stage, listening
from tests.bot.telegram.test_telegram_outgoing import delivered, picture, result
from tests.servers.telegram import FakeTelegram, Fault


def greys(telegram: FakeTelegram) -> list[int]:
    return [m.id for m in telegram.shown(1) if m.file and not m.is_picture]


async def asked(stage: Stage, telegram: FakeTelegram, outgoing: Outgoing) -> Outgoing:
    """The same as an answer to a message that is there."""
    message = telegram.person(1).says("hm hm")
    await stage.read()
    return replace(outgoing, ref=str(message))


async def test_a_grey_picture_sent_without_our_knowing_in_place_of_a_refused_text_is_found_again(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    telegram.edits_text_into_media = False
    async with listening(tmp_path, telegram) as stage:
        outgoing = await asked(stage, telegram, result(picture(tmp_path, "a", (600, 400))))
        place = await stage.channel.reserve(stage.chat(1), outgoing)
        telegram.faults.append(Fault(method="sendPhoto", what="reset", after=True))
        with pytest.raises(DeliveryUnknown):
            await stage.channel.deliver(stage.chat(1), outgoing, place)
        await stage.channel.deliver(stage.chat(1), outgoing, place)
        assert len(telegram.of("sendPhoto")) == 1
        assert len(telegram.pictures(1)) == 1
        assert not greys(telegram)
        assert await stage.store.value("telegram.places", f"{outgoing.id}#0.photo") is None, "nothing is kept of it"


@pytest.mark.parametrize("words", ["message can't be edited", "MEDIA_INVALID"])
async def test_a_server_that_turns_no_text_into_a_picture_is_known_whatever_words_it_uses(
    tmp_path: Path, telegram: FakeTelegram, words: str
) -> None:
    telegram.edits_text_into_media = False
    telegram.refuses_it_with = words
    async with listening(tmp_path, telegram) as stage:
        await delivered(stage, result(picture(tmp_path, "a", (600, 400))))
        refused = len([c for c in telegram.of("editMessageMedia") if c.code == 400])
        assert refused
        await delivered(stage, replace(result(picture(tmp_path, "b", (400, 600))), id="result:2", job="2"))
        assert len([c for c in telegram.of("editMessageMedia") if c.code == 400]) == refused, "it is remembered"
        assert len(telegram.pictures(1)) == 2
        assert all(m.is_picture for m in telegram.shown(1)), "no text is left behind"


async def test_a_text_that_was_deleted_says_nothing_about_the_server(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        outgoing = result(picture(tmp_path, "a", (600, 400)))
        place = await stage.channel.reserve(stage.chat(1), outgoing)
        telegram.messages.clear()
        await stage.channel.deliver(stage.chat(1), outgoing, place)
        assert len(telegram.pictures(1)) == 1
        assert await stage.store.value("telegram.server", "text_into_media") is None


@pytest.mark.parametrize("count", [1, 3])
async def test_grey_pictures_are_found_again_where_the_server_does_not_tell_what_is_answered(
    tmp_path: Path, telegram: FakeTelegram, count: int
) -> None:
    telegram.tells_what_is_answered = False
    telegram.edits_text_into_media = False
    async with listening(tmp_path, telegram) as stage:
        await stage.store.set_value("telegram.server", "text_into_media", str(4e9))
        pictures = [picture(tmp_path, f"a{n}", (600, 400)) for n in range(count)]
        outgoing = replace(await asked(stage, telegram, result(*pictures)), ref=str(telegram.shown(1)[-1].id))
        telegram.faults.append(Fault(method="sendMediaGroup" if count > 1 else "sendPhoto", what="reset", after=True))
        with pytest.raises(DeliveryUnknown):
            await stage.channel.reserve(stage.chat(1), outgoing)
        await delivered(stage, outgoing)
        assert len(telegram.of("sendMediaGroup")) + len(telegram.of("sendPhoto")) == 1
        assert len(telegram.pictures(1)) == count
        assert not greys(telegram)


async def test_the_small_text_under_an_album_is_not_left_twice_by_a_stop_in_between(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        outgoing = await asked(stage, telegram, result(*(picture(tmp_path, f"a{n}", (600, 400)) for n in range(3))))
        said = len(telegram.shown(1))
        telegram.faults.append(Fault(method="sendMessage", what="reset", after=True))
        with pytest.raises(DeliveryUnknown):
            await stage.channel.reserve(stage.chat(1), outgoing)
        await delivered(stage, outgoing)
        assert len(telegram.pictures(1)) == 3
        assert [m.text for m in telegram.shown(1)][said:] == ["", "", "", "Here it is"]


async def test_an_album_sent_without_our_knowing_is_found_again_in_a_crowd(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        outgoing = await asked(stage, telegram, result(*(picture(tmp_path, f"a{n}", (600, 400)) for n in range(3))))

        def others(count: int) -> None:
            for _ in range(count):
                telegram.next_id()

        others(60)
        telegram.person(2).says("hm hm")
        await stage.read()
        others(7)
        telegram.faults.append(Fault(method="sendMediaGroup", what="reset", after=True))
        with pytest.raises(DeliveryUnknown):
            await stage.channel.reserve(stage.chat(1), outgoing)
        others(60)
        await delivered(stage, outgoing)
        assert len(telegram.of("sendMediaGroup")) == 1
        assert len(telegram.pictures(1)) == 3
        assert not greys(telegram)


async def test_an_album_that_was_certainly_not_sent_is_not_looked_for(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        outgoing = await asked(stage, telegram, result(*(picture(tmp_path, f"a{n}", (600, 400)) for n in range(3))))
        said = len(telegram.of("sendMessage"))
        telegram.faults.append(Fault(method="sendMediaGroup", what="html"))
        with pytest.raises(DeliveryLater):
            await stage.channel.reserve(stage.chat(1), outgoing)
        await delivered(stage, outgoing)
        assert len(telegram.pictures(1)) == 3
        assert len(telegram.of("sendMessage")) == said + 1, "only the text under the album"


async def test_the_small_text_under_an_album_is_not_mistaken_for_anothers(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        one = await asked(stage, telegram, result(*(picture(tmp_path, f"a{n}", (600, 400)) for n in range(2))))
        two = replace(one, id="result:f123456789abcdef0123", job="f123456789abcdef0123", text="The other")
        said = len(telegram.shown(1))
        telegram.faults.extend([Fault(method="sendMessage", what="hang"), Fault(method="sendMessage", what="reset")])
        calls = len(telegram.of("sendMessage"))
        placing = asyncio.create_task(stage.channel.reserve(stage.chat(1), one))
        await stage.until(lambda: len(telegram.of("sendMessage")) > calls)
        with pytest.raises(DeliveryUnknown):
            await stage.channel.reserve(stage.chat(1), two)
        telegram.release()  # the first one's text comes right under the album of the second
        place = await placing
        await delivered(stage, two)
        await stage.channel.deliver(stage.chat(1), one, place)
        assert len(telegram.pictures(1)) == 4
        assert sorted(filter(None, (m.text for m in telegram.shown(1)[said:]))) == ["Here it is", "The other"]


async def test_two_albums_sent_without_our_knowing_side_by_side_are_told_apart(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    async with listening(tmp_path, telegram) as stage:
        made = [picture(tmp_path, f"a{n}", (600, 400)) for n in range(5)]
        one = await asked(stage, telegram, result(*made[:2]))
        one = replace(one, ref=str(telegram.shown(1)[-1].id))
        two = replace(one, id="result:f123456789abcdef0123", job="f123456789abcdef0123", pictures=tuple(made[2:]))
        for outgoing in (one, two):
            telegram.faults.append(Fault(method="sendMediaGroup", what="reset", after=True))
            with pytest.raises(DeliveryUnknown):
                await stage.channel.reserve(stage.chat(1), outgoing)
        await delivered(stage, one)
        await delivered(stage, two)
        assert len(telegram.pictures(1)) == 5
        assert not greys(telegram)
        assert len(telegram.of("sendMediaGroup")) == 2
