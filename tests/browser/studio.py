"""The web app in a thread of its own, with a conversation that makes pictures when a test lets it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Self, TypeVar

from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from starlette.routing import Route

from bot.admin_page.routes import admin_routes
from bot.admin_page.sessions import AdminSessions
from bot.channels.web.cookies import Sessions
from bot.made_here import made_here_routes
from bot.server import Server
from handlers.dialogue.access import Access
from handlers.dialogue.operations import Operations
from handlers.dialogue.style_gallery import StyleGallery
from handlers.jobs.plan import quoted
from handlers.jobs.visible_marks import VisibleMarks
from handlers.message import Chat, Choice, Kind, Message, Outgoing
from handlers.order import Order, Shot
from handlers.store.base import Job, Store
from handlers.store.memory import MemoryStore
from handlers.style_previews import StylePreviews
from providers.base import PictureFile, Provider
from providers.fake import FakeProvider, offer
from providers.router import Router
from providers.task import Operation
from tests.bot.stage import Stage, build
from tests.waiting import LONG
from tests.world import RecordedJobs

T = TypeVar("T")

STYLES = {
    "en": ("Anime", "Oil painting", "Watercolor", "Vintage", "Cyberpunk", "ID photo, blue"),
    "zh": ("动漫", "油画", "水彩", "复古", "赛博朋克", "蓝底证件照"),
}
PASSWORD = "correct-horse-battery"
KEYS = ("anime", "oil_painting", "watercolor", "vintage", "cyberpunk", "id_photo_blue")


class Studio:
    """`let_go` lets the jobs waiting at a step go on to the next: queued → being made → delivered."""

    def __init__(self, folder: Path, photo: Path, *, free: Provider | None = None) -> None:
        """`free`: who sketches the styles."""
        self._folder = folder
        self._photo = photo
        self._free = free or FakeProvider(able=[offer(Operation.PORTRAIT, usd="0", styles=frozenset(KEYS))])
        self._loop = asyncio.new_event_loop()
        self._steps = asyncio.Semaphore(0)
        self._jobs: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="studio", daemon=True)
        self.masks: list[Image.Image] = []
        """What was painted, in the order it came: the file itself goes once it is handled."""
        self.stage: Stage
        self.address = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(LONG)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nobody answers at its address any more."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(LONG)
        assert not self._thread.is_alive(), "the server did not stop"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        store = MemoryStore()
        self.stage = build(self._folder, store=store, script=self._answer, more=self._forms(store))
        channel = self.stage.channel
        channel.show_styles(self._styles())
        self._server = Server(
            self.stage.app, host="127.0.0.1", port=0, at_end=channel.feed.stop, listening=self._opened
        )
        await channel.start(self.stage.conversation)
        await self._server.serve()
        await channel.stop()
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    def _forms(self, store: Store) -> list[Route]:
        """The pages that post forms without a script."""
        visitors = Sessions(secret=b"a secret for tests")
        operations = Operations(store=store, access=Access(store), jobs=RecordedJobs())
        sessions = AdminSessions(store=store, secret=b"a secret for tests", password=PASSWORD, https=False)
        return [
            *admin_routes(operations=operations, sessions=sessions, visitors=visitors, public_origin=None),
            *made_here_routes(sessions=visitors, folder=self._folder / "up", producer="Likeness", public_origin=None),
        ]

    def _styles(self) -> StyleGallery:
        async def may_sketch(_: Chat) -> bool:
            return True

        async def nobody(_: Chat) -> bool:
            return False

        return StyleGallery(
            quote=quoted(Router([self._free])),
            allowed=may_sketch,
            of_a_child=nobody,
            marks=VisibleMarks(),
            folder=self._folder / "sketches",
            previews=StylePreviews(provider=self._free, producer="Likeness"),
        )

    def _opened(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._ready.set()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the studio's loop, from a test's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LONG)

    def let_go(self, steps: int = 1) -> None:
        for _ in range(steps):
            self._loop.call_soon_threadsafe(self._steps.release)

    def on_loop(self, work: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(work)

    @property
    def seen(self) -> list[Message]:
        return self.stage.conversation.seen

    # --- the conversation

    async def _answer(self, message: Message) -> tuple[Outgoing, ...]:
        language = message.language_hint or "en"
        if message.painted is not None and message.painted.mask is not None:
            with Image.open(message.painted.mask) as mask:
                mask.load()
                self.masks.append(mask)
        photos = (*message.quoted_photos, *message.photos)
        if photos and not message.text and message.choice is None:
            return (self._offer(message),)
        if message.choice == "new":
            said = "Fresh start." if language == "en" else "重新开始。"
            return (Outgoing(id=f"{message.ref}:new", kind=Kind.TEXT, text=said, ref=message.ref, language=language),)
        if message.choice is not None or "paint" in message.text or "画" in message.text:
            count = 2 if "two" in message.text or "两" in message.text else 1
            job = f"job-{message.ref}"
            await self._keep(message, job)
            self._jobs.add(asyncio.create_task(self._make(message, job, count)))
            said = "Oil painting · about 12 s · free" if language == "en" else "油画 · 约 12 秒 · 免费"
            return (Outgoing(id=f"{job}:understood", kind=Kind.TEXT, text=said, ref=message.ref, language=language),)
        return (
            Outgoing(
                id=f"{message.ref}:said",
                kind=Kind.TEXT,
                text=f"Heard: {message.text}",
                ref=message.ref,
                language=language,
            ),
        )

    def _offer(self, message: Message) -> Outgoing:
        language = message.language_hint or "en"
        choices = tuple(Choice(id=f"style:{k}", label=n) for k, n in zip(KEYS, STYLES[language], strict=True))
        text = "Lovely. What shall I make of it?" if language == "en" else "收到。想把它变成什么样？"
        return Outgoing(
            id=f"{message.ref}:offer",
            kind=Kind.CHOICES,
            text=text,
            choices=choices,
            ref=message.ref,
            language=language,
        )

    async def _keep(self, message: Message, job: str) -> None:
        """What it is made from."""
        photos = tuple(photo.path for photo in (*message.quoted_photos, *message.photos))
        order = Order(operation="portrait", shots=(Shot(style="oil_painting"),), photos=photos)
        await self.stage.store.add_job(Job(id=job, chat=message.chat, order=order, created=datetime.now(UTC)))

    async def _make(self, message: Message, job: str, count: int) -> None:
        channel, chat = self.stage.channel, message.chat
        english = message.language_hint != "zh"
        cancel = (Choice(id=f"cancel:{job}", label="Cancel" if english else "取消"),)

        async def status(text: str) -> None:
            await channel.say(
                chat,
                Outgoing(
                    id=f"{job}:status",
                    kind=Kind.STATUS,
                    text=text,
                    job=job,
                    choices=cancel,
                    language="en" if english else "zh",
                    expected=12.0,
                ),
            )

        await status("In the queue, 1 before you" if english else "排队中，前面还有 1 个")
        await self._steps.acquire()
        await status("Being made · 4 s of about 12 s" if english else "正在制作 · 4 秒，约需 12 秒")
        await self._steps.acquire()
        if "step" in message.text:
            for blur in (14, 5):
                await channel.show_step(chat, job, self._rough(blur))
                await status(f"Being made · {20 - blur} s of about 12 s")
                await self._steps.acquire()
        pictures = await asyncio.to_thread(self._pictures, job, count)
        await channel.deliver(chat, self._result(message, job, pictures), f"{job}:result")

    def _result(self, message: Message, job: str, pictures: tuple[PictureFile, ...]) -> Outgoing:
        english = message.language_hint != "zh"
        names = (
            ("again", "Again", "再来一张"),
            ("variations", "Variations", "换个样子"),
            ("upscale", "Upscale 2×", "放大 2 倍"),
        )
        return Outgoing(
            id=f"{job}:result",
            kind=Kind.PICTURES,
            pictures=pictures,
            job=job,
            ref=message.ref,
            text="Oil painting · free, on this machine · 11 s" if english else "油画 · 本机免费 · 11 秒",
            choices=tuple(Choice(id=f"{key}:{job}", label=en if english else zh) for key, en, zh in names),
            language="en" if english else "zh",
        )

    def _rough(self, blur: int) -> bytes:
        with Image.open(self._photo) as photo:
            out = BytesIO()
            photo.convert("RGB").filter(ImageFilter.GaussianBlur(blur)).save(out, "JPEG")
        return out.getvalue()

    def _pictures(self, job: str, count: int) -> tuple[PictureFile, ...]:
        folder = self._folder / "made"
        folder.mkdir(exist_ok=True)
        made = []
        with Image.open(self._photo) as photo:
            for n in range(count):
                painted = photo.convert("RGB").filter(ImageFilter.ModeFilter(7))
                painted = ImageEnhance.Color(ImageOps.posterize(painted, 5)).enhance(1.5 - 0.8 * n)
                path = folder / f"{job}-{n}.jpg"
                painted.save(path, "JPEG", quality=90)
                made.append(
                    PictureFile(
                        path=path,
                        width=painted.width,
                        height=painted.height,
                        size_bytes=path.stat().st_size,
                        mime="image/jpeg",
                        provider="fake",
                        request_id=job,
                    )
                )
        return tuple(made)

    def say(self, chat: Chat, text: str, *, id: str) -> None:
        self.call(self.stage.channel.say(chat, Outgoing(id=id, kind=Kind.TEXT, text=text)))
