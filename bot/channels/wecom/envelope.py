"""The envelope of the smart bot's callbacks: JSON. The receiver's id inside is the empty string for a bot of one's own
company. Source: WeCom documentation 101033."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.channels.signed_posts import Malformed, Sealed

_RECEIVER = ""
_SIGNATURES = ("msg_signature", "msgsignature", "signature")


class Envelope:
    """Opens and seals the callbacks of one bot. Raises ValueError for an invalid key."""

    def __init__(self, *, token: str, aes_key: str) -> None:
        self._sealed = Sealed(token=token, aes_key=aes_key, receiver=_RECEIVER)

    @property
    def media_key(self) -> bytes:
        """32 bytes: pictures in callback mode are encrypted with it, too."""
        return self._sealed.key

    def open(self, sealed: str, query: Mapping[str, str]) -> str:
        """The plain text of `sealed`. Raises BadSignature, Malformed."""
        return self._sealed.open(sealed, query, names=_SIGNATURES)

    def seal(self, answer: Mapping[str, Any], now: datetime) -> str:
        """The body of an encrypted answer: JSON with `encrypt`, `msgsignature`, `timestamp` and `nonce`."""
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        timestamp, nonce = int(now.timestamp()), secrets.token_hex(8)
        sealed, signed = self._sealed.seal(text, timestamp=str(timestamp), nonce=nonce)
        return json.dumps({"encrypt": sealed, "msgsignature": signed, "timestamp": timestamp, "nonce": nonce})


def sealed_in(body: bytes) -> str:
    """The encrypted part of a callback's body. Raises Malformed."""
    try:
        found = json.loads(body)
        sealed = found.get("encrypt") or found.get("Encrypt")
    except (ValueError, AttributeError, RecursionError):
        raise Malformed("no envelope") from None
    if not isinstance(sealed, str) or not sealed.isascii():
        raise Malformed("no envelope")
    return sealed
