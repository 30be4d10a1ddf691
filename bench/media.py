"""What pictures cost on their way through, and what the same files cost to decode and no more.

python -m bench.media

processor       milliseconds of one thread, median
against Pillow  the same as a multiple of `Image.load` of the same bytes, measured in turns with it; on a busy machine
                this says more
when busy       milliseconds by the clock while another thread computes in Python all the time: how often the work has
                to wait for the interpreter
"""

import io
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from providers.media.accept import accept
from providers.media.preview import dimensions, fit_jpeg, thumbnail
from providers.media.save import save_picture
from providers.media.upstream import data_uri
from tests.providers.media.pictures import encoded

RUNS = 15


def picture(width: int, height: int) -> Image.Image:
    """Soft colours with the grain of a photo, so that files are about as large as of a real one."""
    random = np.random.default_rng(3)
    soft = Image.fromarray(random.integers(0, 256, (height // 32, width // 32, 3), np.uint8))
    grain = random.normal(0, 4, (height, width, 3))
    pixels = np.asarray(soft.resize((width, height), Image.Resampling.BICUBIC)) + grain
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def file(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def sideways() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return file(picture(1280, 960), "JPEG", quality=87, exif=exif.tobytes())


def incoming() -> dict[str, bytes]:
    photo = picture(1280, 960)
    return {
        "JPEG 1280 x 960": file(photo, "JPEG", quality=87),
        "progressive": file(photo, "JPEG", quality=87, progressive=True),
        "taken sideways": sideways(),
        "JPEG 4032 x 3008": file(picture(4032, 3008), "JPEG", quality=90),
        "PNG 1280 x 960": file(photo, "PNG"),
        "HEIC 1280 x 960": encoded(photo, "HEIF"),
    }


def results() -> dict[str, bytes]:
    small, large = picture(1024, 1024), picture(2048, 2048)
    return {
        "JPEG 1024 x 1024": file(small, "JPEG", quality=92),
        "PNG 1024 x 1024": file(small, "PNG"),
        "WebP 1024 x 1024": file(small, "WEBP", quality=90),
        "JPEG 2048 x 2048": file(large, "JPEG", quality=92),
        "PNG 2048 x 2048": file(large, "PNG"),
    }


@contextmanager
def busy_interpreter() -> Iterator[None]:
    ended = False

    def compute() -> None:
        while not ended:
            pass

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        yield
    finally:
        ended = True
        thread.join()


def bare(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        image.load()


def milliseconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    work()
    return (clock() - began) * 1000


def line(name: str, data: bytes, work: Callable[[], object]) -> None:
    work()
    costs, decodes = [], []
    for _ in range(RUNS):
        costs.append(milliseconds(work, time.thread_time))
        decodes.append(milliseconds(partial(bare, data), time.thread_time))
    cost, decode = statistics.median(costs), statistics.median(decodes)
    with busy_interpreter():
        busy = statistics.median(milliseconds(work, time.perf_counter) for _ in range(RUNS))
    print(f"  {name:18}{len(data) // 1024:7} KB{cost:10.2f} ms{cost / decode:12.2f} x{busy:13.1f} ms", flush=True)


def section(title: str) -> None:
    print(f"{title:20}{'file':>10}{'processor':>13}{'against Pillow':>15}{'when busy':>15}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, photos, made = Path(name), incoming(), results()
        section("a photo accepted")
        for kind, data in photos.items():
            line(kind, data, partial(accept, data, into=folder))
        section("a result saved")
        paths = {}
        for kind, data in made.items():
            save = partial(save_picture, data, into=folder, stem="a", provider="b", request_id="c")
            paths[kind] = save().path
            line(kind, data, save)
        photo = accept(photos["JPEG 1280 x 960"], into=folder).path
        section("afterwards")
        line("sent to fal", photo.read_bytes(), partial(data_uri, photo))
        line("its size", photo.read_bytes(), partial(dimensions, photo))
        for kind in ("JPEG 1024 x 1024", "PNG 1024 x 1024"):
            line(f"thumbnail, {kind[:4]}", made[kind], partial(thumbnail, paths[kind], 320))
            line(f"in 2 MB, {kind[:4]}", made[kind], partial(fit_jpeg, paths[kind], 2 * 1024 * 1024))


if __name__ == "__main__":
    main()
