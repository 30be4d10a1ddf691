"""Results as the platform shows them: JPG or PNG, small enough for ten of them in one answer."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from providers.errors import LikenessError
from providers.media.files import read_regular_file
from providers.media.preview import READ_BYTES, fit_jpeg
from providers.media.store import MediaStore, at_hand
from providers.media.threads import in_thread
from providers.media.upstream import mime_if_fits

log = logging.getLogger(__name__)

MAX_BYTES = 2 * 1024 * 1024
"""Of each picture of a stream's last answer. The platform accepts 10 MB each: ten such would be an answer of 130."""
KEPT = 24


def fitting(path: Path, max_bytes: int) -> bytes:
    """A JPG or PNG that fits as it is, anything else as a JPG that does. Blocks."""
    data = read_regular_file(path, max_bytes=READ_BYTES)
    if mime_if_fits(data, max_bytes) == "image/png":
        return data
    return fit_jpeg(path, max_bytes)


class Fitted:
    """Pictures made to fit, the newest cached: the platform asks again and again, and must be answered in seconds."""

    def __init__(self, media: MediaStore | None, max_bytes: int = MAX_BYTES) -> None:
        self._media = media
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Path, bytes] = OrderedDict()

    async def all(self, paths: Sequence[Path]) -> list[bytes]:
        """Those that exist."""
        found = await asyncio.gather(*(self.one(path) for path in paths))
        return [data for data in found if data is not None]

    async def one(self, path: Path) -> bytes | None:
        """None if it is no longer on the disk, or cannot be read."""
        if (known := self._kept.get(path)) is not None:
            return known
        try:
            if not await at_hand(self._media, path):  # another machine may have made it
                return None
            data = await in_thread(fitting, path, self._max_bytes)
        except (LikenessError, OSError) as error:
            log.error("a picture could not be prepared: %s", type(error).__name__)
            return None
        self._kept[path] = data
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return data
