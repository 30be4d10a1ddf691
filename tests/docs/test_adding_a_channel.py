"""`docs/adding-a-channel.md` is followed to the letter, and the new channel passes the contract of channels."""

import asyncio
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import bot.channels
from bot.channels.registry import registered
from bot.channels.settings import channel_settings
from handlers.channel import Answerer, Channel
from handlers.message import Chat, Outgoing
from tests.bot.crash import crashed
from tests.contract import test_channel as contract
from tests.contract.channels import TIMING, Clock, Platform, Store
from tests.docs.example import examples
from tests.waiting import LONG

PACKAGE = "bot.channels.letterbox"


@pytest.fixture(scope="module", autouse=True)
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The example's files in a folder beside the shipped channels', found as they are."""
    root = tmp_path_factory.mktemp("channels")
    for name, text in examples("adding-a-channel.md").items():
        path = root / Path(name).relative_to("bot/channels")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (root / "letterbox" / "__init__.py").touch()
    bot.channels.__path__.append(str(root))
    registered.cache_clear()
    channel_settings.cache_clear()
    yield root
    bot.channels.__path__.remove(str(root))
    registered.cache_clear()
    channel_settings.cache_clear()
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


@dataclass
class Letterbox:
    folder: Path
    clock: Clock = field(default_factory=Clock)
    chat: Chat = field(default_factory=lambda: Chat(channel="letterbox", chat="ann", person="ann"))
    written: int = 0
    lose: bool = False

    def __post_init__(self) -> None:
        self.store = Store(clock=self.clock)

    def process(self, folder: Path) -> Any:
        from bot.channels.letterbox.channel import LetterboxChannel  # type: ignore[import-not-found]

        return LetterboxChannel(folder=self.folder, store=self.store, data_dir=folder, timing=TIMING)

    async def start(self, channel: Channel, answerer: Answerer) -> None:
        await channel.start(answerer)

    async def crash(self, channel: Any) -> None:
        channel._looking.cancel()
        await asyncio.gather(channel._looking, return_exceptions=True)
        await crashed(channel.intake)

    async def idle(self, channel: Any) -> None:
        await self._taken()
        await channel.intake.idle()

    async def _taken(self) -> None:
        async with asyncio.timeout(LONG):
            while any((self.folder / "in").glob("*.txt")):  # noqa: ASYNC110  # a folder tells nobody
                await asyncio.sleep(0.01)

    async def says(self, text: str) -> Any:
        self.written += 1
        said = f"ann.{self.written}.txt", text
        await self.repeats(said)
        return said

    async def repeats(self, said: Any) -> None:
        name, text = said
        draft = self.folder / name
        draft.write_text(text, "utf-8")
        draft.rename(self.folder / "in" / name)
        await self._taken()

    async def texts(self) -> list[str]:
        return [path.read_text("utf-8") for path in sorted((self.folder / "out" / "ann").glob("*.txt"))]

    async def pictures(self) -> int:
        return len(list((self.folder / "out" / "ann").glob("*/*")))

    async def lose_an_answer(self) -> None:
        """A file has no answer that could be lost."""

    async def refuse(self, channel: Channel, outgoing: Outgoing) -> None:
        shutil.rmtree(self.folder / "out")

    async def away(self) -> bool:
        shutil.rmtree(self.folder / "out")
        return True


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Letterbox(folder=tmp_path)


def test_it_is_found_by_its_folder_and_nothing_else_names_it() -> None:
    (registration,) = [channel for channel in registered() if channel.name == "letterbox"]
    settings = registration.settings.model_construct(letterbox_dir=Path("somewhere"))
    assert settings.is_ready()
    assert registration.settings in channel_settings()
    assert not registration.settings.model_construct(letterbox_dir=None).is_ready()


CONTRACT = {name: test for name, test in vars(contract).items() if name.startswith("test_")}
globals().update(CONTRACT)
"""The very tests of the contract, with the letterbox as their platform."""


def test_the_whole_contract_is_asked() -> None:
    assert len(CONTRACT) >= 13
