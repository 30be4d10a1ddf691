"""Where pictures and photos lie. The folder is the first store; one that keeps them elsewhere is a class like it.

A value names a file of the store by the path of its copy on this machine. Whoever wrote one says so (`put`) before its
row is written; whoever reads one that another process may have written asks for it (`local`).
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

from providers.media.files import delete_quietly
from providers.media.ref import Area, MediaRef, Places


@runtime_checkable
class MediaStore(Places, Protocol):
    """Must be safe for any number of processes at once. Every process that shares a database shares its store."""

    async def put(self, path: Path) -> MediaRef:
        """A file was written whole at this path: from now on every process may ask for it. Raises ValueError for one
        that lies elsewhere, OSError where it cannot be kept."""

    async def local(self, path: Path) -> Path:
        """The same path, once the file is there. Raises FileNotFoundError where nobody has it (any more)."""

    async def delete(self, paths: Iterable[Path]) -> int:
        """Wherever there are copies; how many files there were. What is not there is passed over."""


class FolderStore:
    """Two folders, `DATA_DIR` and `OUTPUT_DIR`, which all processes see: a disk, or a shared file system."""

    def __init__(self, *, data: Path, pictures: Path) -> None:
        self._roots: dict[Area, Path] = {"data": data.absolute(), "pictures": pictures.absolute()}

    def ref(self, path: Path) -> MediaRef:
        absolute = path.absolute()
        # The inner folder first, where one lies in the other.
        for area, root in sorted(self._roots.items(), key=lambda item: -len(item[1].parts)):
            if absolute.is_relative_to(root):
                return MediaRef(area, absolute.relative_to(root).as_posix())
        raise ValueError("the file is in none of the store's folders")

    def path(self, ref: MediaRef) -> Path:
        return self._roots[ref.area] / ref.name

    async def put(self, path: Path) -> MediaRef:
        return self.ref(path)

    async def local(self, path: Path) -> Path:
        if not await asyncio.to_thread(path.is_file):
            raise FileNotFoundError("a stored file is not there")
        return path

    async def delete(self, paths: Iterable[Path]) -> int:
        return await asyncio.to_thread(self._delete, tuple(paths))

    def _delete(self, paths: tuple[Path, ...]) -> int:
        ours = [path.absolute() for path in paths if self._holds(path)]
        there = sum(path.is_file() for path in ours)
        delete_quietly(ours)
        for folder in {path.parent for path in ours} - set(self._roots.values()):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        return there

    def _holds(self, path: Path) -> bool:
        return any(path.absolute().is_relative_to(root) for root in self._roots.values())
