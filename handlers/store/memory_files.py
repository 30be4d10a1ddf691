"""Which files the rows of `MemoryStore` name, and who owns them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class NamedFile:
    owner: str
    at: datetime
    job: str | None = None


class MemoryFiles:
    def __init__(self) -> None:
        self._files: dict[Path, NamedFile] = {}

    def note(self, owner: str, files: Iterable[Path], now: datetime, *, job: str | None = None) -> None:
        """These are named by a row of this owner that is being written now. `job`: the job that made them."""
        for file in files:
            before = self._files.get(file)
            self._files[file] = NamedFile(owner=owner, at=now, job=(before.job if before else None) or job)

    def taken(self, which: Callable[[NamedFile], bool]) -> tuple[Path, ...]:
        """Those files that are no longer named."""
        gone = sorted(file for file, named in self._files.items() if which(named))
        for file in gone:
            del self._files[file]
        return tuple(gone)

    def knows(self, file: Path) -> bool:
        return file in self._files
