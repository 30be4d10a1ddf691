"""Reading what the page posts: text and photos, streamed to files, with every limit enforced while the bytes arrive."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import unquote_plus

from anyio import to_thread
from python_multipart import MultipartParser, QuerystringParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from bot.channels.painter import margins_of
from handlers.message import NO_MARGINS, Margins
from providers.media.files import make_folder

MAX_PHOTOS = 8
MAX_PHOTO_BYTES = 20 * 1024 * 1024
MAX_MASK_BYTES = 4 * 1024 * 1024
"""A mask is a few grey areas: as a PNG of 2048 pixels a side some tens of kilobytes."""
_WRITE_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Of one post. `parts` are fields and photos together; `idle`: seconds without a byte until it is given up."""

    photos: int = MAX_PHOTOS
    photo_bytes: int = MAX_PHOTO_BYTES
    mask_bytes: int = MAX_MASK_BYTES
    text_bytes: int = 16 * 1024
    total_bytes: int = MAX_PHOTOS * MAX_PHOTO_BYTES + 1024 * 1024
    parts: int = 40
    idle: float = 30.0


class Refused(Exception):
    """A post that is not accepted. `code` is also the key of its sentence, `error.<code>` in `web/words.json`."""

    def __init__(self, status: int, code: str, **params: int) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.params = params


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A photo as it came: the sender's bytes, on disk, not yet examined."""

    path: Path
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One post. `id` is the client's own name for the message; `pictures` are addresses of pictures it is about;
    `mask`, `margins`: what was painted on the one picture it brings or is about; `address`: where it came from
    (`addresses.py`)."""

    id: str | None = None
    text: str = ""
    choice: str | None = None
    pictures: tuple[str, ...] = ()
    photos: tuple[Upload, ...] = ()
    mask: Upload | None = None
    margins: Margins = NO_MARGINS
    address: str | None = None

    @property
    def painted(self) -> bool:
        return self.mask is not None or bool(self.margins)

    def discard(self) -> None:
        """Delete the files of a post that led to nothing."""
        for upload in (*self.photos, *((self.mask,) if self.mask else ())):
            upload.path.unlink(missing_ok=True)


@dataclass
class _File:
    path: Path
    handle: IO[bytes]
    most: int
    digest: "hashlib._Hash" = field(default_factory=partial(hashlib.sha256, usedforsecurity=False))
    waiting: bytearray = field(default_factory=bytearray)
    size: int = 0

    def write(self, data: bytes) -> None:
        self.handle.write(data)
        self.digest.update(data)

    def finish(self) -> Upload:
        """Blocks until the bytes are on the disk: what is acknowledged survives a power failure too."""
        self.write(bytes(self.waiting))
        self.handle.flush()
        os.fsync(self.handle.fileno())
        self.handle.close()
        return Upload(path=self.path, sha256=self.digest.hexdigest())

    def drop(self) -> None:
        self.handle.close()
        self.path.unlink(missing_ok=True)


class _Parts:
    """Collects the parser's callbacks. A refusal is remembered, and what comes after it is read and discarded: a
    browser that is still sending would otherwise see a broken connection in place of the sentence."""

    def __init__(self, into: Path, limits: Limits) -> None:
        self.into = into
        self.limits = limits
        self.refused: Refused | None = None
        self.complete = False
        self.fields: list[tuple[str, bytearray]] = []
        self.files: list[_File] = []
        self.mask: _File | None = None
        self._parts = 0
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._file: _File | None = None
        self._text: bytearray | None = None

    def begin(self) -> None:
        self._parts += 1
        self._disposition = b""
        self._file, self._text = None, None
        if self._parts > self.limits.parts:
            self.refuse(Refused(400, "bad_form"))

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def headers_finished(self) -> None:
        options = parse_options_header(self._disposition)[1]
        name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = options.get(b"filename")
        if self.refused:
            return
        if filename is None:
            self._text = bytearray()
            self.fields.append((name, self._text))
        elif name == "photos" and filename:  # an empty name is a file field left empty
            if len(self.files) == self.limits.photos:
                self.refuse(Refused(400, "too_many_photos", n=self.limits.photos))
            else:
                self._file = self._open(self.limits.photo_bytes)
                self.files.append(self._file)
        elif name == "mask" and filename:
            if self.mask is not None:
                self.refuse(Refused(400, "bad_form"))
            else:
                self._file = self.mask = self._open(self.limits.mask_bytes)

    @property
    def _all(self) -> list[_File]:
        return [*self.files, *((self.mask,) if self.mask else ())]

    def _open(self, most: int) -> _File:
        path = self.into / secrets.token_hex(16)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        return _File(path=path, handle=os.fdopen(os.open(path, flags, 0o600), "wb"), most=most)

    def data(self, data: bytes, start: int, end: int) -> None:
        if self.refused:
            return
        if self._file is not None:
            self._file.size += end - start
            if self._file.size > self._file.most:
                self.refuse(Refused(413, "photo_too_large", mb=self._file.most // 1024 // 1024))
            else:
                self._file.waiting += data[start:end]
        elif self._text is not None:
            self.text_data(self._text, data[start:end])

    def text_data(self, text: bytearray, more: bytes) -> None:
        if len(text) + len(more) > self.limits.text_bytes:
            self.refuse(Refused(413, "text_too_long"))
        else:
            text += more

    def end(self) -> None:
        self.complete = True

    def refuse(self, refusal: Refused) -> None:
        self.refused = self.refused or refusal

    async def flush(self) -> None:
        """Hand large buffers to the disk, off the loop."""
        for file in self._all:
            if len(file.waiting) >= _WRITE_BYTES:
                data, file.waiting = bytes(file.waiting), bytearray()
                await to_thread.run_sync(file.write, data)

    def drop(self) -> None:
        for file in self._all:
            file.drop()


class _Fields:
    """The same for a plain form, which can hold no photo."""

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts
        self._name = bytearray()
        self._text = bytearray()

    def start(self) -> None:
        self._name, self._text = bytearray(), bytearray()

    def name(self, data: bytes, start: int, end: int) -> None:
        self._parts.text_data(self._name, data[start:end])

    def data(self, data: bytes, start: int, end: int) -> None:
        self._parts.text_data(self._text, data[start:end])

    def end(self) -> None:
        self._parts.begin()
        if not self._parts.refused:
            self._parts.fields.append((_unquote(self._name), bytearray(_unquote(self._text).encode())))


def _unquote(value: bytearray) -> str:
    return unquote_plus(value.decode("latin-1"))


def _parser(kind: str, options: dict[bytes, bytes], parts: _Parts) -> MultipartParser | QuerystringParser:
    if kind == "multipart/form-data" and options.get(b"boundary"):
        return MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": parts.begin,
                "on_part_data": parts.data,
                "on_header_field": parts.header_field,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_headers_finished": parts.headers_finished,
                "on_end": parts.end,
            },
        )
    if kind == "application/x-www-form-urlencoded":
        fields = _Fields(parts)
        return QuerystringParser(
            {
                "on_field_start": fields.start,
                "on_field_name": fields.name,
                "on_field_data": fields.data,
                "on_field_end": fields.end,
                "on_end": parts.end,
            }
        )
    raise Refused(415, "bad_form")


async def _chunks(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    stream = request.stream()
    total = 0
    while True:
        try:
            async with asyncio.timeout(limits.idle):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Refused(408, "too_slow") from None
        total += len(chunk)
        if total > limits.total_bytes:
            raise Refused(413, "too_large")
        yield chunk


async def read_post(request: Request, into: Path, limits: Limits) -> Posted:
    """Read one post; its photos are then files in the folder `into`.

    Raises Refused (nothing is left behind on the disk), or starlette's ClientDisconnect.
    """
    length = request.headers.get("content-length", "0")
    # Python itself refuses to read more digits than any length has.
    if not length.isdecimal() or len(length) > 18 or int(length) > limits.total_bytes:
        raise Refused(413, "too_large")
    await to_thread.run_sync(make_folder, into)
    parts = _Parts(into, limits)
    kind, options = parse_options_header(request.headers.get("content-type"))
    try:
        parser = _parser(kind.decode("latin-1").lower(), options, parts)
        async for chunk in _chunks(request, limits):
            if parts.refused:  # the rest is read and discarded, and costs nothing more
                continue
            parser.write(chunk)
            await parts.flush()
        if parts.refused:
            raise parts.refused
        parser.finalize()
        if not parts.complete:  # cut off before the closing boundary
            raise Refused(400, "bad_form")
        photos = [await to_thread.run_sync(file.finish) for file in parts.files]
        mask = await to_thread.run_sync(parts.mask.finish) if parts.mask else None
        return _posted(parts.fields, tuple(photos), mask)
    except FormParserError:
        parts.drop()
        raise Refused(400, "bad_form") from None
    except BaseException:
        parts.drop()
        raise


def _posted(fields: list[tuple[str, bytearray]], photos: tuple[Upload, ...], mask: Upload | None) -> Posted:
    def first(name: str) -> str | None:
        return next((value.decode("utf-8", "replace") for key, value in fields if key == name), None)

    pictures = tuple(value.decode("utf-8", "replace") for key, value in fields if key == "picture")
    text = (first("text") or "").replace("\r\n", "\n").replace("\x00", "").strip()
    try:
        margins = margins_of(first("outpaint") or "")
    except ValueError:
        raise Refused(400, "bad_form") from None
    return Posted(
        id=first("id"),
        text=text,
        choice=first("choice") or None,
        pictures=pictures,
        photos=photos,
        mask=mask,
        margins=margins,
    )
