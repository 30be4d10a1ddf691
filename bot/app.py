"""The composition root: everything one process is made of, put together once, started and stopped in order.

settings ─▶ store ─▶ providers, router ─▶ channels ─▶ job runner ─▶ conversation ─▶ web app
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from bot.channels.web.channel import WebChannel
from bot.channels.web.cookies import Sessions, load_secret
from bot.channels.web.middleware import hosts_for
from bot.channels.web.routes import create_app
from bot.metrics import Metrics
from bot.settings import Settings
from handlers.channel import Channel
from handlers.dialogue.conversation import Conversation, SecondReader
from handlers.dialogue.group_policy import Groups, KnowsAdmins
from handlers.dialogue.previews import Previews
from handlers.dialogue.quote_cache import RecentQuotes
from handlers.foreground import ForegroundGate
from handlers.jobs.deferred_start import DeferredStart
from handlers.jobs.plan import quoted
from handlers.jobs.runner import JobRunner
from handlers.store.base import Store
from handlers.store.sql.store import SqlStore
from intent import parse
from providers.catalog import ACTIONS, STYLES
from providers.configure import build_router
from providers.media.accept import AcceptedPhoto, accept_photo
from providers.router import EMBEDDED, Router

log = logging.getLogger(__name__)

CHANNELS = ("web", "telegram", "wechat")
PREVIEW_CHANNELS = ("web", "telegram")


class Platform(Channel, Protocol):
    """A channel with a life of its own: it listens once started, and may bring HTTP routes."""

    async def start(self, answerer: Conversation) -> None: ...
    async def aclose(self) -> None: ...
    def routes(self) -> Sequence[BaseRoute]: ...
    async def check(self) -> Sequence[str] | None:
        """For `likeness doctor`: whether the settings work.

        Raises LikenessError, or gives a list of what is wrong, or a line (a str) that says how it is.
        """


@dataclass(kw_only=True)
class Parts:
    """What a process is made of. `listening`: the channels that take messages here (a worker only sends)."""

    settings: Settings
    store: Store
    router: Router
    metrics: Metrics
    sessions: Sessions
    web: WebChannel
    platforms: dict[str, Platform]
    jobs: JobRunner
    conversation: Conversation
    listening: tuple[str, ...]
    started: bool = field(default=False)

    async def ready(self) -> bool:
        """Whether messages can be taken."""
        return self.started


@asynccontextmanager
async def parts(
    settings: Settings, *, listening: Sequence[str] = CHANNELS, worker: bool = True
) -> AsyncIterator[Parts]:
    """Build everything; give everything back at the end. Nothing is started yet."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        store = await SqlStore.open(settings.database)
        stack.push_async_callback(store.aclose)
        router = build_router(settings)
        stack.push_async_callback(_close_providers, router)
        secret = await asyncio.to_thread(load_secret, settings.data_dir / "secret")
        https = (settings.public_url or "").startswith("https:")
        sessions = Sessions(secret=secret, https=https)
        metrics = Metrics()
        web = WebChannel(store=store, sessions=sessions, metrics=metrics, data_dir=settings.data_dir)
        calm = ForegroundGate()
        platforms = _platforms(settings, store, metrics, secret, calm)
        jobs = JobRunner(
            store=store,
            router=router,
            channels={"web": web, **platforms},
            data_dir=settings.data_dir,
            output_dir=settings.output_dir.absolute(),
            database_url=settings.database,
            worker=worker,
            concurrency=settings.worker_concurrency,
            retention_days=settings.retention_days,
        )
        previews = _previews(settings, router, {"web": web, **platforms})
        if previews is not None:
            stack.push_async_callback(previews.aclose)
        conversation = Conversation(
            store=store,
            jobs=DeferredStart(jobs, calm),
            quote=RecentQuotes(quoted(router)),
            accept=_accept,
            photos_dir=settings.photos_dir.absolute(),
            confirm_above=settings.confirm_above_usd,
            second_reader=_second_reader(settings, store),
            previews=previews,
            groups=Groups(store, {name: p.is_admin for name, p in platforms.items() if isinstance(p, KnowsAdmins)}),
        )
        yield Parts(
            settings=settings,
            store=store,
            router=router,
            metrics=metrics,
            sessions=sessions,
            web=web,
            platforms=platforms,
            jobs=jobs,
            conversation=conversation,
            listening=tuple(listening),
        )


