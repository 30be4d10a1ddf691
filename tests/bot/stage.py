"""The web app on a stage: a real app and store, and a conversation that answers as a test tells it to."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from bot.channels.arrivals import Timing
from bot.channels.web.channel import WebChannel
from bot.channels.web.cookies import Sessions
from bot.channels.web.feed import Pace
from bot.channels.web.uploads import Limits
from bot.http import create_app
from bot.metrics import Metrics
from handlers.fake_channel import FakeChannel
from handlers.message import Chat, Kind, Language, Message, Outgoing
from handlers.store.base import Store
from handlers.store.memory import MemoryStore
from providers.base import PictureFile
from tests.leaks import answered

BRISK = Pace(quick=0.01, slow=0.02, lively=60.0, heartbeat=0.05)
Script = Callable[[Message], Awaitable[tuple[Outgoing, ...]]]


async def echo(message: Message) -> tuple[Outgoing, ...]:
    """Says the words back."""
    said = message.text or f"choice {message.choice}"
    return (Outgoing(id=f"{message.ref}-answer", kind=Kind.TEXT, text=f"You said: {said}", ref=message.ref),)


@dataclass
class FakeConversation:
    """Idempotent per message key, as the real one; `seen` are the messages it handled, in order."""

    script: Script = echo
    seen: list[Message] = field(default_factory=list)
    answers: dict[str, tuple[Outgoing, ...]] = field(default_factory=dict)

    async def handle(self, message: Message) -> tuple[Outgoing, ...]:
        if message.key not in self.answers:
            self.seen.append(message)
            self.answers[message.key] = await self.script(message)
        return self.answers[message.key]

    async def foresee(self, messages: Sequence[Message]) -> tuple[Outgoing, ...]:
        """Nothing is known before it is handled."""
        return ()

    def picked(self, text: str, offered: Sequence[str]) -> str | None:
        return None

    def language(self, text: str, known: Language | None) -> Language:
        return known or "en"


def jpeg(width: int = 64, height: int = 48, colour: str = "teal") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "JPEG")
    return buffer.getvalue()


def picture_file(folder: Path, name: str = "made", *, width: int = 64, height: int = 48) -> PictureFile:
    """A result on the disk, as a job would hand it over."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jpg"
    path.write_bytes(jpeg(width, height, "indigo"))
    return PictureFile(
        path=path,
        width=width,
        height=height,
        size_bytes=path.stat().st_size,
        mime="image/jpeg",
        provider="fake",
        request_id=name,
    )


@dataclass(frozen=True, kw_only=True)
class Stage:
    store: Store
    conversation: FakeConversation
    channel: WebChannel
    sessions: Sessions
    metrics: Metrics
    app: Any
    data: Path

    @asynccontextmanager
    async def browser(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client that has opened the page and so is a person."""
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://127.0.0.1:8080",
            headers=headers,
            event_hooks={"response": [answered]},
        ) as client:
            assert (await client.get("/")).status_code == 200
            yield client

    def chat(self, client: httpx.AsyncClient) -> Chat:
        """Who this client is."""
        request = client.build_request("GET", "/")
        scope = {"type": "http", "headers": [(k.lower(), v) for k, v in request.headers.raw]}
        chat = self.sessions.person(HTTPConnection(scope))
        assert chat is not None
        return chat


class _Elsewhere(FakeChannel):
    """Another channel of the same process, with routes of its own."""

    def __init__(self, *, routes: Sequence[BaseRoute]) -> None:
        super().__init__("elsewhere")
        self._routes = routes

    def routes(self) -> Sequence[BaseRoute]:
        return self._routes


def build(
    data: Path,
    *,
    store: Store | None = None,
    script: Script = echo,
    pace: Pace = BRISK,
    stop_seconds: float = 3.0,
    secret: bytes = b"a secret for tests",
    limits: Limits | None = None,
    public_url: str | None = None,
    routes: Sequence[BaseRoute] = (),
    **app_settings: Any,
) -> Stage:
    """Everything, not started yet."""
    store = store or MemoryStore()
    metrics = Metrics()
    sessions = Sessions(secret=secret)
    channel = WebChannel(
        store=store,
        sessions=sessions,
        metrics=metrics,
        data_dir=data,
        public_url=public_url,
        limits=limits,
        pace=pace,
        timing=Timing(retries=(0.0, 0.0), again=(0.01,), look=0.02, stop=stop_seconds),
    )
    others = [_Elsewhere(routes=routes)] if routes else []
    app = create_app(channels=[channel, *others], store=store, metrics=metrics, **app_settings)
    return Stage(
        store=store,
        conversation=FakeConversation(script=script),
        channel=channel,
        sessions=sessions,
        metrics=metrics,
        app=app,
        data=data,
    )


@asynccontextmanager
async def on_stage(data: Path, **settings: Any) -> AsyncIterator[Stage]:
    """Started, and closed afterwards."""
    stage = build(data, **settings)
    await stage.channel.start(stage.conversation)
    try:
        yield stage
    finally:
        await stage.channel.stop()


async def settled(stage: Stage) -> None:
    """Until every acknowledged message has been handled."""
    await stage.channel.idle()


async def conversation(client: httpx.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/api/messages{query}")
    assert answer.status_code == 200, answer.text
    messages: list[dict[str, Any]] = answer.json()["messages"]
    return messages


@dataclass
class Event:
    name: str = "message"
    id: str | None = None
    data: Any = None


async def events(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """Server-sent events as a browser reads them."""
    event = Event()
    async for line in lines:
        if not line:
            if event.data is not None:
                yield event
            event = Event()
        elif line.startswith("id: "):
            event.id = line[4:]
        elif line.startswith("event: "):
            event.name = line[7:]
        elif line.startswith("data: "):
            event.data = json.loads(line[6:])
