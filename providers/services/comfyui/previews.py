"""The previews that ComfyUI sends over its socket while a prompt runs, where it was started with `--preview-method`.

Free, and heard beside the looks at the history: whatever goes wrong here costs a preview and nothing else. The socket
is opened under the name the prompt was sent under, so that it hears of that prompt alone; the server runs one at a
time, and only while ours runs is one open.
"""

import asyncio
import json
import logging
import struct
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

log = logging.getLogger(__name__)

MOST_BYTES = 8 * 1024 * 1024
OPEN_SECONDS = 5.0
_HEAD = struct.Struct(">II")
_PREVIEW = 1
_FORMATS = frozenset({1, 2})
"""JPEG, PNG."""


class Previews:
    """Of one prompt. `newest`: the last one that came, as it came; None before the first."""

    def __init__(self, root: str, prompt_id: str) -> None:
        self._url = f"{root.replace('http', 'ws', 1)}/ws?{urlencode({'clientId': prompt_id})}"
        self._prompt_id = prompt_id
        self._listening: asyncio.Task[None] | None = None
        self.newest: bytes | None = None

    def listen(self) -> None:
        """Once, from now on, in the background."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._heard())

    async def aclose(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _heard(self) -> None:
        ours = False
        with suppress(OSError, TimeoutError, InvalidHandshake, InvalidURI, WebSocketException):
            async with connect(
                self._url, max_size=MOST_BYTES, open_timeout=OPEN_SECONDS, close_timeout=1, proxy=None
            ) as line:
                async for frame in line:
                    if isinstance(frame, str):
                        named = _prompt_of(frame)
                        ours = ours if named is None else named == self._prompt_id
                    elif ours and (picture := _picture_in(frame)) is not None:
                        self.newest = picture
        log.debug("the socket for previews has ended")


def _prompt_of(frame: str) -> str | None:
    """The prompt that a text frame is about, if it is about one."""
    try:
        told: Any = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    data = told.get("data") if isinstance(told, dict) else None
    named = data.get("prompt_id") if isinstance(data, dict) else None
    return named if isinstance(named, str) else None


def _picture_in(frame: bytes) -> bytes | None:
    if len(frame) <= _HEAD.size:
        return None
    event, kind = _HEAD.unpack_from(frame)
    return bytes(frame[_HEAD.size :]) if event == _PREVIEW and kind in _FORMATS else None
