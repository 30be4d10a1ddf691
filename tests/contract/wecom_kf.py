"""WeCom customer service as a platform of `test_channel.py`."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from bot.channels.wecom_kf.channel import WeComKfChannel
from bot.channels.wecom_kf.settings import WeComKfSettings
from bot.metrics import Metrics
from handlers.channel import Answerer, Channel
from handlers.message import Chat, Outgoing
from tests.bot.crash import crashed
from tests.bot.wechat.serving import served
from tests.contract.channels import SECRET, TIMING, Clock, Store
from tests.contract.wecom import Front
from tests.servers import wecom_kf as kf
from tests.waiting import LONG


def kf_settings(platform: kf.FakeKf, **changes: Any) -> WeComKfSettings:
    values = {
        "wecom_kf_corp_id": kf.CORP_ID,
        "wecom_kf_secret": kf.SECRET,
        "wecom_kf_token": kf.TOKEN,
        "wecom_kf_aes_key": kf.AES_KEY,
        "wecom_kf_api_url": platform.origin,
        "public_url": "http://127.0.0.1:9",
    }
    return WeComKfSettings.model_validate({**values, **changes})


async def brisk(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.01))


@dataclass
class WeComKf:
    store: Store
    clock: Clock
    kf: kf.FakeKf
    front: Front
    chat: Chat = field(
        default_factory=lambda: Chat(channel="wecom_kf", chat=f"{kf.ACCOUNT}/wmAnn", person=f"{kf.ACCOUNT}/wmAnn")
    )

    def __post_init__(self) -> None:
        self.kf.clock = lambda: self.clock().timestamp()
        self.person = self.kf.person("wmAnn")

    def process(self, folder: Path) -> WeComKfChannel:
        return WeComKfChannel(
            settings=kf_settings(self.kf),
            store=self.store,
            metrics=Metrics(),
            data_dir=folder,
            secret=SECRET,
            clock=self.clock,
            sleep=brisk,
            timing=TIMING,
        )

    async def start(self, channel: Channel, answerer: Answerer) -> None:
        assert isinstance(channel, WeComKfChannel)
        await channel.start(answerer)
        self.front.app = Starlette(routes=list(channel.routes()))
        self.listening = channel

    async def crash(self, channel: Channel) -> None:
        assert isinstance(channel, WeComKfChannel)
        await crashed(channel.intake)

    async def idle(self, channel: Channel) -> None:
        assert isinstance(channel, WeComKfChannel)
        await channel.idle()

    async def says(self, text: str) -> Any:
        row = await self.kf.writes(self.person, text)
        await self._pulled()
        return row

    async def _pulled(self) -> None:
        """Until it was pulled; whether it is handled is another matter."""
        async with asyncio.timeout(LONG):
            while await self.store.value("wecom_kf.cursor", kf.ACCOUNT) != str(len(self.kf.log)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def repeats(self, said: Any) -> None:
        await self.kf.again(said)
        await self._pulled()

    async def texts(self) -> list[str]:
        return self.person.texts

    async def pictures(self) -> int:
        return len(self.person.pictures)

    async def lose_an_answer(self) -> None:
        self.kf.lose = 1

    async def refuse(self, channel: Channel, outgoing: Outgoing) -> None:
        await self.kf.event(self.person, "msg_send_fail", fail_msgid="1", fail_type=10)
        await self._pulled()
        await self.idle(channel)

    async def away(self) -> bool:
        self.kf.down = True
        self.clock.turn(3 * 3600)
        return True


async def kf_platform(store: Store, clock: Clock, stack: AsyncExitStack) -> WeComKf:
    front = Front()
    platform = stack.enter_context(kf.FakeKf.serving())
    platform.app = await stack.enter_async_context(served(front))
    return WeComKf(store, clock, platform, front)
