"""What people sent: downloaded at once (an address lives five minutes), decrypted, to a local file named by us."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

from bot.channels.wecom.incoming import Photo
from bot.channels.wecom.media import BLOCK, MAX_PICTURE, BadMedia, decrypted, may_fetch, media_key
from bot.channels.wecom.timing import Pace
from handlers.message import IncomingPhoto
from providers.errors import LikenessError
from providers.media.download import Downloader
from providers.media.files import delete_quietly, write_file
from providers.media.threads import in_file_thread

log = logging.getLogger(__name__)

TIMEOUT = 30.0
AT_ONCE = 8


class PhotoLost(Exception):
    """It is not available any more."""


class PhotoTooLarge(Exception):
    """Larger than the platform and we allow."""


class Photos:
    """`hosts`: where photos may be downloaded from (`media.may_fetch`). `bot_key`: what they are encrypted with if they
    bring no key of their own (callback mode)."""

    def __init__(self, *, folder: Path, hosts: Sequence[str], bot_key: bytes | None, pace: Pace) -> None:
        self._folder = folder
        self._hosts = tuple(hosts)
        self._bot_key = bot_key
        self._pace = pace
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._downloader = Downloader(
            trusted_origins=_named_with_port(hosts), max_bytes=MAX_PICTURE + BLOCK, timeout=TIMEOUT
        )

    async def aclose(self) -> None:
        await self._downloader.aclose()

    async def fetch(self, photos: Sequence[Photo], name: str) -> tuple[IncomingPhoto, ...]:
        """Every one of them, in their order. `name`: the message's; the same again replaces the files.

        Raises PhotoLost, PhotoTooLarge.
        """
        stem = hashlib.sha256(name.encode()).hexdigest()[:32]
        fetching = [asyncio.ensure_future(self._one(photo, f"{stem}-{n}")) for n, photo in enumerate(photos)]
        try:
            return tuple(await asyncio.gather(*fetching))
        finally:
            for task in fetching:
                task.cancel()
            await asyncio.gather(*fetching, return_exceptions=True)

    async def _one(self, photo: Photo, name: str) -> IncomingPhoto:
        path = self._folder / name
        if not await in_file_thread(path.is_file):  # otherwise it was downloaded before this process died
            data = await self._fetched(photo)
            await in_file_thread(lambda: write_file(data, into=self._folder, name=name))
        digest = await in_file_thread(lambda: hashlib.sha256(path.read_bytes()).hexdigest())
        return IncomingPhoto(key=f"wecom:{digest}", path=path)

    async def _fetched(self, photo: Photo) -> bytes:
        if not may_fetch(photo.url, self._hosts):
            log.warning("a photo is on a host that WECOM_MEDIA_HOSTS does not name")
            raise PhotoLost
        for pause in (*self._pace.photo_pauses, None):
            try:
                key = media_key(photo.key) if photo.key else self._bot_key
                if key is None:
                    raise BadMedia("no key came with it")
                async with self._turns:
                    sealed = await self._downloader.download(photo.url, given_by="person")
                data = await in_file_thread(decrypted, sealed, key)
                if len(data) > MAX_PICTURE:
                    raise PhotoTooLarge
                return data
            except BadMedia as error:
                log.warning("a photo could not be decrypted: %s", error)
                raise PhotoLost from None
            except LikenessError as error:
                if error.code == "url_too_large":
                    raise PhotoTooLarge from None
                log.warning("a photo could not be downloaded: %s", error.code)
                if error.code in ("url_not_found", "url_not_public", "bad_url"):
                    raise PhotoLost from None
            if pause is not None:
                await self._pace.sleep(pause)
        raise PhotoLost

    @staticmethod
    def discard(photos: Sequence[IncomingPhoto]) -> None:
        """Blocks."""
        delete_quietly([photo.path for photo in photos])


def _named_with_port(hosts: Sequence[str]) -> frozenset[tuple[str, int]]:
    """`host:port` entries: these may be loopback or private addresses."""
    found = set()
    for entry in hosts:
        host, _, port = entry.lower().partition(":")
        if port.isdecimal():
            found.add((host, int(port)))
    return frozenset(found)
