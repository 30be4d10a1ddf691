"""Pictures made on the fly, in every format and with everything wrong that a test needs."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

SECRET = b"N48.8584 E2.2945 of Ada"
"""What must never be in a file that leaves the machine."""
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
GAMMA = 2.2


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """Four flat quarters: red and green above, blue and white below."""
    pixels = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    pixels[:top, :left] = (200, 30, 30)
    pixels[:top, left:] = (30, 200, 30)
    pixels[top:, :left] = (30, 30, 200)
    pixels[top:, left:] = (240, 240, 240)
    return Image.fromarray(pixels)


def noise(width: int, height: int, bands: int = 3) -> Image.Image:
    """What no format can make small."""
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height, width, bands), np.uint8))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """HEIF by a library that is never registered with Pillow: what we ship reads it, and cannot write it."""
    buffer = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(buffer, **options)
    else:
        image.save(buffer, kind, **options)
    return buffer.getvalue()


def quarters(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours in the middle of the quarters: above left, above right, below left, below right."""
    rgb = image.convert("RGB")
    points = [(x, y) for y in (1, 3) for x in (1, 3)]
    found = [rgb.getpixel((rgb.width * x // 4, rgb.height * y // 4)) for x, y in points]
    return [pixel for pixel in found if isinstance(pixel, tuple)]


def close(one: Any, other: Any, tolerance: int) -> bool:
    return bool(np.abs(np.asarray(one, np.int32) - np.asarray(other, np.int32)).max() <= tolerance)


def stored_as(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as a camera stores it under an EXIF orientation.

    EXIF 2.32, tag 0x0112: which visual sides the stored row 0 and column 0 are.
    """
    sides = {1: "tl", 2: "tr", 3: "br", 4: "bl", 5: "lt", 6: "rt", 7: "rb", 8: "lb"}[orientation]
    pixels = np.asarray(image)
    if sides[0] in "lr":
        pixels = pixels.transpose(1, 0, 2)
    for axis, side in enumerate(sides):
        if side in "br":
            pixels = np.flip(pixels, axis)
    return Image.fromarray(np.ascontiguousarray(pixels))


def exif(orientation: int = 1) -> bytes:
    """EXIF with an orientation, a place and an owner."""
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x013B] = SECRET.decode()
    data.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    return data.tobytes()


def profile(primaries: tuple[tuple[float, float, float], ...], name: bytes) -> bytes:
    """A matrix profile (ICC.1:2001-04) with the primaries, adapted to D50, and gamma 2.2."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    desc = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" * (12 + 67)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(GAMMA * 256)) + b"\0\0"
    tags = [(b"desc", desc + b"\0" * (-len(desc) % 4)), (b"wtpt", xyz((0.9642, 1.0, 0.8249)))]
    tags += [(n, xyz(v)) for n, v in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)]
    tags += [(n, curve) for n in (b"rTRC", b"gTRC", b"bTRC")] + [(b"cprt", b"text\0\0\0\0none\0\0\0\0")]
    at, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, data in tags:
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += b"".join(struct.pack(">i", round(v * 65536)) for v in (0.9642, 1.0, 0.8249))
    return head.ljust(128, b"\0") + table + body


def as_srgb(colour: tuple[int, ...], primaries: tuple[tuple[float, float, float], ...]) -> list[int]:
    """What sRGB numbers a colour in such a profile has, by the definition (IEC 61966-2-1), clipped."""
    linear = (np.array(colour) / 255) ** GAMMA
    srgb = np.clip(np.linalg.solve(np.array(SRGB).T, np.array(primaries).T @ linear), 0, 1)
    coded = np.where(srgb <= 0.0031308, 12.92 * srgb, 1.055 * srgb ** (1 / 2.4) - 0.055)
    return [round(float(v) * 255) for v in coded]


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width: int, height: int, pixels: bytes = b"", *extra: bytes) -> bytes:
    """A PNG of any claimed size (8-bit grey), whatever it holds."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def grey_rows(width: int, height: int) -> bytes:
    """The compressed rows of an all-black 8-bit grey PNG."""
    return zlib.compress((b"\0" * (width + 1)) * height, 9)
