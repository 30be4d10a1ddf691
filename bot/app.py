"""The composition root: all parts of a process, put together once, started and stopped in order.

settings ─▶ store ─▶ providers, router ─▶ channels ─▶ job runner ─▶ conversation
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path

from bot.channels.registry import Ground, registered
from bot.database_start import answering, begun, opened
from bot.disk_room import DiskRoom
from bot.hooks import PATH as HOOKS
from bot.installation import NOT_THE_ONE, is_the_one, secret_of
from bot.metrics import Metrics
from bot.settings import Settings
from bot.style_shows import sheets_of_styles, show_styles
from bot.upkeep import discovering, share, sharing, tidying
from handlers.channel import Channel, HasProfilePhotos, MakesStickers
from handlers.consent import Consents
from handlers.dialogue.conversation import Conversation, SecondReader
from handlers.dialogue.group_policy import Groups, KnowsAdmins
from handlers.dialogue.marked_reception import accept_mask
from handlers.dialogue.profile_photos import ProfilePhotos
from handlers.dialogue.quote_cache import RecentQuotes
from handlers.dialogue.sticker_packs import StickerPacks
from handlers.faces import Faces
from handlers.foreground import ForegroundGate
from handlers.jobs.deferred_start import DeferredStart
from handlers.jobs.durations import Durations
from handlers.jobs.plan import quoted
from handlers.jobs.runner import JobRunner
from handlers.jobs.shared_clock import SharedClock
from handlers.jobs.sheets import CHECK, MAKER, Sheets
from handlers.jobs.visible_marks import VisibleMarks
from handlers.message import Chat
from handlers.owner_notes import OwnerNotes
from handlers.store.base import Store
from handlers.store.sql.store import utc_now
from intent import parse
from providers.api.spending import one_ledger
from providers.catalog import ACTIONS, STYLES
from providers.configure import build_router
from providers.faces import FaceService
from providers.media.accept import AcceptedPhoto, accept_photo
from providers.media.files import make_folder, make_private_folder
from providers.media.store import MediaStore
from providers.people.boxes import FaceBoxes
from providers.people.inspector import Inspector
from providers.router import Router

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Parts:
    """The parts of a process. `listening`: the channels that take messages here (a worker only sends)."""

    settings: Settings
    store: Store
    router: Router
    metrics: Metrics
    channels: dict[str, Channel]
    jobs: JobRunner
    conversation: Conversation
    durations: Durations
    listening: tuple[str, ...]
    secret: bytes
    room: DiskRoom
    clock: SharedClock | None = None
    """Of jobs, where several machines may work on them."""
    started: bool = False
    broken: Exception | None = None
    """Why it could not be started."""
    at_end: list[Callable[[], None]] = field(default_factory=list)

    def here(self) -> list[Channel]:
        """The channels that take messages in this process."""
        return [channel for name, channel in self.channels.items() if name in self.listening]

    def begin_to_end(self) -> None:
        """The process begins to stop: end what would keep connections open."""
        for end in self.at_end:
            end()

    async def ready(self) -> bool:
        """Whether messages can be taken and lead to something."""
        listening = all([(await channel.health()).listening for channel in self.here()])
        return self.started and listening and self.jobs.ready() and not self.room.missing()


@asynccontextmanager
async def parts(
    settings: Settings, *, listening: Sequence[str] | None = None, worker: bool = True
) -> AsyncIterator[Parts]:
    """Build everything; release everything at the end. Nothing is started yet. `listening` None: every channel."""
    make_private_folder(settings.data_dir)
    make_folder(settings.output_dir)
    async with AsyncExitStack() as stack:
        media = settings.media
        store = await opened(settings, media)
        await answering(settings, lambda: asyncio.to_thread(one_ledger, settings))
        stack.push_async_callback(store.aclose)
        listens = listening is None or bool(listening)
        hooks = f"{settings.public_url.rstrip('/')}{HOOKS}" if settings.public_url and listens else None
        inspector = Inspector()
        stack.push_async_callback(inspector.aclose)
        router = build_router(settings, hooks=hooks, inspector=inspector)
        stack.push_async_callback(_close_providers, router)
        secret = await secret_of(settings)
        if not await answering(settings, lambda: is_the_one(store, secret)):
            log.error(NOT_THE_ONE)
        metrics, foreground = Metrics(), ForegroundGate()
        at_end: list[Callable[[], None]] = []
        ground = Ground(
            settings=settings,
            store=store,
            metrics=metrics,
            secret=secret,
            foreground=foreground,
            at_end=at_end.append,
        )
        channels = _channels(ground)
        faces = FaceBoxes(inspector.worker)
        drawn = Sheets(inspector, store.media, router.credentials)
        marks = VisibleMarks(
            clean_files=settings.label_clean == "on",
            policy=settings.label_visible,
            always=frozenset(channel.name for channel in registered() if channel.marked),
            faces=faces,
            credentials=router.credentials,
        )
        durations = Durations()
        clock = None if settings.database.startswith("sqlite") else SharedClock(store.moment)
        if clock is not None:
            await answering(settings, clock.set)
        jobs = JobRunner(
            store=store,
            router=router,
            channels=channels,
            data_dir=settings.data_dir,
            output_dir=settings.output_dir.absolute(),
            database_url=settings.database,
            worker=worker,
            concurrency=settings.worker_concurrency,
            connections=settings.database_connections,
            retention_days=settings.retention_days,
            deadline_seconds=settings.job_deadline_seconds,
            marks=marks,
            free_retry=settings.likeness_free_retry == "on",
            checks={CHECK: drawn.same_face},
            makers={MAKER: drawn.compose},
            durations=durations,
            clock=clock or utc_now,
        )
        previews = sheets_of_styles(settings, store, router, channels, marks)
        if previews is not None:
            stack.push_async_callback(previews.aclose)
        show_styles(settings, store, router, channels, marks)
        owner = OwnerNotes(store, channels, settings.admins)
        conversation = Conversation(
            store=store,
            jobs=DeferredStart(jobs, foreground),
            quote=RecentQuotes(quoted(router, durations.expected)),
            accept=partial(_accept, media),
            accept_mask=partial(_accept_mask, media),
            photos_dir=settings.photos_dir.absolute(),
            confirm_above=settings.confirm_above_usd,
            keep_messages=settings.intent_keep_messages,
            budgets=settings.budgets,
            faces=Faces(store) if any(isinstance(p, FaceService) for p in router.providers) else None,
            stickers=StickerPacks(
                store=store, makers={name: c for name, c in channels.items() if isinstance(c, MakesStickers)}
            ),
            profile_photos=ProfilePhotos(
                channels={name: c for name, c in channels.items() if isinstance(c, HasProfilePhotos)}
            ),
            consents=_consents(settings, store),
            judge=inspector if settings.photo_advice == "ask" else None,
            moderation_company=settings.moderation_company if settings.moderation_base_url else "",
            retention_days=settings.retention_days,
            secret=secret,
            clean_files=settings.label_clean == "on",
            access=settings.access_rules,
            owner=owner,
            second_reader=_second_reader(settings, store),
            previews=previews,
            groups=Groups(store, {name: c.is_admin for name, c in channels.items() if isinstance(c, KnowsAdmins)}),
            forget=partial(_forget, channels),
        )
        yield Parts(
            settings=settings,
            store=store,
            router=router,
            metrics=metrics,
            channels=channels,
            jobs=jobs,
            conversation=conversation,
            durations=durations,
            listening=tuple(channels if listening is None else listening),
            secret=secret,
            clock=clock,
            room=DiskRoom({"DATA_DIR": settings.data_dir, "OUTPUT_DIR": settings.output_dir}, owner=owner),
            at_end=at_end,
        )


@asynccontextmanager
async def running(made: Parts) -> AsyncIterator[None]:
    """The job worker first, then the channels: by the time a message is taken, everything behind it works.

    An unreachable platform does not delay the others: its channel retries by itself.
    """
    await asyncio.to_thread(_load_words)
    async with AsyncExitStack() as stack:
        more = [tidying(made.store.media)] if made.store.media else []
        more += [made.clock.keep_set()] if made.clock is not None else []
        stack.push_async_callback(share, made.durations, made.store)
        for beside in (discovering(made.router), made.room.watch(), sharing(made.durations, made.store), *more):
            stack.push_async_callback(_ended, asyncio.create_task(beside))
        stack.push_async_callback(made.jobs.stop)
        await answering(made.settings, lambda: begun(made.jobs))
        for name, channel in made.channels.items():
            stack.push_async_callback(channel.stop)
            if name in made.listening:
                await channel.start(made.conversation)
        made.started = True
        try:
            yield
        finally:
            made.started = False


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def loaded(settings: Settings) -> None:
    """Load what every process of this installation needs, before they are forked: memory that is only read is shared,
    and a process that died is there again within the second."""
    import_module("bot.web_app")  # of the fronts, and itself made of these parts
    for channel in registered():
        if settings.part(channel.settings).is_ready():
            import_module(channel.build.__module__.replace("registration", "channel"))
    _load_words()


def _load_words() -> None:
    """What the parser needs is loaded now, not while the first person waits."""
    for text in ("动漫风格", "把背景换成白色", "me as a wizard, twice"):
        parse(text, photos=1)


def _channels(ground: Ground) -> dict[str, Channel]:
    """The channels that are configured; their libraries are loaded only then."""
    for problem in ground.settings.problems():
        log.warning("%s", problem)
    return {
        channel.name: channel.build(ground)
        for channel in registered()
        if ground.settings.part(channel.settings).is_ready()
    }


async def _forget(channels: Mapping[str, Channel], chat: Chat) -> None:
    """What the channel itself keeps about a person."""
    if chat.channel in channels:
        await channels[chat.channel].forget(chat)


def _consents(settings: Settings, store: Store) -> Consents | None:
    """None if people are asked about nothing."""
    companies, faces = settings.providers_consent == "ask", settings.face_consent == "ask"
    return Consents(store, companies=companies, faces=faces) if companies or faces else None


def _second_reader(settings: Settings, store: Store) -> SecondReader | None:
    """Only if all three settings are given."""
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


async def _accept(media: MediaStore, path: Path, into: Path) -> AcceptedPhoto:
    """From then on any process may be the one that works with it."""
    accepted = await accept_photo(path, into=into)
    await media.put(accepted.path)
    return accepted


async def _accept_mask(media: MediaStore, mask: Path, photo: Path, into: Path) -> Path:
    accepted = await accept_mask(mask, photo, into)
    await media.put(accepted)
    return accepted


async def _close_providers(router: Router) -> None:
    for provider in router.providers:
        await provider.aclose()
    await router.moderation.aclose()
