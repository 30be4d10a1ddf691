"""How many pieces a file consists of, counted before a decoder goes through them one by one.

Much of Pillow's decoders is Python: millions of empty pieces, which fit into a few megabytes, keep it and everything
else in the process busy for many seconds. No real file comes near the limits here.
"""

import re
import struct
from collections.abc import Iterator
from itertools import islice

from PIL.JpegImagePlugin import MARKER

from providers.media.strip import Malformed, png_chunks

MAX_PIECES = 20_000
"""A PNG of 20 MB in chunks of 8 KB has 2,500, a TIFF a strip for each of its rows."""
_SOS, _EOI = 0xDA, 0xD9
_NEXT_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_STRIPS_AND_TILES = (273, 279, 324, 325)


def too_many_pieces(data: bytes, name: str) -> bool:
    """Whether a file (JPEG, PNG, GIF or TIFF by `name`; of others the pieces are not counted) has too many."""
    walk = {"JPEG": _jpeg_head, "PNG": png_chunks, "GIF": _gif_head, "TIFF": _tiff_head}.get(name)
    try:
        return walk is not None and next(islice(walk(data), MAX_PIECES, None), None) is not None
    except (struct.error, IndexError, OverflowError, Malformed):  # cut off, which the decoder says better
        return False


def jpeg_scans(data: bytes) -> int:
    """How often a decoder goes over all pixels of a JPEG; pictures within it, such as thumbnails, do not count.

    `MAX_PIECES` where the parts between are too many to tell. What is not put together as it should be is searched
    for the next marker, as decoders do.
    """
    at = 2
    for at in _jpeg_head(data):  # noqa: B007 - the last is wanted: where the first scan begins
        pass
    scans = 0
    for _ in range(MAX_PIECES):
        found = _NEXT_MARKER.search(data, at)
        if found is None or data[found.end() - 1] == _EOI:
            return scans
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
        scans += data[found.end() - 1] == _SOS
    return MAX_PIECES


def _jpeg_head(data: bytes) -> Iterator[int]:
    """Where each piece before the first scan begins, the scan's own the last; as Pillow goes through them."""
    at = 2
    while at + 1 < len(data):
        yield at
        if data[at] != 0xFF or data[at + 1] in (0, 0xFF):  # padding, or what should not be there
            at += 1
            continue
        if data[at + 1] == _SOS:
            return
        _, _, reads = MARKER.get(0xFF00 | data[at + 1], ("", "", None))
        at += 2 if reads is None else 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _gif_head(data: bytes) -> Iterator[int]:
    """Where each piece before the first picture begins."""
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    while data[at] not in b",;":
        yield at
        at += 1
        if data[at - 1] == 0x21:  # an extension: blocks up to an empty one
            at += 1
            while length := data[at]:
                yield at
                at += 1 + length
            at += 1


def _tiff_head(data: bytes) -> Iterator[int]:
    """As many as the first directory has entries, strips or tiles."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    counted, entry, size = ("Q", "HHQ8x", 20) if big else ("H", "HHI4x", 12)
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (entries,) = struct.unpack_from(order + counted, data, at)
    yield from range(min(entries, MAX_PIECES + 1))
    at += struct.calcsize(counted)
    for place in range(at, at + size * entries, size):
        tag, _, count = struct.unpack_from(order + entry, data, place)
        if tag in _STRIPS_AND_TILES and count > MAX_PIECES:
            yield from range(count)
