"""Who a browser is: a signed cookie, set when the page is opened. Each browser is a person of its own."""

import hashlib
import hmac
import os
import re
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

from itsdangerous import BadSignature, Signer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from handlers.message import Chat
from providers.media.files import make_folder

COOKIE = "likeness"
COOKIE_SECONDS = 400 * 24 * 3600
"""As long as browsers keep a cookie; every visit restarts it."""

_PERSON = re.compile(r"[A-Za-z0-9_-]{22}")


class Sessions:
    """Signs and reads the cookie, and makes unguessable addresses, all with one secret."""

    def __init__(self, *, secret: bytes, https: bool = False) -> None:
        """`https`: the page is reached by https even if this process receives plain http (behind a proxy)."""
        self._signer = Signer(secret, salt="likeness.person", digest_method=hashlib.sha256)
        self._picture_key = hmac.digest(secret, b"likeness.pictures", "sha256")
        self._https = https

    def person(self, connection: HTTPConnection) -> Chat | None:
        """The person behind a request, or None without a valid cookie of ours."""
        try:
            person = self._signer.unsign(connection.cookies.get(COOKIE, "")).decode("ascii")
        except (BadSignature, UnicodeDecodeError):
            return None
        return chat_of(person) if _PERSON.fullmatch(person) else None

    def greet(self, connection: HTTPConnection, response: Response) -> Chat:
        """Set the cookie on `response`: the known person's, or that of a new one."""
        chat = self.person(connection) or chat_of(secrets.token_urlsafe(16))
        response.set_cookie(
            COOKIE,
            self._signer.sign(chat.person).decode("ascii"),
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=self._https or connection.url.scheme == "https",
        )
        return chat

    def seal(self, *parts: str | int) -> str:
        """128 bits that only this installation can compute from `parts`."""
        message = "\x1f".join(str(part) for part in parts).encode()
        return urlsafe_b64encode(hmac.digest(self._picture_key, message, "sha256")[:16]).decode("ascii").rstrip("=")

    def sealed(self, seal: str, *parts: str | int) -> bool:
        return hmac.compare_digest(seal.encode("utf-8", "replace"), self.seal(*parts).encode())


def chat_of(person: str) -> Chat:
    return Chat(channel="web", chat=person, person=person)


LEAST_SECRET = 32
"""A secret shorter than this many bytes is not accepted."""


class SecretUnusable(Exception):
    """The text is a sentence for the operator."""


def load_secret(path: Path) -> bytes:
    """The installation's secret, made at the first start: 256 bits, readable by its owner only.

    Raises SecretUnusable for a file with too little in it: anybody who guesses it can be every person. Written
    completely under another name first and then linked, so that two processes starting together agree on one and a
    crash leaves no partial file.
    """
    try:
        return _long_enough(path)
    except FileNotFoundError:
        make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_urlsafe(32).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first: its secret counts
    finally:
        draft.unlink()
    return _long_enough(path)


def _long_enough(path: Path) -> bytes:
    secret = path.read_bytes()
    if len(secret.strip()) < LEAST_SECRET:
        raise SecretUnusable(
            f"{path} is empty or too short to keep anything safe; restore it from a backup, or delete it: a new one "
            "is made at the next start, and browsers begin as new people"
        )
    return secret
