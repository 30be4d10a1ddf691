"""A fake fal over HTTP for the whole module, made anew for each test, and a provider that talks to it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from providers.media.download import Downloader
from providers.services.fal.provider import FalProvider
from providers.settings import ProviderSettings
from tests.servers.fal import KEY, FakeFal
from tests.waiting import LONG


@dataclass
class Naps:
    """A sleep that takes no time and remembers what was asked of it."""

    asked: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)


@pytest.fixture(scope="module")
def _server() -> Iterator[FakeFal]:
    with FakeFal.serving() as fal:
        yield fal


@pytest.fixture
def fal(_server: FakeFal) -> FakeFal:
    _server.reset()
    return _server


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def settings(fal: FakeFal, tmp_path: Path) -> ProviderSettings:
    return settings_with(
        fal_key=KEY, fal_queue_url=fal.url, data_dir=tmp_path / "data", output_dir=tmp_path / "pictures"
    )


def settings_with(**values: object) -> ProviderSettings:
    """Settings that look at no `.env` file."""
    return ProviderSettings(_env_file=None, **values)  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def downloader(settings: ProviderSettings) -> AsyncIterator[Downloader]:
    async with Downloader(trusted_origins=settings.trusted_origins) as downloader:
        yield downloader


@pytest_asyncio.fixture
async def provider(fal: FakeFal, downloader: Downloader, naps: Naps) -> AsyncIterator[FalProvider]:
    provider = FalProvider(key=KEY, queue_url=fal.url, downloader=downloader, sleep=naps, stream_silence=LONG)
    yield provider
    await provider.aclose()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.new("RGB", (300, 400), (180, 140, 120)).save(path)
    return path


@pytest.fixture
def second_photo(tmp_path: Path) -> Path:
    path = tmp_path / "second.jpg"
    Image.new("RGB", (320, 320), (20, 140, 120)).save(path)
    return path
