"""One suite that every `Channel` passes, over a fake of its platform's other end: web, Telegram, WeChat, the fake."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from handlers.channel import Channel, DeliveryError, DeliveryRefused, DeliveryUnknown
from handlers.message import Kind, Language, Message, Outgoing
from providers.base import PictureFile
from tests.bot.stage import picture_file
from tests.contract.channels import PLATFORMS, Platform, platform_of
from tests.waiting import LONG

LEASE = 11.0
"""Seconds after which nobody can think that a silent process still works on its messages."""


class Echo:
    """Says the words back; idempotent. `hold`: handling waits for `go`. `broken`: it fails for good."""

    def __init__(self, *, hold: bool = False, broken: bool = False) -> None:
        self.seen: list[Message] = []
        self.answers: dict[str, tuple[Outgoing, ...]] = {}
        self.go, self.asked = asyncio.Event(), asyncio.Event()
        self.broken = broken
        if not hold:
            self.go.set()

    async def handle(self, message: Message) -> tuple[Outgoing, ...]:
        self.asked.set()
        await self.go.wait()
        if self.broken:
            raise RuntimeError("a secret of ours")
        if message.key not in self.answers:
            self.seen.append(message)
            self.answers[message.key] = (said(f"{message.key}:0", f"said: {message.text}", ref=message.ref),)
        return self.answers[message.key]

    async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]:
        return ()

    def picked(self, text: str, offered: Sequence[str]) -> str | None:
        return None

    def language(self, text: str, known: Language | None) -> Language:
        return known or "en"


def said(id: str, text: str, *, ref: str | None = None, job: str | None = None) -> Outgoing:
    return Outgoing(id=id, kind=Kind.TEXT, text=text, ref=ref, job=job)


def made(folder: Path, name: str) -> PictureFile:
    """A picture that is not of one colour: those keep places."""
    picture = picture_file(folder, name, width=640, height=480)
    Image.radial_gradient("L").resize((640, 480)).save(picture.path, "JPEG")
    return replace(picture, size_bytes=picture.path.stat().st_size)


def result(folder: Path, *, job: str = "0123456789abcdef0123", count: int = 1) -> Outgoing:
    pictures = tuple(made(folder / "made", f"{job}-{n}") for n in range(count))
    return Outgoing(id=f"result:{job}", kind=Kind.PICTURES, text="Here it is", pictures=pictures, job=job)


@pytest.fixture(params=PLATFORMS)
async def platform(request: pytest.FixtureRequest) -> AsyncIterator[Platform]:
    async with platform_of(request.param) as made:
        yield made


async def until_shown(platform: Platform, text: str) -> None:
    async with asyncio.timeout(LONG):
        while text not in await platform.texts():  # noqa: ASYNC110  # a screen tells nobody
            await asyncio.sleep(0.02)


async def delivered(channel: Channel, platform: Platform, outgoing: Outgoing, place: str) -> None:
    """As the courier does it: repeated after an unknown outcome where the channel says it may be."""
    for _ in range(5):
        try:
            await channel.deliver(platform.chat, outgoing, place)
            return
        except DeliveryRefused:
            raise
        except DeliveryUnknown:
            assert channel.repeatable
        except DeliveryError:
            await asyncio.sleep(0.01)
    raise AssertionError("it cannot be delivered")


# --- what people say


async def test_it_is_a_channel_and_listens_between_start_and_stop(platform: Platform, tmp_path: Path) -> None:
    channel = platform.process(tmp_path)
    assert isinstance(channel, Channel)
    assert channel.name == platform.chat.channel
    assert not (await channel.health()).listening
    await platform.start(channel, Echo())
    assert (await channel.health()).listening
    await channel.stop()
    assert not (await channel.health()).listening


async def test_a_message_is_handled_once_and_answered(platform: Platform, tmp_path: Path) -> None:
    channel, echo = platform.process(tmp_path), Echo()
    await platform.start(channel, echo)
    message = await platform.says("hello")
    await until_shown(platform, "said: hello")
    for _ in range(2):
        await platform.repeats(message)
    await platform.idle(channel)
    (seen,) = echo.seen
    assert (seen.text, seen.chat.key) == ("hello", platform.chat.key)
    assert (await platform.texts()).count("said: hello") == 1
    assert await platform.store.inbox(channel.name) == ()
    await channel.stop()


async def test_the_messages_of_a_person_are_handled_in_the_order_they_came(platform: Platform, tmp_path: Path) -> None:
    channel, echo = platform.process(tmp_path), Echo(hold=True)
    await platform.start(channel, echo)
    for n in range(4):
        await platform.says(str(n))
    echo.go.set()
    await platform.idle(channel)
    assert [message.text for message in echo.seen] == ["0", "1", "2", "3"]
    await channel.stop()


@pytest.mark.parametrize("machine", ["the same machine", "another machine"])
async def test_what_a_dead_process_acknowledged_is_handled_by_a_living_one(
    platform: Platform, tmp_path: Path, machine: str
) -> None:
    first, held = platform.process(tmp_path / "one"), Echo(hold=True)
    await platform.start(first, held)
    message = await platform.says("keep me")
    await asyncio.wait_for(held.asked.wait(), LONG)
    await platform.crash(first)
    if machine == "another machine":
        platform.clock.turn(LEASE)
    second, echo = platform.process(tmp_path / ("one" if machine == "the same machine" else "two")), Echo()
    await platform.start(second, echo)
    await until_shown(platform, "said: keep me")
    await platform.repeats(message)
    await platform.idle(second)
    assert [m.text for m in echo.seen] == ["keep me"]
    assert held.seen == []
    await second.stop()
    await first.stop()


async def test_a_living_process_takes_up_what_another_leaves_while_it_runs(platform: Platform, tmp_path: Path) -> None:
    first, held = platform.process(tmp_path), Echo(hold=True)
    await platform.start(first, held)
    await platform.says("keep me")
    await asyncio.wait_for(held.asked.wait(), LONG)
    second, echo = platform.process(tmp_path), Echo()
    await platform.start(second, echo)
    await platform.idle(second)
    assert echo.seen == []  # the first one lives, and works on it
    await platform.crash(first)
    await until_shown(platform, "said: keep me")
    await second.stop()
    await first.stop()


async def test_it_stops_in_time_and_leaves_the_rest_to_the_next_one_at_once(platform: Platform, tmp_path: Path) -> None:
    first, held = platform.process(tmp_path / "one"), Echo(hold=True)
    await platform.start(first, held)
    await platform.says("never done")
    await asyncio.wait_for(held.asked.wait(), LONG)
    await first.stop()
    assert not held.go.is_set()
    second, echo = platform.process(tmp_path / "two"), Echo()
    await platform.start(second, echo)
    await until_shown(platform, "said: never done")
    await second.stop()


async def test_a_message_that_cannot_be_handled_ends_and_the_person_is_told(
    platform: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    channel = platform.process(tmp_path)
    await platform.start(channel, Echo(broken=True))
    await platform.says("boom")
    await platform.idle(channel)
    texts = "\n".join(await platform.texts())
    assert "went wrong" in texts or "出了点" in texts
    assert "secret" not in texts + caplog.text
    assert await platform.store.inbox(channel.name) == ()
    await channel.stop()


# --- what we say


async def test_a_status_is_replaced_and_words_are_said(platform: Platform, tmp_path: Path) -> None:
    channel = platform.process(tmp_path)
    await platform.start(channel, Echo())
    await platform.says("hello")
    await until_shown(platform, "said: hello")
    for text in ("queued", "half way"):
        status = Outgoing(id="status:job", kind=Kind.STATUS, text=text, job="0123456789abcdef0123")
        await channel.say(platform.chat, status)
    await channel.say(platform.chat, said("done", "that is all"))
    texts = "\n".join(await platform.texts())
    assert "that is all" in texts
    assert "queued" not in texts
    await channel.stop()


@pytest.mark.parametrize("count", [1, 3])
async def test_a_result_is_shown_exactly_once_however_often_it_is_delivered(
    platform: Platform, tmp_path: Path, count: int
) -> None:
    channel = platform.process(tmp_path)
    await platform.start(channel, Echo())
    await platform.says("hello")
    await until_shown(platform, "said: hello")
    outgoing = result(tmp_path, count=count)
    place = await channel.reserve(platform.chat, outgoing)
    assert await platform.pictures() == 0
    for _ in range(3 if channel.repeatable else 1):
        await delivered(channel, platform, outgoing, place)
    assert await platform.pictures() == count
    await channel.stop()


async def test_a_result_whose_answer_was_lost_is_repeated_and_shown_once(platform: Platform, tmp_path: Path) -> None:
    channel = platform.process(tmp_path)
    await platform.start(channel, Echo())
    await platform.says("hello")
    await until_shown(platform, "said: hello")
    outgoing = result(tmp_path)
    place = await channel.reserve(platform.chat, outgoing)
    await platform.lose_an_answer()
    await delivered(channel, platform, outgoing, place)
    await channel.stop()
    again = platform.process(tmp_path)  # a worker, which listens to nobody
    if platform.chat.channel != "fake":  # the fake's screen is its own
        await delivered(again, platform, outgoing, place)
    assert await platform.pictures() == 1
    await again.stop()


async def test_a_refused_place_is_said_to_be_refused(platform: Platform, tmp_path: Path) -> None:
    channel = platform.process(tmp_path)
    await platform.start(channel, Echo())
    await platform.says("hello")
    await until_shown(platform, "said: hello")
    outgoing = result(tmp_path)
    place = await channel.reserve(platform.chat, outgoing)
    await platform.refuse(channel, outgoing)
    with pytest.raises(DeliveryRefused):
        await delivered(channel, platform, outgoing, place)
    assert await platform.pictures() == 0
    await channel.stop()


# --- what is kept, and how it is


async def test_forgetting_leaves_nothing_of_what_a_person_wrote_or_was_sent(platform: Platform, tmp_path: Path) -> None:
    channel = platform.process(tmp_path)
    await platform.start(channel, Echo())
    await platform.says("an unmistakable wish")
    await until_shown(platform, "said: an unmistakable wish")
    outgoing = result(tmp_path, count=2)
    place = await channel.reserve(platform.chat, outgoing)
    await delivered(channel, platform, outgoing, place)
    await platform.idle(channel)
    await platform.store.forget(platform.chat)
    await channel.forget(platform.chat)
    left = [
        *map(str, platform.store._values.values()),
        *(row.payload for row in platform.store._inbox.values()),
        *(entry.outgoing.text for entry in await platform.store.entries(platform.chat)),
    ]
    for trace in ("unmistakable", "made/", outgoing.job or "", "Here it is"):
        assert not [value for value in left if trace in value], trace
    await channel.stop()


async def test_health_names_what_is_wrong_with_the_platform_when_it_is_asked(
    platform: Platform, tmp_path: Path
) -> None:
    channel = platform.process(tmp_path)
    await platform.start(channel, Echo())
    assert (await channel.health(ask=True)).works
    if await platform.away():
        health = await channel.health(ask=True)
        assert not health.works
        assert health.listening
        assert any(word.isupper() and "_" in word for f in health.findings for word in f.message.split())
        assert (await channel.health()).works  # what this process knows by itself
    await channel.stop()
