"""Copies with the visible mark, for chats that must show it: each is stored beside its picture and deleted with it."""

from collections.abc import Iterable
from pathlib import Path

_SUFFIX = ".marked"


def marked_copy(path: Path) -> Path:
    """Where the marked copy of a picture is stored."""
    return path.with_name(f"{path.stem}{_SUFFIX}{path.suffix}")


def with_copies(paths: Iterable[Path]) -> set[Path]:
    """The files and their marked copies, which are deleted and kept together."""
    return {file for path in paths for file in (path, marked_copy(path))}
