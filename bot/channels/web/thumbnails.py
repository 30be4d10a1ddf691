"""Smaller copies of pictures, made once: opening a page requests dozens, and reloading it the same ones again."""

import asyncio
from collections import OrderedDict
from pathlib import Path

from providers.media.preview import thumbnail
from providers.media.threads import in_file_thread, in_thread

KEPT_BYTES = 32 * 1024 * 1024
AT_ONCE = 1
"""Made concurrently: uploads need the threads too."""

_Key = tuple[Path, int, int]


class Thumbnails:
    """In memory, the newest ones. One per process."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._most = kept_bytes
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._bytes = 0
        self._making: dict[_Key, asyncio.Task[bytes]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self.made = 0

    async def of(self, path: Path, side: int) -> bytes:
        """JPEG, its long side at most so many pixels. Raises LikenessError, OSError."""
        key = (path, side, (await in_file_thread(path.stat)).st_mtime_ns)
        if (known := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return known
        task = self._making.get(key)
        if task is None:  # of many concurrent requests, one makes it
            task = self._making[key] = asyncio.create_task(self._make(key))
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(task)

    async def _make(self, key: _Key) -> bytes:
        async with self._room:
            body = await in_thread(thumbnail, key[0], key[1])
        self.made += 1
        self._kept[key] = body
        self._bytes += len(body)
        while self._bytes > self._most:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest)
        return body

    def drop_gone(self) -> None:
        """Drop those whose files no longer exist. Blocks briefly."""
        for key in [key for key in self._kept if not key[0].is_file()]:
            self._bytes -= len(self._kept.pop(key))
