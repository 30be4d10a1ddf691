"""fal's webhooks: whether one is really fal's, and who is woken by it.

fal signs with Ed25519 over `request id, user id, timestamp, SHA-256 of the body`, each on a line of its own; its public
keys lie at a fixed address, and may be kept for a day.
"""

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FAL_JWKS = "https://rest.fal.ai/.well-known/jwks.json"
OLDEST = 300.0
"""Seconds that a message may be under way; an older one may be somebody's recording."""
KEPT = 24 * 3600.0
RENEWED = 60.0
"""Seconds between two fetches of the keys at the least: a flood of forged messages must not become one at fal."""
_FIELDS = ("x-fal-webhook-request-id", "x-fal-webhook-user-id", "x-fal-webhook-timestamp")

Sleep = Callable[[float], Awaitable[None]]


def jwks_url_for(root: str) -> str:
    """fal's own; a proxy signs, if at all, with keys under its own root."""
    return FAL_JWKS if root.startswith("https://queue.fal") else f"{root}/.well-known/jwks.json"


class WebhookKeys:
    """fal's public keys. `now`: seconds since the epoch."""

    def __init__(self, client: httpx.AsyncClient, url: str, now: Callable[[], float]) -> None:
        self._client = client
        self._url = url
        self._now = now
        self._keys: tuple[Ed25519PublicKey, ...] = ()
        self._fetched: float | None = None

    async def signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the message is fal's and new. `headers` have names in lower case. Never raises."""
        request_id, user_id, moment = (headers.get(name, "") for name in _FIELDS)
        try:
            age = abs(self._now() - int(moment))
            signature = bytes.fromhex(headers.get("x-fal-webhook-signature", ""))
        except ValueError:
            return False
        if not request_id or age > OLDEST:
            return False
        told = "\n".join((request_id, user_id, moment, hashlib.sha256(body).hexdigest())).encode()
        if any(_verifies(key, signature, told) for key in await self._known()):
            return True
        return any(_verifies(key, signature, told) for key in await self._known(renewed=True))

    async def _known(self, *, renewed: bool = False) -> tuple[Ed25519PublicKey, ...]:
        """The keys, fetched again after a day, or after a minute where none of them fits."""
        age = None if self._fetched is None else self._now() - self._fetched
        if age is not None and age < (RENEWED if renewed else KEPT):
            return self._keys
        self._fetched = self._now()
        try:
            answer = await self._client.get(self._url, timeout=httpx.Timeout(10.0))
            self._keys = _keys_of(json.loads(answer.content)) if answer.status_code == 200 else self._keys
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return self._keys
        return self._keys


def _keys_of(document: Any) -> tuple[Ed25519PublicKey, ...]:
    rows = document.get("keys") if isinstance(document, dict) else None
    found = []
    for row in rows if isinstance(rows, list) else ():
        try:
            found.append(Ed25519PublicKey.from_public_bytes(_unpadded(row["x"])))
        except (KeyError, TypeError, ValueError, binascii.Error):
            continue
    return tuple(found)


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _verifies(key: Ed25519PublicKey, signature: bytes, told: bytes) -> bool:
    try:
        key.verify(signature, told)
    except InvalidSignature:
        return False
    return True


class Bell:
    """Rung when there is news of one job."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    def sleeper(self, sleep: Sleep) -> Sleep:
        """`sleep`, but shorter where the bell is rung meanwhile."""

        async def until_news(seconds: float) -> None:
            waits = [asyncio.ensure_future(sleep(seconds)), asyncio.ensure_future(self._event.wait())]
            try:
                done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for ended in done:
                    ended.result()
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)
            self._event.clear()

        return until_news


class Bells:
    """One for each job that is followed in this process."""

    def __init__(self) -> None:
        self._bells: dict[str, Bell] = {}

    def of(self, request_id: str) -> Bell:
        return self._bells.setdefault(request_id, Bell())

    def ring(self, request_id: str) -> None:
        if bell := self._bells.get(request_id):
            bell.ring()

    def forget(self, request_id: str) -> None:
        self._bells.pop(request_id, None)
