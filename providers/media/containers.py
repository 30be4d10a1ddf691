"""What a file's own words say, read without a decoder: its format, the size it claims, whether all of it is there."""

import re
import struct
from zlib import crc32

from providers.media.strip import PNG_SIGNATURE, Malformed, png_chunks

_MAGIC: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in (
        (rb"\xff\xd8\xff", "JPEG"),
        (rb"\x89PNG\r\n\x1a\n", "PNG"),
        (rb"GIF8[79]a", "GIF"),
        (rb"RIFF.{4}WEBP", "WEBP"),
        (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "BMP"),
        (rb"II\x2a\x00|MM\x00\x2a|II\x2b\x00|MM\x00\x2b", "TIFF"),
        (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51\x00", "JPEG2000"),
        (rb"\x28\0\0\0.{8}\x01\0[\x01\x04\x08\x10\x18\x20]\0", "DIB"),
        (rb"\0\0\x01\0[^\0]\0", "ICO"),
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
    return "TGA" if _is_tga(data) else None


_TGA_FOOTER = b"TRUEVISION-XFILE.\0"
_TGA_PLAIN = {(2, 15), (2, 16), (2, 24), (2, 32), (3, 8)}
"""Kind and bits a pixel of the uncompressed ones without a palette."""


def _is_tga(data: bytes) -> bool:
    """A TGA begins with no mark: it is one by its footer, or by being just as long as its header makes it."""
    if len(data) < 18 + len(_TGA_FOOTER) or data[1] > 1 or data[2] not in (1, 2, 3, 9, 10, 11):
        return False
    if data.endswith(_TGA_FOOTER):
        return True
    width, height, bits = struct.unpack_from("<HHB", data, 12)
    plain = not any(data[3:8]) and data[1] == 0 and (data[2], bits) in _TGA_PLAIN
    return plain and len(data) == 18 + data[0] + width * height * ((bits + 7) // 8)


ICON_SIDE = 256
"""What its directory can hold; a bitmap in it that claims more is none."""


def picture_in_icon(data: bytes) -> bytes:
    """Of an icon its largest picture: a PNG as such, a bitmap as an icon of one. What is no icon as it is."""
    if sniff(data) != "ICO":
        return data
    entries = []
    for at in range(6, 6 + 16 * int.from_bytes(data[4:6], "little"), 16):
        if at + 16 > len(data):
            break
        width, height, bits, length, start = struct.unpack_from("<BB4xHII", data, at)
        entries.append(((width or ICON_SIDE) * (height or ICON_SIDE), bits, data[at : at + 8], length, start))
    if not entries:
        return b""
    *_, head, length, start = max(entries, key=lambda entry: entry[:2])
    picture = data[start : start + length]
    if picture.startswith(PNG_SIGNATURE):
        return picture
    width, height = struct.unpack_from("<II", picture.ljust(12, b"\xff"), 4)
    if max(width, height // 2) > ICON_SIDE:  # above the colours lie as many rows of a mask
        return b""
    return struct.pack("<HHH", 0, 1, 1) + head + struct.pack("<II", len(picture), 22) + picture


def whole_png(data: bytes) -> bytes:
    """Without the chunks beside the pixels whose checksum is wrong: browsers pass over them (PNG 13.2), Pillow over
    the whole file. As it is where there are none, or where it is cut off."""
    broken: list[tuple[int, int]] = []
    try:
        for kind, start, end in png_chunks(data):
            beside = bool(kind[0] & 0x20)
            if beside and crc32(data[start - 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
                broken.append((start - 8, end + 4))
    except (Malformed, struct.error):
        return data
    kept, at = [], 0
    for start, end in broken:
        kept.append(data[at:start])
        at = end
    return b"".join([*kept, data[at:]]) if broken else data


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
