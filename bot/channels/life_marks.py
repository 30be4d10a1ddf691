"""Which processes of this machine are alive, told by locked files: the system drops a lock when its process dies.

Without this, what a killed process had acknowledged would wait for the end of its lease even if the same machine
restarts it at once. For processes on other machines only their leases count.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from providers.media.files import make_folder

_SUFFIX = ".alive"


class LifeMark:
    """One run of one process, named `owner`. Every method blocks briefly."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self._owner = owner
        self._file: int | None = None

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._owner}{_SUFFIX}"

    def set(self) -> None:
        """Be known as alive until `clear`, or the end of the process."""
        make_folder(self._folder)
        # Under another name until it is locked: nobody finds it unlocked and takes us for dead.
        draft = self._folder / f".{self._owner}"
        self._file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.rename(self._path)

    def clear(self, *, owing: bool = False) -> None:
        """No longer be known as alive. `owing`: something of ours is still to be taken up, so the mark stays, as that
        of a dead process."""
        if self._file is not None:
            if not owing:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def dead(self) -> tuple[str, ...]:
        """Owners that marked themselves here and are dead."""
        found = []
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")) if self._folder.is_dir() else ():
            if path != self._path and _unlocked(path):
                found.append(path.name.removesuffix(_SUFFIX))
        return tuple(found)

    def lives(self, owner: str) -> bool:
        """Whether this owner is known as alive here."""
        path = self._folder / f"{owner}{_SUFFIX}"
        return path.is_file() and not _unlocked(path)

    def bury(self, owners: tuple[str, ...]) -> None:
        """What these dead owners had is taken up: their marks are deleted."""
        for owner in owners:
            (self._folder / f"{owner}{_SUFFIX}").unlink(missing_ok=True)


def _unlocked(path: Path) -> bool:
    with suppress(FileNotFoundError):
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(file)
    return False
