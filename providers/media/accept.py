"""A photo from a person, accepted by decoding it and never by its name.

Taken: JPEG (also multi-picture), PNG, WebP, BMP, GIF and other animations (first frame), TIFF, HEIC/HEIF, AVIF.
What comes out is always a new file: upright, sRGB, 8 bits, no metadata of any kind, JPEG (quality 95, 4:4:4) or, where
something is transparent, PNG; its long side at most 4096 px (more than any service takes in, enough to upscale from)
and at most 10 MB (what the services take), so that nothing behind has to look again.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from providers.errors import AskPerson
from providers.media.decode import MAX_PIXELS, MIN_SIDE, Undecodable, decode
from providers.media.encode import encode_to_fit
from providers.media.files import read_regular_file, too_large, write_file
from providers.media.threads import in_thread

MAX_BYTES = 20 * 1024 * 1024
MAX_SIDE = 4096
FINISHED_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedPhoto:
    """A photo that was decoded and written anew.

    `path` is `<sha256 of the file>.jpg` or `.png`. `width`, `height`: pixels of the file. `source_format` ("JPEG",
    "HEIF", …) and `source_size` (as shown) are what came in.
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
    """Check, decode and write anew. Blocks: call it from a thread, or use `accept_photo`.

    The name is the content's, so the same photo twice is one file: give each person a folder of their own.
    Raises AskPerson: file_not_found, file_not_readable, not_a_file, photo_too_large_file, not_a_photo,
    photo_too_many_pixels, photo_too_small, photo_truncated, photo_unreadable.
    """
    data = source if isinstance(source, bytes) else read_regular_file(source, max_bytes=max_bytes)
    if len(data) > max_bytes:
        raise too_large(max_bytes)
    try:
        decoded = decode(data, max_side=MAX_SIDE, min_side=MIN_SIDE)
        if min(decoded.image.size) < MIN_SIDE:  # a ribbon: nothing is left of it at 4096 px
            raise Undecodable("photo_too_small")
    except Undecodable as error:
        raise refusal(error.code) from None
    encoded = encode_to_fit(decoded.image, max_bytes=FINISHED_BYTES)
    digest = hashlib.sha256(encoded.data).hexdigest()
    return AcceptedPhoto(
        path=write_file(encoded.data, into=into, name=digest + encoded.suffix),
        width=encoded.width,
        height=encoded.height,
        size_bytes=len(encoded.data),
        mime=encoded.mime,
        sha256=digest,
        source_format=decoded.source_format,
        source_size=decoded.source_size,
    )


async def accept_photo(source: Path | bytes, *, into: Path, max_bytes: int = MAX_BYTES) -> AcceptedPhoto:
    """`accept`, off the event loop."""
    return await in_thread(accept, source, into=into, max_bytes=max_bytes)


def refusal(code: str) -> AskPerson:
    """The person's side of an `Undecodable`."""
    params = {
        "photo_too_many_pixels": {"max_mp": MAX_PIXELS // 1_000_000},
        "photo_too_small": {"min_side": MIN_SIDE},
    }
    return AskPerson(code=code, params=params.get(code))
