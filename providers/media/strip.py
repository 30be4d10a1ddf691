"""JPEG, PNG and WebP files without their metadata, pixel data untouched.

Only what is needed to show the picture is kept, so that what a service may invent tomorrow is dropped too.
"""

import re
import struct
from collections.abc import Iterator

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"sRGB", b"gAMA", b"cHRM", b"sBIT"))
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"VP8X"))
_WEBP_ALPHA = 0x10
_SOI, _SOS, _EOI, _COM, _APP0, _APP14, _APP15 = 0xD8, 0xDA, 0xD9, 0xFE, 0xE0, 0xEE, 0xEF
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class Malformed(ValueError):
    """The file is not put together as its format demands."""


def stripped(data: bytes, name: str) -> bytes:
    """`data` (JPEG, PNG or WEBP by `name`) without metadata and without what follows its end. Raises Malformed."""
    walk = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}[name]
    try:
        return b"".join(walk(data))
    except (struct.error, IndexError):
        raise Malformed(name) from None


def _jpeg(data: bytes) -> Iterator[bytes]:
    """Keeps every marker but APP1–APP13, APP15 and comments; JFIF and Adobe say how the colours are coded."""
    yield data[:2]
    at = 2
    while True:
        if data[at] != 0xFF:
            raise Malformed("JPEG")
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == _EOI:
            yield data[at : at + 2]
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(data):
            raise Malformed("JPEG")
        if marker == _APP0:
            if data[at + 4 : at + 9] == b"JFIF\0" and length >= 16:
                yield struct.pack(">BBH", 0xFF, _APP0, 16) + data[at + 4 : at + 16] + b"\0\0"  # no thumbnail
        elif marker == _APP14 or not (_APP0 < marker <= _APP15 or marker == _COM):
            yield data[at:end]
        if marker == _SOS:
            found = _NEXT_MARKER.search(data, end)
            if found is None:
                raise Malformed("JPEG")
            yield data[end : found.start()]
            end = found.start()
        at = end


def _png(data: bytes) -> Iterator[bytes]:
    yield _PNG_SIGNATURE
    at = len(_PNG_SIGNATURE)
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise Malformed("PNG")
        if kind in _PNG_KEPT:
            yield data[at:end]
        if kind == b"IEND":
            return
        at = end


def _webp(data: bytes) -> Iterator[bytes]:
    """The flags of the extended header must say what is left; the length in front is counted anew."""
    chunks: list[bytes] = []
    at = 12
    end_of_file = 8 + int.from_bytes(data[4:8], "little")
    if end_of_file > len(data):
        raise Malformed("WEBP")
    while at + 8 <= end_of_file:
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + (length & 1)
        if at + 8 + length > len(data):
            raise Malformed("WEBP")
        if kind in _WEBP_KEPT:
            chunk = data[at:end].ljust(end - at, b"\0")
            chunks.append(chunk[:8] + bytes([chunk[8] & _WEBP_ALPHA]) + chunk[9:] if kind == b"VP8X" else chunk)
        at = end
    body = b"WEBP" + b"".join(chunks)
    yield b"RIFF" + struct.pack("<I", len(body)) + body
