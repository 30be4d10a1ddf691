"""Photos that styles are tried on before anything is sent: a small copy each, for its person, for an hour at most.

In the store, since any process may be asked for a sketch; a page of sketches is counted for each
(`StylesShown.may_sketch`), so a person has few of them.
"""

import secrets
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from handlers.message import Chat
from handlers.store.base import Values
from providers.media.files import write_file

_SPACE = "web.tryouts"
_KEPT = timedelta(hours=1)
MARK = "try-"
"""What a reference begins with, where others name a picture of the conversation."""


class _Photo(BaseModel):
    model_config = ConfigDict(frozen=True)

    owner: str
    jpeg: str


class Tryouts:
    def __init__(self, store: Values) -> None:
        self._store = store

    async def keep(self, chat: Chat, jpeg: bytes) -> str:
        """Its reference, which nobody guesses."""
        reference = MARK + secrets.token_urlsafe(12)
        kept = _Photo(owner=chat.owner, jpeg=b64encode(jpeg).decode("ascii")).model_dump_json()
        await self._store.set_value(_SPACE, reference, kept, owner=chat.owner, expires=datetime.now(UTC) + _KEPT)
        return reference

    async def of(self, chat: Chat, reference: str) -> bytes | None:
        stored = await self._store.value(_SPACE, reference)
        kept = None if stored is None else _Photo.model_validate_json(stored)
        return b64decode(kept.jpeg) if kept is not None and kept.owner == chat.owner else None


def as_file(jpeg: bytes, folder: Path) -> Path:
    """Blocks."""
    return write_file(jpeg, into=folder, name="photo.jpg")
