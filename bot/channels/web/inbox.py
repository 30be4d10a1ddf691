"""A message from the page between its acknowledgement and its handling; and the photos' bytes."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bot.channels.web.cookies import chat_of
from bot.channels.web.texts import examples
from handlers.message import Chat, IncomingPhoto, Kind, Language, Margins, Message, Outgoing, Painted
from handlers.store.base import Entry
from providers.base import PictureFile
from providers.errors import LikenessError
from providers.media.files import make_folder
from providers.media.preview import dimensions
from providers.media.ref import StoredPath
from providers.media.store import FolderStore, MediaStore
from providers.media.threads import in_file_thread

UNUSED_SECONDS = 3600.0
"""A photo that no line of its conversation shows is deleted when it is older than this."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
    (0, b"GIF8", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftyphev", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
)
UNKNOWN = "application/octet-stream"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Photo(_Frozen):
    """A photo of a message: `key` as in `IncomingPhoto`. Size 0 and `UNKNOWN` if it does not look like a picture."""

    key: str
    path: StoredPath
    width: int = 0
    height: int = 0
    size_bytes: int = 0
    mime: str = UNKNOWN

    def incoming(self) -> IncomingPhoto:
        return IncomingPhoto(key=self.key, path=self.path)

    def shown(self) -> PictureFile:
        return PictureFile(
            path=self.path,
            width=self.width,
            height=self.height,
            size_bytes=self.size_bytes,
            mime=self.mime,
            provider="",
            request_id="",
        )


class Received(_Frozen):
    """One message from the page, as stored in the inbox. `id` names it among this person's messages.

    `label` is the text of the tapped choice. `quoted` are pictures of the conversation that the message is about.
    """

    id: str
    person: str
    text: str = ""
    choice: str | None = None
    label: str = ""
    photos: tuple[Photo, ...] = ()
    quoted: tuple[Photo, ...] = ()
    quoted_job: str | None = None
    mask: StoredPath | None = None
    margins: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Left, right, top, bottom, as in `handlers.message.Margins`."""
    language: Language
    at: datetime | None = None
    address: str | None = None

    @property
    def chat(self) -> Chat:
        return chat_of(self.person)

    @property
    def marks(self) -> tuple[Path, ...]:
        """The mask, until what it marks is known to the handlers, who keep a copy of their own."""
        return (self.mask,) if self.mask else ()

    @property
    def key(self) -> str:
        return f"web:{self.person}:{self.id}"

    def message(self) -> Message:
        """For the handlers. A picture taken up without a word is in the session like a photo just sent."""
        left, right, top, bottom = self.margins
        margins = Margins(left=left, right=right, top=top, bottom=bottom)
        painted = Painted(mask=self.mask, margins=margins) if self.mask or margins else None
        taken_up = self.quoted if not self.text and painted is None else ()
        return Message(
            key=self.key,
            chat=self.chat,
            text="" if self.choice else self.text,
            choice=self.choice,
            photos=tuple(photo.incoming() for photo in (*taken_up, *self.photos)),
            quoted_photos=() if taken_up else tuple(photo.incoming() for photo in self.quoted),
            quoted_job=None if taken_up else self.quoted_job,
            painted=painted,
            language_hint=self.language,
            offered=self.text in examples(),
            ref=self.id,
            at=self.at,
            address=self.address,
        )

    def line(self) -> Outgoing:
        """The person's own line in the conversation."""
        pictures = tuple(photo.shown() for photo in (*self.quoted, *self.photos))
        return Outgoing(
            id=self.id,
            kind=Kind.PICTURES if pictures else Kind.TEXT,
            text=self.label or self.text,
            pictures=pictures,
            language=self.language,
        )


def mime_of(head: bytes) -> str:
    """The kind of picture announced by a file's first 16 bytes; decoding tells what is really in it."""
    return next((mime for at, magic, mime in _MAGIC if head[at : at + len(magic)] == magic), UNKNOWN)


def look_at(path: Path, key: str) -> Photo:
    """A photo's size for the page. Blocks. An unreadable one is still a `Photo`: the handlers report it."""
    with path.open("rb") as file:
        mime = mime_of(file.read(16))
    size = path.stat().st_size
    try:
        width, height = dimensions(path)
    except (LikenessError, OSError):
        return Photo(key=key, path=path, size_bytes=size)
    return Photo(key=key, path=path, width=width, height=height, size_bytes=size, mime=mime)


def label_of(entries: Iterable[Entry], choice: str) -> str:
    """The label of the newest choice with this id; empty if it was never offered."""
    labels = [c.label for e in entries if not e.from_person for c in e.outgoing.choices if c.id == choice]
    return labels[-1] if labels else ""


class PhotoShelf:
    """Where photos are stored as they came: a folder per person, under `DATA_DIR`."""

    def __init__(self, root: Path, media: MediaStore) -> None:
        self._root = root
        self._media = media

    @property
    def arriving(self) -> Path:
        """Where photos are written while they arrive."""
        return self._root / "arriving"

    def of(self, chat: Chat) -> Path:
        return self._root / "kept" / chat.owner

    async def keep(self, chat: Chat, arrived: Path) -> Path:
        """Move a photo that has arrived to its person's folder, where every process finds it."""
        path = await in_file_thread(_moved, arrived, self.of(chat))
        try:
            await self._media.put(path)
        except BaseException:
            await in_file_thread(partial(path.unlink, missing_ok=True))
            raise
        return path

    async def share(self, picture: Path) -> None:
        """A picture that is shown. One in no folder of the store is shown by this process alone."""
        with suppress(ValueError):
            await self._media.put(picture)

    async def size(self, chat: Chat) -> int:
        """Bytes stored for this person."""
        return await self._media.size(self.of(chat))

    async def unused(self) -> tuple[Path, ...]:
        """Photos of everybody that have been here for `UNUSED_SECONDS`."""
        before = datetime.now(UTC) - timedelta(seconds=UNUSED_SECONDS)
        return await self._media.old(self._root / "kept", before)

    async def tidy(self, chat: Chat, used: set[Path]) -> int:
        """Delete this person's photos that are not `used`; returns how many."""
        return await self._media.keep_only(self.of(chat), used)

    async def delete(self, photos: Sequence[Path]) -> None:
        await self._media.delete(photos)

    def tidy_arriving(self) -> int:
        """Delete the partial uploads of dead processes. Blocks; returns how many."""
        return _delete_old(self.arriving, set(), UNUSED_SECONDS)


def folder_of(data_dir: Path) -> FolderStore:
    """For a store that names files by their paths."""
    return FolderStore(data=data_dir, pictures=data_dir)


def _moved(file: Path, folder: Path) -> Path:
    while True:
        make_folder(folder)
        try:
            return file.rename(folder / file.name)
        except FileNotFoundError:  # the folder was empty, and another process deleted it at this moment
            if not file.exists():
                raise


def _delete_old(folder: Path, used: set[Path], older_than: float) -> int:
    if not folder.is_dir():
        return 0
    limit = time.time() - older_than
    unused = [file for file in folder.iterdir() if file not in used and file.stat().st_mtime <= limit]
    for file in unused:
        file.unlink(missing_ok=True)
    return len(unused)
