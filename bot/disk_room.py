"""Whether there is room on the disks where rows, photos and pictures are stored. Checked by `/readyz`; the owner is
told once.

A database that cannot write answers reads as before, so a full disk shows nowhere else until somebody waits in vain.
"""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

log = logging.getLogger(__name__)

LEAST_BYTES = 64 * 1024 * 1024
"""What a few photos, their pictures and the rows of both need."""
LOOK_EVERY = 15.0


class Tells(Protocol):
    async def tell(self, key: str, text: str, **params: str | int) -> None: ...


def free_bytes(folder: Path) -> int:
    """Of the disk that the folder is on, for this user. Raises OSError."""
    return shutil.disk_usage(folder).free


class DiskRoom:
    """`folders`: by the setting that names them. `free`: how much a folder has."""

    def __init__(
        self,
        folders: Mapping[str, Path],
        *,
        owner: Tells,
        free: Callable[[Path], int] = free_bytes,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._folders = dict(folders)
        self._owner = owner
        self._free = free
        self._sleep = sleep
        self._said: frozenset[str] = frozenset()

    def missing(self) -> frozenset[str]:
        """The settings whose folders have no room, or do not exist."""
        return frozenset(name for name, folder in self._folders.items() if self._is_full(folder))

    def _is_full(self, folder: Path) -> bool:
        try:
            return self._free(folder) < LEAST_BYTES
        except OSError:
            return True

    async def watch(self) -> None:
        """For ever: when room runs out, the log and the owner are told once; the log also when there is room again."""
        while True:
            missing = await asyncio.to_thread(self.missing)
            for name in sorted(missing - self._said):
                log.critical("%s has no room left: nothing more can be taken until some is freed", name)
                await self._tell(name)
            for name in sorted(self._said - missing):
                log.warning("%s has room again", name)
            self._said = missing
            await self._sleep(LOOK_EVERY)

    async def _tell(self, name: str) -> None:
        try:
            await self._owner.tell(f"no_room.{name}", "admin.no_room", name=name)
        except Exception as error:  # the database may be on that very disk; the log has said it
            log.warning("the owner could not be told of the full disk: %s", type(error).__name__)
