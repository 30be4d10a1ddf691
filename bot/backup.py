"""A backup of an installation in one file, written while it runs, and an installation restored from such a file.

A tar archive: `manifest.json` first, then the databases (an SQLite file as of one moment, or `pg_dump`'s archive), then
every file under `DATA_DIR` and `OUTPUT_DIR`. The databases are copied before the files, so that every file they name is
included. It holds people's photos and the installation's secret: mode 0600, no encryption of its own.
"""

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from pydantic import BaseModel, ValidationError

from bot.settings import Settings
from handlers.jobs.engine_database import EngineDatabase
from handlers.store.sql.snapshot import DamagedDatabase, copy_sqlite
from providers.media.files import PRIVATE_FILE, PRIVATE_FOLDER
from providers.media.ref import AREAS, Area, MediaRef

MANIFEST = "manifest.json"
OURS = "databases/likeness.sqlite"
ENGINES = "databases/workflows.sqlite"
DUMP = "databases/postgresql.dump"
FORMAT = 1
_ENGINE_SCHEMA = "dbos"
_LEFT_OUT = (".sqlite", ".sqlite-wal", ".sqlite-shm", ".sqlite-journal", ".lock", ".alive", ".storage-id")
"""Suffixes left out: the databases, which are copied another way, and what belongs to running processes and this
disk."""
_PG_SECONDS = 6 * 3600


class BackupFailed(Exception):
    """`code` for programs, the message for the operator; it contains no setting's value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Manifest(BaseModel, frozen=True):
    format: int
    made: datetime
    database: str
    """`sqlite` or `postgresql`."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """`files`: photos, pictures and everything else in the two folders. `size` in bytes."""

    file: Path
    files: int
    size: int


def back_up(settings: Settings, file: Path) -> Written:
    """Write the archive to `file`, completely or not at all. Blocks. Raises BackupFailed and OSError."""
    if file.exists():
        raise BackupFailed("file_exists", f"{file} already exists; name another file.")
    part = file.with_name(f".{file.name}.part")
    with tempfile.TemporaryDirectory(prefix=".likeness-backup-", dir=file.absolute().parent) as scratch:
        databases = _copied_databases(settings, Path(scratch))
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE), "wb") as out:
                files = _write(out, settings, databases, besides={file.absolute(), part.absolute(), Path(scratch)})
                out.flush()
                os.fsync(out.fileno())
            part.rename(file)
        finally:
            part.unlink(missing_ok=True)
    return Written(file=file, files=files, size=file.stat().st_size)


def _write(out: io.BufferedIOBase, settings: Settings, databases: dict[str, Path], *, besides: set[Path]) -> int:
    manifest = Manifest(format=FORMAT, made=datetime.now(UTC), database="postgresql" if DUMP in databases else "sqlite")
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        text = manifest.model_dump_json(indent=2).encode()
        head = tarfile.TarInfo(MANIFEST)
        head.size, head.mode, head.mtime = len(text), PRIVATE_FILE, int(manifest.made.timestamp())
        archive.addfile(head, io.BytesIO(text))
        for name, database in databases.items():
            archive.add(database, arcname=name, recursive=False)
        files = 0
        for area, path, name in _files(settings, besides):
            try:
                with path.open("rb") as opened:
                    info = archive.gettarinfo(arcname=f"{area}/{name}", fileobj=opened)
                    info.mode, info.uid, info.gid, info.uname, info.gname = PRIVATE_FILE, 0, 0, "", ""
                    archive.addfile(info, opened)
            except FileNotFoundError:  # deleted meanwhile: its retention time was over, or its owner asked for it
                continue
            files += 1
    return files


def _files(settings: Settings, besides: set[Path]) -> Iterator[tuple[Area, Path, str]]:
    """Regular files of both folders with their names in them; links are not followed."""
    roots: dict[Area, Path] = {"data": settings.data_dir.absolute(), "pictures": settings.output_dir.absolute()}
    for area in AREAS:
        others = {root for name, root in roots.items() if name != area} | besides
        for folder, folders, names in os.walk(roots[area]):
            here = Path(folder)
            folders[:] = sorted(name for name in folders if here / name not in others)
            for name in sorted(names):
                path = here / name
                if path in besides or name.endswith(_LEFT_OUT) or path.is_symlink() or not path.is_file():
                    continue
                yield area, path, path.relative_to(roots[area]).as_posix()


def _copied_databases(settings: Settings, scratch: Path) -> dict[str, Path]:
    """The engine's before ours: a job is in ours before the engine hears of it."""
    url = sa.make_url(settings.database)
    if url.get_backend_name() == "postgresql":
        dump = scratch / "postgresql.dump"
        _postgres(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}"], url)
        return {DUMP: dump}
    engines = EngineDatabase.of(settings.data_dir, settings.database).file
    copied = {}
    for name, source in ((ENGINES, engines), (OURS, Path(url.database or ""))):
        if source is None or not source.is_file():
            continue
        target = scratch / Path(name).name
        try:
            copy_sqlite(source, target)
        except DamagedDatabase as error:
            raise BackupFailed(
                "database_damaged", f"{error.file} cannot be read completely; nothing was written."
            ) from None
        copied[name] = target
    if OURS not in copied:
        raise BackupFailed("nothing_there", "There is no database yet, so there is nothing to back up.")
    return copied


