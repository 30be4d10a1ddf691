"""Pictures and photos in S3-compatible storage, with copies in this machine's folders for as long as they are used.

A file's key is its `MediaRef`. `put` writes a key once and never over another; what is read is fetched whole beside its
place and moved there. obstore's synchronous functions run in threads: its asynchronous ones can end the process when a
call ends just before the loop does.
"""

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from providers.media.files import make_private_folder
from providers.media.ref import MediaRef
from providers.media.store import ID_FILE, FolderStore, new_id, short_id
from providers.media.threads import in_thread

if TYPE_CHECKING:
    from obstore.store import S3Store

log = logging.getLogger(__name__)

T = TypeVar("T")

KEPT_SECONDS = 600.0
"""A copy that nobody asked for so long goes; it is fetched again where somebody does."""
_COPIED = ("photos", "web/photos/kept")
"""Folders of the area `data` whose files are in the bucket; the others belong to this machine alone."""
_CHUNK = 1 << 20


class StorageAway(ConnectionError):
    """The storage did not answer, or refused. Its own words hold keys and addresses, so they are not kept."""


class BucketStore(FolderStore):
    """`bucket`: of obstore, with the prefix in it. `clock`: seconds that only grow."""

    def __init__(
        self, *, data: Path, pictures: Path, bucket: "S3Store", clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(data=data, pictures=pictures)
        self._bucket = bucket
        self._clock = clock
        self._used: dict[Path, float] = {}
        """Copies of what is in the bucket, and when somebody last asked for each."""
        self._owed: set[str] = set()
        """Keys that are to be deleted and are there yet, for the storage was away."""
        self._looked_for_older = False

    async def put(self, path: Path) -> MediaRef:
        # Asked of the bucket each time: another process may have deleted there what lies here still.
        ref = self.ref(path)
        await in_thread(_told, partial(self._put, ref, path))
        self._used[self.path(ref)] = self._clock()
        return ref

    async def local(self, path: Path) -> Path:
        ref = self.ref(path)
        here = self.path(ref)
        if not await in_thread(here.is_file):
            await in_thread(_told, partial(self._fetch, ref, here))
        elif here not in self._used:
            return path
        self._used[here] = self._clock()
        return path

    async def delete(self, paths: Iterable[Path]) -> None:
        refs = [self.ref(path) for path in paths if self._holds(path)]
        ours = [self.path(ref) for ref in refs]
        await super().delete(ours)
        for path in ours:
            self._used.pop(path, None)
        self._owed |= {str(ref) for ref in refs}
        try:
            await self._drop_owed()
        except StorageAway as error:
            log.warning("the storage is away, so files are deleted there later: %s", error)

    async def keep_only(self, folder: Path, named: Iterable[Path]) -> int:
        wanted = {path.absolute() for path in named}
        here = await super().keep_only(folder, wanted)
        extra = [path for path, *_ in await self._listed(folder) if path.parent == folder and path not in wanted]
        await in_thread(_told, partial(self._drop, [str(self.ref(path)) for path in extra]))
        return max(here, len(extra))

    async def old(self, folder: Path, before: datetime) -> tuple[Path, ...]:
        listed = {path for path, written, _ in await self._listed(folder) if written < before}
        return tuple(sorted(listed | set(await super().old(folder, before))))

    async def size(self, folder: Path) -> int:
        listed = {path: size for path, _, size in await self._listed(folder)}
        here = await in_thread(
            lambda: {f: f.stat().st_size for f in folder.iterdir() if f.is_file()} if folder.is_dir() else {}
        )
        return sum((listed | here).values())

    async def identity(self) -> str:
        return await in_thread(_told, self._bucket_identity)

    async def tidy(self) -> None:
        now = self._clock()
        await self._drop_owed()
        if not self._looked_for_older:
            self._looked_for_older = True
            for path in await in_thread(_told, self._older_copies):
                self._used.setdefault(path, now - KEPT_SECONDS)
        for path in [path for path, used in self._used.items() if now - used >= KEPT_SECONDS]:
            del self._used[path]
            await in_thread(partial(path.unlink, missing_ok=True))

    async def _drop_owed(self) -> None:
        owed = sorted(self._owed)
        await in_thread(_told, partial(self._drop, owed))
        self._owed.difference_update(owed)

    async def _listed(self, folder: Path) -> list[tuple[Path, datetime, int]]:
        return await in_thread(_told, lambda: list(self._under(folder)))

    # --- what blocks

    def _put(self, ref: MediaRef, path: Path) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with suppress(AlreadyExistsError):  # written by a run before this one
            obstore.put(self._bucket, str(ref), path, mode="create")

    def _fetch(self, ref: MediaRef, path: Path) -> None:
        import obstore

        found = obstore.get(self._bucket, str(ref))
        make_private_folder(path.parent)
        draft = path.with_name(f".{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for chunk in found.stream(min_chunk_size=_CHUNK):
                    file.write(chunk)
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)

    def _drop(self, keys: list[str]) -> None:
        import obstore

        for at in range(0, len(keys), 1000):  # the most that one request may name
            obstore.delete(self._bucket, keys[at : at + 1000])

    def _under(self, folder: Path) -> Iterator[tuple[Path, datetime, int]]:
        import obstore

        area = next((area for area, root in self.roots.items() if folder.absolute() == root), None)
        for page in obstore.list(self._bucket, prefix=area or str(self.ref(folder))):
            for row in page:
                yield self.path(MediaRef.parse(row["path"])), row["last_modified"], row["size"]

    def _bucket_identity(self) -> str:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with suppress(AlreadyExistsError):  # another process was first: its id counts
            obstore.put(self._bucket, ID_FILE, new_id(), mode="create")
        return short_id(bytes(obstore.get(self._bucket, ID_FILE).bytes()).decode("ascii", "replace"))

    def _older_copies(self) -> list[Path]:
        """Left by a process that died: files of ours that lie here for long and are in the bucket too."""
        limit = time.time() - KEPT_SECONDS
        folders = [self.roots["pictures"], *(self.roots["data"] / name for name in _COPIED)]
        here = {p for f in folders for p in f.glob("*/*") if p.is_file() and p.stat().st_mtime < limit}
        if not here:
            return []
        there = {path for folder in folders for path, *_ in self._under(folder)}
        return sorted(here & there)


def _told(work: Callable[[], T]) -> T:
    """Raises FileNotFoundError for a key that is not there, StorageAway for whatever else the storage says."""
    from obstore.exceptions import BaseError

    try:
        return work()
    except FileNotFoundError:
        raise FileNotFoundError("a stored file is not there") from None
    except BaseError as error:
        raise StorageAway(type(error).__name__) from None
