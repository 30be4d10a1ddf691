"""A photo from a person, accepted by decoding it and never by its name."""

from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedPhoto:
    """A photo that was decoded and written anew: upright, sRGB, 8 bit, no metadata.

    `path` is `<sha256>.jpg`, or `.png` where it has transparency, at most 10 MB and 4096 px on the long side.
    `width`, `height`: pixels of the file. `source_format` ("JPEG", "HEIF", …) and `source_size` are what came in.
    """

    path: Path
    width: int
    height: int
    size_bytes: int
    mime: str
    sha256: str
    source_format: str
    source_size: tuple[int, int]


def accept(source: Path | bytes, *, into: Path, max_bytes: int = MAX_BYTES) -> AcceptedPhoto:
    """Check, decode and write anew. Blocks; call from a thread (or use `accept_photo`). Raises AskPerson."""
    raise NotImplementedError


async def accept_photo(source: Path | bytes, *, into: Path, max_bytes: int = MAX_BYTES) -> AcceptedPhoto:
    """`accept`, off the event loop."""
    raise NotImplementedError
