"""Every provider on its stage: over a fake of its service, where it has one. A new provider adds its `Stage` here."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from pydantic import SecretStr, TypeAdapter

from providers.base import Provider, Request, Submission
from providers.embedded.provider import EmbeddedProvider
from providers.fake import FakeProvider
from providers.media.download import Downloader
from providers.services.a1111.provider import A1111Provider
from providers.services.bfl.provider import BflProvider
from providers.services.comfyui.provider import ComfyUIProvider
from providers.services.dashscope.provider import DashScopeProvider
from providers.services.fal.provider import FalProvider
from providers.services.openai.provider import OpenAIProvider
from providers.services.openrouter.provider import OpenRouterProvider
from providers.services.replicate.provider import ReplicateProvider
from providers.services.stability.provider import StabilityProvider
from providers.spool import Spool
from providers.task import Operation
from tests.providers.wanted import wanted
from tests.servers.a1111 import FakeA1111
from tests.servers.bfl import FakeBfl
from tests.servers.comfyui import FakeComfyUI
from tests.servers.dashscope import FakeDashScope
from tests.servers.fal import KEY, FakeFal
from tests.servers.openai import FakeOpenAI
from tests.servers.openrouter import FakeOpenRouter
from tests.servers.replicate import FakeReplicate
from tests.servers.service import FakeService
from tests.servers.stability import FakeStability

SUBMISSION = TypeAdapter(Submission)


def create(count: int = 1, **values: Any) -> Request:
    words = "a lighthouse in a storm"
    return wanted(
        operation=Operation.CREATE, prompt="A lighthouse in a storm.", text=words, **{"count": count, **values}
    )


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A provider and, as after a restart, another of the same that knows only what is upstream.

    `charged`: pictures the service has charged for; always 0 where it is free. `submits`: paid POSTs it got whole.
    `server`: the fake of its service, where one of `SERVED` stands behind it. `photo_request`: one with a photo, made
    from its path.
    """

    provider: Provider
    after_restart: Provider
    charged: Callable[[], int]
    request: Request = field(default_factory=lambda: create(2))
    free: bool = False
    server: FakeService | None = None
    submits: Callable[[], int] = lambda: 0
    photo_request: Callable[[Path], Request] | None = None

    @property
    def service(self) -> FakeService:
        assert self.server is not None
        return self.server


def edit(photo: Path) -> Request:
    return wanted(operation=Operation.EDIT, action="edit", prompt="Add a hat.", text="add a hat", photos=(photo,))


def outpaint(photo: Path) -> Request:
    return wanted(operation=Operation.OUTPAINT, action="extend", prompt="Wider.", photos=(photo,))


@contextmanager
def fake_stage() -> Iterator[Stage]:
    provider = FakeProvider()
    yield Stage(provider=provider, after_restart=provider, charged=lambda: provider.charged)


async def no_time(seconds: float) -> None:
    """A sleep that takes none."""


def trusted(origin: str) -> Downloader:
    return Downloader(trusted_origins=frozenset({("127.0.0.1", int(origin.rpartition(":")[2]))}))


@contextmanager
def fal_stage() -> Iterator[Stage]:
    with FakeFal.serving() as fal:
        one, other = (
            FalProvider(key=KEY, queue_url=fal.url, downloader=trusted(fal.origin), sleep=no_time) for _ in range(2)
        )
        yield Stage(provider=one, after_restart=other, charged=lambda: fal.billed)


@contextmanager
def embedded_stage() -> Iterator[Stage]:
    with TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(photo)
        better = wanted(operation=Operation.EDIT, action="enhance", prompt="Better.", photos=(photo,), count=2)
        one, other = (EmbeddedProvider(Path(folder) / "spool") for _ in range(2))
        yield Stage(provider=one, after_restart=other, charged=lambda: 0, request=better, free=True)


def _over(
    server: FakeService,
    make: Callable[[], Provider],
    *,
    count: int,
    photo_request: Callable[[Path], Request] = edit,
    free: bool = False,
    **wish: Any,
) -> Stage:
    """`wish`: what else the create of `count` pictures asks for."""
    return Stage(
        provider=make(),
        after_restart=make(),
        charged=lambda: server.billed,
        request=create(count, **wish),
        free=free,
        server=server,
        submits=lambda: server.submits,
        photo_request=photo_request,
    )


@contextmanager
def openai_stage() -> Iterator[Stage]:
    with FakeOpenAI.serving() as server, TemporaryDirectory() as folder:
        spool = Path(folder) / "spool"

        def make() -> Provider:
            return OpenAIProvider(key=SecretStr(server.key), base_url=server.url, spool=Spool(spool))

        yield _over(server, make, count=2)


