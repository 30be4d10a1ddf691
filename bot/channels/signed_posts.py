"""Callbacks of WeChat and WeCom: signed with the token, encrypted with a 43-character EncodingAESKey.

Source: WeCom documentation 90968 and 101033, which are WeChat's "message encryption" with another receiver inside.
SHA-1 of the sorted parts, compared in constant time; AES-256-CBC, padded to 32. Nothing is decrypted before its
signature is right.
"""

import binascii
import hmac
import logging
import struct
from collections.abc import Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from wechatpy.enterprise.crypto import PrpCrypto, WeChatCrypto
from wechatpy.enterprise.exceptions import InvalidCorpIdException
from wechatpy.exceptions import InvalidAppIdException
from wechatpy.utils import WeChatSigner

log = logging.getLogger(__name__)

KEY_LENGTH = 43
UNREADABLE = (
    ValueError,
    TypeError,
    IndexError,
    struct.error,
    binascii.Error,
    InvalidCorpIdException,
    InvalidAppIdException,
)
"""What wechatpy's ciphers raise for what was sealed with another key, for another receiver, or not at all."""


class BadSignature(Exception):
    """The request is not from the platform, or was changed on its way."""


class Malformed(Exception):
    """The request has the right signature and cannot be read."""


def signature(*parts: str) -> str:
    signer = WeChatSigner()
    signer.add_data(*parts)
    return str(signer.signature)


def check(given: str, *parts: str) -> None:
    """Raises BadSignature."""
    if not hmac.compare_digest(signature(*parts).encode(), given.encode("utf-8", "replace")):
        raise BadSignature


def checked_key(key: str) -> str:
    """Raises ValueError for what is no key."""
    if len(key) != KEY_LENGTH:
        raise ValueError(f"an EncodingAESKey has {KEY_LENGTH} characters")
    try:
        WeChatCrypto("", key, "")
    except (AssertionError, binascii.Error):
        raise ValueError("an EncodingAESKey is letters and digits only") from None
    return key


class Sealed:
    """WeCom's cipher for one receiver, whose id is inside and checked. Raises ValueError for an invalid key."""

    def __init__(self, *, token: str, aes_key: str, receiver: str) -> None:
        self._token = token
        self._receiver = receiver
        self.key = bytes(WeChatCrypto(token, checked_key(aes_key), receiver).key)
        self._cipher = PrpCrypto(self.key)

    def open(self, sealed: str, query: Mapping[str, str], *, names: tuple[str, ...] = ("msg_signature",)) -> str:
        """The plain text. `names`: under which the query may carry the signature. Raises BadSignature, Malformed."""
        given = next((query[name] for name in names if query.get(name)), "")
        check(given, self._token, query.get("timestamp", ""), query.get("nonce", ""), sealed)
        try:
            return str(self._cipher.decrypt(sealed, self._receiver))
        except UNREADABLE:
            raise Malformed("the envelope does not open") from None

    def seal(self, text: str, *, timestamp: str, nonce: str) -> tuple[str, str]:
        """The encrypted text and its signature."""
        sealed = self._cipher.encrypt(text, self._receiver).decode()
        return sealed, signature(self._token, timestamp, nonce, sealed)


class Opens(Protocol):
    def open(self, sealed: str, query: Mapping[str, str]) -> str: ...


def echo_of(envelope: Opens, request: Request) -> Response:
    """The console's question: the plain text inside `echostr`, and nothing else."""
    query = request.query_params
    try:
        text = envelope.open(query.get("echostr", ""), query)
    except BadSignature:
        return refused(request)
    except Malformed:
        return Response(status_code=400)
    return PlainTextResponse(text, headers={"cache-control": "no-store"})


def refused(request: Request) -> Response:
    log.warning("a callback to %s was refused: its signature is wrong", request.url.path)
    return Response(status_code=403)
