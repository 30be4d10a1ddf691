"""Signatures and encryption of pushes, by wechatpy's parts; compared in constant time, whatever is wrong is one error.

Source: the platform's "message encryption" documentation. SHA-1 of the sorted parts; AES-256-CBC with the account's
43-character key; the id of the account is inside the envelope and checked.
"""

import binascii
import hmac
import secrets
import struct
from collections.abc import Mapping
from datetime import datetime
from xml.parsers.expat import ExpatError

import xmltodict  # type: ignore[import-untyped]  # comes with wechatpy
from wechatpy.crypto import PrpCrypto, WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException
from wechatpy.utils import WeChatSigner

KEY_LENGTH = 43


class BadSignature(Exception):
    """The push is not from the platform, or was changed on its way."""


class Malformed(Exception):
    """The push cannot be read."""


class Envelope:
    """Opens and seals pushes with the account's token and keys: the present one, then the one before a change."""

    def __init__(self, *, token: str, app_id: str, keys: tuple[str, ...] = ()) -> None:
        """Raises ValueError for an invalid key."""
        self._token = token
        self._app_id = app_id
        self._ciphers: list[tuple[PrpCrypto, WeChatCrypto]] = []
        for key in keys:
            if len(key) != KEY_LENGTH:
                raise ValueError(f"an EncodingAESKey has {KEY_LENGTH} characters")
            try:
                crypto = WeChatCrypto(token, key, app_id)
            except (AssertionError, binascii.Error):
                raise ValueError("an EncodingAESKey is letters and digits only") from None
            self._ciphers.append((PrpCrypto(crypto.key), crypto))

    def check(self, query: Mapping[str, str]) -> None:
        """Raises BadSignature unless `signature` is that of token, timestamp and nonce."""
        self._compare(query.get("signature", ""), query.get("timestamp", ""), query.get("nonce", ""))

    def _compare(self, given: str, *parts: str) -> None:
        signer = WeChatSigner()
        signer.add_data(self._token, *parts)
        if not hmac.compare_digest(signer.signature.encode(), given.encode("utf-8", "replace")):
            raise BadSignature

    def open(self, body: str, query: Mapping[str, str]) -> tuple[str, int]:
        """The XML inside an encrypted push, and which key opened it. Raises BadSignature, Malformed."""
        sealed = _encrypted(body)
        self._compare(query.get("msg_signature", ""), query.get("timestamp", ""), query.get("nonce", ""), sealed)
        for number, (cipher, _) in enumerate(self._ciphers):
            try:
                return str(cipher.decrypt(sealed, self._app_id)), number
            except (ValueError, TypeError, IndexError, struct.error, binascii.Error, InvalidAppIdException):
                continue  # another key, or another account's
        raise Malformed("no key opens it")

    def seal(self, xml: str, key: int, now: datetime) -> str:
        """An encrypted reply, with the key that opened its push."""
        timestamp = str(int(now.timestamp()))
        return str(self._ciphers[key][1].encrypt_message(xml, secrets.token_hex(8), timestamp))


def _encrypted(body: str) -> str:
    try:
        sealed = xmltodict.parse(body)["xml"]["Encrypt"]
    except (ExpatError, ValueError, KeyError, TypeError, RecursionError):
        raise Malformed("no envelope") from None
    if not isinstance(sealed, str) or not sealed.isascii():
        raise Malformed("no envelope")
    return sealed