@contextmanager
def stability_stage() -> Iterator[Stage]:
    with FakeStability.serving() as server, TemporaryDirectory() as folder:
        spool = Path(folder) / "spool"

        async def turn_the_clock(seconds: float) -> None:
            server.clock.turn(seconds)

        def make() -> Provider:
            return StabilityProvider(
                key=SecretStr(server.key), base_url=server.url, spool=Spool(spool), sleep=turn_the_clock
            )

        yield _over(server, make, count=1, photo_request=outpaint)


@contextmanager
def bfl_stage() -> Iterator[Stage]:
    with FakeBfl.serving() as server:

        def make() -> Provider:
            key = SecretStr(server.key)
            return BflProvider(key=key, base_url=server.url, downloader=trusted(server.origin), sleep=no_time)

        yield _over(server, make, count=1)


@contextmanager
def replicate_stage() -> Iterator[Stage]:
    with FakeReplicate.serving() as server:

        def make() -> Provider:
            token = SecretStr(server.key)
            return ReplicateProvider(
                token=token, base_url=server.url, downloader=trusted(server.origin), sleep=no_time,
                now=server.clock.now,
            )  # fmt: skip

        yield _over(server, make, count=1)


@contextmanager
def openrouter_stage() -> Iterator[Stage]:
    with FakeOpenRouter.serving() as server, TemporaryDirectory() as folder:
        spool = Path(folder) / "spool"

        def make() -> Provider:
            return OpenRouterProvider(key=SecretStr(server.key), root=server.url, spool=Spool(spool))

        yield _over(server, make, count=2, model="gpt")


@contextmanager
def dashscope_stage() -> Iterator[Stage]:
    """By a model that works in tasks; those that answer at once are in its own tests."""
    with FakeDashScope.serving() as server, TemporaryDirectory() as folder:
        files = Path(folder)

        def make() -> Provider:
            return DashScopeProvider(
                key=SecretStr(server.key), root=server.url, downloader=trusted(server.origin), files=files,
                sleep=no_time, clock=server.clock.now,
            )  # fmt: skip

        yield _over(server, make, count=2, model="dashscope/wan2.7-image")


@contextmanager
def a1111_stage() -> Iterator[Stage]:
    with FakeA1111.running(auth="user:password") as server, TemporaryDirectory() as folder:
        spool = Path(folder) / "spool"

        def make() -> Provider:
            return A1111Provider(root=server.origin, auth=SecretStr(server.key), spool=Spool(spool))

        yield _over(server, make, count=2, free=True)


@contextmanager
def comfyui_stage() -> Iterator[Stage]:
    with FakeComfyUI.serving() as server, TemporaryDirectory() as folder:
        files = Path(folder)

        def make() -> Provider:
            return ComfyUIProvider(root=server.origin, files=files, sleep=no_time)

        yield _over(server, make, count=2, free=True)


STAGES: Mapping[str, Callable[[], Any]] = {
    "fake": fake_stage,
    "fal": fal_stage,
    "openai": openai_stage,
    "stability": stability_stage,
    "bfl": bfl_stage,
    "replicate": replicate_stage,
    "openrouter": openrouter_stage,
    "dashscope": dashscope_stage,
    "a1111": a1111_stage,
    "comfyui": comfyui_stage,
    "embedded": embedded_stage,
}


LATER = frozenset({"failed", "gone", "expired"})
"""Faults of jobs and of links: a service that answers with the picture has neither."""
POLICY = frozenset({"policy", "policy_after", "withheld"})
"""A server of the operator's own refuses nothing."""
SERVED: Mapping[str, frozenset[str]] = {
    "openai": LATER | {"withheld"},
    "stability": LATER,
    "bfl": frozenset(),
    "replicate": frozenset({"not_found"}),  # there it asks for the version, see its own tests
    "openrouter": LATER | {"withheld"},
    "dashscope": frozenset(),
    "a1111": LATER | POLICY,
    "comfyui": POLICY,
}
"""Those over a `FakeService`, and which of the faults that are the same everywhere cannot happen there."""
WITH_JOBS = tuple(name for name, never in SERVED.items() if not never >= LATER)


@asynccontextmanager
async def on_stage(name: str) -> AsyncIterator[Stage]:
    with STAGES[name]() as stage:
        try:
            yield stage
        finally:
            await stage.provider.aclose()
            await stage.after_restart.aclose()


def through_json(submission: Submission) -> Submission:
    return SUBMISSION.validate_json(SUBMISSION.dump_json(submission))
