"""A moderation endpoint in OpenAI's form: `POST {base}/moderations`, words and pictures, one picture a call.

answer                                              what it proves
200, a forbidden category true                      refused
200, no category we know, `flagged` true            refused (another server's own categories)
200, else                                           let through: "violence" by words alone is a film still's too
401, 402, 403, 3xx                                  TellOperator: nothing is sent until the operator acts
429, 5xx, no connection, not JSON                   WaitAndRetry: nothing is sent, it can be tried again

Only what is judged goes there: the person's own words, and photos made small and without metadata.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from providers.errors import WaitAndRetry
from providers.media.threads import in_thread
from providers.media.upstream import data_uri
from providers.moderation.offence import Offence
from providers.net.client import Client, bad_address
from providers.net.outcome import Answer, check_error

LONG_SIDE = 768
MOST_BYTES = 1024 * 1024
_TIMEOUT = httpx.Timeout(10.0, read=20.0)
_FORBIDDEN = {
    "sexual/minors": Offence.MINOR,
    "sexual": Offence.SEXUAL,
    "violence/graphic": Offence.GORE,
    "self-harm": Offence.GORE,
    "self-harm/intent": Offence.GORE,
    "self-harm/instructions": Offence.GORE,
}


class ModerationEndpoint:
    """A `Judge`. `base_url` with its version; `model` as the endpoint names it, empty for its default."""

    def __init__(
        self, *, base_url: str, key: SecretStr | None, model: str = "", client: httpx.AsyncClient | None = None
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/moderations"
        self._key = key
        self._model = model
        self._client = Client(client)

    def __repr__(self) -> str:
        return "<ModerationEndpoint>"

    async def judge(self, *, text: str = "", pictures: Sequence[Path] = ()) -> Offence | None:
        words: list[Any] = [{"type": "text", "text": text}] if text.strip() else []
        looks = [await in_thread(_shown, path) for path in pictures]
        calls = [[*words, look] for look in looks[:1]] + [[look] for look in looks[1:]] or [words]
        found = await asyncio.gather(*(self._judged(call) for call in calls if call))
        return next((offence for offence in found if offence is not None), None)

    async def _judged(self, parts: list[Any]) -> Offence | None:
        body = {"input": parts} | ({"model": self._model} if self._model else {})
        headers = {"authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
        try:
            answer = await self._client.post(self._url, headers=headers, timeout=_TIMEOUT, json=body)
        except httpx.TransportError as error:
            raise WaitAndRetry(f"moderation: {type(error).__name__}", code="provider_unavailable") from None
        except httpx.InvalidURL:
            raise bad_address() from None
        return _verdict(answer)

    async def aclose(self) -> None:
        await self._client.aclose()


def _shown(path: Path) -> Any:
    uri = data_uri(path, max_bytes=MOST_BYTES, max_side=LONG_SIDE)
    return {"type": "image_url", "image_url": {"url": uri}}


def _verdict(answer: Answer) -> Offence | None:
    if (wrong := check_error(answer)) is not None:
        raise wrong
    results = answer.get("results")
    if not answer.ok or not isinstance(results, list) or not results:
        raise WaitAndRetry("moderation: no verdict", code="provider_unavailable")
    for result in results:
        if not isinstance(result, dict):
            raise WaitAndRetry("moderation: no verdict", code="provider_unavailable")
        categories = result.get("categories")
        known = categories if isinstance(categories, dict) else {}
        if (found := next((o for name, o in _FORBIDDEN.items() if known.get(name) is True), None)) is not None:
            return found
        if result.get("flagged") is True and not known.keys() & _FORBIDDEN.keys():
            return Offence.PICTURE
    return None
