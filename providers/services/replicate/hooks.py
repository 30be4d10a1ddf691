"""Replicate's webhooks are signed by a key of the account (HMAC-SHA256 over id, time and body)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping

OLDEST = 300.0
"""Seconds that a message may be under way; an older one may be somebody's recording."""


def signed(headers: Mapping[str, str], body: bytes, key: str, now: Callable[[], float]) -> bool:
    """`key`: `whsec_` and base64. `headers` with names in lower case; several signatures may be listed."""
    message, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    try:
        secret = base64.b64decode(key.removeprefix("whsec_"), validate=True)
        age = abs(now() - int(moment))
    except (binascii.Error, ValueError):
        return False
    if not message or age > OLDEST:
        return False
    right = hmac.new(secret, f"{message}.{moment}.".encode() + body, hashlib.sha256).digest()
    given = (part.partition(",") for part in headers.get("webhook-signature", "").split())
    return any(version == "v1" and hmac.compare_digest(_decoded(text), right) for version, _, text in given)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
