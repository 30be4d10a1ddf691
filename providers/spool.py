"""Pictures that came in the answer to a paid POST, kept until they are fetched: on disk before the submit returns.

A service that answers with the picture has no job to ask again: what is not kept at once is lost with the process,
and was paid for. Kept until they are saved and written down (`Provider.release`), so that a fetch can be repeated in
another process; what nobody fetched is gone after a day, as with services that have jobs, and deleted at the next
keeping.

The manifest is written last: what has none is not there.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers.errors import AskPerson, MadeNothing
from providers.media.files import delete_quietly, read_regular_file, write_file
from providers.media.threads import in_thread, in_thread_to_its_end

DAY = 24 * 3600.0
MAX_BYTES = 100 * 1024 * 1024
_MANIFEST = ".json"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The pictures of one request, unchanged, and the service's notes about them."""

    pictures: tuple[Path, ...]
    notes: Mapping[str, Any]


class Spool:
    """`folder`: of one service. Keys are requests' keys; they may be anything."""

    def __init__(self, folder: Path, *, kept_for: float = DAY, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._kept_for = kept_for
        self._now = now

    async def keep(self, key: str, pictures: Sequence[bytes], notes: Mapping[str, Any]) -> None:
        """On disk when it returns; `notes` is JSON. A caller that is cancelled waits until it is."""
        await in_thread_to_its_end(self._keep, key, pictures, notes)

    async def find(self, key: str) -> Kept | None:
        """What was kept under this key; None where nothing was, or not any more."""
        return await in_thread(self._find, key)

    async def read(self, kept: Kept, number: int) -> bytes:
        """One picture's bytes. Raises MadeNothing `result_gone`."""
        return await in_thread(_bytes_of, kept.pictures[number])

    async def drop(self, key: str) -> None:
        """The pictures are saved elsewhere: nobody's face lies here longer than it must."""
        await in_thread(self._drop, key)

    def _drop(self, key: str) -> None:
        """The manifest first: without it the rest is not there."""
        stem = _stem(key)
        delete_quietly([self._folder / (stem + _MANIFEST), *self._folder.glob(f"{stem}-*")])

    def _keep(self, key: str, pictures: Sequence[bytes], notes: Mapping[str, Any]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()
        stem = _stem(key)
        names = [f"{stem}-{number}" for number in range(len(pictures))]
        for name, data in zip(names, pictures, strict=True):
            write_file(data, into=self._folder, name=name)
        manifest = json.dumps({"pictures": names, "notes": dict(notes)}).encode()
        write_file(manifest, into=self._folder, name=stem + _MANIFEST)

    def _find(self, key: str) -> Kept | None:
        path = self._folder / (_stem(key) + _MANIFEST)
        try:
            if self._now() - path.stat().st_mtime > self._kept_for:
                return None
            manifest = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        return Kept(pictures=tuple(self._folder / name for name in manifest["pictures"]), notes=manifest["notes"])

    def _sweep(self) -> None:
        """Deletes what is too old: manifests and pictures alike, and what a process that died left half."""
        oldest = self._now() - self._kept_for
        delete_quietly([path for path in self._folder.iterdir() if _made_at(path) < oldest])


def _stem(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def _made_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process was quicker
        return float("inf")


def _bytes_of(path: Path) -> bytes:
    try:
        return read_regular_file(path, max_bytes=MAX_BYTES)
    except AskPerson:
        raise MadeNothing("a kept picture is not there any more", code="result_gone") from None
