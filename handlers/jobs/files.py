"""Files of jobs: what was made for each, in a folder of its own, and the photos that people sent.

Rows name the files. What no row names can be found by nobody and would outlive a deletion: it goes when its job ends.
"""

import asyncio
import logging
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from handlers.jobs.visible_marks import with_copies
from providers.media.store import FolderStore

log = logging.getLogger(__name__)


class JobFiles:
    """`output_dir/<job id>` holds a job's pictures, `data_dir/photos/<person>` a person's photos."""

    def __init__(self, data_dir: Path, output_dir: Path) -> None:
        self._photos = data_dir.absolute() / "photos"
        self._output = output_dir.absolute()
        self._media = FolderStore(data=data_dir, pictures=output_dir)

    async def discard(self, files: Iterable[Path]) -> None:
        """Delete those that lie in our own folders: an order may name a picture of the operator's."""
        await self._media.delete(with_copies(files))

    async def discard_job(self, job_id: str) -> None:
        """Delete whatever was saved for the job."""
        await asyncio.to_thread(shutil.rmtree, self._output / job_id, ignore_errors=True)

    async def keep_only(self, job_id: str, named: Iterable[Path]) -> None:
        """Delete what was saved for a job and is in none of its rows: a cancel or a crash came before the row."""
        await asyncio.to_thread(self._keep_only, self._output / job_id, {file.absolute() for file in named})

    async def old_photos(self, before: datetime) -> tuple[Path, ...]:
        """Photos that were written before that: what no row names of them was never made into anything."""
        return await asyncio.to_thread(self._old_photos, before.timestamp())

    def _keep_only(self, folder: Path, named: set[Path]) -> None:
        if not folder.is_dir():
            return
        for file in folder.iterdir():
            if file not in named:
                try:
                    file.unlink(missing_ok=True)
                except OSError as error:  # what is left over must not cost the person the result
                    log.warning("a file that no row names stays: %s", type(error).__name__)
        _remove_if_empty(folder)

    def _old_photos(self, before: float) -> tuple[Path, ...]:
        return tuple(p for p in self._photos.glob("*/*") if p.is_file() and p.stat().st_mtime < before)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # something is in it
        folder.rmdir()
