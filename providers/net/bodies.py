"""Request bodies with pictures in them, streamed from their files while they are sent.

A photo of 20 MB is 27 MB as base64, and in a JSON text, encoded and passed to httpx, it is in memory four times
over; here no more than a piece of it is.
"""

import json
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

PIECE = 96 * 1024
"""Bytes of a file encoded at a time: a multiple of three, so that the pieces are one base64 text."""

FormPart = tuple[str, tuple[str | None, BinaryIO | bytes | str, str] | tuple[None, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Base64File:
    """Stands in a JSON value for the text `prefix` + the base64 of a file. `prefix`: such as `data:image/png;base64,`.

    The file must not change between `JsonBody(…)` and the end of the request.
    """

    path: Path
    prefix: str = ""


class JsonBody:
    """A JSON value with `Base64File`s in it, for `content=` of an httpx request with `headers=body.headers`.

    Blocks when it is made (it looks at the files). May be sent more than once. Raises OSError where a file is missing.
    """

    def __init__(self, value: Any) -> None:
        self._parts = list(_parts(value))
        self.length = sum(_length(part) for part in self._parts)

    @property
    def headers(self) -> dict[str, str]:
        """With the length: several services do not take a body in chunks."""
        return {"content-type": "application/json", "content-length": str(self.length)}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
                continue
            yield part.prefix.encode()
            with part.path.open("rb") as file:
                while piece := file.read(PIECE):
                    yield b64encode(piece)


def _parts(value: Any) -> Iterator[bytes | Base64File]:
    """The JSON text, cut where a file's text belongs; the quotation marks around it stay with the text."""
    files: list[Base64File] = []
    mark = f"file-{secrets.token_hex(16)}-"

    def named(found: Any) -> str:
        if not isinstance(found, Base64File):
            raise TypeError(f"no JSON: {type(found).__name__}")
        files.append(found)
        return f"{mark}{len(files) - 1}."

    text = json.dumps(value, default=named, ensure_ascii=False)
    for number, file in enumerate(files):
        before, _, text = text.partition(f"{mark}{number}.")
        yield before.encode("utf-8", "replace")
        yield file
    yield text.encode("utf-8", "replace")


def _length(part: bytes | Base64File) -> int:
    if isinstance(part, bytes):
        return len(part)
    return len(part.prefix.encode()) + (part.path.stat().st_size + 2) // 3 * 4


@dataclass(frozen=True, kw_only=True, slots=True)
class FormFile:
    """One file of a multipart form; `type` such as `image/png`."""

    name: str
    filename: str
    type: str
    data: Path | bytes = field(repr=False)


@contextmanager
def form(fields: Mapping[str, str], files: Sequence[FormFile] = ()) -> Iterator[list[FormPart]]:
    """For `files=` of an httpx request: always a multipart form, even without a file; files are open within the block.

    Raises OSError where a file is missing.
    """
    with ExitStack() as opened:
        parts: list[FormPart] = [(name, (None, value)) for name, value in fields.items()]
        for file in files:
            content = opened.enter_context(file.data.open("rb")) if isinstance(file.data, Path) else file.data
            parts.append((file.name, (file.filename, content, file.type)))
        yield parts
