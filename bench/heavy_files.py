"""Peak memory and seconds for the heaviest files that are still photos: `python -m bench.heavy_files [NAME …]`.

Each file is made here, as small in bytes and as large in pixels as the limits allow, and accepted in a process of its
own, whose peak is measured; the last line is two of the worst at once in one process.
"""

import io
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 8000
"""8000 x 8000 are the 64 million pixels that are decoded whole."""
Maker = Callable[[], bytes]


def ramp(width: int = SIDE, height: int = SIDE, bands: int = 3) -> NDArray[np.uint8]:
    """Smooth in both directions, with the noise of a good camera."""
    across = np.linspace(0, 255, width, dtype=np.float32)
    out = np.empty((height, width, bands), np.uint8)
    for top in range(0, height, 500):
        rows = np.linspace(top / height, (top + 500) / height, min(500, height - top), dtype=np.float32)[:, None]
        for band in range(bands):
            out[top : top + 500, :, band] = (across * (0.4 + 0.5 * rows) + 20 * band).astype(np.uint8)
    return out


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(mode: str = "RGB", side: int = SIDE) -> Image.Image:
    bands = {"RGB": 3, "RGBA": 4, "CMYK": 4, "L": 1}[mode]
    pixels = ramp(side, side, bands)
    return Image.fromarray(pixels[:, :, 0] if bands == 1 else pixels, mode=mode)


def palette_png() -> bytes:
    """64 megapixels in 76 KB: one colour of a palette, one of them transparent."""
    rows = zlib.compressobj(9)
    pixels = b"".join(rows.compress(b"\0" + b"\1" * SIDE) for _ in range(SIDE)) + rows.flush()
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"PLTE", bytes(range(12))), (b"tRNS", b"\0\x80"), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def deep_png() -> bytes:
    """16 bits a channel, colour."""
    rows = zlib.compressobj(6)
    line = np.linspace(0, 65535, SIDE).astype(">u2").repeat(3).tobytes()
    same = b"\2" + bytes(len(line))  # the filter "up": as the row above
    pixels = rows.compress(b"\0" + line) + b"".join(rows.compress(same) for _ in range(SIDE - 1)) + rows.flush()
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def heic() -> bytes:
    """A phone's 48 megapixels."""
    import pillow_heif  # of the tests: it can write what we only read

    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(ramp(8064, 6048))).save(buffer, quality=30)
    return buffer.getvalue()


def float_tiff() -> bytes:
    grey = np.broadcast_to(np.linspace(0, 1, SIDE, dtype=np.float32), (SIDE, SIDE))
    return saved(Image.fromarray(np.ascontiguousarray(grey)), "TIFF", compression="tiff_adobe_deflate")


def noisy_png() -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (2580, 2580, 3), np.uint8)
    return saved(Image.fromarray(noise), "PNG", compress_level=1)


