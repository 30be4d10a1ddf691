"""Whether a file is correctly encoded, to its last byte: then its pixels may stay as they are.

Stricter than decoding it, which makes a picture of much that is damaged or followed by something else, and quicker,
since no pixel has to be put in its place: a JPEG is decoded at an eighth of its size (every coded bit is read all
the same), a PNG is only inflated. What is not sound may still be a picture; the full decoder has the last word.

For files from `strip.stripped`, of a size that was checked. Blocks; the interpreter's lock is given up meanwhile.
"""

import struct

import simplejpeg
from isal import isal_zlib
from isal.igzip_lib import IsalError

from providers.media.decode import MAX_PIXELS, MAX_PIXELS_JPEG
from providers.media.strip import Malformed, png_chunks

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By the colour type of a PNG."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Where each pass of an interlaced PNG begins, and its steps: x, y, across, down (PNG specification, 8.2)."""
_LAST_FILTER = 4
_NoDeflate: type[Exception] = IsalError  # type: ignore[assignment]  # its stub takes the class for an instance


def jpeg_is_sound(data: bytes) -> bool:
    """No code is wrong or missing, and no byte is left over between a scan's last pixel and the next marker.

    Up to seven bytes behind a scan are not noticed: the decoder has read them ahead. Of more pixels than are ever
    decoded it is none, whatever its few bytes are: 2,000 megapixels take the decoder five seconds.
    """
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(data, strict=False)
        if width * height > MAX_PIXELS_JPEG:
            return False
        simplejpeg.decode_jpeg(
            data, "GRAY", fastdct=True, fastupsample=True, min_width=1, min_height=1, min_factor=8, strict=True
        )
    except (ValueError, KeyError):  # strict: of what decoders only warn, too; a sampling that has no name
        return False
    return True


def png_is_sound(data: bytes) -> bool:
    """The compressed data are whole and right by their sum, and hold exactly the rows of pixels, each with a filter
    there is."""
    inflating = isal_zlib.decompressobj()
    try:
        rows = _rows(data)
        whole = sum(count * length for count, length in rows)
        packed = [memoryview(data)[start:end] for kind, start, end in png_chunks(data) if kind == b"IDAT"]
        # All at once, since other threads may take the interpreter after each call; a byte more than should be there.
        inflated = inflating.decompress(packed[0] if len(packed) == 1 else b"".join(packed), whole + 1)
    except (Malformed, _NoDeflate, KeyError, struct.error):
        return False
    return inflating.eof and not inflating.unused_data and len(inflated) == whole and _filters_known(inflated, rows)


def _rows(data: bytes) -> list[tuple[int, int]]:
    """How many rows of how many bytes, for each pass. Raises KeyError, struct.error; Malformed for more
    pixels than are ever decoded, whose bytes no number of the inflater holds."""
    width, height, depth, kind, interlaced = struct.unpack_from(">IIBB2xB", data, 16)
    if width * height > MAX_PIXELS:
        raise Malformed("PNG")
    bits = depth * _CHANNELS[kind]
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = ((-(-(width - x) // across), -(-(height - y) // down)) for x, y, across, down in passes)
    return [(rows, 1 + (bits * columns + 7) // 8) for columns, rows in sizes if columns > 0 and rows > 0]


def _filters_known(inflated: bytes, rows: list[tuple[int, int]]) -> bool:
    """The first byte of each row, pass by pass."""
    at = 0
    for count, length in rows:
        if max(inflated[at : at + count * length : length]) > _LAST_FILTER:
            return False
        at += count * length
    return True
