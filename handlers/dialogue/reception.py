"""Photos taken in: checked, saved under our own names, and, where an order asks for faces, looked at."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from handlers.marked_copies import with_copies
from handlers.message import Chat, IncomingPhoto, Language
from handlers.session import PhotoAdvice, SessionPhoto
from handlers.store.base import Store
from handlers.words import words
from providers.errors import LikenessError
from providers.media.accept import turned
from providers.media.files import delete_quietly
from providers.media.store import FolderStore, at_hand
from providers.media.threads import in_thread
from providers.people.inspector import Advice

log = logging.getLogger(__name__)


class Accepted(Protocol):
    """A checked photo: upright, sRGB, without metadata, saved under our own name."""

    @property
    def path(self) -> Path: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def source_size(self) -> tuple[int, int]:
        """Of what came in."""


def _larger(photo: Accepted) -> tuple[int, int] | None:
    """What it was before it was reduced; a cut or a turn is no reduction."""
    return photo.source_size if max(photo.source_size) > max(photo.width, photo.height) else None


Accept = Callable[[Path, Path], Awaitable[Accepted]]
"""Checks a photo file and saves the checked copy under the given folder; raises AskPerson."""


class Judges(Protocol):
    """`providers.people.inspector.Inspector`."""

    async def check(self, photo: Path) -> Advice | None: ...


class Reception:
    """`judge` None: photos are not looked at, and nobody is advised."""

    def __init__(self, *, accept: Accept, store: Store, photos_dir: Path, judge: Judges | None = None) -> None:
        self._accept = accept
        self._store = store
        self._photos_dir = photos_dir
        self._judge = judge

    @property
    def looks(self) -> bool:
        return self._judge is not None

    def folder_of(self, chat: Chat) -> Path:
        """The folder of a person's photos."""
        return self._photos_dir / chat.owner

    async def take_in(
        self, photos: Sequence[IncomingPhoto], chat: Chat, *, at: datetime, language: Language
    ) -> tuple[tuple[SessionPhoto, ...], tuple[str, ...]]:
        """The photos that could be accepted, and a sentence for each reason why others could not."""
        if not photos:
            return (), ()
        into = self.folder_of(chat)
        results = await asyncio.gather(*(self._accept(p.path, into) for p in photos), return_exceptions=True)
        laid: list[SessionPhoto] = []
        refused: dict[str, None] = {}
        for photo, result in zip(photos, results, strict=True):
            if isinstance(result, LikenessError):
                refused[words(language, result.text_key, **result.params)] = None
            elif isinstance(result, BaseException):
                raise result
            else:
                laid.append(
                    SessionPhoto(
                        key=photo.key,
                        path=result.path,
                        width=result.width,
                        height=result.height,
                        at=at,
                        reduced_from=_larger(result),
                    )
                )
        return tuple(laid), tuple(refused)

    async def advice(self, photos: Sequence[Path]) -> Mapping[Path, PhotoAdvice | None]:
        """What is to be said of each photo, set upright where it lies on its side; None where nothing can be told."""
        return {photo: await self._advice(photo) for photo in photos}

    async def delete(self, chat: Chat, files: set[Path]) -> int:
        """Delete a person's photos and the given files, wherever they lie; how many photos there were."""
        folder, media = self.folder_of(chat), self._store.media
        if media is None:
            await in_thread(delete_quietly, files)
            media = FolderStore(data=self._photos_dir, pictures=self._photos_dir)
        await media.delete(with_copies(path for path in files if path.parent != folder))
        return await media.keep_only(folder, ())

    async def _advice(self, photo: Path) -> PhotoAdvice | None:
        if self._judge is None:
            return None
        try:
            await at_hand(self._store.media, photo)
            found = await self._judge.check(photo)
            if found is None:
                return None
            upright = await in_thread(turned, photo, found.quarters) if found.quarters else None
            if upright is not None and self._store.media is not None:
                await self._store.media.put(upright.path)
        except (LikenessError, OSError) as error:  # advice is done without, and what is wrong is found where it matters
            log.info("a photo could not be looked at: %s", type(error).__name__)
            return None
        return PhotoAdvice(
            findings=found.findings,
            faces=found.faces,
            width=found.width,
            wanted=found.wanted,
            score=found.score,
            fingerprint=found.fingerprint,
            upright=upright.path if upright else None,
            size=(upright.width, upright.height) if upright else None,
        )
