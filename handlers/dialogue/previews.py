"""A numbered sheet of what styles look like on the person's own photo, made for free on this machine.

It comes beside a page of the menu, or where it is asked for; its numbers are those of the menu, so that a number picks
one. A pleasure, not a job: it is made in the background, small; where anything goes wrong there is no sheet.
It lies among the person's photos for as long as a conversation shows it, and goes at once where the chat has its own.
"""

import asyncio
import hashlib
import logging
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from handlers.channel import Channel, DeliveryError
from handlers.dialogue.menus import style_choices
from handlers.dialogue.turn import SheetOfStyles
from handlers.marked_copies import with_copies
from handlers.message import Chat, Kind, Language, Message, Outgoing
from handlers.store.base import Store
from handlers.style_previews import StylePreviews
from handlers.words import words
from providers.base import PictureFile
from providers.catalog import STYLES
from providers.errors import LikenessError
from providers.media.files import delete_quietly, write_file
from providers.media.preview import collage, dimensions
from providers.media.store import at_hand
from providers.media.threads import in_thread

log = logging.getLogger(__name__)

MOST = 9
Numbered = tuple[int, str]
"""A style with its number on the menu that it was offered on."""
LEFT_SECONDS = 3600.0
"""Age beyond which a sheet's files belong to no running process."""


class Marks(Protocol):
    """Puts the visible mark on what is sent to a chat that must show it."""

    async def delivered(
        self, pictures: Sequence[PictureFile], *, chat: Chat, language: Language
    ) -> tuple[PictureFile, ...]: ...


class Previews:
    """`channels`: where a sheet may be sent; `unasked`: in which of them also beside a page of styles, since a picture
    more costs nothing there (WeChat counts messages). `folder` is for what is on the way to a sheet; the sheets
    themselves lie in `photos_dir`, a folder a person. `marks`: what a chat's pictures are marked with."""

    def __init__(
        self,
        *,
        styles: StylePreviews,
        channels: Mapping[str, Channel],
        unasked: Collection[str],
        store: Store,
        folder: Path,
        photos_dir: Path,
        marks: Marks,
    ) -> None:
        self._styles = styles
        self._channels = dict(channels)
        self._unasked = frozenset(unasked)
        self._store = store
        self._folder = folder
        self._photos_dir = photos_dir
        self._marks = marks
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def styles(self, chat: Chat) -> tuple[str, ...]:
        """The styles of the sheet that can be asked for in this chat."""
        return self._styles.possible()[:MOST] if chat.channel in self._channels else ()

    def begin(self, message: Message, photo: Path, sheet: SheetOfStyles, language: Language) -> None:
        """Make and send the sheet, numbered as its styles are, as far as previews of them can be made. Returns at
        once."""
        channel = self._channels.get(message.chat.channel)
        possible = frozenset(self._styles.possible(sheet.styles))
        numbered = [(number, key) for number, key in enumerate(sheet.styles, 1) if key in possible][:MOST]
        if channel is None or len(numbered) < 2 or not (sheet.asked or message.chat.channel in self._unasked):
            return
        task = asyncio.create_task(self._make_and_send(channel, message, photo, numbered, language))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Wait for every sheet that was begun."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _make_and_send(
        self, channel: Channel, message: Message, photo: Path, styles: list[Numbered], language: Language
    ) -> None:
        folder = self._folder / hashlib.sha256(message.key.encode()).hexdigest()[:24]
        try:
            async with self._one_at_a_time:
                await at_hand(self._store.media, photo)
                sheet, shown = await self._sheet(photo, styles, folder, self._photos_dir / message.chat.owner)
            try:
                marked = await self._marks.delivered((sheet,), chat=message.chat, language=language)
                outgoing = self._outgoing(message, marked, shown, language)
                place = await channel.reserve(message.chat, outgoing)
                await channel.deliver(message.chat, outgoing, place)
            finally:
                await self._let_go(with_copies([sheet.path]))
        except (LikenessError, DeliveryError, OSError) as error:
            log.info("previews failed: %s", getattr(error, "code", type(error).__name__))
        finally:
            await in_thread(_delete, self._folder, folder)

    async def _let_go(self, sheets: Collection[Path]) -> None:
        """A picture shown in a conversation is kept as long as the conversation's entry."""
        left = await self._store.unnamed(tuple(sheets))
        if self._store.media is not None:
            await self._store.media.delete(left)
        else:
            await in_thread(delete_quietly, left)

    def _outgoing(
        self, message: Message, sheet: tuple[PictureFile, ...], shown: Sequence[Numbered], language: Language
    ) -> Outgoing:
        """With something to tap only where all numbers are those of the sheet, and where that costs nothing."""
        names = "\n".join(f"{number}. {STYLES[key].name(language)}" for number, key in shown)
        whole = [number for number, _ in shown] == list(range(1, len(shown) + 1))
        tapped = [key for _, key in shown] if whole and message.chat.channel in self._unasked else []
        return Outgoing(
            id=f"previews:{message.key}",
            kind=Kind.PICTURES,
            text=f"{words(language, 'say.previews')}\n{names}",
            choices=style_choices(tapped, language),
            pictures=sheet,
            ref=message.ref,
            language=language,
        )

    async def _sheet(
        self, photo: Path, styles: Sequence[Numbered], folder: Path, into: Path
    ) -> tuple[PictureFile, list[Numbered]]:
        """The sheet, and the styles on it in order: a style that this photo does not allow is left out."""
        numbers = {key: number for number, key in styles}
        made: list[tuple[Numbered, Path]] = []
        async for key, picture in self._styles.of(photo, list(numbers), folder):
            made.append(((numbers[key], key), picture.path))
        if len(made) < 2:
            raise OSError("too few previews")
        data = await in_thread(collage, [path for _, path in made], numbers=[number for (number, _), _ in made])
        path = await in_thread(write_file, data, into=into, name=f"previews-{folder.name}.jpg")
        width, height = await in_thread(dimensions, path)
        sheet = PictureFile(
            path=path,
            width=width,
            height=height,
            size_bytes=len(data),
            mime="image/jpeg",
            provider=self._styles.maker,
            request_id=folder.name,
        )
        return sheet, [numbered for numbered, _ in made]


def _delete(root: Path, folder: Path) -> None:
    """Delete this sheet's files and those left by a dead process, so that nothing of a photo stays. Blocks."""
    shutil.rmtree(folder, ignore_errors=True)
    limit = time.time() - LEFT_SECONDS
    for left in root.iterdir() if root.is_dir() else ():
        if left.stat().st_mtime <= limit:
            shutil.rmtree(left, ignore_errors=True)
