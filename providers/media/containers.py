"""What a file's own words say, read without a decoder: its format, the size it claims, whether all of it is there."""

import re
import struct

from providers.media.strip import Malformed, png_chunks

_MAGIC: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in (
        (rb"\xff\xd8\xff", "JPEG"),
        (rb"\x89PNG\r\n\x1a\n", "PNG"),
        (rb"GIF8[79]a", "GIF"),
        (rb"RIFF.{4}WEBP", "WEBP"),
        (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "BMP"),
        (rb"II\x2a\x00|MM\x00\x2a|II\x2b\x00|MM\x00\x2b", "TIFF"),
    )
)
_ISO_PICTURES = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"avif", b"avis")
)


def sniff(data: bytes) -> str | None:
    """The format the first bytes announce, as Pillow names it, or None for what is no picture we take."""
    for magic, name in _MAGIC:
        if magic.match(data):
            return name
    if data[4:8] == b"ftyp":  # an ISO media file: a picture or a video, by its brands
        length = min(int.from_bytes(data[:4], "big"), 256)
        brands = {data[at : at + 4] for at in range(8, length, 4) if at != 12}
        if data[8:12] in _ISO_PICTURES:
            return "AVIF" if brands & {b"avif", b"avis"} else "HEIF"
    return None


def webp_size(data: bytes) -> tuple[int, int]:
    """As claimed; the decoder takes memory for it before it says so. Nothing where nothing is claimed."""
    head = data[20:30].ljust(10, b"\0")
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if data[12:16] == b"VP8 ":
        return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF
    if data[12:16] != b"VP8L":
        return 0, 0
    bits = int.from_bytes(head[1:5], "little")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def beside_pixels(png: bytes) -> bytes:
    """All of the file but its coded pixels: wherever words may stand, also behind the end."""
    parts, at = [], 0
    try:
        for kind, start, end in png_chunks(png):
            if kind == b"IDAT":
                parts.append(png[at : start - 8])
                at = end + 4
    except Malformed:
        pass
    return b"".join([*parts, png[at:]])


def boxes_missing(data: bytes) -> bool:
    """Whether the outermost boxes of an ISO media file reach beyond its end."""
    at = 0
    while at + 8 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
        if size < 8:  # 0: up to the end; less than a box's own head: damaged, not cut off
            return False
        at += size
    return at != len(data)