@asynccontextmanager
async def running(made: Parts) -> AsyncIterator[None]:
    """The job worker first, then the channels: a message taken finds everything behind it working.

    A platform that is away does not hold up the others: its channel retries by itself.
    """
    parse("")  # loads the lexicon now, not while the first person waits
    async with AsyncExitStack() as stack:
        stack.push_async_callback(made.jobs.stop)
        await made.jobs.start()
        if "web" in made.listening:
            stack.push_async_callback(made.web.aclose)
            await made.web.start(made.conversation)
        for name, platform in made.platforms.items():
            stack.push_async_callback(platform.aclose)
            if name in made.listening:
                await platform.start(made.conversation)
        made.started = True
        try:
            yield
        finally:
            made.started = False


def web_app(made: Parts) -> Starlette:
    """The HTTP app of a process that listens."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with running(made):
            yield

    routes = [route for name, p in made.platforms.items() if name in made.listening for route in p.routes()]
    return create_app(
        web=made.web,
        store=made.store,
        sessions=made.sessions,
        metrics=made.metrics,
        ready=made.ready,
        lifespan=lifespan,
        routes=routes,
        public_url=made.settings.public_url,
        hosts=hosts_for(made.settings.host, made.settings.public_url),
    )


def _platforms(
    settings: Settings, store: Store, metrics: Metrics, secret: bytes, calm: ForegroundGate
) -> dict[str, Platform]:
    """The channels that have their settings; their libraries are loaded only then."""
    made: dict[str, Platform] = {}
    for problem in settings.problems():
        log.warning("%s", problem)
    if settings.telegram_ready and settings.telegram_bot_token:
        from bot.channels.telegram import TelegramChannel

        webhook_secret = settings.telegram_webhook_secret
        made["telegram"] = TelegramChannel(
            token=settings.telegram_bot_token.get_secret_value(),
            store=store,
            metrics=metrics,
            data_dir=settings.data_dir,
            api_url=settings.telegram_api_url,
            mode=settings.telegram_mode,
            public_url=settings.public_url,
            webhook_secret=webhook_secret.get_secret_value() if webhook_secret else None,
        )
    if settings.wechat_ready:
        from bot.channels.wechat.configure import wechat_channel

        made["wechat"] = wechat_channel(settings, store=store, metrics=metrics, secret=secret, calm=calm)
    return made


def _second_reader(settings: Settings, store: Store) -> SecondReader | None:
    """Only where all three settings are given."""
    if not (settings.intent_llm_base_url and settings.intent_llm_api_key and settings.intent_llm_model):
        return None
    from bot.llm_fallback import SecondReader as Reader
    from bot.llm_spending import StoredSpending

    return Reader(
        base_url=settings.intent_llm_base_url,
        api_key=settings.intent_llm_api_key,
        model=settings.intent_llm_model,
        daily_usd=settings.intent_llm_daily_usd,
        styles=STYLES,
        actions=ACTIONS,
        spending=StoredSpending(store),
    )


def _previews(settings: Settings, router: Router, channels: dict[str, Channel]) -> Previews | None:
    """Where the free provider is there; not on WeChat, where every message counts."""
    provider = next((p for p in router.providers if p.name == EMBEDDED), None)
    if provider is None:
        return None
    cheap = {name: channel for name, channel in channels.items() if name in PREVIEW_CHANNELS}
    return Previews(provider=provider, channels=cheap, folder=settings.data_dir.absolute() / "previews")


async def _accept(path: Path, into: Path) -> AcceptedPhoto:
    return await accept_photo(path, into=into)


async def _close_providers(router: Router) -> None:
    for provider in router.providers:
        await provider.aclose()
