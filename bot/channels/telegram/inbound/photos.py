"""Downloading what people sent: the original file, to a local file named by us.

A photo that cannot be downloaded is retried; if that does not help, the person is asked to send it again, and the
request does not continue without it.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from telegram import Bot
from telegram.error import BadRequest, RetryAfter, TelegramError

from bot.channels.telegram.inbound.updates import LARGEST_DOWNLOAD, Attachment
from bot.channels.telegram.outbound.gateway import seconds
from bot.channels.telegram.outbound.limits import Clock
from handlers.message import IncomingPhoto
from providers.media.files import make_folder
from providers.media.threads import in_file_thread

log = logging.getLogger(__name__)

PAUSES = (0.5, 2.0, 5.0, 10.0, 20.0)
"""Seconds between attempts."""
AT_ONCE = 24
"""Concurrent downloads: each holds its file in memory."""
LARGE, LARGE_AT_ONCE = 2 << 20, 6
"""Bytes above which a file, of up to 20 MB, also needs one of these few places. One of unknown size counts as large."""
READ_SECONDS = 30.0
MAY_BE_SHORT = 2
"""So often a file shorter than announced is downloaded again; then it is taken as it is."""
UNUSED_SECONDS = 24 * 3600.0


class TooLarge(Exception):
    """Larger than getFile gives."""


class Lost(Exception):
    """Telegram does not give the file, after repeated attempts."""


class _Short(Exception):
    """Less arrived than was announced."""


class Photos:
    """`own_server`: the operator's, which with `--local` stores files on this machine and names their full path."""

    def __init__(
        self, bot: Bot, folder: Path, clock: Clock, pauses: Sequence[float] = PAUSES, *, own_server: bool = False
    ) -> None:
        self._bot = bot
        self._own_server = own_server
        self.folder = folder
        self._clock = clock
        self._pauses = tuple(pauses)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._large_room = asyncio.Semaphore(LARGE_AT_ONCE)

    async def fetch(self, attachments: Sequence[Attachment], name: str) -> tuple[IncomingPhoto, ...]:
        """Every one of them, or none. `name`: the files' stem; the same again replaces them. Raises TooLarge, Lost."""
        if any(attachment.too_large for attachment in attachments):
            raise TooLarge
        fetching = [
            asyncio.ensure_future(self._one(attachment, f"{name}-{n}")) for n, attachment in enumerate(attachments)
        ]
        try:
            return tuple(await asyncio.gather(*fetching))
        finally:
            for task in fetching:
                task.cancel()
            await asyncio.gather(*fetching, return_exceptions=True)

    async def _one(self, attachment: Attachment, name: str) -> IncomingPhoto:
        path = await in_file_thread(self._keep, await self._bytes(attachment), name)
        return IncomingPhoto(key=f"telegram:{attachment.unique}", path=path)

    def _keep(self, data: bytes, name: str) -> Path:
        # Not synced to the disk: after a crash the update is there again, and the photo is downloaded again.
        make_folder(self.folder)
        path = self.folder / name
        path.write_bytes(data)
        return path

    async def _bytes(self, attachment: Attachment) -> bytes:
        large = attachment.size is None or attachment.size > LARGE
        short = 0
        for pause in (*self._pauses, None):
            try:
                # Only for the attempt: a failed one waits without blocking others.
                async with self._large_room if large else contextlib.nullcontext(), self._room:
                    data, whole = await self._once(attachment.file_id)
                if whole or short == MAY_BE_SHORT or pause is None:
                    return data  # whether it is a picture is seen when it is read
                short += 1
                fault: Exception = _Short()
            except BadRequest as error:
                if "too big" in str(error).lower():
                    raise TooLarge from None
                fault = error
            except (TelegramError, KeyError) as error:
                fault = error
            log.info("a photo could not be downloaded: %s", type(fault).__name__)
            if pause is not None:
                await self._clock.sleep(max(pause, seconds(fault)) if isinstance(fault, RetryAfter) else pause)
        raise Lost

    async def _once(self, file_id: str) -> tuple[bytes, bool]:
        """The file, and whether it is as long as announced."""
        file = await self._bot.get_file(file_id)
        if (file.file_size or 0) > LARGEST_DOWNLOAD:
            raise TooLarge
        # Not `File.download…`: a path that happens to exist here too would be read from our own disk.
        path = (file.file_path or "").removeprefix(f"{self._bot.base_file_url}/")
        if self._own_server and path.startswith("/"):
            data = await in_file_thread(_from_disk, Path(path))
        else:
            address = f"{self._bot.base_file_url}/{path}"
            data = bytes(await self._bot.request.retrieve(address, read_timeout=READ_SECONDS))
        if len(data) > LARGEST_DOWNLOAD:
            raise TooLarge
        return data, len(data) >= (file.file_size or 0)

    async def of_profile(self, person: int, name: str) -> IncomingPhoto | None:
        """What this person shows of themselves; None if there is nothing, or it is hidden from the bot. Raises Lost."""
        for pause in (*self._pauses, None):
            try:
                sizes = (await self._bot.get_user_profile_photos(person, limit=1)).photos
                if not sizes:
                    return None
                largest = max(sizes[0], key=lambda size: size.width * size.height)
                shown = Attachment(file_id=largest.file_id, unique=largest.file_unique_id, size=largest.file_size)
                return (await self.fetch((shown,), name))[0]
            except BadRequest:
                return None  # somebody the bot does not know
            except (TelegramError, KeyError) as error:
                log.info("a profile photo could not be asked for: %s", type(error).__name__)
                if pause is not None:
                    await self._clock.sleep(max(pause, seconds(error)) if isinstance(error, RetryAfter) else pause)
        raise Lost

    @staticmethod
    def discard(photos: Sequence[IncomingPhoto]) -> None:
        """Blocks."""
        for photo in photos:
            photo.path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Delete what dead processes had downloaded. Blocks."""
        if not self.folder.is_dir():
            return
        limit = time.time() - UNUSED_SECONDS
        for file in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # photos being downloaded come and go meanwhile
                if file.stat().st_mtime <= limit:
                    file.unlink()


def _from_disk(path: Path) -> bytes:
    """Blocks. Raises TelegramError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_DOWNLOAD + 1)
    except OSError as error:
        raise TelegramError(type(error).__name__) from None
