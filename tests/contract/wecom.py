"""WeCom's two modes as platforms of `test_channel.py`."""

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.channels.wecom.channel import WeComChannel
from bot.channels.wecom.settings import WeComSettings
from bot.channels.wecom.timing import Pace
from bot.metrics import Metrics
from handlers.channel import Answerer, Channel
from handlers.message import Chat, Outgoing
from tests.bot.crash import crashed
from tests.bot.wechat.serving import served
from tests.contract.channels import SECRET, TIMING, Clock, Platform, Store
from tests.servers.wecom import AES_KEY, BOT_ID, BOT_SECRET, TOKEN, FakeLine
from tests.servers.wecom_chat import FakeWeCom
from tests.servers.wecom_line import LinePhone

BRISK: dict[str, Any] = {
    "first": 0.05,
    "look": 0.01,
    "silence": 0.2,
    "settle": 0.0,
    "update": 0.02,
    "photo_pauses": (0.0,),
}


LEASE_SECONDS = 10.0


class Front:
    """One address for whichever process is there."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@dataclass
class WeComCallback:
    store: Store
    clock: Clock
    wecom: FakeWeCom
    front: Front
    stack: AsyncExitStack
    chat: Chat = field(default_factory=lambda: Chat(channel="wecom", chat="ann", person="ann"))

    def __post_init__(self) -> None:
        self.phone = self.wecom.phone("ann")

    def process(self, folder: Path) -> WeComChannel:
        settings = WeComSettings(
            wecom_bot_token=TOKEN,
            wecom_bot_aes_key=AES_KEY,
            wecom_bot_id=BOT_ID,
            wecom_api_url=self.wecom.origin,
            wecom_media_hosts=self.wecom.media_host,
            public_url=self.wecom.app,
        )
        pace = Pace(clock=self.clock, intake=TIMING, **BRISK)
        return WeComChannel(
            settings=settings, store=self.store, metrics=Metrics(), data_dir=folder, secret=SECRET, pace=pace
        )

    async def start(self, channel: Channel, answerer: Answerer) -> None:
        await channel.start(answerer)
        self.front.app = Starlette(routes=list(channel.routes()))

    async def crash(self, channel: Channel) -> None:
        assert isinstance(channel, WeComChannel)
        await crashed(channel.intake)

    async def idle(self, channel: Channel) -> None:
        assert isinstance(channel, WeComChannel)
        await channel.idle()
        await asyncio.sleep(0)

    async def says(self, text: str) -> Any:
        body = self.phone.body(**self.phone.text(text))
        await self.phone.sends(body)
        return body

    async def repeats(self, said: Any) -> None:
        answer = await self.wecom.callbacks.post(self.wecom.client, said)
        if answer is not None:
            self.phone.shows(answer)

    async def texts(self) -> list[str]:
        return self.phone.texts()

    async def pictures(self) -> int:
        return len(await self.phone.pictures())

    async def lose_an_answer(self) -> None:
        self.wecom.late = "reset"

    async def refuse(self, channel: Channel, outgoing: Outgoing) -> None:
        for picture in outgoing.pictures:
            picture.path.unlink()

    async def away(self) -> bool:
        return False


@dataclass
class WeComLine:
    store: Store
    clock: Clock
    line: FakeLine
    chat: Chat = field(default_factory=lambda: Chat(channel="wecom", chat="ann", person="ann"))
    channels: list[WeComChannel] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.phone = LinePhone(self.line)

    def process(self, folder: Path) -> WeComChannel:
        settings = WeComSettings(
            wecom_bot_id=BOT_ID, wecom_bot_secret=BOT_SECRET, wecom_ws_url=self.line.url, wecom_ack_seconds=60
        )

        async def brisk(seconds: float) -> None:
            await asyncio.sleep(min(seconds, 0.02))

        pace = Pace(clock=self.clock, intake=TIMING, lease=LEASE_SECONDS, sleep=brisk, **BRISK)
        channel = WeComChannel(
            settings=settings, store=self.store, metrics=Metrics(), data_dir=folder, secret=SECRET, pace=pace
        )
        self.channels.append(channel)
        return channel

    async def start(self, channel: Channel, answerer: Answerer) -> None:
        await channel.start(answerer)

    async def crash(self, channel: Channel) -> None:
        assert isinstance(channel, WeComChannel)
        assert channel.line is not None
        assert channel.line._running is not None
        channel.line._running.cancel()
        await asyncio.gather(channel.line._running, return_exceptions=True)
        if channel.line.place._mark._file is not None:
            os.close(channel.line.place._mark._file)
            channel.line.place._mark._file = None
        await crashed(channel.intake)

    async def idle(self, channel: Channel) -> None:
        assert isinstance(channel, WeComChannel)
        await channel.idle()

    async def says(self, text: str) -> Any:
        body = self.phone.body(**self.phone.text(text))
        # Its own answer: what is shown now may still belong to the message before.
        req_id = await self.phone.sends(body)
        await self.phone.until(lambda: any(f["headers"]["req_id"] == req_id for f in list(self.line.shown)))
        return body

    async def repeats(self, said: Any) -> None:
        await self.phone.sends(said)
        await self._heard()

    async def _heard(self) -> None:
        """Until everything said so far was read: what is answered after it is answered."""
        req_id = await self.phone.does("enter_chat")
        await self.phone.until(lambda: any(f["headers"]["req_id"] == req_id for f in list(self.line.frames)))

    async def texts(self) -> list[str]:
        return self.phone.texts()

    async def pictures(self) -> int:
        return len(self.phone.pictures())

    async def lose_an_answer(self) -> None:
        lost: list[bool] = []

        def breaks(frame: Any) -> bool:
            is_picture = frame.get("body", {}).get("msgtype") == "image"
            if is_picture and not lost:
                lost.append(True)
                return True
            return False

        self.line.breaks = breaks

    async def refuse(self, channel: Channel, outgoing: Outgoing) -> None:
        for picture in outgoing.pictures:
            picture.path.unlink()

    async def away(self) -> bool:
        self.line.down = True
        self.line.close(None)
        line = self.channels[-1].line
        await self.phone.until(lambda: line is not None and line.connection is not None and line.connection.problem)
        return True


async def wecom_platform(name: str, store: Store, clock: Clock, stack: AsyncExitStack) -> Platform:
    if name == "wecom line":
        return WeComLine(store, clock, stack.enter_context(FakeLine().running()))
    if name == "wecom kf":
        from tests.contract.wecom_kf import kf_platform  # it stands upon this module

        return await kf_platform(store, clock, stack)
    front = Front()
    wecom = await stack.enter_async_context(FakeWeCom.serving())
    wecom.app = await stack.enter_async_context(served(front))
    return WeComCallback(store, clock, wecom, front, stack)
