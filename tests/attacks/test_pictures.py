"""Hostile files: each is refused with a code of ours, or comes out as plain pixels. (A part of the table.)"""

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from providers.errors import AskPerson
from providers.media.accept import accept
from tests.providers.media.pictures import SECRET, encoded, noise, scene


def png(width: int, height: int, *chunks: bytes, data: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("evil.py", "print(1)")
    return buffer.getvalue()


def jpeg_claiming(width: int, height: int) -> bytes:
    data = bytearray(encoded(scene(64, 64), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_of(frames: int) -> bytes:
    images = [Image.new("P", (64, 64), n % 255) for n in range(frames)]
    buffer = io.BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:])
    return buffer.getvalue()


def tiff_in_a_circle() -> bytes:
    entry = struct.pack("<HHII", 256, 4, 1, 64)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + entry + struct.pack("<I", 8)


def with_words(kind: str) -> bytes:
    image, buffer = scene(128, 128), io.BytesIO()
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", SECRET.decode())
        image.save(buffer, "PNG", pnginfo=info)
    else:
        exif = Image.Exif()
        exif[0x010E] = SECRET.decode()
        image.save(buffer, kind, exif=exif)
    return buffer.getvalue()


JPEG, PNG, WEBP, GIF = (encoded(scene(256, 256), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF"))

REFUSED: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\xff",
    "words": b"hello, I am a photo",
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "SVG with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "SVG that fetches": b'<svg><image href="http://169.254.169.254/"/></svg>',
    "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run",
    "zip": zipped(),
    "gzip bomb": gzip.compress(b"\0" * 5_000_000),
    "ELF": b"\x7fELF" + b"\0" * 60,
    "Windows program": b"MZ" + b"\0" * 60,
    "shell script": b"#!/bin/sh\nrm -rf /\n",
    "JPEG's first bytes and no more": b"\xff\xd8\xff\xe0",
    "a JPEG cut in half": JPEG[: len(JPEG) // 2],
    "a PNG cut in half": PNG[: len(PNG) // 2],
    "a WebP cut in half": WEBP[: len(WEBP) // 2],
    "a GIF cut in half": GIF[: len(GIF) // 3],
    "a JPEG that claims 65,500 x 65,500": jpeg_claiming(65500, 65500),
    "a PNG that claims two thousand million pixels": png(2**31 - 1, 1),
    "a PNG bomb": png(60000, 60000, data=b"\0" * 1_000_000),
    "a PNG of no size": png(0, 0),
    "a PNG of a million empty chunks": png(64, 64, *[chunk(b"teXt", b"")] * 100_000),
    "a PNG without pixels": png(64, 64),
    "a PNG with a false checksum": PNG[:30] + bytes([PNG[30] ^ 1]) + PNG[31:],
    "a WebP that claims 16,000 x 16,000": WEBP[:12] + b"VP8X" + struct.pack("<I", 10) + b"\0" * 4 + b"\x7f\x3e\0" * 2,
    "a TIFF whose directory is a circle": tiff_in_a_circle(),
    "a TIFF that points beyond its end": b"II*\0\xff\xff\xff\x7f",
    "a BMP that lies about its size": b"BM"
    + struct.pack("<IHHI", 70, 0, 0, 54)
    + struct.pack("<IiiHH", 40, 2**30, 2**30, 1, 24),
    "an ICO of nothing": b"\0\0\x01\0\xff\xff" + b"\xff" * 64,
    "HEIC's first bytes": b"\0\0\0\x18ftypheic" + b"\0" * 100,
    "AVIF's first bytes": b"\0\0\0\x18ftypavif" + b"\0" * 100,
    "a box that is larger than the file": b"\x7f\xff\xff\xffftypheic" + b"\0" * 50,
    "a picture of one pixel": encoded(Image.new("RGB", (1, 1)), "PNG"),
    "a line": encoded(Image.new("RGB", (5000, 2)), "PNG"),
}
MADE_PLAIN: dict[str, bytes] = {
    "a JPEG with a zip behind it": JPEG + zipped(),
    "a PNG with a program behind it": PNG + b"#!/bin/sh\n" + SECRET,
    "a GIF that is JavaScript, too": GIF + b"/*" + SECRET + b"*/",
    "a JPEG with a place in its EXIF": with_words("JPEG"),
    "a WebP with words in its EXIF": with_words("WEBP"),
    "a PNG with a comment": with_words("PNG"),
    "a JPEG with HTML in a comment": JPEG[:2] + b"\xff\xfe\x00\x30" + SECRET.ljust(0x2E) + JPEG[2:],
    "a PNG whose chunk pretends to be XMP with an entity": png(
        64,
        64,
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + SECRET),
        data=b"".join(b"\0" + bytes(np.random.default_rng(1).integers(0, 255, 192, np.uint8)) for _ in range(64)),
    ),
    "a GIF of five hundred frames": gif_of(500),
    "noise that no format makes small": encoded(noise(1500, 1200), "PNG"),
}


@pytest.mark.parametrize("attack", REFUSED)
def test_what_is_no_photo_is_refused_with_a_sentence(tmp_path: Path, attack: str) -> None:
    with pytest.raises(AskPerson) as refused:
        accept(REFUSED[attack], into=tmp_path / "kept")
    assert refused.value.text_key.startswith("error.")
    assert not (tmp_path / "kept").exists() or not list((tmp_path / "kept").iterdir())


@pytest.mark.parametrize("attack", MADE_PLAIN)
def test_what_is_a_photo_and_more_comes_out_as_a_photo_alone(tmp_path: Path, attack: str) -> None:
    taken = accept(MADE_PLAIN[attack], into=tmp_path)
    data = taken.path.read_bytes()
    for hidden in (SECRET, b"evil.py", b"#!/bin/sh", b"DOCTYPE", b"EXIF", b"Exif"):
        assert hidden not in data
    assert taken.path.stat().st_mode & 0o077 == 0
    assert Image.open(io.BytesIO(data)).format in ("JPEG", "PNG", "WEBP")
