"""The long connection: kept, made anew after every kind of end, left alone once the bot was taken over."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.channels.wecom.connection import Connection, FrameRefused, NoAnswer, NotConnected
from bot.channels.wecom.upload import upload
from tests.servers.wecom import BOT_ID, BOT_SECRET, FakeLine
from tests.waiting import LONG


@pytest.fixture
def platform() -> Iterator[FakeLine]:
    with FakeLine().running() as line:
        yield line


class Ear:
    """Collects what comes, and the pauses that were asked for instead of waiting them."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, str, Mapping[str, Any]]] = []
        self.pauses: list[float] = []
        self.came = asyncio.Event()

    async def on_frame(self, cmd: str, req_id: str, body: Mapping[str, Any]) -> None:
        self.frames.append((cmd, req_id, body))
        self.came.set()

    async def sleep(self, seconds: float) -> None:
        """Reconnecting is not waited for; the pings are."""
        if seconds >= 1000:
            await asyncio.sleep(seconds)
        self.pauses.append(seconds)
        await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(platform: FakeLine, ear: Ear, **changes: Any) -> AsyncIterator[Connection]:
    options: dict[str, Any] = {
        "url": platform.url, "bot_id": BOT_ID, "secret": BOT_SECRET, "device_id": "device-1", "on_frame": ear.on_frame,
        "sleep": ear.sleep, "ping_seconds": 1000.0, "ack_seconds": 5.0,
    }  # fmt: skip
    line = Connection(**options | changes)
    running = asyncio.create_task(line.run())
    try:
        yield line
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(condition: Any, seconds: float = LONG) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another thread
            await asyncio.sleep(0.01)


async def test_it_subscribes_first_and_hears_callbacks(platform: FakeLine) -> None:
    ear = Ear()
    async with connected(platform, ear) as line:
        assert await line.up(10)
        assert platform.subscriptions == [{"bot_id": BOT_ID, "secret": BOT_SECRET, "device_id": "device-1"}]
        req_id = platform.say("aibot_msg_callback", {"msgid": "m1"})
        await until(lambda: ear.frames)
        assert ear.frames == [("aibot_msg_callback", req_id, {"msgid": "m1"})]


@pytest.mark.parametrize("code", [1000, 1001, 1011, None])
async def test_after_any_end_it_comes_back_under_the_same_device(platform: FakeLine, code: int | None) -> None:
    ear = Ear()
    async with connected(platform, ear) as line:
        assert await line.up(10)
        platform.close(code)
        await until(lambda: len(platform.subscriptions) == 2)
        assert platform.subscriptions[0] == platform.subscriptions[1]
        assert await line.up(10)
        await line.request("aibot_send_msg", {"chatid": "c", "msgtype": "markdown", "markdown": {"content": "x"}})


async def test_a_line_that_is_stopped_says_goodbye_as_one_that_is_done(platform: FakeLine) -> None:
    async with connected(platform, Ear()):
        await until(lambda: platform.connected)
    await until(lambda: platform.ended_with)
    assert platform.ended_with == [1000]


async def test_once_taken_over_it_is_left_alone(platform: FakeLine) -> None:
    ear = Ear()
    line = Connection(
        url=platform.url, bot_id=BOT_ID, secret=BOT_SECRET, device_id="d", on_frame=ear.on_frame, sleep=ear.sleep,
        ping_seconds=1000.0,
    )  # fmt: skip
    running = asyncio.create_task(line.run())
    assert await line.up(10)
    line.take_over()
    await asyncio.wait_for(running, LONG)
    assert line.problem == "taken over by another process"
    assert len(platform.subscriptions) == 1


async def test_a_refused_secret_is_tried_again_with_longer_pauses(platform: FakeLine) -> None:
    ear = Ear()
    async with connected(platform, ear, secret="wrong") as line:
        await until(lambda: len(ear.pauses) >= 7)
        assert ear.pauses[:7] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
        assert line.problem == "refused the bot's id or secret"
        with pytest.raises(NotConnected):
            await line.request("aibot_send_msg", {})


