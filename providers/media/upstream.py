"""Photos made to fit what a service takes."""

from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024


def prepare(path: Path, *, into: Path | None = None, max_bytes: int = MAX_BYTES, max_side: int | None = None) -> Path:
    """`path` itself where it fits, else a smaller copy in `into` (default: beside it)."""
    raise NotImplementedError


def data_uri(path: Path, *, max_bytes: int = MAX_BYTES, max_side: int | None = None) -> str:
    """`data:image/…;base64,…` of the picture, made to fit first."""
    raise NotImplementedError


def prepare_mask(source: Path | bytes, *, photo: Path, into: Path) -> Path:
    """8-bit grey PNG of `photo`'s size, white = change. Raises AskPerson `bad_mask`."""
    raise NotImplementedError
