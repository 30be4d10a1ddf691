"""Photos that people sent, downloaded in the background: by the address in the push, otherwise by their media id."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from bot.channels.wechat.events import Event
from bot.customer_messages.api import MAX_PHOTO, WeChatApi, WeChatError
from handlers.foreground import ForegroundGate
from providers.errors import LikenessError
from providers.media.download import Downloader
from providers.media.files import delete_quietly, write_file
from providers.media.threads import in_file_thread

log = logging.getLogger(__name__)

HOSTS = (".qpic.cn", ".qlogo.cn", ".weixin.qq.com")
"""Where the platform stores what people send. Any other address in a push is not requested."""
PAUSES = (0.5, 2.0, 6.0)
TIMEOUT = 25.0
AT_ONCE = 8
"""Concurrent downloads; more would only make the connection pool search through them all for each."""


class PhotoLost(Exception):
    """It is not available any more."""


class Photos:
    """`trusted`: (host, port) of a platform's address set by the operator, which may be private."""

    def __init__(
        self,
        *,
        api: WeChatApi,
        folder: Path,
        calm: ForegroundGate,
        trusted: frozenset[tuple[str, int]] = frozenset(),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._folder = folder
        self._calm = calm
        self._trusted = trusted
        self._sleep = sleep
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._downloader = Downloader(trusted_origins=trusted, max_bytes=MAX_PHOTO, timeout=TIMEOUT)

    async def aclose(self) -> None:
        await self._downloader.aclose()

    def path(self, key: str) -> Path:
        """Where the photo of a push is stored once it is here: a name that says nothing about its sender."""
        return self._folder / hashlib.sha256(key.encode()).hexdigest()[:40]

    async def fetch(self, push: Event) -> Path:
        """Raises PhotoLost."""
        path = self.path(push.key)
        if path.is_file():  # downloaded before this process died
            return path
        # The sender has an answer, and writes on or thinks: the photo can wait longer than a job that was promised.
        until = self._calm.until(patience=2.0)
        for pause in (*PAUSES, None):
            try:
                async with self._turns:
                    await self._calm.wait(until)
                    data = await self._once(push)
                return await in_file_thread(write_file, data, into=self._folder, name=path.name)
            except LikenessError as error:
                log.warning("a photo could not be downloaded: %s", error)
            if pause is not None:
                await self._sleep(pause)
        raise PhotoLost

    async def _once(self, push: Event) -> bytes:
        if push.picture_url and self._known(push.picture_url):
            try:
                return await self._downloader.download(push.picture_url, given_by="provider")
            except LikenessError as error:
                if not push.media_id:
                    raise
                log.info("a photo's address did not work, trying its media id: %s", error)
        if not push.media_id:
            raise WeChatError(hint="a photo from an address that is not the platform's")
        return await self._api.media(push.media_id)

    def _known(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            return False
        return (host, port) in self._trusted or f".{host}".endswith(HOSTS)

    def delete(self, key: str) -> None:
        delete_quietly([self.path(key)])
