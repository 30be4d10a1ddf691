"""The invisible watermark: 64 bits in the brightness of a picture, read back after it was shrunk, recoded or marked.

It is the second layer beside the label in the metadata, for chats that drop metadata. Each bit is spread over some 140
coefficients of the cosine transform of the brightness at 512 x 512, between coarse shapes (which people see) and fine
grain (which JPEG drops), weighted by how strong such coefficients are in photographs. Only as much is added as a bit
lacks: what the picture itself has there counts for it, or is made up for.

    payload   4 bits version, 36 bits of the picture's number, 24 bits checksum

A picture without the mark is taken for one with it less than once in a million times (the checksum and the version,
tried 64 times). It is lost where more than about a hundredth of a side is cut off, or the picture is turned or
mirrored: it proves origin where it is there, and nothing where it is not.
"""

import io
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from providers.media.pixels import Picture
from providers.media.visible_mark import encoded_like
from providers.media.xmp import read_packet, with_packet

_SIDE = 512
_INNER, _OUTER = 24, 110
_BITS, _VERSION = 64, 1
_DIGITS = 9
"""Hexadecimal digits of the number that are carried."""
_SEED = 0x6C696B65
_TARGET = 0.25
"""Of a bit's mean weighted coefficient: what it is brought up to."""
_UNSURE = 6
"""The bits read least clearly, whose opposites are tried, too."""
_WEIGHT_SCALE, _WEIGHT_POWER = 9000.0, 1.5
"""How strong a photograph's coefficients are at a radius: scale / radius ** power."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Watermark:
    """What was read. `number`: the first nine hexadecimal digits of the picture's `produce_id`."""

    version: int
    number: str


def marked_with(rgb: Picture, produce_id: str) -> Picture:
    """The picture with the watermark of this number. Some 0.1 s; a mark that was there is replaced."""
    coefficients = _transformed(_luma(rgb))
    places, signs, weights = _layout()
    wanted = _bits_of(_payload(produce_id))
    flat = coefficients.ravel()
    before = flat.copy()
    for bit in range(_BITS):
        at, sign, weight = places[bit], signs[bit], weights[bit]
        lacks = max(0.0, _TARGET - _strength(flat[at], sign, weight) * wanted[bit])
        flat[at] += lacks * wanted[bit] * sign * weight
    change = flat - before
    small = cv2.idct(change.reshape(_SIDE, _SIDE))
    height, width = rgb.shape[:2]
    added = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    marked: Picture = np.clip(rgb.astype(np.float32) + added[..., None], 0, 255).round().astype(np.uint8)
    return marked


def watermarked(data: bytes, produce_id: str) -> bytes:
    """`data` (JPEG, PNG or WebP) with the watermark, encoded anew in its own format; its XMP is kept, its colours too.

    What is transparent stays so. Blocks; raises OSError where the bytes are no picture, Malformed for other formats.
    """
    packet = read_packet(data)
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        clear = opened.has_transparency_data
        picture = opened.convert("RGBA" if clear else "RGB")
        marked = Image.fromarray(marked_with(np.asarray(picture.convert("RGB")), produce_id))
        if clear:
            marked.putalpha(picture.getchannel("A"))
        marked.info["icc_profile"] = opened.info.get("icc_profile")
        if (tables := getattr(opened, "quantization", None)) is not None:
            marked.quantization = tables  # type: ignore[attr-defined]
        new = encoded_like(marked, opened.format or "PNG")
    return new if packet is None else with_packet(new, packet)


def read_watermark(rgb: Picture) -> Watermark | None:
    """The watermark of a picture, or None where there is none, or none that can be read."""
    flat = _transformed(_luma(rgb)).ravel()
    found = [_strength(flat[at], sign, weight) for at, sign, weight in zip(*_layout(), strict=True)]
    payload = sum(1 << n for n, value in enumerate(found) if value > 0)
    unsure = sorted(range(_BITS), key=lambda n: abs(found[n]))[:_UNSURE]
    for flips in range(1 << _UNSURE):
        tried = payload
        for n, bit in enumerate(unsure):
            if flips >> n & 1:
                tried ^= 1 << bit
        if (read := _read(tried)) is not None:
            return read
    return None


def _strength(coefficients: Floats, sign: Floats, weight: Floats) -> float:
    """A bit's mean weighted coefficient: positive for a one."""
    return float(np.mean(coefficients / weight * sign))


def _luma(rgb: Picture) -> Floats:
    small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(small @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def _transformed(luma: Floats) -> Floats:
    return np.asarray(cv2.dct(luma - 128.0), np.float32)


@cache
def _layout() -> tuple[Any, Any, Any]:
    """For each bit: where its coefficients lie, their signs, and their weights. The same for ever."""
    v, u = np.mgrid[0:_SIDE, 0:_SIDE]
    radius = np.hypot(u, v).ravel()
    band = np.flatnonzero((radius >= _INNER) & (radius < _OUTER))
    # Sorted by a mixing of their own number, so that no library's random numbers decide where the bits lie.
    mixed = (band.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(_SEED)) >> np.uint64(13)
    order = band[np.argsort(mixed * np.uint64(0xBF58476D1CE4E5B9), kind="stable")]
    share = len(order) // _BITS
    places = [order[n * share : (n + 1) * share] for n in range(_BITS)]
    signs = [np.where((at * 2654435761 >> 7) & 1, 1.0, -1.0).astype(np.float32) for at in places]
    weights = [(_WEIGHT_SCALE / radius[at] ** _WEIGHT_POWER).astype(np.float32) for at in places]
    return places, signs, weights


def _payload(produce_id: str) -> int:
    number = int(produce_id.replace("-", "")[:_DIGITS], 16)
    head = number << 4 | _VERSION
    return _checksum(head) << 40 | head


def _checksum(head: int) -> int:
    return zlib.crc32(head.to_bytes(5, "little")) & 0xFFFFFF


def _bits_of(payload: int) -> list[float]:
    return [1.0 if payload >> n & 1 else -1.0 for n in range(_BITS)]


def _read(payload: int) -> Watermark | None:
    head, checksum = payload & ((1 << 40) - 1), payload >> 40
    version = head & 0xF
    if _checksum(head) != checksum or version != _VERSION:
        return None
    return Watermark(version=version, number=f"{head >> 4:0{_DIGITS}x}")
