"""The platforms of `test_channel.py`: each small, each with one person who writes and looks at a screen."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
from pydantic import BaseModel, SecretStr
from starlette.applications import Starlette

from bot.channels.arrivals import Arrival, Outcome, Timing, internal_error
from bot.channels.intake import Intake
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.web.channel import WebChannel
from bot.channels.web.cookies import Sessions, chat_of
from bot.channels.wechat.channel import WeChatChannel
from bot.http import create_app
from bot.metrics import Metrics
from handlers.channel import Answerer, Channel, DeliveryRefused, DeliveryUnknown
from handlers.fake_channel import FakeChannel
from handlers.message import Chat, Kind, Message, Outgoing
from handlers.store.base import Entry
from handlers.store.memory import MemoryStore
from tests.bot.crash import crashed
from tests.bot.stage import BRISK as WEB_PACE
from tests.bot.telegram.stage import BRISK as TELEGRAM_PACE
from tests.bot.wechat.serving import served
from tests.servers.telegram import TOKEN as TELEGRAM_TOKEN
from tests.servers.telegram import FakeTelegram, Fault
from tests.servers.wechat import APP_ID, APP_SECRET, TOKEN, FakeWeChat

SECRET = b"a secret for tests"
TIMING = Timing(retries=(0.0, 0.0), again=(0.01,), look=0.02, stop=0.2)


@dataclass
class Clock:
    """Turned by the test."""

    now: datetime = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Store(MemoryStore):
    """Loses the answer to one write where it is told to: the line is there, and nobody knows."""

    lose = False

    async def add_entry(self, chat: Chat, outgoing: Outgoing, *, from_person: bool = False) -> Entry:
        entry = await super().add_entry(chat, outgoing, from_person=from_person)
        if self.lose and outgoing.kind is Kind.PICTURES:
            self.lose = False
            raise ConnectionError("the answer was lost")
        return entry


class Platform(Protocol):
    """A platform with its one person. `store` and `clock` are those of the installation."""

    store: Store
    clock: Clock

    def process(self, folder: Path) -> Channel:
        """The channel of another process of the installation, not started; it keeps its files in the folder."""

    async def start(self, channel: Channel, answerer: Answerer) -> None:
        """Start it, and let what people do reach it."""

    async def crash(self, channel: Channel) -> None:
        """As kill -9 leaves it."""

    async def idle(self, channel: Channel) -> None: ...

    @property
    def chat(self) -> Chat: ...

    async def says(self, text: str) -> Any:
        """The person writes; returns once it is acknowledged, with what `repeats` needs."""

    async def repeats(self, said: Any) -> None:
        """The platform brings that message again."""

    async def texts(self) -> list[str]:
        """What the bot has said on the person's screen, as it stands."""

    async def pictures(self) -> int:
        """How many pictures are to be seen."""

    async def lose_an_answer(self) -> None:
        """The next result is shown, and the answer that says so never comes."""

    async def refuse(self, channel: Channel, outgoing: Outgoing) -> None:
        """From now on nothing can be delivered for good."""

    async def away(self) -> bool:
        """The platform cannot be reached from now on; False where there is none to reach."""


@dataclass
class Web:
    store: Store
    clock: Clock
    sessions: Sessions = field(default_factory=lambda: Sessions(secret=SECRET))
    client: httpx.AsyncClient | None = None
    posted: int = 0
    chat: Chat = field(default_factory=lambda: chat_of("A" * 22))

    def process(self, folder: Path) -> WebChannel:
        return WebChannel(
            store=self.store,
            sessions=self.sessions,
            metrics=Metrics(),
            data_dir=folder,
            pace=WEB_PACE,
            timing=TIMING,
        )

    async def start(self, channel: Channel, answerer: Answerer) -> None:
        await channel.start(answerer)
        app = create_app(channels=[channel], store=self.store, metrics=Metrics())
        cookies = {"likeness": self.sessions._signer.sign(self.chat.person).decode()}
        transport = httpx.ASGITransport(app=app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies)

    async def crash(self, channel: Channel) -> None:
        assert isinstance(channel, WebChannel)
        await crashed(channel.intake)

    async def idle(self, channel: Channel) -> None:
        assert isinstance(channel, WebChannel)
        await channel.idle()

    async def says(self, text: str) -> Any:
        self.posted += 1
        said = {"id": f"message-{self.posted}", "text": text}
        await self.repeats(said)
        return said

    async def repeats(self, said: Any) -> None:
        assert self.client is not None
        assert (await self.client.post("/api/messages", data=said)).status_code == 202

    async def _shown(self) -> list[dict[str, Any]]:
        assert self.client is not None
        messages = (await self.client.get("/api/messages")).json()["messages"]
        return [message for message in messages if message["from"] == "bot"]

    async def texts(self) -> list[str]:
        return [message["text"] for message in await self._shown()]

    async def pictures(self) -> int:
        return sum(len(message["pictures"]) for message in await self._shown())

    async def lose_an_answer(self) -> None:
        self.store.lose = True

    async def refuse(self, channel: Channel, outgoing: Outgoing) -> None:
        for picture in outgoing.pictures:
            picture.path.unlink()

    async def away(self) -> bool:
        return False


