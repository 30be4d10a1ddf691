"""Files put where Replicate's models can read them: small ones into the request, the others uploaded first.

An upload costs nothing and starts nothing, so whatever goes wrong here, no job was taken.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from providers.errors import LikenessError, NotTaken, WaitAndRetry
from providers.media.threads import in_thread
from providers.media.upstream import data_uri
from providers.net.bodies import FormFile, form
from providers.net.client import SUBMIT, Client
from providers.net.outcome import submit_error

INLINE = 256 * 1024
"""Bytes of a file above which Replicate wants an address instead of a data URI."""


class Uploads:
    """Uploads with the account's key; the addresses live about a day, longer than any job."""

    def __init__(self, client: Client, root: str, headers: Mapping[str, str]) -> None:
        self._client = client
        self._root = root
        self._headers = headers

    async def placed(self, value: Any) -> Any:
        """The inputs with an address or a data URI in the place of each path. Raises NotTaken."""
        if isinstance(value, Path):
            return await self._one(value)
        if isinstance(value, list):
            return [await self.placed(one) for one in value]
        if isinstance(value, dict):
            return {name: await self.placed(one) for name, one in value.items()}
        return value

    async def _one(self, path: Path) -> str:
        inline, type_ = await in_thread(_looked_at, path)
        if inline:
            return inline
        # The name a person gave their file is nobody's business.
        file = FormFile(name="content", filename=f"photo.{type_.removeprefix('image/')}", type=type_, data=path)
        try:
            with form({}, [file]) as parts:
                answer = await self._client.post(
                    f"{self._root}/files", headers=self._headers, timeout=SUBMIT, files=parts
                )
        except httpx.TransportError as error:
            raise WaitAndRetry(f"an upload failed ({type(error).__name__})", code="provider_unavailable") from None
        address = answer.text("urls", "get")
        if answer.ok and address:
            return address
        raise _not_uploaded(submit_error(answer))


def _not_uploaded(error: LikenessError) -> LikenessError:
    """No job was taken, whatever the answer: what would be in doubt for a submit is not for an upload."""
    if isinstance(error, NotTaken) or error.code == "provider_rejected":
        return error
    return WaitAndRetry("an upload was not taken", code="provider_unavailable")


def _looked_at(path: Path) -> tuple[str, str]:
    """The data URI of a small file, else nothing; and its type, by its first bytes."""
    if path.stat().st_size * 4 // 3 <= INLINE:
        return data_uri(path), ""
    with path.open("rb") as file:
        start = file.read(12)
    if start.startswith(b"\x89PNG"):
        return "", "image/png"
    return "", "image/webp" if start[8:12] == b"WEBP" else "image/jpeg"