FILES: dict[str, Maker] = {
    "JPEG baseline 120 MP 4:2:0": lambda: saved(Image.fromarray(ramp(12_000, 10_000)), "JPEG", quality=60),
    "JPEG baseline 120 MP 4:4:4": lambda: saved(
        Image.fromarray(ramp(12_000, 10_000)), "JPEG", quality=60, subsampling=0
    ),
    "JPEG progressive 64 MP 4:2:0": lambda: saved(picture(), "JPEG", quality=60, progressive=True),
    "JPEG progressive 64 MP 4:4:4": lambda: saved(picture(), "JPEG", quality=60, progressive=True, subsampling=0),
    "JPEG CMYK 64 MP": lambda: saved(picture("CMYK"), "JPEG", quality=60),
    "PNG RGB 64 MP": lambda: saved(picture(), "PNG", compress_level=4),
    "PNG RGBA 64 MP": lambda: saved(picture("RGBA"), "PNG", compress_level=4),
    "PNG palette with transparency 64 MP": palette_png,
    "PNG 16-bit colour 64 MP": deep_png,
    "PNG black and white 64 MP": lambda: saved(picture("L").convert("1"), "PNG"),
    "PNG noise 20 MB": noisy_png,
    "WebP lossy 62 MP": lambda: saved(Image.fromarray(ramp(7900, 7900)), "WEBP", quality=60, method=0),
    "WebP lossy with alpha 62 MP": lambda: saved(
        Image.fromarray(ramp(7900, 7900, 4), mode="RGBA"), "WEBP", quality=60, method=0
    ),
    "WebP lossless with alpha 62 MP": lambda: saved(
        Image.fromarray(ramp(7900, 7900, 4), mode="RGBA"), "WEBP", lossless=True, method=0, quality=0
    ),
    "GIF 64 MP": lambda: saved(picture("L"), "GIF"),
    "TIFF deflate, one strip, 64 MP": lambda: saved(
        picture(), "TIFF", compression="tiff_adobe_deflate", strip_size=1 << 30
    ),
    "TIFF float 64 MP": float_tiff,
    "BMP black and white 64 MP": lambda: saved(picture("L").convert("1"), "BMP"),
    "AVIF 4:2:0 64 MP": lambda: saved(picture(), "AVIF", quality=40, speed=10),
    "AVIF 4:4:4 with alpha 64 MP": lambda: saved(picture("RGBA"), "AVIF", quality=40, speed=10, subsampling="4:4:4"),
    "HEIC 48 MP": heic,
    "JPEG 2000 64 MP": lambda: saved(picture(), "JPEG2000", quality_mode="rates", quality_layers=[40]),
    "TGA run-length 64 MP": lambda: saved(Image.new("RGB", (SIDE, SIDE), "teal"), "TGA", compression="tga_rle"),
}

_ACCEPT = """
import re, sys, tempfile, threading, time
from pathlib import Path
from providers.errors import LikenessError
from providers.media.accept import accept
import providers.embedded.provider
def peak():  # of this program: what the system tells of resources begins with its parent's
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
said = []
def one(path, folder):
    try:
        made = accept(Path(path), into=Path(folder))
        said.append(f"{made.width}x{made.height} {made.size_bytes // 1000} KB")
    except LikenessError as error:
        said.append(error.code)
with tempfile.TemporaryDirectory() as folder:
    begun = time.perf_counter()
    threads = [threading.Thread(target=one, args=(path, folder)) for path in sys.argv[1:]]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    seconds = time.perf_counter() - begun
print(before // 1024, peak() // 1024, f"{seconds:.1f}", *said, sep="\\t")
"""


def measured(*paths: Path) -> list[str]:
    """Peak before and after in MB, seconds, and what came of it."""
    command = [sys.executable, "-c", _ACCEPT, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": "."})
    return done.stdout.split("\n")[0].split("\t") if done.returncode == 0 else ["", "", "", done.stderr[-300:]]


def main(wanted: list[str]) -> None:
    Image.MAX_IMAGE_PIXELS = None
    kept = Path(tempfile.gettempdir()) / "likeness-heavy-files"
    kept.mkdir(exist_ok=True)
    print(f"{'file':38} {'MB':>6} {'idle':>5} {'peak MB':>8} {'s':>6}  came of it")
    peaks: list[tuple[int, Path]] = []
    for name, make in FILES.items():
        if wanted and not any(word.lower() in name.lower() for word in wanted):
            continue
        path = kept / name.replace(" ", "-").replace(":", "").replace(",", "")
        if not path.exists():
            path.write_bytes(make())
        before, peak, seconds, *said = measured(path)
        size = path.stat().st_size / 1e6
        print(f"{name:38} {size:6.1f} {before:>5} {peak:>8} {seconds:>6}  {' '.join(said)}", flush=True)
        peaks.append((int(peak or 0), path))
    if len(peaks) > 1:
        worst = [path for _, path in sorted(peaks)[-2:]]
        before, peak, seconds, *said = measured(*worst)
        print(f"{'the two worst at once':38} {'':6} {before:>5} {peak:>8} {seconds:>6}  {' '.join(said)}")


if __name__ == "__main__":
    begun = time.perf_counter()
    main(sys.argv[1:])
    print(f"{time.perf_counter() - begun:.0f} s in all")
