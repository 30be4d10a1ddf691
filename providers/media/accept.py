"""Accepting a photo from a person: by decoding it, never by its name.

Taken: JPEG (also multi-picture), PNG, WebP, BMP and DIB, GIF and other animations (first frame), TIFF (no fax),
HEIC/HEIF, AVIF, JPEG 2000, TGA (with its footer, or uncompressed and of just the length it states: it has no mark at
its beginning), ICO (the largest picture in it). What comes out is always a new file: upright, sRGB, 8 bits, three
channels, no metadata of any kind and nothing that is not read to make its pixels; JPEG or, where something is
transparent, PNG; its long side at most 4096 px (more than any service takes in, enough to upscale from) and at most
10 MB (what the services take), so that nothing behind has to look again.

A JPEG that is all that already keeps its coded pixels; the file is put together anew around them and decoded to see
that they are whole (`strip_jpeg`, `sound`). Everything else is decoded and encoded again: JPEG of quality 95, 4:4:4.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from providers.codes import known_code
from providers.errors import AskPerson
from providers.media.colour import is_srgb
from providers.media.decode import MAX_PIXELS, MIN_SIDE, Header, Undecodable, decode, inspect
from providers.media.encode import Encoded, encode_to_fit
from providers.media.files import read_regular_file, too_large, write_file
from providers.media.integrity import jpeg_is_sound
from providers.media.strip import Malformed, stripped
from providers.media.threads import in_thread
from providers.media.weight import in_turn

MAX_BYTES = 20 * 1024 * 1024
MAX_SIDE = 4096
FINISHED_BYTES = 10 * 1024 * 1024
_BYTES_A_PIXEL = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedPhoto:
    """A photo that was decoded in full and written as a new file.

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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Finished:
    file: Encoded
    source_format: str
    source_size: tuple[int, int]


def accept(source: Path | bytes, *, into: Path, max_bytes: int = MAX_BYTES) -> AcceptedPhoto:
    """Check, decode and write as a new file. Blocks: call it from a thread, or use `accept_photo`.

    The name is the content's, so the same photo twice is one file: give each person a folder of their own.
    Raises AskPerson: file_not_found, file_not_readable, not_a_file, photo_too_large_file, not_a_photo,
    photo_too_many_pixels, photo_too_small, photo_truncated, photo_unreadable.
    """
    data = source if isinstance(source, bytes) else read_regular_file(source, max_bytes=max_bytes)
    if len(data) > max_bytes:
        raise too_large(max_bytes)
    try:
        header = inspect(data)
        # Until it is written anew, not only while it is decoded: what is made of it is large, too.
        with in_turn(_BYTES_A_PIXEL * header.size[0] * header.size[1]):
            finished = _as_it_is(data, header) or _anew(data)
    except Undecodable as error:
        raise refusal(error.code, most_pixels=error.most_pixels) from None
    return _written(finished, into)


def _written(finished: _Finished, into: Path) -> AcceptedPhoto:
    file = finished.file
    digest = hashlib.sha256(file.data).hexdigest()
    return AcceptedPhoto(
        # Not synced: nothing is paid for a photo, and one that a power failure took is asked for again.
        path=write_file(file.data, into=into, name=digest + file.suffix, synced=False),
        width=file.width,
        height=file.height,
        size_bytes=len(file.data),
        mime=file.mime,
        sha256=digest,
        source_format=finished.source_format,
        source_size=finished.source_size,
    )


async def accept_photo(source: Path | bytes, *, into: Path, max_bytes: int = MAX_BYTES) -> AcceptedPhoto:
    """`accept`, off the event loop."""
    return await in_thread(accept, source, into=into, max_bytes=max_bytes)


def turned(photo: Path, quarters: int) -> AcceptedPhoto:
    """An accepted photo turned counter-clockwise, as a new file beside it. Blocks. Raises AskPerson like `accept`."""
    data = read_regular_file(photo, max_bytes=FINISHED_BYTES)
    try:
        decoded = decode(data)
    except Undecodable as error:
        raise refusal(error.code, most_pixels=error.most_pixels) from None
    way = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)[quarters % 4]
    image = decoded.image if way is None else decoded.image.transpose(way)
    file = encode_to_fit(image, max_bytes=FINISHED_BYTES)
    finished = _Finished(file=file, source_format=decoded.source_format, source_size=image.size)
    return _written(finished, photo.parent)


def _as_it_is(data: bytes, header: Header) -> _Finished | None:
    """An ordinary JPEG with its pixels untouched: no generation lost, and a third of the work."""
    if header.format != "JPEG" or header.mode != "RGB" or header.orientation != 1:
        return None
    if not MIN_SIDE <= min(header.size) <= max(header.size) <= MAX_SIDE:
        return None
    if header.profile is not None and not is_srgb(header.profile):
        return None
    try:
        kept = stripped(data, "JPEG")
    except Malformed:
        return None
    if len(kept) > FINISHED_BYTES or not jpeg_is_sound(kept):
        return None
    width, height = header.size
    file = Encoded(data=kept, mime="image/jpeg", suffix=".jpg", width=width, height=height)
    return _Finished(file=file, source_format=header.format, source_size=header.size)


def _anew(data: bytes) -> _Finished:
    decoded = decode(data, max_side=MAX_SIDE, min_side=MIN_SIDE)
    if min(decoded.image.size) < MIN_SIDE:  # a ribbon: nothing is left of it at 4096 px
        raise Undecodable("photo_too_small")
    file = encode_to_fit(decoded.image, max_bytes=FINISHED_BYTES)
    return _Finished(file=file, source_format=decoded.source_format, source_size=decoded.source_size)


def refusal(code: str, *, most_pixels: int | None = None) -> AskPerson:
    """The person's side of an `Undecodable`."""
    params = {
        "photo_too_many_pixels": {"max_mp": (most_pixels or MAX_PIXELS) // 1_000_000},
        "photo_too_small": {"min_side": MIN_SIDE},
    }
    return AskPerson(code=known_code(code), params=params.get(code))
