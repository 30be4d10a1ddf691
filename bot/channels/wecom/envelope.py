"""Signatures and encryption of callbacks: WeCom's JSON envelope around wechatpy's cipher.

Source: WeCom documentation 101033. SHA-1 of the sorted parts; AES-256-CBC with the bot's 43-character EncodingAESKey,
padded to 32; the receiver's id inside the envelope is the empty string for a bot of one's own company.
"""

import binascii
import hmac
import json
import secrets
import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wechatpy.enterprise.crypto import PrpCrypto, WeChatCrypto
from wechatpy.enterprise.exceptions import InvalidCorpIdException
from wechatpy.utils import WeChatSigner

KEY_LENGTH = 43
_RECEIVER = ""


class BadSignature(Exception):
    """The request is not from the platform, or was changed on its way."""


class Malformed(Exception):
    """The request has the right signature and cannot be read."""


class Envelope:
    """Opens and seals the callbacks of one bot. Raises ValueError for an invalid key."""

    def __init__(self, *, token: str, aes_key: str) -> None:
        if len(aes_key) != KEY_LENGTH:
            raise ValueError(f"an EncodingAESKey has {KEY_LENGTH} characters")
        try:
            self._crypto = WeChatCrypto(token, aes_key, _RECEIVER)
        except (AssertionError, binascii.Error):
            raise ValueError("an EncodingAESKey is letters and digits only") from None
        self._token = token
        self._cipher = PrpCrypto(self._crypto.key)

    @property
    def media_key(self) -> bytes:
        """32 bytes: pictures in callback mode are encrypted with it, too."""
        return bytes(self._crypto.key)

    def open(self, sealed: str, query: Mapping[str, str]) -> str:
        """The plain text of `sealed`. The signature is checked before anything is decrypted.

        Raises BadSignature, Malformed.
        """
        given = query.get("msg_signature") or query.get("msgsignature") or query.get("signature") or ""
        signature = self._signature(query.get("timestamp", ""), query.get("nonce", ""), sealed)
        if not hmac.compare_digest(signature.encode(), given.encode("utf-8", "replace")):
            raise BadSignature
        try:
            return str(self._cipher.decrypt(sealed, _RECEIVER))
        except (ValueError, TypeError, IndexError, struct.error, binascii.Error, InvalidCorpIdException):
            raise Malformed("the envelope does not open") from None

    def seal(self, answer: Mapping[str, Any], now: datetime) -> str:
        """The body of an encrypted answer: JSON with `encrypt`, `msgsignature`, `timestamp` and `nonce`."""
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        sealed = self._cipher.encrypt(text, _RECEIVER).decode()
        timestamp, nonce = int(now.timestamp()), secrets.token_hex(8)
        return json.dumps(
            {
                "encrypt": sealed,
                "msgsignature": self._signature(str(timestamp), nonce, sealed),
                "timestamp": timestamp,
                "nonce": nonce,
            }
        )

    def _signature(self, *parts: str) -> str:
        signer = WeChatSigner()
        signer.add_data(self._token, *parts)
        return str(signer.signature)


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
