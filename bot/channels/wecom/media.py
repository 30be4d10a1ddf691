"""Pictures that people sent: encrypted files at addresses that live five minutes.

Source: WeCom documentation 100719. AES-256-CBC, the initialisation vector is the key's first 16 bytes, PKCS#7 padding
to blocks of 32. In callback mode the key is the bot's EncodingAESKey; over the long connection each picture has one.
"""

import base64
import binascii
import fnmatch
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

MAX_PICTURE = 10 * 1024 * 1024
"""Bytes of a picture, as the platform limits it."""
BLOCK = 32
_KEY_BYTES = 32
_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")


class BadMedia(Exception):
    """The content is no picture encrypted with this key."""


def media_key(text: str) -> bytes:
    """The 32 bytes of a picture's own key, which comes in base64, sometimes without padding, sometimes in hex.

    Raises BadMedia.
    """
    if _HEX_KEY.fullmatch(text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadMedia("no key") from None
    if len(key) != _KEY_BYTES:
        raise BadMedia("a key of another length")
    return key


def decrypted(data: bytes, key: bytes) -> bytes:
    """The picture inside. Raises BadMedia if the length or the padding is wrong: another key, or no cipher text."""
    if not data or len(data) % 16:
        raise BadMedia("no whole blocks")
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    plain = cipher.update(data) + cipher.finalize()
    padding = plain[-1]
    if not 1 <= padding <= BLOCK or plain[-padding:] != bytes((padding,)) * padding:
        raise BadMedia("the padding is wrong")
    return plain[:-padding]


def may_fetch(url: str, hosts: Sequence[str]) -> bool:
    """Whether a picture may be downloaded from there: `hosts` are names, `*.` for everything below one, `host:port`."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host:
        return False
    for allowed in hosts:
        name, _, wanted = allowed.lower().partition(":")
        if wanted:
            if host == name and str(port or (443 if parts.scheme == "https" else 80)) == wanted:
                return True
        elif port in (None, 80, 443) and fnmatch.fnmatchcase(host, name):
            return True
    return False
