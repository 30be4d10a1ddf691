"""Where pictures and photos are stored. The folder is the first store; `bucket.py` is S3-compatible storage.

A value names a file of the store by the path of its copy on this machine. Whoever wrote one says so (`put`) before its
row is written; whoever reads one that another process may have written asks for it (`local`).
"""

import asyncio
import hashlib
import logging
import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from providers.media.files import delete_quietly, make_folder, write_new_file
from providers.media.ref import Area, MediaRef, Places

log = logging.getLogger(__name__)

ID_FILE = ".storage-id"


@runtime_checkable
class MediaStore(Places, Protocol):
    """Must be safe for any number of processes at once. Every process that shares a database shares its store.

    Storage that does not answer is a ConnectionError: a reason to wait.
    """

    async def put(self, path: Path) -> MediaRef:
        """A file was written whole at this path: from now on every process may ask for it. Raises ValueError for one
        that lies elsewhere, OSError where it cannot be kept."""

    async def local(self, path: Path) -> Path:
        """The same path, once the file is there. Raises FileNotFoundError where nobody has it (any more)."""

    async def delete(self, paths: Iterable[Path]) -> None:
        """Wherever there are copies. What is not there, or lies elsewhere, is passed over."""

    async def keep_only(self, folder: Path, named: Iterable[Path]) -> int:
        """Delete what lies in a folder of the store and is not named; how many files that were."""

    async def old(self, folder: Path, before: datetime) -> tuple[Path, ...]:
        """What lies in the folders of this folder and was written before that."""

    async def size(self, folder: Path) -> int:
        """Bytes of the files in a folder of the store."""

    async def identity(self) -> str:
        """An id that lies in the store itself: whoever reads the same one really shares it. Raises OSError where the
        store cannot be written or read."""

    async def tidy(self) -> None:
        """Let go of copies that this machine does not need any more."""


class FolderStore:
    """Two folders, `DATA_DIR` and `OUTPUT_DIR`, which all processes see: a disk, or a shared file system."""

    def __init__(self, *, data: Path, pictures: Path) -> None:
        self.roots: dict[Area, Path] = {"data": data.absolute(), "pictures": pictures.absolute()}

    def ref(self, path: Path) -> MediaRef:
        absolute = path.absolute()
        # The inner folder first, where one lies in the other.
        for area, root in sorted(self.roots.items(), key=lambda item: -len(item[1].parts)):
            if absolute.is_relative_to(root):
                return MediaRef(area, absolute.relative_to(root).as_posix())
        raise ValueError("the file is in none of the store's folders")

    def path(self, ref: MediaRef) -> Path:
        return self.roots[ref.area] / ref.name

    async def put(self, path: Path) -> MediaRef:
        return self.ref(path)

    async def local(self, path: Path) -> Path:
        if not await asyncio.to_thread(path.is_file):
            raise FileNotFoundError("a stored file is not there")
        return path

    async def delete(self, paths: Iterable[Path]) -> None:
        await asyncio.to_thread(self._delete, tuple(paths))

    async def keep_only(self, folder: Path, named: Iterable[Path]) -> int:
        return await asyncio.to_thread(self._keep_only, folder, {path.absolute() for path in named})

    async def old(self, folder: Path, before: datetime) -> tuple[Path, ...]:
        return await asyncio.to_thread(_old, folder, before.timestamp())

    async def size(self, folder: Path) -> int:
        return await asyncio.to_thread(
            lambda: sum(file.stat().st_size for file in folder.iterdir()) if folder.is_dir() else 0
        )

    async def identity(self) -> str:
        return await asyncio.to_thread(self._identity)

    async def tidy(self) -> None:
        """The folders are the store: there are no copies."""

    def _delete(self, paths: tuple[Path, ...]) -> None:
        ours = [path.absolute() for path in paths if self._holds(path)]
        delete_quietly(ours)
        for folder in {path.parent for path in ours} - set(self.roots.values()):
            _remove_if_empty(folder)

    def _keep_only(self, folder: Path, named: set[Path]) -> int:
        if not folder.is_dir() or not self._holds(folder):
            return 0
        gone = 0
        for file in folder.iterdir():
            if file not in named:
                try:
                    file.unlink(missing_ok=True)
                    gone += 1
                except OSError as error:  # what is left over must not cost the person the result
                    log.warning("a file that no row names stays: %s", type(error).__name__)
        _remove_if_empty(folder)
        return gone

    def _identity(self) -> str:
        found = []
        for folder in self.roots.values():
            make_folder(folder)
            file = folder / ID_FILE
            if not file.exists():
                with suppress(FileExistsError):  # another process was first: its id counts
                    write_new_file(new_id(), into=folder, name=ID_FILE)
            found.append(file.read_text())
        return short_id("".join(found))

    def _holds(self, path: Path) -> bool:
        return any(path.absolute().is_relative_to(root) for root in self.roots.values())


def new_id() -> bytes:
    return uuid.uuid4().hex.encode()


def short_id(found: str) -> str:
    return hashlib.sha256(found.encode()).hexdigest()[:12]


def _old(folder: Path, before: float) -> tuple[Path, ...]:
    return tuple(p for p in folder.glob("*/*") if p.is_file() and p.stat().st_mtime < before)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # something is in it
        folder.rmdir()


async def at_hand(media: MediaStore | None, path: Path) -> bool:
    """Whether the file is on this machine now, fetched if need be. Without a store, whether it lies there."""
    try:
        if media is not None:
            await media.local(path)
            return True
        return await asyncio.to_thread(path.is_file)
    except FileNotFoundError:
        return False
