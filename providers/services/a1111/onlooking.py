"""What a call makes while it is waited for: its own progress, with the server's live preview where that is switched on.

Only our own task's, by its id: the address for everybody (`/sdapi/v1/progress`) may show somebody else's picture.
Servers that do not know the address, and whatever goes wrong on the way, cost a preview and nothing else.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from providers.base import Phase, Progress
from providers.net.client import Client
from providers.net.outcome import Answer

EVERY = 2.0
"""Seconds between two looks."""


async def look_on(
    client: Client,
    root: str,
    headers: Mapping[str, str],
    *,
    task_id: str,
    onlooker: Callable[[Progress], None],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Until it is cancelled, or the server turns out to have nothing to tell."""
    last = -1
    while True:
        await sleep(EVERY)
        asked = {"id_task": task_id, "id_live_preview": last, "live_preview": True}
        try:
            told = await client.post(f"{root}/internal/progress", headers=headers, json=asked)
        except httpx.TransportError:
            continue
        if not told.ok:
            return
        if told.get("active") is True:
            onlooker(_progress(told))
            last = newest if isinstance(newest := told.get("id_live_preview"), int) else last


def _progress(told: Answer) -> Progress:
    fraction = told.get("progress")
    known = isinstance(fraction, int | float) and 0 <= fraction <= 1
    return Progress(
        phase=Phase.RUNNING, fraction=float(fraction) if known else None, preview=_preview(told.get("live_preview"))
    )


def _preview(text: Any) -> bytes | None:
    """Of a data URI, or of bare base64."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return base64.b64decode(text.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return None