@dataclass
class Telegram:
    store: Store
    clock: Clock
    telegram: FakeTelegram
    chat: Chat = field(default_factory=lambda: Chat(channel="telegram", chat="7", person="7"))
    updates: dict[int, Any] = field(default_factory=dict)

    def process(self, folder: Path) -> TelegramChannel:
        return TelegramChannel(
            token=TELEGRAM_TOKEN,
            store=self.store,
            metrics=Metrics(),
            data_dir=folder,
            api_url=self.telegram.address,
            pace=TELEGRAM_PACE,
        )

    async def start(self, channel: Channel, answerer: Answerer) -> None:
        assert isinstance(channel, TelegramChannel)
        await channel.start(answerer)
        await self.telegram.until(lambda: channel.intake.running)

    async def crash(self, channel: Channel) -> None:
        assert isinstance(channel, TelegramChannel)
        assert channel._life is not None
        for task in (channel._life, *channel._small):
            task.cancel()
        await asyncio.gather(channel._life, *channel._small, return_exceptions=True)
        await crashed(channel.intake)

    async def idle(self, channel: Channel) -> None:
        assert isinstance(channel, TelegramChannel)
        await self.telegram.until(lambda: self.telegram.unread == 0)
        await channel.idle()

    async def says(self, text: str) -> Any:
        person = self.telegram.person(7)
        message = person._message(None, text=text)
        update = self.telegram.put({"message": message})
        await self.telegram.until(lambda: self.telegram.unread == 0)
        return update, {"message": message}

    async def repeats(self, said: Any) -> None:
        self.telegram.repeat(*said)
        await self.telegram.until(lambda: self.telegram.unread == 0)

    async def texts(self) -> list[str]:
        return [shown.text for shown in self.telegram.shown(7)]

    async def pictures(self) -> int:
        return len(self.telegram.pictures(7))

    async def lose_an_answer(self) -> None:
        self.telegram.faults.append(Fault(method="editMessageMedia", what="reset", after=True))

    async def refuse(self, channel: Channel, outgoing: Outgoing) -> None:
        self.telegram.blocked.add(7)

    async def away(self) -> bool:
        self.telegram.down = True
        return True


@dataclass
class WeChat:
    store: Store
    clock: Clock
    wechat: FakeWeChat
    stack: AsyncExitStack
    chat: Chat = field(default_factory=lambda: Chat(channel="wechat", chat="oann", person="oann"))

    def __post_init__(self) -> None:
        self.wechat.clock = lambda: self.clock().timestamp()
        self.phone = self.wechat.phone("ann")
        self.pushed: set[str] = set()

    def process(self, folder: Path) -> WeChatChannel:
        async def brisk(seconds: float) -> None:
            await asyncio.sleep(0.01 if seconds < 100 else seconds)

        return WeChatChannel(
            store=self.store,
            metrics=Metrics(),
            data_dir=folder,
            secret=SECRET,
            app_id=APP_ID,
            app_secret=SecretStr(APP_SECRET),
            token=SecretStr(TOKEN),
            api_url=self.wechat.url,
            public_url="http://127.0.0.1:9",
            clock=self.clock,
            sleep=brisk,
            timing=TIMING,
        )

    async def start(self, channel: Channel, answerer: Answerer) -> None:
        await channel.start(answerer)
        app = Starlette(routes=list(channel.routes()))
        self.wechat.app = await self.stack.enter_async_context(served(app))

    async def crash(self, channel: Channel) -> None:
        assert isinstance(channel, WeChatChannel)
        for task in channel._background:
            task.cancel()
        await asyncio.gather(*channel._background, return_exceptions=True)
        await crashed(channel.intake)

    async def idle(self, channel: Channel) -> None:
        assert isinstance(channel, WeChatChannel)
        await channel.idle()

    async def says(self, text: str) -> Any:
        self.phone.opens("message")
        xml = self.phone.text_xml(text)
        await self.repeats(xml)
        return xml

    async def repeats(self, said: Any) -> None:
        before = len(self.phone.seen)
        await self.phone._push(said)
        if said in self.pushed:  # the platform shows the answer to one of its tries only
            del self.phone.seen[before:]
        self.pushed.add(said)

    async def texts(self) -> list[str]:
        return [seen.text for seen in self.phone.seen]

    async def pictures(self) -> int:
        return len(self.phone.pictures)

    async def lose_an_answer(self) -> None:
        self.wechat.plan("custom/send", do="reset_after")

    async def refuse(self, channel: Channel, outgoing: Outgoing) -> None:
        await self.phone.unfollows()
        await self.idle(channel)

    async def away(self) -> bool:
        self.wechat.plan("stable_token", status=502, times=1000)
        self.wechat.plan("custom/typing", status=502, times=1000)
        self.wechat.invalidate()
        self.clock.turn(3 * 3600)
        return True


