"""WeCom's two modes as platforms of `test_channel.py`."""

import asyncio
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
from tests.contract.channels import SECRET, TIMING, Clock, Store
from tests.servers.wecom import AES_KEY, BOT_ID, TOKEN
from tests.servers.wecom_chat import FakeWeCom

BRISK: dict[str, Any] = {
    "first": 0.05,
    "look": 0.01,
    "silence": 0.2,
    "settle": 0.0,
    "update": 0.02,
    "photo_pauses": (0.0,),
}


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
