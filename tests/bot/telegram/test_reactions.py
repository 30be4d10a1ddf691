"""A reaction in place of a message: in a group, where all that would be said is that work has begun."""

from pathlib import Path

import pytest

from bot.channels.telegram.channel import TelegramChannel
from bot.metrics import Metrics
from handlers.message import Kind, Outgoing
from providers.fake import Script
from tests.bot.telegram.stage import Stage, on_stage
from tests.bot.telegram.test_telegram_outgoing import picture
from tests.servers.telegram import TOKEN, FakeTelegram, Fault, Person
from tests.waiting import until

GROUP = -1_001_000_000_077
GREETED = 1
FREE = 0.0


async def greeted(stage: Stage, person: Person) -> None:
    """The first picture of somebody in a group is announced with the words that an AI makes it: no mere sign."""
    person.photographs("@LikenessBot watercolor style", GROUP)
    ever = stage.telegram.history
    await stage.until(lambda: any("An AI makes the pictures" in text for shown in ever.values() for text in shown))


async def served(stage: Stage, person: Person) -> None:
    await greeted(stage, person)
    await stage.until(lambda: stage.telegram.pictures(GROUP))


async def test_a_reaction_stands_for_the_message_and_goes_when_the_picture_comes(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, usd=FREE) as stage:
        await served(stage, ann)
        asked = ann.photographs("@LikenessBot anime style", GROUP)
        _, shown = await stage.until(lambda: len(telegram.pictures(GROUP)) == 2 and telegram.pictures(GROUP))
        await stage.until(lambda: telegram.reactions[GROUP, asked] == ["👀", ""])
        assert shown.reply_to == asked
        assert "Anime" in shown.text, "the receipt says what was understood"
        assert len(telegram.shown(GROUP)) == GREETED + 1, "the picture, and nothing about it"


async def test_where_the_group_forbids_reactions_the_message_comes_and_nobody_tries_again(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    telegram.no_reactions.add(GROUP)
    async with on_stage(tmp_path, telegram, usd=FREE, working=False) as stage:
        await greeted(stage, ann)
        for style in ("anime", "cyberpunk"):
            ann.photographs(f"@LikenessBot {style} style", GROUP)
        await stage.until(lambda: len(telegram.shown(GROUP)) == GREETED + 2)
        assert len(telegram.of("setMessageReaction")) == 1


@pytest.mark.parametrize("what", [404, 502])
async def test_a_server_without_reactions_costs_one_call(tmp_path: Path, telegram: FakeTelegram, what: int) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, usd=FREE, working=False) as stage:
        await greeted(stage, ann)
        telegram.faults.append(Fault(method="setMessageReaction", what=what))
        ann.photographs("@LikenessBot anime style", GROUP)
        await stage.until(lambda: "Anime" in telegram.words(GROUP))
        assert not telegram.reactions


async def test_an_answer_that_was_lost_is_asked_for_again(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, usd=FREE, working=False) as stage:
        await greeted(stage, ann)
        telegram.faults.append(Fault(method="setMessageReaction", what="reset", after=True))
        asked = ann.photographs("@LikenessBot anime style", GROUP)
        await stage.until(lambda: telegram.reactions[GROUP, asked] == ["👀", "👀"])
        assert len(telegram.shown(GROUP)) == GREETED


async def test_when_nothing_comes_of_it_the_reaction_goes_and_the_sentence_comes(
    tmp_path: Path, telegram: FakeTelegram
) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, usd=FREE, script=(Script(), Script(fault="refused_later"))) as stage:
        await served(stage, ann)
        asked = ann.photographs("@LikenessBot anime style", GROUP)
        await stage.until(lambda: telegram.reactions[GROUP, asked] == ["👀", ""])
        await stage.until(lambda: len(telegram.shown(GROUP)) == GREETED + 1)


async def test_what_is_more_than_a_sign_is_said(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, usd=FREE, working=False) as stage:
        await greeted(stage, ann)
        ann.photographs("@LikenessBot anime style, 20 pictures", GROUP)
        await stage.until(lambda: "at most" in telegram.words(GROUP))
        ann.photographs("cyberpunk style")
        await stage.until(lambda: telegram.shown(1))
        assert not telegram.reactions, "nor in a private chat"


async def test_what_costs_something_is_announced_with_its_price(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, working=False) as stage:
        await greeted(stage, ann)
        ann.photographs("@LikenessBot anime style", GROUP)
        await stage.until(lambda: "$0.10" in telegram.words(GROUP) and "Anime" in telegram.words(GROUP))
        assert not telegram.reactions


async def test_another_process_takes_it_away(tmp_path: Path, telegram: FakeTelegram) -> None:
    ann = telegram.person(1)
    async with on_stage(tmp_path, telegram, usd=FREE, working=False) as stage:
        await greeted(stage, ann)
        asked = ann.photographs("@LikenessBot anime style", GROUP)
        await stage.read()
        (job,) = [job for job in await stage.jobs_of(1, GROUP) if job.ref == str(asked)]
        await until(lambda: stage.store.value("telegram.jobs", job.id))
        worker = TelegramChannel(
            token=TOKEN, store=stage.store, metrics=Metrics(), data_dir=tmp_path, api_url=telegram.address
        )
        result = Outgoing(
            id=f"result:{job.id}",
            kind=Kind.PICTURES,
            pictures=(picture(tmp_path, "r", (64, 64)),),
            ref=str(asked),
            job=job.id,
        )
        await worker.deliver(job.chat, result, await worker.reserve(job.chat, result))
        await worker.stop()
        assert telegram.reactions[GROUP, asked] == ["👀", ""]
        assert [one.reply_to for one in telegram.pictures(GROUP)] == [asked]
