"""JPEG, PNG and WebP files without their metadata, pixel data untouched.

Only what is needed to show the picture is kept, so that what a service may invent tomorrow is dropped too.
"""

import struct
from collections.abc import Iterator
from zlib import crc32

from providers.media.strip_jpeg import NotPlain, stripped_jpeg

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = {
    b"IHDR": (13, 13),
    b"PLTE": (3, 768),
    b"tRNS": (1, 256),
    b"IEND": (0, 0),
    b"sRGB": (1, 1),
    b"gAMA": (4, 4),
    b"cHRM": (32, 32),
    b"sBIT": (1, 4),
}
"""Least and most bytes of the chunks that are kept, each once at most; of `IDAT` there may be many of any length."""
_PNG_PALETTE = 3
MAX_PNG_CHUNKS = 100_000
"""Encoders put 8 KB and more into each; millions of empty ones only cost time."""
_WEBP_PICTURES = (
    (b"VP8 ",),
    (b"VP8L",),
    (b"VP8X", b"VP8 "),
    (b"VP8X", b"VP8L"),
    (b"VP8X", b"ALPH", b"VP8 "),
)
"""The chunks a still picture is made of, in their order."""
_WEBP_PICTURE = frozenset(kind for picture in _WEBP_PICTURES for kind in picture)
_VP8X_LENGTH = 10
MAX_WEBP_CHUNKS = 1_000
_WEBP_ALPHA = 0x10


class Malformed(ValueError):
    """The file is not put together as its format demands."""


def stripped(data: bytes, name: str) -> bytes:
    """`data` (JPEG, PNG or WEBP by `name`) without metadata and without what follows its end. Raises Malformed."""
    walk = {"JPEG": stripped_jpeg, "PNG": _png, "WEBP": _webp}[name]
    try:
        return b"".join(walk(data))
    except (struct.error, IndexError, NotPlain):
        raise Malformed(name) from None


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each chunk, `IEND` the last.

    Raises Malformed where the file ends before, or is nothing but chunks.
    """
    at = len(PNG_SIGNATURE)
    for _ in range(MAX_PNG_CHUNKS):
        if at + 12 > len(data):
            raise Malformed("PNG")
        length, kind = struct.unpack_from(">I4s", data, at)
        start, end = at + 8, at + 8 + length
        if end + 4 > len(data):
            raise Malformed("PNG")
        yield kind, start, end
        if kind == b"IEND":
            return
        at = end + 4
    raise Malformed("PNG")


def _png(data: bytes) -> Iterator[bytes]:
    """What is no picture is dropped; what is, but in a shape or place it cannot have, is refused.

    The compressed pixels become one chunk, and are `sound.png_is_sound`'s to judge.
    """
    seen: set[bytes] = set()
    pixels: list[bytes] = []
    yield PNG_SIGNATURE
    for kind, start, end in png_chunks(data):
        if kind == b"IDAT":
            pixels.append(data[start:end])
        elif kind in _PNG_KEPT:
            least, most = _PNG_KEPT[kind]
            summed = data[start - 4 : end]
            if kind in seen or not least <= end - start <= most or data[end : end + 4] != _sum(summed):
                raise Malformed("PNG")
            if (kind == b"IHDR") != (not seen) or bool(pixels) != (kind == b"IEND"):
                raise Malformed("PNG")
            if pixels:
                yield from _chunk(b"IDAT" + b"".join(pixels))
            # A palette beside full colours is a suggestion for screens of 256.
            if kind != b"PLTE" or data[25] == _PNG_PALETTE:
                yield from _chunk(summed)
            seen.add(kind)


def _chunk(summed: bytes) -> tuple[bytes, bytes, bytes]:
    return struct.pack(">I", len(summed) - 4), summed, _sum(summed)


def _sum(summed: bytes) -> bytes:
    return struct.pack(">I", crc32(summed))


def _webp(data: bytes) -> Iterator[bytes]:
    """The flags of the extended header must say what is left; the length in front is counted anew."""
    chunks: dict[bytes, bytes] = {}
    at = 12
    end_of_file = 8 + int.from_bytes(data[4:8], "little")
    if end_of_file > len(data):
        raise Malformed("WEBP")
    for _ in range(MAX_WEBP_CHUNKS):
        if at + 8 > end_of_file:
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > len(data):
            raise Malformed("WEBP")
        if kind in _WEBP_PICTURE:
            if kind in chunks or (kind == b"VP8X" and length != _VP8X_LENGTH):
                raise Malformed("WEBP")
            chunks[kind] = data[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)
    else:
        raise Malformed("WEBP")
    if tuple(chunks) not in _WEBP_PICTURES:
        raise Malformed("WEBP")
    if extended := chunks.get(b"VP8X"):
        chunks[b"VP8X"] = bytes((extended[0] & _WEBP_ALPHA, 0, 0, 0)) + extended[4:]
    body = b"WEBP" + b"".join(
        struct.pack("<4sI", kind, len(content)) + content + b"\0" * (len(content) & 1)
        for kind, content in chunks.items()
    )
    yield b"RIFF" + struct.pack("<I", len(body)) + body
