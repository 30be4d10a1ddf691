"""Encrypts what a channel must store and nobody may read in the database: addresses that are as good as a password."""

import base64
import hmac

from cryptography.fernet import Fernet, InvalidToken


class Seal:
    """`secret`: the installation's; `purpose`: a name, so that what is sealed for one use opens for no other."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        key = hmac.digest(secret, f"likeness.{purpose}".encode(), "sha256")
        self._box = Fernet(base64.urlsafe_b64encode(key))

    def close(self, text: str) -> str:
        return self._box.encrypt(text.encode()).decode("ascii")

    def open(self, closed: str) -> str:
        """Raises ValueError for what was not sealed with this secret for this purpose."""
        try:
            return self._box.decrypt(closed).decode()
        except InvalidToken:
            raise ValueError("sealed with another secret") from None
