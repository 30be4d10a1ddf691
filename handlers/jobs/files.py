"""Files of jobs: what was made for each, in a folder of its own, and the photos that people sent.

Rows name the files. A file that no row names can be found by nobody and would outlive a deletion, so it is deleted when
its job ends.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from handlers.marked_copies import with_copies
from providers.media.store import MediaStore


class JobFiles:
    """`output_dir/<job id>` holds a job's pictures, `data_dir/photos/<person>` a person's photos."""

    def __init__(self, data_dir: Path, output_dir: Path, media: MediaStore) -> None:
        self._photos = data_dir.absolute() / "photos"
        self._output = output_dir.absolute()
        self._media = media

    async def discard(self, files: Iterable[Path]) -> None:
        """Delete those in our own folders: an order may name a picture of the operator's."""
        await self._media.delete(with_copies(files))

    async def discard_job(self, job_id: str) -> None:
        """Delete everything that was saved for the job."""
        await self._media.keep_only(self._output / job_id, ())

    async def keep_only(self, job_id: str, named: Iterable[Path]) -> None:
        """Delete what was saved for a job and is in none of its rows: a cancel or a crash came before the row."""
        await self._media.keep_only(self._output / job_id, named)

    async def old_photos(self, before: datetime) -> tuple[Path, ...]:
        """Photos written before that and named by no row were never used for anything."""
        return await self._media.old(self._photos, before)
