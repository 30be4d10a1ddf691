"""Reading files that others name; writing files atomically.

Everything written here is private to the user the program runs as (mode 0600): these are photos of people.
Few calls of the system on purpose: after each, a thread waits for the interpreter again, which costs more than the
call where the program is busy.
"""

import contextlib
import errno
import itertools
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from providers.codes import Code
from providers.errors import AskPerson

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
_CHUNK = 4 * 1024 * 1024
# Links are not followed, a pipe without a writer does not hang, a terminal does not become ours.
_OPEN_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY"))
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
_RUN = secrets.token_hex(8)
"""In the names of temporary files, so that what a run that died left behind is in nobody's way."""
_numbers = itertools.count()


def read_regular_file(path: Path, *, max_bytes: int) -> bytes:
    """The bytes of a regular file of at most `max_bytes`.

    Raises AskPerson: `file_not_found`; `not_a_file` (folder, link, pipe, socket, device); `file_not_readable`;
    `photo_too_large_file`.
    """
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise AskPerson(code=_code_of(error)) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise AskPerson(code="not_a_file")
        return _read(descriptor, max_bytes, found.st_size)
    except OSError:
        raise AskPerson(code="file_not_readable") from None
    finally:
        os.close(descriptor)


def too_large(max_bytes: int) -> AskPerson:
    """The refusal of a file above `max_bytes`; one sentence for a path and for bytes."""
    return AskPerson(code="photo_too_large_file", params={"max_mb": max(1, max_bytes // (1024 * 1024))})


def write_file(data: bytes, *, into: Path, name: str, synced: bool = True) -> Path:
    """Write `into/name` atomically; a file of that name is replaced.

    `synced=False` is for what can be had again: when power fails, the file may be gone or empty.
    """
    temporary = _write_temporary(data, into, synced=synced)
    target = into / name
    try:
        temporary.replace(target)
    except BaseException:
        delete_quietly([temporary])
        raise
    if synced:
        _sync_folder(into)
    return target


def write_new_file(data: bytes, *, into: Path, name: str, synced: bool = True) -> Path:
    """Like `write_file`, but raises FileExistsError instead of replacing anything."""
    temporary = _write_temporary(data, into, synced=synced)
    target = into / name
    try:
        try:
            target.hardlink_to(temporary)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: claim the name, then replace the empty claim
            os.close(os.open(target, _CREATE_FLAGS, PRIVATE_FILE))
            temporary.replace(target)
    finally:
        delete_quietly([temporary])
    if synced:
        _sync_folder(into)
    return target


def make_folder(folder: Path) -> None:
    """Every level that is missing is made for this user alone; what was there stays as it is. Raises OSError."""
    missing = [level for level in (folder, *folder.parents) if not level.exists()]
    for level in reversed(missing):
        level.mkdir(exist_ok=True, mode=PRIVATE_FOLDER)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def make_private_folder(folder: Path) -> None:
    """Made where it is missing; for this user alone, also where it was there before. Raises OSError."""
    make_folder(folder)
    if folder.stat().st_uid == os.geteuid():
        folder.chmod(PRIVATE_FOLDER)


def delete_quietly(paths: Iterable[Path]) -> None:
    """Delete the files that are there; what is not there, or cannot be deleted, is passed over.

    For the end of a photo's lifetime, where there is nobody left to tell.
    """
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            path.unlink()


def _code_of(error: OSError | ValueError) -> Code:
    number = getattr(error, "errno", None)
    if number in (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR, errno.ENODEV):
        return "not_a_file"
    if number in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, None):
        return "file_not_found"
    return "file_not_readable"


def _read(descriptor: int, max_bytes: int, stated: int) -> bytes:
    """Counts what it reads: the size a file states may grow, or be 0 as in /proc.

    Less than what was asked for, and as much as was stated, is the end: no second look.
    """
    chunks: list[bytes] = []
    room = max_bytes + 1
    while room > 0 and (chunk := os.read(descriptor, asked := min(_CHUNK, room))):
        chunks.append(chunk)
        room -= len(chunk)
        if len(chunk) < asked and max_bytes + 1 - room == stated:
            break
    if room <= 0:
        raise too_large(max_bytes)
    return b"".join(chunks)


def _write_temporary(data: bytes, into: Path, *, synced: bool) -> Path:
    temporary = into / f".{_RUN}-{os.getpid()}-{next(_numbers)}.part"
    try:
        descriptor = os.open(temporary, _CREATE_FLAGS, PRIVATE_FILE)
    except FileNotFoundError:
        make_folder(into)
        descriptor = os.open(temporary, _CREATE_FLAGS, PRIVATE_FILE)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            if synced:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        delete_quietly([temporary])
        raise
    return temporary


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable, if the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
