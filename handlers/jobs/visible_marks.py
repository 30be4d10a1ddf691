"""The visible mark on what is delivered: which chats see it, and the marked copies sent there.

What was made stays unmarked: the next edit works on it, and "again" and a resend start from it. A chat that must show
the mark gets copies, marked last and at the final size, stored beside the pictures.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from handlers.marked_copies import marked_copy
from handlers.message import Chat, Language
from providers.base import PictureFile
from providers.errors import LikenessError
from providers.labelling import signed
from providers.media.credentials import ContentCredentials
from providers.media.files import read_regular_file, write_file
from providers.media.labels import carried_over, read_label
from providers.media.threads import in_thread
from providers.media.visible_mark import Box, marked

log = logging.getLogger(__name__)

Policy = Literal["off", "on", "auto"]
FindFaces = Callable[[Path], Awaitable[Sequence[Box]]]
_MOST_BYTES = 200 * 1024 * 1024


async def no_faces(_: Path) -> Sequence[Box]:
    """If no face finder is configured, the mark takes its first corner."""
    return ()


@dataclass(frozen=True, kw_only=True)
class VisibleMarks:
    """`auto`: in the channels of `always`, and elsewhere if the person writes Chinese. `faces` are kept free."""

    policy: Policy = "auto"
    always: frozenset[str] = field(default_factory=frozenset)
    faces: FindFaces = no_faces
    credentials: ContentCredentials | None = None
    """What the marked copies are signed with, as their pictures are."""
    clean_files: bool = False
    """The file without the mark is offered, against a promise (`handlers/clean_files.py`)."""

    def wanted(self, chat: Chat, language: Language) -> bool:
        if self.policy != "auto":
            return self.policy == "on"
        return chat.channel in self.always or language == "zh"

    async def delivered(
        self, pictures: Sequence[PictureFile], *, chat: Chat, language: Language
    ) -> tuple[PictureFile, ...]:
        """The pictures as this chat gets them."""
        if not self.wanted(chat, language):
            return tuple(pictures)
        return tuple([await self._marked(picture) for picture in pictures])

    async def _marked(self, picture: PictureFile) -> PictureFile:
        return await in_thread(_write_marked, picture, await self._faces(picture), self.credentials)

    async def _faces(self, picture: PictureFile) -> Sequence[Box]:
        try:
            return await self.faces(picture.path)
        except LikenessError as error:  # the mark is required all the same
            log.warning("looking for faces failed: %s", error.code)
            return ()


def _write_marked(picture: PictureFile, faces: Sequence[Box], credentials: ContentCredentials | None) -> PictureFile:
    clean = read_regular_file(picture.path, max_bytes=_MOST_BYTES)
    data = carried_over(marked(clean, keep_free=faces), clean)
    data = signed(data, read_label(data), credentials)
    path = write_file(data, into=picture.path.parent, name=marked_copy(picture.path).name)
    return replace(picture, path=path, size_bytes=len(data))
