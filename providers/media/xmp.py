"""The XMP packet of a JPEG, PNG or WebP file, read and replaced without touching a pixel.

    JPEG    an APP1 segment named `http://ns.adobe.com/xap/1.0/`, after SOI and APP0 (XMP part 3, 1.1.3)
    PNG     an `iTXt` chunk with the keyword `XML:com.adobe.xmp`, after IHDR         (XMP part 3, 1.1.5)
    WebP    the chunk `XMP `, announced by a flag in `VP8X`                     (WebP container)

What is not one of these three formats, or not put together as its format demands, raises `Malformed`.
"""

import struct
import zlib
from collections.abc import Iterator
from zlib import crc32

from providers.media.strip import PNG_SIGNATURE, Malformed, png_chunks

JPEG_NAME = b"http://ns.adobe.com/xap/1.0/\0"
PNG_KEYWORD = b"XML:com.adobe.xmp"
MAX_PACKET = 65_533 - len(JPEG_NAME)
"""Bytes: what one JPEG segment holds. Larger packets are neither read nor written, in no format."""

_SOI, _EOI, _SOS, _APP0, _APP1 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10


def read_packet(data: bytes) -> bytes | None:
    """The first XMP packet of the file, or None where it has none or one that is too large. Raises Malformed."""
    try:
        return next(_packets(data), None)
    except (struct.error, IndexError, zlib.error):
        raise Malformed(format_of(data)) from None


def with_packet(data: bytes, packet: bytes) -> bytes:
    """`data` with `packet` as its only XMP; its pixels, and everything else in it, as they were.

    Raises Malformed; ValueError where the packet is larger than `MAX_PACKET`.
    """
    if len(packet) > MAX_PACKET:
        raise ValueError("an XMP packet above the size of one JPEG segment")
    write = {"JPEG": _jpeg_with, "PNG": _png_with, "WEBP": _webp_with}[format_of(data)]
    try:
        return b"".join(write(data, packet))
    except (struct.error, IndexError):
        raise Malformed(format_of(data)) from None


def format_of(data: bytes) -> str:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(PNG_SIGNATURE):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise Malformed("no format that holds XMP here")


def _packets(data: bytes) -> Iterator[bytes]:
    name = format_of(data)
    if name == "JPEG":
        bodies = (data[s + 4 : e] for marker, s, e in _jpeg_segments(data) if marker == _APP1)
        found = (body[len(JPEG_NAME) :] for body in bodies if body.startswith(JPEG_NAME))
    elif name == "PNG":
        texts = (_itxt(data[s:e]) for kind, s, e in png_chunks(data) if kind == b"iTXt")
        found = (text for text in texts if text is not None)
    else:
        found = (content for kind, content in _webp_chunks(data) if kind == b"XMP ")
    yield from (packet for packet in found if len(packet) <= MAX_PACKET)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start (at its 0xFF) and end of every segment before the first scan."""
    at = 2
    while True:
        while data[at + 1] == 0xFF:  # padding
            at += 1
        marker = data[at + 1]
        if data[at] != 0xFF:
            raise Malformed("JPEG")
        if marker in (_SOS, _EOI):
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(data):
            raise Malformed("JPEG")
        yield marker, at, end
        at = end


def _jpeg_with(data: bytes, packet: bytes) -> Iterator[bytes]:
    body = JPEG_NAME + packet
    segment = struct.pack(">BBH", 0xFF, _APP1, len(body) + 2) + body
    yield data[:2]
    at, written = 2, False
    for marker, start, end in _jpeg_segments(data):
        if marker != _APP0 and not written:
            yield segment
            written = True
        if not (marker == _APP1 and data[start + 4 : end].startswith(JPEG_NAME)):
            yield data[at:end]
        at = end
    if not written:
        yield segment
    yield data[at:]


def _itxt(content: bytes) -> bytes | None:
    """The text of an `iTXt` chunk that holds XMP."""
    if not content.startswith(PNG_KEYWORD + b"\0"):
        return None
    compressed = content[len(PNG_KEYWORD) + 1]
    start = len(PNG_KEYWORD) + 3  # after the compression flag and method
    for _ in range(2):  # language and translated keyword, each ended by a zero
        start = content.index(b"\0", start) + 1 if b"\0" in content[start:] else len(content)
    if not compressed:
        return content[start:]
    return zlib.decompressobj().decompress(content[start:], MAX_PACKET + 1)


def _png_with(data: bytes, packet: bytes) -> Iterator[bytes]:
    content = PNG_KEYWORD + b"\0" * 5 + packet
    summed = b"iTXt" + content
    chunk = struct.pack(">I", len(content)) + summed + struct.pack(">I", crc32(summed))
    yield PNG_SIGNATURE
    for kind, start, end in png_chunks(data):
        if not (kind == b"iTXt" and data[start:end].startswith(PNG_KEYWORD + b"\0")):
            yield data[start - 8 : end + 4]
        if kind == b"IHDR":
            yield chunk


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > len(data):
            raise Malformed("WEBP")
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)


def _webp_with(data: bytes, packet: bytes) -> Iterator[bytes]:
    chunks = [(kind, content) for kind, content in _webp_chunks(data) if kind != b"XMP "]
    if not chunks:
        raise Malformed("WEBP")
    first, content = chunks[0]
    if first == b"VP8X":
        chunks[0] = (first, bytes((content[0] | _XMP_FLAG,)) + content[1:])
    else:
        chunks.insert(0, (b"VP8X", _extended_header(first, content)))
    chunks.append((b"XMP ", packet))
    body = b"WEBP" + b"".join(
        struct.pack("<4sI", kind, len(content)) + content + b"\0" * (len(content) & 1) for kind, content in chunks
    )
    yield b"RIFF" + struct.pack("<I", len(body)) + body


def _extended_header(kind: bytes, content: bytes) -> bytes:
    """`VP8X` for a file that had none: the flags, and the size that the picture's own header tells."""
    if kind == b"VP8L":
        bits = int.from_bytes(content[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        alpha = _ALPHA_FLAG if bits >> 28 & 1 else 0
    elif kind == b"VP8 " and content[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(content[n : n + 2], "little") & 0x3FFF for n in (6, 8))
        alpha = 0
    else:
        raise Malformed("WEBP")
    return (
        struct.pack("<B3x", _XMP_FLAG | alpha) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )
