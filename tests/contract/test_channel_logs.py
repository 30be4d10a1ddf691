"""The log of every channel at its most talkative: no secret, no word of a person, nobody's id, no text of an error."""

import io
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import logs
from tests.contract.channels import Platform
from tests.contract.test_channel import Echo, platform, result  # noqa: F401 - a fixture
from tests.servers.telegram import TOKEN as TELEGRAM_TOKEN
from tests.servers.wechat import AES_KEY, APP_SECRET, TOKEN

WISH = "make me a marmalade-coloured zeppelin"
SECRETS = (TELEGRAM_TOKEN, TELEGRAM_TOKEN.partition(":")[2], APP_SECRET, AES_KEY, TOKEN, "a secret of ours")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a process logs with LOG_LEVEL=debug; afterwards all is as it was."""
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    kept = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    logs.configure("debug", "text")
    told = io.StringIO()
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(told)
    yield told
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)
    logging.raiseExceptions = raising
    for name, before in kept.items():
        logging.getLogger(name).setLevel(before)


@pytest.mark.parametrize("broken", [False, True], ids=["all well", "handling breaks"])
async def test_a_conversation_leaves_nothing_of_anybody_in_the_log(
    platform: Platform,  # noqa: F811
    tmp_path: Path,
    log: io.StringIO,
    broken: bool,
) -> None:
    channel, echo = platform.process(tmp_path), Echo(broken=broken)
    await platform.start(channel, echo)
    await platform.says(WISH)
    await platform.idle(channel)
    outgoing = result(tmp_path)
    place = await channel.reserve(platform.chat, outgoing)
    await channel.deliver(platform.chat, outgoing, place)
    await channel.forget(platform.chat)
    await channel.stop()
    logging.getLogger("tests").warning("the end is in the log")
    told = log.getvalue()
    assert "the end is in the log" in told
    for secret in (*SECRETS, WISH, "marmalade", "zeppelin"):
        assert secret not in told
    if len(platform.chat.person) > 6:  # a shorter one stands in any number
        assert platform.chat.person not in told