def restore(settings: Settings, file: Path, *, go_on: bool) -> Manifest:
    """Unpack the archive. `go_on`: with the engine's state, so that open jobs continue by themselves.

    Only into an empty `DATA_DIR` and, with PostgreSQL, a database without our tables. Blocks. Raises BackupFailed, and
    OSError.
    """
    _must_be_empty(settings)
    url = sa.make_url(settings.database)
    with tempfile.TemporaryDirectory(prefix=".likeness-restore-") as scratch, _opened(file) as archive:
        manifest = _manifest(archive)
        if manifest.database != url.get_backend_name():
            raise BackupFailed(
                "other_database",
                f"The archive was made of {manifest.database}; set DATABASE_URL to a database of that kind.",
            )
        _lay_out(archive, settings, Path(scratch))
        if manifest.database == "postgresql":
            words = ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
            words += [] if go_on else [f"--exclude-schema={_ENGINE_SCHEMA}"]
            _postgres([*words, f"--dbname={url.database}", str(Path(scratch) / "postgresql.dump")], url)
        else:
            _put(Path(scratch) / "likeness.sqlite", Path(url.database or ""))
            engines = EngineDatabase.of(settings.data_dir, settings.database).file
            if go_on and engines is not None and (Path(scratch) / "workflows.sqlite").is_file():
                _put(Path(scratch) / "workflows.sqlite", engines)
    return manifest


def _must_be_empty(settings: Settings) -> None:
    for name, folder in (("DATA_DIR", settings.data_dir), ("OUTPUT_DIR", settings.output_dir)):
        if folder.is_dir() and any(path.is_file() for path in folder.rglob("*")):
            raise BackupFailed("not_empty", f"{name} ({folder}) has files in it; restore into empty folders.")
    url = sa.make_url(settings.database)
    if url.get_backend_name() == "sqlite":
        if Path(url.database or "").exists():
            raise BackupFailed("not_empty", "The database is there already; restore where there is none.")
        return
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), hide_parameters=True)
    try:
        if sa.inspect(engine).has_table("jobs"):
            raise BackupFailed("not_empty", "The database has our tables already; name an empty one.")
    finally:
        engine.dispose()


def _opened(file: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(file, "r:")
    except tarfile.TarError:
        raise BackupFailed("no_backup", f"{file} is not a backup of Likeness.") from None


def _manifest(archive: tarfile.TarFile) -> Manifest:
    try:
        first = archive.next()
        opened = archive.extractfile(first) if first is not None and first.name == MANIFEST else None
        if opened is None:
            raise ValueError("no manifest")
        manifest = Manifest.model_validate(json.loads(opened.read(65536)))
    except (tarfile.TarError, ValidationError, ValueError):
        raise BackupFailed("no_backup", "The file is not a backup of Likeness.") from None
    if manifest.format > FORMAT:
        raise BackupFailed("newer_version", "The backup was made by a newer version; install that one first.")
    return manifest


def _lay_out(archive: tarfile.TarFile, settings: Settings, scratch: Path) -> None:
    """Regular files only, each in the folder that its name begins with; a name that leads elsewhere is rejected."""
    roots: dict[Area, Path] = {"data": settings.data_dir.absolute(), "pictures": settings.output_dir.absolute()}
    databases = {name: scratch / Path(name).name for name in (OURS, ENGINES, DUMP)}
    try:
        for member in archive:
            target = databases.get(member.name)
            if member.name == MANIFEST:
                continue
            if target is None:
                ref = MediaRef.parse(member.name)
                target = roots[ref.area] / ref.name
            opened = archive.extractfile(member) if member.isreg() else None
            if opened is None:
                raise ValueError("not a regular file")
            target.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb") as out:
                shutil.copyfileobj(opened, out, 1 << 20)
            os.utime(target, (member.mtime, member.mtime))  # retention goes by age
    except (tarfile.TarError, ValueError):
        raise BackupFailed("backup_damaged", "The backup cannot be read to its end; nothing was started.") from None


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    shutil.copyfile(source, target)
    target.chmod(PRIVATE_FILE)


def _postgres(words: list[str], url: sa.URL) -> None:
    """A PostgreSQL program; the server's address is passed in the environment, because anybody can read a command
    line."""
    program = shutil.which(words[0])
    if program is None:
        raise BackupFailed(
            "no_pg_dump", f"{words[0]} is not there; install PostgreSQL's client programs of the server's version."
        )
    where = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("sslmode"),
        "PGHOSTADDR": None,
    }
    host = url.query.get("host")
    if where["PGHOST"] is None and isinstance(host, str):
        where["PGHOST"] = host
    env = os.environ | {name: value for name, value in where.items() if isinstance(value, str)}
    done = subprocess.run(  # noqa: S603 - words of ours; nothing a person sent is among them
        [program, *words[1:]], env=env, capture_output=True, check=False, timeout=_PG_SECONDS
    )
    if done.returncode != 0:
        raise BackupFailed(
            "pg_dump_failed",
            f"{words[0]} ended with {done.returncode}; is the server there, and {words[0]} no older than it?",
        )
