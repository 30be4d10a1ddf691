"""Copies with the visible mark, for chats that are to see it: each lies beside its picture and shares its fate."""

from collections.abc import Iterable
from pathlib import Path

_SUFFIX = ".marked"


def marked_copy(path: Path) -> Path:
    """Where the marked copy of a picture lies."""
    return path.with_name(f"{path.stem}{_SUFFIX}{path.suffix}")


def with_copies(paths: Iterable[Path]) -> set[Path]:
    """The files and their marked copies: both go, and both stay, together."""
    return {file for path in paths for file in (path, marked_copy(path))}
