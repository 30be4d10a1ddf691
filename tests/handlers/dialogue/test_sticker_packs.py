"""An expression sheet as a pack of stickers: offered where the channel makes packs, made when it is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from handlers.channel import DeliveryRefused, Sticker
from handlers.dialogue.sticker_packs import StickerPacks, stickers_of
from handlers.fake_channel import FakeChannel
from handlers.message import Chat
from handlers.store.memory import MemoryStore
from tests.handlers.jobs.test_sheets import Judge, seams, sheet, watched
from tests.world import Person, said, world


@dataclass
class Packs(FakeChannel):
    """A channel that makes packs."""

    made: dict[str, Sequence[Sticker]] = field(default_factory=dict)
    refuses: bool = False

    def __post_init__(self) -> None:
        FakeChannel.__init__(self)

    async def make_stickers(self, chat: Chat, *, key: str, title: str, stickers: Sequence[Sticker]) -> str:
        if self.refuses:
            raise DeliveryRefused("as told")
        self.made[key] = stickers
        return f"https://stickers.example/{key}"


async def test_what_was_delivered_becomes_stickers_each_with_its_emoji(tmp_path: Path) -> None:
    judge = Judge(wrong={"happy", "happy~1", "sad"})
    channel = Packs()
    async with world(tmp_path, provider=watched(judge), channel=channel, **seams(judge)) as run:
        await run.place("s1", sheet(run.photo, ("neutral", "happy", "sad"), "expression_sheet"))
        await run.runner.enqueue("s1")
        await run.ended("s1")
        job = await run.store.job("s1")
        assert job is not None
        found = await stickers_of(job, run.store)
        assert "stickers:s1" in [choice.id for choice in channel.result("s1").choices]
    assert [one.emoji for one in found] == ["😐", "😢"]
    assert [one.path for one in found] == [picture.path for picture in job.pictures[:2]]


async def test_a_tap_brings_the_address_or_a_sentence(tmp_path: Path) -> None:
    store, maker = MemoryStore(), Packs()
    ann = Person(tmp_path, store=store, stickers=StickerPacks(store=store, makers={"test": maker}))
    await ann.sends("anime", "me.jpg")
    job = await ann.gets_result()
    assert f"https://stickers.example/{job.id}" in said(await ann.taps(f"stickers:{job.id}"))
    maker.refuses = True
    assert "could not be made" in said(await ann.taps(f"stickers:{job.id}"))


async def test_other_results_and_channels_offer_none(tmp_path: Path) -> None:
    judge = Judge()
    async with world(tmp_path, provider=watched(judge), **seams(judge)) as run:
        await run.place("s1", sheet(run.photo, ("neutral", "happy"), "expression_sheet"))
        await run.runner.enqueue("s1")
        await run.ended("s1")
        assert "stickers:s1" not in [choice.id for choice in run.channel.result("s1").choices]
