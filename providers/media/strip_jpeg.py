"""A JPEG file put together anew around its own coded pixels, which stay as they are.

Of the rest only that is kept without which the picture cannot be decoded (ITU-T T.81, annex B), and it is written
anew: the frame, the scans, and those tables that a scan uses. Everything else is gone, and with it every place where
something could be hidden, but for the coded pixels themselves; what lies between those and is no pixel is found by
`sound.jpeg_is_sound`.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

_EOI, _SOS, _DQT, _DHT, _DRI, _COM = 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xFE
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_APP0, _APP14, _APP15 = 0xE0, 0xEE, 0xEF
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_ANY_MARKER = re.compile(rb"\xff[^\x00\xff]")
_HEAD = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
"""Version 1.1, square pixels, no thumbnail; and it says that three components are Y, Cb, Cr."""
_ADOBE_YCBCR = 1
_ALTERNATING = 0x10
"""In the place of a Huffman table: it is for the alternating part (T.81: class 1)."""


MAX_SCANS = 64
"""Encoders write about ten. Each scan is a pass over all pixels, so thousands of tiny ones are an attack."""
MAX_SCANNED = 1_024_000_000
"""Pixels times scans: about a second and a half of work, and 16 scans of the largest progressive picture."""
MAX_SEGMENTS = 2_000
"""Between the scans, too; a progressive file of ten scans has about thirty."""


class NotPlain(ValueError):
    """Not put together as T.81 demands, or of a kind that not every program reads in the same way."""


@dataclass(kw_only=True, slots=True)
class _Known:
    """What the segments so far said. `quantisers`, `codes`, `restart`: not written yet; tables by their place.

    `restarting`: between the coded pixels there are restart markers.
    """

    quantisers: dict[int, bytes] = field(default_factory=dict)
    codes: dict[int, bytes] = field(default_factory=dict)
    restart: bytes | None = None
    restarting: bool = False
    frame: int = 0
    pixels: int = 0
    components: tuple[bytes, ...] = ()
    jfif: bool = False
    adobe: int | None = None
    scans: int = 0


def stripped_jpeg(data: bytes) -> Iterator[bytes]:
    """The parts of the new file. Raises NotPlain, IndexError."""
    known = _Known()
    yield _HEAD
    at = 2
    for _ in range(MAX_SEGMENTS):
        if data[at] != 0xFF:
            raise NotPlain("no marker")
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == _EOI:
            if not known.scans:
                raise NotPlain("no scan")
            yield b"\xff\xd9"
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(data):
            raise NotPlain("length")
        yield from _segment(known, marker, data[at + 4 : end])
        if marker == _SOS:
            found = (_NEXT_MARKER if known.restarting else _ANY_MARKER).search(data, end)
            if found is None:
                raise NotPlain("no end")
            yield data[end : found.start()].rstrip(b"\xff")  # padding
            end = found.start()
        at = end
    raise NotPlain("segments")


def _segment(known: _Known, marker: int, body: bytes) -> Iterator[bytes]:
    """Written at once, remembered, or dropped. What no picture needs is refused, so that nothing unknown is kept."""
    if marker == _SOS:
        yield from _scan(known, body)
    elif marker in (_BASELINE, _EXTENDED, _PROGRESSIVE):
        yield _frame(known, marker, body)
    elif marker == _DQT:
        _remember_quantisers(known, body)
    elif marker == _DHT:
        _remember_codes(known, body)
    elif marker == _DRI:
        if len(body) != 2:
            raise NotPlain("restart interval")
        known.restart = body
    elif marker == _APP0:
        known.jfif |= body[:5] == b"JFIF\0"
    elif marker == _APP14 and body[:5] == b"Adobe":
        known.adobe = body[11]
    elif not (_APP0 < marker <= _APP15 or marker == _COM):
        raise NotPlain("marker")


def _remember_quantisers(known: _Known, body: bytes) -> None:
    at = 0
    while at < len(body):
        precision, place = divmod(body[at], 16)
        end = at + 1 + 64 * (precision + 1)
        if precision > 1 or place > 3 or end > len(body):
            raise NotPlain("quantisation table")
        known.quantisers[place] = body[at:end]
        at = end


def _remember_codes(known: _Known, body: bytes) -> None:
    at = 0
    while at < len(body):
        end = at + 17 + sum(body[at + 1 : at + 17])
        if body[at] & ~_ALTERNATING > 3 or end > len(body):
            raise NotPlain("Huffman table")
        known.codes[body[at]] = body[at:end]
        at = end


def _frame(known: _Known, marker: int, body: bytes) -> bytes:
    """8 bits, grey or in the usual colours; there is one in a file."""
    count = body[5]
    if known.frame or body[0] != 8 or count not in (1, 3) or len(body) != 6 + 3 * count:
        raise NotPlain("frame")
    components = tuple(body[6 + 3 * n : 9 + 3 * n] for n in range(count))
    if count == 3:
        # Where neither JFIF nor Adobe says so, decoders go by the components' names.
        said = known.jfif or known.adobe is not None or [c[0] for c in components] == [1, 2, 3]
        if not said or known.adobe not in (None, _ADOBE_YCBCR):
            raise NotPlain("colours")
    known.frame, known.components = marker, components
    known.pixels = int.from_bytes(body[1:3], "big") * int.from_bytes(body[3:5], "big")
    return _written(marker, body)


def _scan(known: _Known, body: bytes) -> Iterator[bytes]:
    """What the scan is the first to use, then its head. A table that is missing is the decoder's to notice."""
    count = body[0]
    tables = {body[1 + 2 * n]: body[2 + 2 * n] for n in range(count)}
    if not known.frame or len(tables) != count or len(body) != 4 + 2 * count:
        raise NotPlain("scan")
    for component in known.components:
        if component[0] in tables and (table := known.quantisers.pop(component[2], None)):
            yield _written(_DQT, table)
    for place in sorted(_codes_of(known.frame, tables.values(), first=body[-3], refining=body[-1] > 15)):
        if table := known.codes.pop(place, None):
            yield _written(_DHT, table)
    if known.restart is not None:
        yield _written(_DRI, known.restart)
        known.restarting = known.restart != b"\0\0"
        known.restart = None
    known.scans += 1
    if known.scans > MAX_SCANS or known.scans * known.pixels > MAX_SCANNED:
        raise NotPlain("scans")
    yield _written(_SOS, body)


def _codes_of(frame: int, tables: Collection[int], *, first: int, refining: bool) -> set[int]:
    """The places of the Huffman tables a scan uses (T.81, G.1.2). `first`: its first coefficient; 0 is the direct part.

    `tables`: a byte for each component, direct part above, alternating part below.
    """
    direct = {both >> 4 for both in tables}
    alternating = {_ALTERNATING | both & 15 for both in tables}
    if frame != _PROGRESSIVE:
        return direct | alternating
    if first:
        return alternating
    return set() if refining else direct


def _written(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