class _Note(BaseModel):
    key: str
    text: str


class Listening(FakeChannel):
    """The fake with an intake, as every channel has one."""

    def __init__(self, store: Store, folder: Path) -> None:
        super().__init__()
        self.intake = Intake[_Note](store=store, channel=self.name, receiver=self, folder=folder, timing=TIMING)

    async def start(self, answerer: Answerer) -> None:
        await super().start(answerer)
        await self.intake.start(answerer)

    async def stop(self) -> None:
        await self.intake.stop()
        await super().stop()

    async def receive(self, note: _Note) -> None:
        await self.intake.put(self._arrival(note), note.model_dump_json())

    def _arrival(self, note: _Note) -> Arrival[_Note]:
        return Arrival(key=note.key, line="ann", value=note)

    def _message(self, note: _Note) -> Message:
        return Message(key=f"fake:{note.key}", chat=ANN, text=note.text, language_hint="en")

    async def read(self, key: str, payload: str) -> Arrival[_Note]:
        return self._arrival(_Note.model_validate_json(payload))

    async def handle(self, arrivals: tuple[Arrival[_Note], ...]) -> Outcome:
        replies = await self.intake.replies(self._message(arrivals[0].value))
        for outgoing in replies.outgoing:
            await self.say(ANN, outgoing)
        return replies.outcome

    async def give_up(self, arrivals: tuple[Arrival[_Note], ...]) -> None:
        await self.say(ANN, internal_error(self._message(arrivals[0].value)))


ANN = Chat(channel="fake", chat="ann", person="ann")


@dataclass
class Fake:
    store: Store
    clock: Clock
    chat: Chat = ANN
    channels: list[Listening] = field(default_factory=list)
    noted: int = 0

    def process(self, folder: Path) -> Listening:
        channel = Listening(self.store, folder)
        self.channels.append(channel)
        return channel

    async def start(self, channel: Channel, answerer: Answerer) -> None:
        await channel.start(answerer)

    async def crash(self, channel: Channel) -> None:
        assert isinstance(channel, Listening)
        await crashed(channel.intake)

    async def idle(self, channel: Channel) -> None:
        assert isinstance(channel, Listening)
        await channel.intake.idle()

    async def says(self, text: str) -> Any:
        self.noted += 1
        note = _Note(key=str(self.noted), text=text)
        await self.repeats(note)
        return note

    async def repeats(self, said: Any) -> None:
        await self.channels[-1].receive(said)

    async def texts(self) -> list[str]:
        newest: dict[str, str] = {}
        for channel in self.channels:
            newest |= {outgoing.id: outgoing.text for _, outgoing in channel.said}
        return list(newest.values())

    async def pictures(self) -> int:
        return sum(
            times * len(channel.places[place].pictures)
            for channel in self.channels
            for place, times in channel.shown.items()
        )

    async def lose_an_answer(self) -> None:
        for channel in self.channels:
            channel.fail("deliver", DeliveryUnknown("lost"), after=True)

    async def refuse(self, channel: Channel, outgoing: Outgoing) -> None:
        assert isinstance(channel, Listening)
        channel.fail("deliver", DeliveryRefused("gone"), times=99)

    async def away(self) -> bool:
        return False


@asynccontextmanager
async def platform_of(name: str) -> AsyncIterator[Platform]:
    clock = Clock()
    store = Store(clock=clock)
    made: dict[str, Callable[[], Platform]] = {"web": lambda: Web(store, clock), "fake": lambda: Fake(store, clock)}
    async with AsyncExitStack() as stack:
        if name == "telegram":
            telegram = stack.enter_context(FakeTelegram.serving())
            yield Telegram(store, clock, telegram)
        elif name == "wechat":
            wechat = stack.enter_context(FakeWeChat.serving())
            yield WeChat(store, clock, wechat, stack)
        elif name.startswith("wecom"):
            from tests.contract.wecom import wecom_platform  # it stands upon this module

            yield await wecom_platform(name, store, clock, stack)
        else:
            yield made[name]()


PLATFORMS: Sequence[str] = ("web", "telegram", "wechat", "wecom callback", "wecom line", "wecom kf", "fake")
