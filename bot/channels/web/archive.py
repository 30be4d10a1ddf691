"""A zip file written while it is sent: nothing of it is ever on the disk, and never more than a piece in memory.

Stored, not compressed: pictures are compressed already, and come out byte for byte as they went in, labels and all.
"""

import asyncio
import io
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

PIECE = 256 * 1024


class _Outlet(io.RawIOBase):
    """Takes what is written and gives it away; nobody can go back in it, so the format puts sizes after the data."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override]
        self._waiting.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        taken, self._waiting = b"".join(self._waiting), []
        return taken


async def archived(files: AsyncIterator[tuple[str, Path]]) -> AsyncIterator[bytes]:
    """The archive of these (name in it, file), piece by piece. Raises OSError where a file cannot be read."""
    outlet = _Outlet()
    archive = zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED)
    async for name, path in files:
        source, entry = await asyncio.to_thread(_begun, archive, name, path)
        try:
            while await asyncio.to_thread(_copied, source, entry):
                yield outlet.taken()
        finally:
            source.close()
            entry.close()
        yield outlet.taken()
    archive.close()
    yield outlet.taken()


def _begun(archive: zipfile.ZipFile, name: str, path: Path) -> tuple[IO[bytes], IO[bytes]]:
    source = path.open("rb")
    try:
        made = time.localtime(path.stat().st_mtime)[:6]
        return source, archive.open(zipfile.ZipInfo(name, made), "w")
    except BaseException:
        source.close()
        raise


def _copied(source: IO[bytes], entry: IO[bytes]) -> bool:
    piece = source.read(PIECE)
    entry.write(piece)
    return bool(piece)
