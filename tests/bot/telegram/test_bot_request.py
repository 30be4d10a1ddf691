"""Calls of the Bot API over our transport, and over httpx's: what a fault of the line means; no token is told."""

import asyncio
import logging

import pytest
from telegram import Bot
from telegram.error import NetworkError, TimedOut

from bot.channels.telegram.outbound.bot_request import BotRequest
from bot.channels.telegram.outbound.gateway import sorted_out
from handlers.channel import DeliveryError, DeliveryLater, DeliveryUnknown
from tests.servers.serving import listening_socket
from tests.servers.wire import Reader, Served, Writer, always, serving, silent

TOKEN = "42:a-secret-of-this-test"
TRUE = b'HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{"ok":true,"result":true}'


@pytest.fixture(autouse=True, params=[False, True], ids=["ours", "httpx's own"])
def proxied(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A proxy is named, for https only: httpx's own client makes the calls."""
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    if request.param:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    return bool(request.param)


@pytest.fixture
def calling() -> BotRequest:
    return BotRequest(4)


def bot(url: str, calling: BotRequest) -> Bot:
    root = url.split("/a?")[0]
    return Bot(TOKEN, base_url=f"{root}/bot", base_file_url=f"{root}/file/bot", request=calling)


async def fault(url: str, calling: BotRequest, **patience: float) -> tuple[NetworkError, DeliveryError]:
    try:
        with pytest.raises(NetworkError) as caught:
            await bot(url, calling).send_message(1, "hello", **patience)  # type: ignore[arg-type]  # time-outs only
    finally:
        await calling.shutdown()
    return caught.value, sorted_out(caught.value)


async def test_a_call_that_never_left_may_be_made_again(calling: BotRequest) -> None:
    with listening_socket() as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    _, meaning = await fault(url, calling)
    assert isinstance(meaning, DeliveryLater)


async def test_a_call_whose_connection_is_lost_may_have_been_done(calling: BotRequest) -> None:
    async with serving(always(b"")) as served:
        error, meaning = await fault(served.url, calling)
    assert isinstance(meaning, DeliveryUnknown)
    assert TOKEN not in str(error)
    assert len(served.heads) == 1


async def test_a_call_that_is_not_answered_in_time_may_have_been_done(calling: BotRequest) -> None:
    async with serving(silent) as served:
        error, meaning = await fault(served.url, calling, read_timeout=0.05)
    assert isinstance(error, TimedOut)
    assert isinstance(meaning, DeliveryUnknown)


async def test_a_call_without_a_free_connection_in_time_never_left() -> None:
    calling = BotRequest(1)
    async with serving(silent) as served:
        first = asyncio.create_task(bot(served.url, calling).answer_callback_query("7"))
        await served.asked.wait()
        error, meaning = await fault(served.url, calling, pool_timeout=0.05)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert isinstance(error, TimedOut)
    assert isinstance(meaning, DeliveryLater)
    assert len(served.heads) == 1


async def test_words_and_files_arrive_as_they_are(calling: BotRequest) -> None:
    bodies = []

    async def keeping(served: Served, reader: Reader, writer: Writer) -> None:
        for _ in range(2):
            bodies.append(await served.request(reader))
            writer.write(TRUE)
            await writer.drain()

    async with serving(keeping) as served:
        with_words = bot(served.url, calling)
        await with_words.answer_callback_query("7", text="好的 & fine")
        await with_words.set_webhook("https://bot.test/x", certificate=b"a certificate")
        await calling.shutdown()
    assert [head.split(b" ")[:2] for head in served.heads] == [
        [b"POST", f"/bot{TOKEN}/{method}".encode()] for method in ("answerCallbackQuery", "setWebhook")
    ]
    assert b"text=%E5%A5%BD%E7%9A%84+%26+fine" in bodies[0]
    assert b"a certificate" in bodies[1]
    assert served.connections == 1


async def test_a_file_is_fetched_whole(calling: BotRequest) -> None:
    async with serving(always(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)) as served:
        assert await calling.retrieve(f"{served.url}&file") == b"x" * 300_000
        await calling.shutdown()


async def test_no_log_line_carries_the_token(
    calling: BotRequest, proxied: bool, caplog: pytest.LogCaptureFixture
) -> None:
    if proxied:
        caplog.set_level(logging.WARNING, logger="httpx")  # as the channel does
    caplog.set_level(logging.DEBUG, logger="providers")
    caplog.set_level(logging.INFO)
    async with serving(always(TRUE)) as served:
        await bot(served.url, calling).answer_callback_query("7")
        await calling.shutdown()
    assert TOKEN not in caplog.text
