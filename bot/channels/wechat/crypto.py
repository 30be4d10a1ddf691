"""Signatures and encryption of pushes, by wechatpy's parts; compared in constant time, whatever is wrong is one error.

Source: the platform's "message encryption" documentation. SHA-1 of the sorted parts; AES-256-CBC with the account's
43-character key; the id of the account is inside the envelope and checked.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from xml.parsers.expat import ExpatError

import xmltodict  # type: ignore[import-untyped]  # comes with wechatpy
from wechatpy.crypto import PrpCrypto, WeChatCrypto

from bot.channels.signed_posts import UNREADABLE, Malformed, check, checked_key


class Envelope:
    """Opens and seals pushes with the account's token and keys: the present one, then the one before a change."""

    def __init__(self, *, token: str, app_id: str, keys: tuple[str, ...] = ()) -> None:
        """Raises ValueError for an invalid key."""
        self._token = token
        self._app_id = app_id
        self._ciphers: list[tuple[PrpCrypto, WeChatCrypto]] = []
        for key in keys:
            crypto = WeChatCrypto(token, checked_key(key), app_id)
            self._ciphers.append((PrpCrypto(crypto.key), crypto))

    def check(self, query: Mapping[str, str]) -> None:
        """Raises BadSignature unless `signature` is that of token, timestamp and nonce."""
        check(query.get("signature", ""), self._token, query.get("timestamp", ""), query.get("nonce", ""))

    def open(self, body: str, query: Mapping[str, str]) -> tuple[str, int]:
        """The XML inside an encrypted push, and which key opened it. Raises BadSignature, Malformed."""
        sealed = _encrypted(body)
        parts = (self._token, query.get("timestamp", ""), query.get("nonce", ""), sealed)
        check(query.get("msg_signature", ""), *parts)
        for number, (cipher, _) in enumerate(self._ciphers):
            try:
                return str(cipher.decrypt(sealed, self._app_id)), number
            except UNREADABLE:
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
