"""Small and combined versions of picture files, for chats."""

from collections.abc import Sequence
from pathlib import Path


def dimensions(path: Path) -> tuple[int, int]:
    """Width and height in pixels, as shown (orientation applied)."""
    raise NotImplementedError


def looks_blank(path: Path) -> bool:
    """Whether the picture is one flat colour (the black picture some services send for refused content)."""
    raise NotImplementedError


def thumbnail(path: Path, long_side: int) -> bytes:
    """JPEG of at most `long_side` pixels on the long side."""
    raise NotImplementedError


def fit_jpeg(path: Path, max_bytes: int) -> bytes:
    """JPEG of the whole picture in at most `max_bytes`."""
    raise NotImplementedError


def collage(paths: Sequence[Path], *, numbered: bool = True) -> bytes:
    """JPEG contact sheet of the pictures in order, numbered from 1."""
    raise NotImplementedError