async def test_two_missing_pings_make_it_anew(platform: FakeLine) -> None:
    ear = Ear()
    platform.silent = lambda frame: frame["cmd"] == "ping"
    async with connected(platform, ear, ping_seconds=0.05) as line:
        await until(lambda: len(platform.subscriptions) >= 2)
        platform.silent = lambda frame: False
        assert await line.up(10)


async def test_refusals_and_silence_are_told_apart(platform: FakeLine) -> None:
    ear = Ear()
    platform.refuse = lambda frame: 846605 if frame["cmd"] == "aibot_respond_msg" else 0
    platform.silent = lambda frame: frame["cmd"] == "aibot_send_msg"
    async with connected(platform, ear, ack_seconds=0.3) as line:
        assert await line.up(10)
        with pytest.raises(FrameRefused) as refused:
            await line.request("aibot_respond_msg", {}, req_id="r")
        assert refused.value.code == 846605
        with pytest.raises(NoAnswer):
            await line.request("aibot_send_msg", {"msgtype": "markdown"})


async def test_frames_on_one_req_id_wait_for_each_other(platform: FakeLine) -> None:
    ear = Ear()
    async with connected(platform, ear) as line:
        assert await line.up(10)
        bodies = [{"msgtype": "stream", "stream": {"id": "s", "content": f"step {n}"}} for n in range(8)]
        await asyncio.gather(*(line.request("aibot_respond_msg", body, req_id="r") for body in bodies))
        assert [frame["body"] for frame in platform.sent("aibot_respond_msg")] == bodies


async def test_frames_that_cannot_be_read_are_dropped(platform: FakeLine) -> None:
    ear = Ear()
    async with connected(platform, ear) as line:
        assert await line.up(10)
        for junk in (
            "not json",
            "[]",
            '{"cmd": 5}',
            '{"cmd": "x", "headers": [], "body": 3}',
            '{"headers": {"req_id": "?"}}',
        ):
            platform.say_raw(junk)
        platform.say_raw('{"cmd":"aibot_msg_callback","headers":{"req_id":"r"},"body":{"text":"a\nb"}}')
        await until(lambda: ear.frames)
        assert ear.frames == [("aibot_msg_callback", "r", {"text": "a b"})]
        assert line.problem is None


async def test_a_picture_goes_up_in_pieces_and_comes_together(platform: FakeLine) -> None:
    data = b"\xff\xd8" + bytes(range(256)) * 5000
    ear = Ear()
    async with connected(platform, ear) as line:
        assert await line.up(10)
        media_id = await upload(data, filename="p.jpg", kind="image", line=line, sleep=ear.sleep)
        assert platform.media[media_id] == data
        assert [f["body"]["chunk_index"] for f in platform.sent("aibot_upload_media_chunk")] == [0, 1, 2]


async def test_a_piece_that_fails_is_sent_again(platform: FakeLine) -> None:
    data = b"\xff\xd8" + bytes(900_000)
    failed: list[int] = []

    def once(frame: Mapping[str, Any]) -> int:
        if frame["cmd"] == "aibot_upload_media_chunk" and frame["body"]["chunk_index"] == 1 and len(failed) < 2:
            failed.append(1)
            return -1
        return 0

    platform.refuse = once
    ear = Ear()
    async with connected(platform, ear) as line:
        assert await line.up(10)
        media_id = await upload(data, filename="p.jpg", kind="image", line=line, sleep=ear.sleep)
    assert platform.media[media_id] == data
    assert ear.pauses[:2] == [0.5, 1.0]


async def test_a_line_cut_in_an_upload_is_told_to_the_caller(platform: FakeLine) -> None:
    platform.break_after_chunks = 1
    ear = Ear()
    async with connected(platform, ear) as line:
        assert await line.up(10)
        with pytest.raises((NoAnswer, NotConnected)):
            await upload(b"\xff\xd8" + bytes(2_000_000), filename="p.jpg", kind="image", line=line, sleep=ear.sleep)
        assert await line.up(10)
        assert await upload(b"\xff\xd8" + bytes(100), filename="p.jpg", kind="image", line=line, sleep=ear.sleep)
