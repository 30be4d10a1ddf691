"""Signatures and encryption of callbacks: XML, with the company's id inside. Source: WeCom documentation 90968."""

import binascii
import hmac
import struct
from collections.abc import Mapping
from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict  # type: ignore[import-untyped]  # comes with wechatpy
from wechatpy.enterprise.crypto import PrpCrypto, WeChatCrypto
from wechatpy.enterprise.exceptions import InvalidCorpIdException
from wechatpy.utils import WeChatSigner


class BadSignature(Exception):
    """The request is not from the platform, or was changed on its way."""


class Malformed(Exception):
    """The request carries the right signature and cannot be read."""


class Envelope:
    """Raises ValueError for an invalid key."""

    def __init__(self, *, token: str, aes_key: str, corp_id: str) -> None:
        try:
            self._cipher = PrpCrypto(WeChatCrypto(token, aes_key, corp_id).key)
        except (AssertionError, binascii.Error):
            raise ValueError("an EncodingAESKey is 43 letters and digits") from None
        self._token = token
        self._corp_id = corp_id

    def open(self, sealed: str, query: Mapping[str, str]) -> str:
        """The plain text. The signature is checked before anything is decrypted. Raises BadSignature, Malformed."""
        signer = WeChatSigner()
        signer.add_data(self._token, query.get("timestamp", ""), query.get("nonce", ""), sealed)
        given = query.get("msg_signature", "")
        if not hmac.compare_digest(str(signer.signature).encode(), given.encode("utf-8", "replace")):
            raise BadSignature
        try:
            return str(self._cipher.decrypt(sealed, self._corp_id))
        except (ValueError, TypeError, IndexError, struct.error, binascii.Error, InvalidCorpIdException):
            raise Malformed("the envelope does not open") from None


def sealed_in(body: bytes) -> str:
    """The encrypted part of a callback's body. Raises BadSignature: there is nothing that could be signed."""
    sealed = members(body).get("Encrypt")
    if not isinstance(sealed, str) or not sealed.isascii():
        raise BadSignature
    return sealed


def members(xml: bytes | str) -> dict[str, Any]:
    """The members of `<xml>`; empty for anything else."""
    try:
        found = xmltodict.parse(xml)["xml"]
    except (ExpatError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
