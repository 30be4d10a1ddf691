"""The journal of the Python API: one JSON file a call, so that a killed call can be resumed.

`<folder>/<key>.json` holds what was asked (the `Call`, with every request as it was split) and a `Record` for each
piece. It is replaced as a whole and synced to disk at every change. `<folder>/<key>/` holds the photos, and
`<folder>/<key>.lock` is locked by the process that works on the call.
"""

import asyncio
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter

from providers.api.old_documents import upgraded
from providers.attempts import Attempt
from providers.base import Charge, PictureFile, Request, Submission
from providers.errors import AskPerson
from providers.journal import Record, Stage
from providers.media.files import PRIVATE_FILE, PRIVATE_FOLDER, delete_quietly, write_file
from providers.money import Money
from providers.preferences import ANYONE, Preferences
from providers.settings import ProviderSettings
from providers.task import Gender

KEPT = timedelta(days=30)
VERSION = 3
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Training:
    """What a call that trains a face says of it."""

    name: str = ""
    gender: Gender | None = None


@dataclass(frozen=True, kw_only=True)
class Call:
    """What one call of the API asked for.

    `items`: for a series, the number of the item of each piece. `preferences`: who may make it, also when it is
    resumed. `estimates`: what each piece was expected to cost when the call began. `training`: of a call that trains a
    face.
    """

    key: str
    created: datetime
    mode: str
    model: str
    prompt: str | None
    into: Path
    pieces: tuple[Request, ...]
    preferences: Preferences = ANYONE
    items: tuple[int, ...] | None = None
    estimates: tuple[Money, ...] = ()
    training: Training | None = None


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file."""

    call: Call
    records: dict[str, Record] = field(default_factory=dict)
    version: int = VERSION

    @property
    def made(self) -> bool:
        """Every piece has its pictures."""
        stages = [record.stage for record in self.records.values()]
        return len(stages) == len(self.call.pieces) and all(stage is Stage.MADE for stage in stages)


_DOCUMENT = TypeAdapter(Document)


def requests_folder(settings: ProviderSettings) -> Path:
    return settings.data_dir / "requests"


def check_key(key: str) -> str:
    """A key that is a safe file name. Raises AskPerson `bad_key`."""
    if _KEY.fullmatch(key) is None:
        raise AskPerson("not a key", code="bad_key")
    return key


@contextmanager
def locked(folder: Path, key: str) -> Iterator[None]:
    """Hold the call for this process. Raises AskPerson `request_running` where another holds it. Blocks briefly."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    path = folder / f"{check_key(key)}.lock"
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise AskPerson("held by another process", code="request_running") from None
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                break
        os.close(descriptor)  # the file was removed between opening and locking
    try:
        yield
    finally:
        delete_quietly([path])
        os.close(descriptor)


class FileJournal:
    """The journal of one call, held (see `locked`) while it is in use."""

    def __init__(self, folder: Path, document: Document) -> None:
        self._folder = folder
        self._document = document
        self._one_at_a_time = asyncio.Lock()

    @classmethod
    async def create(cls, folder: Path, call: Call) -> "FileJournal":
        """A new file, on disk before anything is posted."""
        journal = cls(folder, Document(call=call))
        await journal._write(journal._document)
        return journal

    @classmethod
    async def load(cls, folder: Path, key: str) -> "FileJournal":
        """Raises AskPerson `unknown_request`."""
        document = await asyncio.to_thread(read_document, folder / f"{check_key(key)}.json")
        if document is None:
            raise AskPerson("no such file", code="unknown_request")
        return cls(folder, document)

    @property
    def call(self) -> Call:
        return self._document.call

    @property
    def document(self) -> Document:
        return self._document

    async def find(self, key: str) -> Record | None:
        return self._document.records.get(key)

    async def ready(self, request: Request) -> None:
        """The call's photos lie beside its journal."""

    async def begin(self, request: Request, provider: str, *, tried: Sequence[Attempt] = ()) -> None:
        await self._put(Record(key=request.key, provider=provider, stage=Stage.SUBMITTING, tried=tuple(tried)))

    async def note(self, request: Request, tried: Sequence[Attempt]) -> None:
        record = self._document.records.get(request.key)
        refused = record or Record(key=request.key, provider=tried[-1].provider, stage=Stage.REFUSED)
        await self._put(replace(refused, tried=tuple(tried)))

    async def accept(self, key: str, submission: Submission) -> None:
        await self._put(replace(self._document.records[key], stage=Stage.ACCEPTED, submission=submission))

    async def end(
        self,
        key: str,
        stage: Stage,
        *,
        pictures: Sequence[PictureFile] = (),
        charge: Charge | None = None,
        error_code: str | None = None,
        tried: Sequence[Attempt] | None = None,
    ) -> None:
        old = self._document.records[key]
        history = old.tried if tried is None else tuple(tried)
        ended = replace(old, stage=stage, pictures=tuple(pictures), charge=charge, error_code=error_code, tried=history)
        await self._put(ended)

    async def _put(self, record: Record) -> None:
        async with self._one_at_a_time:
            await self._write(replace(self._document, records={**self._document.records, record.key: record}))

    async def _write(self, document: Document) -> None:
        data = _DOCUMENT.dump_json(document, indent=1)
        await asyncio.to_thread(write_file, data, into=self._folder, name=f"{document.call.key}.json")
        self._document = document


def read_document(path: Path) -> Document | None:
    """None where there is no such file, or it is none of ours."""
    try:
        return _DOCUMENT.validate_python(upgraded(json.loads(path.read_bytes()), to=VERSION), strict=False)
    except (OSError, ValueError):
        return None


def documents(folder: Path) -> list[Document]:
    """Every call kept, newest first. Blocks."""
    found = [document for path in folder.glob("*.json") if (document := read_document(path)) is not None]
    return sorted(found, key=lambda document: document.call.created, reverse=True)


def photos_folder(folder: Path, key: str) -> Path:
    return folder / check_key(key)


def forget_photos(folder: Path, key: str) -> None:
    """The photos of a call that has its pictures are of no more use. Blocks."""
    shutil.rmtree(photos_folder(folder, key), ignore_errors=True)


def expire(folder: Path, *, now: datetime | None = None) -> None:
    """Delete calls older than 30 days, with their photos; the pictures made are not touched. Blocks."""
    limit = (now or datetime.now(UTC)) - KEPT
    for document in documents(folder):
        if document.call.created < limit:
            forget_photos(folder, document.call.key)
            delete_quietly([folder / f"{document.call.key}.json"])
