"""Uploading pictures over the long connection: in pieces, each retried twice.

Source: WeCom documentation 101463. Pieces of at most 512 KB, at most 100; a few of them concurrently, the fewer the
more there are (more gives a system error). A `media_id` is valid for three days.
"""

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

from bot.channels.wecom.connection import FrameRefused, NoAnswer, Sleep

PIECE = 512 * 1024
MAX_IMAGE = 10 * 1024 * 1024
"""Bytes of a picture that is shown as one; a larger one goes as a file."""
PAUSES = (0.5, 1.0)
"""Seconds before a piece is sent again."""


class Requests(Protocol):
    """What an upload needs of a connection."""

    async def request(
        self, cmd: str, body: Mapping[str, Any] | None, *, req_id: str | None = None
    ) -> Mapping[str, Any]: ...


async def upload(data: bytes, *, filename: str, kind: str, line: Requests, sleep: Sleep = asyncio.sleep) -> str:
    """The `media_id` of `data`, of the `kind` `image` or `file`. Nobody sees anything of it until it is sent.

    Raises NotConnected, FrameRefused, NoAnswer.
    """
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    begun = await line.request(
        "aibot_upload_media_init",
        {
            "type": kind,
            "filename": filename,
            "total_size": len(data),
            "total_chunks": len(pieces),
            "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        },
    )
    upload_id = begun.get("upload_id")
    if not isinstance(upload_id, str):
        raise FrameRefused(-1)
    at_once = asyncio.Semaphore(_side_by_side(len(pieces)))

    async def send(number: int, piece: bytes) -> None:
        body = {"upload_id": upload_id, "chunk_index": number, "base64_data": base64.b64encode(piece).decode()}
        async with at_once:
            for pause in (*PAUSES, None):
                try:
                    await line.request("aibot_upload_media_chunk", body)
                    return
                except (FrameRefused, NoAnswer):
                    if pause is None:
                        raise
                    await sleep(pause)

    tasks = [asyncio.create_task(send(number, piece)) for number, piece in enumerate(pieces)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    done = await line.request("aibot_upload_media_finish", {"upload_id": upload_id})
    media_id = done.get("media_id")
    if not isinstance(media_id, str):
        raise FrameRefused(-1)
    return media_id


def _side_by_side(pieces: int) -> int:
    if pieces <= 4:
        return max(1, pieces)
    return 3 if pieces <= 10 else 2
