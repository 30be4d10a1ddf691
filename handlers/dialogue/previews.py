"""A numbered sheet of what the styles of a group look like on the person's own photo, made for free on this machine.

A pleasure beside the menu, not a job: it is made in the background, small; where anything goes wrong there is no sheet.
It lies among the person's photos for as long as a conversation shows it, and goes at once where the chat has its own.
"""

import asyncio
import hashlib
import logging
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from handlers.channel import Channel, DeliveryError
from handlers.dialogue.menus import style_choices
from handlers.marked_copies import with_copies
from handlers.message import Chat, Kind, Language, Message, Outgoing
from handlers.store.base import Store
from handlers.words import words
from providers.base import PictureFile, Provider, Request
from providers.catalog import STYLES
from providers.errors import LikenessError
from providers.labelling import with_labels
from providers.media.files import delete_quietly, write_file
from providers.media.preview import collage, dimensions, thumbnail
from providers.media.threads import in_thread
from providers.task import Operation, Task

log = logging.getLogger(__name__)

SMALL_SIDE = 384
"""Pixels of the photo a preview is made from: a second's work instead of several."""
MOST = 9
LEFT_SECONDS = 3600.0
"""Age of a sheet's files that nobody works on any more."""


class Marks(Protocol):
    """Puts the visible mark on what a chat that is to see it gets."""

    async def delivered(
        self, pictures: Sequence[PictureFile], *, chat: Chat, language: Language
    ) -> tuple[PictureFile, ...]: ...


class Previews:
    """`provider` is the free one. `channels`: where a picture more costs nothing (WeChat counts messages). `folder` is
    for what is on the way to a sheet; the sheets themselves lie in `photos_dir`, a folder a person. `producer` and
    `marks`: what a sheet is labelled with, as every picture made is."""

    def __init__(
        self,
        *,
        provider: Provider,
        channels: Mapping[str, Channel],
        store: Store,
        folder: Path,
        photos_dir: Path,
        producer: str,
        marks: Marks,
    ) -> None:
        self._provider = provider
        self._channels = dict(channels)
        self._store = store
        self._folder = folder
        self._photos_dir = photos_dir
        self._producer = producer
        self._marks = marks
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, message: Message, photo: Path, styles: Sequence[str], language: Language) -> None:
        """Make and send the sheet of these styles, as far as previews of them can be made. Returns at once."""
        channel = self._channels.get(message.chat.channel)
        offers = self._provider.offers
        keys = [key for key in styles if offers.find(_portrait(key)) is not None][:MOST]
        if channel is None or len(keys) < 2:
            return
        task = asyncio.create_task(self._make_and_send(channel, message, photo, keys, language))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Until every sheet that was begun is done with."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _make_and_send(
        self, channel: Channel, message: Message, photo: Path, keys: list[str], language: Language
    ) -> None:
        folder = self._folder / hashlib.sha256(message.key.encode()).hexdigest()[:24]
        try:
            async with self._one_at_a_time:
                sheet, shown = await self._sheet(photo, keys, folder, self._photos_dir / message.chat.owner)
            try:
                marked = await self._marks.delivered((sheet,), chat=message.chat, language=language)
                outgoing = self._outgoing(message, marked, shown, language)
                place = await channel.reserve(message.chat, outgoing)
                await channel.deliver(message.chat, outgoing, place)
            finally:
                await self._let_go(with_copies([sheet.path]))
        except (LikenessError, DeliveryError, OSError) as error:
            log.info("no previews: %s", getattr(error, "code", type(error).__name__))
        finally:
            await in_thread(_delete, self._folder, folder)

    async def _let_go(self, sheets: Collection[Path]) -> None:
        """What a line of a conversation shows stays as long as that line."""
        left = await self._store.unnamed(tuple(sheets))
        if self._store.media is not None:
            await self._store.media.delete(left)
        else:
            await in_thread(delete_quietly, left)

    @staticmethod
    def _outgoing(
        message: Message, sheet: tuple[PictureFile, ...], keys: Sequence[str], language: Language
    ) -> Outgoing:
        names = "\n".join(f"{n}. {STYLES[key].name(language)}" for n, key in enumerate(keys, 1))
        return Outgoing(
            id=f"previews:{message.key}",
            kind=Kind.PICTURES,
            text=f"{words(language, 'say.previews')}\n{names}",
            choices=style_choices(keys, language),
            pictures=sheet,
            ref=message.ref,
            language=language,
        )

    async def _sheet(self, photo: Path, keys: list[str], folder: Path, into: Path) -> tuple[PictureFile, list[str]]:
        """The sheet, and the styles on it in order: a style that this photo does not allow is left out."""
        small = await in_thread(self._small, photo, folder)
        made: list[tuple[str, Path]] = []
        for key in keys:
            try:
                made.append((key, await self._preview(small, key, folder)))
            except LikenessError as error:
                log.info("no preview: style=%s %s", key, error.code)
        if len(made) < 2:
            raise OSError("too few previews")
        data = await in_thread(collage, [path for _, path in made])
        path = await in_thread(write_file, data, into=into, name=f"previews-{folder.name}.jpg")
        width, height = await in_thread(dimensions, path)
        sheet = PictureFile(
            path=path,
            width=width,
            height=height,
            size_bytes=len(data),
            mime="image/jpeg",
            provider=self._provider.name,
            request_id=folder.name,
        )
        return sheet, [key for key, _ in made]

    @staticmethod
    def _small(photo: Path, folder: Path) -> Path:
        return write_file(thumbnail(photo, SMALL_SIDE), into=folder, name="photo.jpg")

    async def _preview(self, photo: Path, style: str, folder: Path) -> Path:
        key = f"{folder.name}-{style}"
        request = Request(key=key, task=_portrait(style), prompt=style, photos=(photo,))
        submission = await self._provider.submit(request)
        async for _ in self._provider.follow(submission):
            pass
        result = await self._provider.fetch(submission, folder)
        label = partial(with_labels, key=key, task=request.task, tier=self._provider.tier, producer=self._producer)
        return (await in_thread(label, result.pictures[:1]))[0].path


def _portrait(style: str) -> Task:
    """In the photo's own ratio."""
    return Task(operation=Operation.PORTRAIT, style=style, photos=1)


def _delete(root: Path, folder: Path) -> None:
    """Nothing of a person's photo stays: this sheet's files, and what a process that died left. Blocks."""
    shutil.rmtree(folder, ignore_errors=True)
    limit = time.time() - LEFT_SECONDS
    for left in root.iterdir() if root.is_dir() else ():
        if left.stat().st_mtime <= limit:
            shutil.rmtree(left, ignore_errors=True)


def offered_styles(choices: Sequence[str]) -> list[str]:
    """The styles among the ids of offered choices."""
    return [rest for verb, _, rest in (choice.partition(":") for choice in choices) if verb == "style"]


def wants_previews(message: Message) -> bool:
    """Whether a page of styles was just opened."""
    return (message.choice or "").startswith("group:")
