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

log = logging.getLogger(__name__)


class JobFiles:
    """`output_dir/<job id>` holds a job's pictures, `data_dir/photos/<person>` a person's photos."""

    def __init__(self, data_dir: Path, output_dir: Path) -> None:
        self._photos = data_dir.absolute() / "photos"
        self._output = output_dir.absolute()
        self._ours = (data_dir.absolute(), self._output)

    async def discard(self, files: Iterable[Path]) -> None:
        """Delete those that lie in our own folders: an order may name a picture of the operator's."""
        ours = [file for file in files if any(file.absolute().is_relative_to(folder) for folder in self._ours)]
        await asyncio.to_thread(self._delete, ours)

    async def discard_job(self, job_id: str) -> None:
        """Delete whatever was saved for the job."""
        await asyncio.to_thread(shutil.rmtree, self._output / job_id, ignore_errors=True)

    async def keep_only(self, job_id: str, named: Iterable[Path]) -> None:
        """Delete what was saved for a job and is in none of its rows: a cancel or a crash came before the row."""
        await asyncio.to_thread(self._keep_only, self._output / job_id, {file.absolute() for file in named})

    async def discard_old_photos(self, before: datetime) -> None:
        """Photos that were sent before that and never made into anything: no row names them."""
        await asyncio.to_thread(self._delete_old, before.timestamp())

    def _delete(self, files: list[Path]) -> None:
        for file in files:
            file.unlink(missing_ok=True)
        for folder in {file.absolute().parent for file in files}:
            if folder.parent == self._output:
                _remove_if_empty(folder)

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

    def _delete_old(self, before: float) -> None:
        for photo in self._photos.glob("*/*"):
            if photo.is_file() and photo.stat().st_mtime < before:
                photo.unlink(missing_ok=True)
        for folder in self._photos.glob("*"):
            # One made just now is empty for a moment, before its first photo is written.
            if folder.stat().st_mtime < before:
                _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # something is in it
        folder.rmdir()
