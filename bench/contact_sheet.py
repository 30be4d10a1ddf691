"""Contact sheets: photos as rows, operations as columns, every cell a picture to be judged by looking at it.

    python bench/contact_sheet.py sheet.png                    every look and filter on the photos that packages ship
    python bench/contact_sheet.py sheet.png looks me.jpg       only the portrait looks, on one's own photos
    python bench/contact_sheet.py sheet.png people             ID photos, studio portraits and edits
    python bench/contact_sheet.py sheet.png oil,anime faces    named columns, only the faces, enlarged

Without arguments it prints this and does nothing: it makes pictures, it measures nothing.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from providers.embedded.looks import FILTERS, LOOKS
from providers.embedded.work import Job, picture_of
from providers.people.face import Face
from providers.people.find import find_faces
from providers.task import Background, Colour, Lettering, Parameters

Picture = npt.NDArray[np.uint8]
Operation = Callable[[Picture], Picture]
"""A picture in, a picture out (uint8 RGB). What it raises is written into its cell."""

MARGIN, HEADER = 8, 26
PAPER, INK, FAULT = (250, 250, 248), (40, 40, 40), (190, 30, 30)


def contact_sheet(
    photos: Mapping[str, Picture], columns: Sequence[tuple[str, Operation]], path: Path, *, cell: int = 360
) -> None:
    """Run every operation on every photo and save one labelled picture; cells are `cell` pixels square."""
    step = cell + MARGIN
    size = (MARGIN + step * (len(columns) + 1), HEADER + (step + HEADER) * len(photos))
    sheet = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, (name, photo) in enumerate(photos.items()):
        top = HEADER + row * (step + HEADER)
        for column, (label, operation) in enumerate([("photo", _same), *columns]):
            left = MARGIN + column * step
            began = time.perf_counter()
            try:
                result = operation(photo)
            except Exception as fault:  # a sheet shows what went wrong and goes on
                draw.text((left, top), f"{type(fault).__name__}: {str(fault)[:60]}", FAULT, font)
                continue
            spent = round((time.perf_counter() - began) * 1000)
            _place(sheet, result, left, top, cell)
            note = f"{name}  {photo.shape[1]} x {photo.shape[0]}" if column == 0 else f"{label}  {spent} ms"
            draw.text((left, top - HEADER + 6), note, INK, font)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _same(picture: Picture) -> Picture:
    return picture


def _place(sheet: Image.Image, picture: Picture, left: int, top: int, cell: int) -> None:
    shown = Image.fromarray(picture)
    factor = min(cell / shown.width, cell / shown.height)
    shown = shown.resize(
        (max(1, round(shown.width * factor)), max(1, round(shown.height * factor))), Image.Resampling.LANCZOS
    )
    sheet.paste(shown, (left, top))


def shipped_photos() -> dict[str, Picture]:
    """Photographs that installed packages carry, and harder ones made of them. Needs scikit-image and matplotlib."""
    import skimage

    data: Any = skimage.data
    hopper = Image.open(str(files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg")).convert("RGB")
    astronaut = np.asarray(data.astronaut(), np.uint8)
    noise = np.random.default_rng(0).normal(0, 5, astronaut.shape)
    dark = np.clip((astronaut / 255.0) ** 2.2 * 140 + noise, 0, 255).astype(np.uint8)
    _, squeezed = cv2.imencode(".jpg", np.ascontiguousarray(astronaut[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 18])
    blocky = np.asarray(cv2.imdecode(squeezed, cv2.IMREAD_COLOR), np.uint8)[..., ::-1].copy()
    officer = np.asarray(hopper, np.uint8)
    grey = cv2.cvtColor(officer, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, axis=2)
    return {
        "astronaut": _sized(astronaut, 1024),
        "officer": _sized(officer, 1024),
        "close": _sized(astronaut[20:300, 110:340], 1024),
        "photographer": _sized(np.dstack([np.asarray(data.camera(), np.uint8)] * 3), 1024),
        "cup": _sized(np.asarray(data.coffee(), np.uint8), 1024),
        "cat": _sized(np.asarray(data.chelsea(), np.uint8), 1024),
        "dark": _sized(dark, 1024),
        "blocky": blocky,
        "flat grey": (grey * 0.2 + 85).astype(np.uint8),
        "small": _sized(officer, 200),
        "at the edge": np.ascontiguousarray(_sized(astronaut, 1024)[60:760, 400:1020]),
    }


def _sized(picture: Picture, long_side: int) -> Picture:
    factor = long_side / max(picture.shape[:2])
    size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size, interpolation=way), np.uint8)


def faces_of(picture: Picture) -> tuple[Face, ...]:
    """The faces of a photo, looked for once however many columns need them."""
    return _faces(picture.tobytes(), picture.shape)


@cache
def _faces(pixels: bytes, shape: tuple[int, ...]) -> tuple[Face, ...]:
    return find_faces(np.frombuffer(pixels, np.uint8).reshape(shape))


def looks(names: Sequence[str]) -> list[tuple[str, Operation]]:
    """The named looks and filters as columns; each gets the faces, as from the provider."""
    known = {**FILTERS, **LOOKS}

    def on_faces(name: str) -> Operation:
        return lambda picture: known[name](picture, faces_of(picture))

    return [(name, on_faces(name)) for name in names]


def _on(kind: Literal["transparent", "colour", "blurred"], *colours: Colour) -> Parameters:
    return Parameters(background=Background(kind=kind, colours=colours))


_LETTERS = Parameters(lettering=Lettering(text="生日快乐 Happy birthday"))

JOBS: dict[str, dict[str, Any]] = {
    "ID white": {"operation": "portrait", "style": "id_photo_white"},
    "ID blue": {"operation": "portrait", "style": "id_photo_blue"},
    "ID red": {"operation": "portrait", "style": "id_photo_red"},
    "professional": {"operation": "portrait", "style": "professional"},
    "light": {"operation": "portrait", "style": "light_portrait"},
    "light, dark": {"operation": "portrait", "style": "light_portrait", "take": 1},
    "enhance": {"operation": "edit", "action": "enhance"},
    "retouch": {"operation": "edit", "action": "retouch"},
    "restore": {"operation": "edit", "action": "restore"},
    "colorize": {"operation": "edit", "action": "colorize"},
    "upscale": {"operation": "edit", "action": "upscale", "parameters": Parameters(scale=2)},
    "upscale 4x": {"operation": "edit", "action": "upscale", "parameters": Parameters(scale=4)},
    "cut out": {
        "operation": "edit",
        "action": "replace_bg",
        "parameters": _on("transparent"),
    },
    "blue": {
        "operation": "edit",
        "action": "replace_bg",
        "parameters": _on("colour", (173, 216, 240)),
    },
    "blur": {
        "operation": "edit",
        "action": "replace_bg",
        "parameters": _on("blurred"),
    },
    "extend": {"operation": "edit", "action": "extend", "aspect_ratio": "16:9"},
    "text": {
        "operation": "edit",
        "action": "text_render",
        "parameters": _LETTERS,
    },
    "before, after": {"operation": "edit", "action": "before_after", "language": "zh"},
}
"""Portraits of people and edits, as the provider's jobs."""


def jobs(names: Sequence[str]) -> list[tuple[str, Operation]]:
    """The named jobs as columns. A cut-out is shown on a chequered ground."""

    def done(values: dict[str, Any]) -> Operation:
        def made(picture: Picture) -> Picture:
            job = Job(**values)
            return _on_chequers(picture_of(job, (picture,), faces_of(picture), job.take))

        return made

    return [(name, done(JOBS[name])) for name in names]


def _on_chequers(picture: Picture) -> Picture:
    if picture.shape[2] == 3:
        return picture
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]] // 24
    ground = np.where((rows + columns) % 2, 205, 240)[..., None]
    alpha = picture[..., 3:] / 255
    return np.asarray(picture[..., :3] * alpha + ground * (1 - alpha), np.uint8)


def zoomed(operation: Operation) -> Operation:
    """The same, but what comes back is the largest face of the photo, with a little around it."""

    def face_of(picture: Picture) -> Picture:
        result = operation(picture)
        found = faces_of(picture)
        if not found:
            return result
        face = max(found, key=lambda one: one.w * one.h).scaled(result.shape[1] / picture.shape[1])
        reach = face.w * 0.85
        top, left = max(0, round(face.centre[1] - reach)), max(0, round(face.centre[0] - reach))
        return np.ascontiguousarray(result[top : top + round(2 * reach), left : left + round(2 * reach)])

    return face_of


def main(arguments: list[str]) -> None:
    if not arguments:
        print(__doc__)
        return
    path, wanted, rest = Path(arguments[0]), [*arguments[1:2], "all"][0], arguments[2:]
    names = {"looks": list(LOOKS), "filters": list(FILTERS), "all": [*LOOKS, *(set(FILTERS) - set(LOOKS))]}
    if wanted == "people":
        columns = jobs(list(JOBS))
    else:
        columns = looks(sorted(names[wanted]) if wanted in names else wanted.split(","))
    own = [Path(name) for name in rest if name != "faces"]
    photos = {one.stem: np.asarray(Image.open(one).convert("RGB"), np.uint8) for one in own} or shipped_photos()
    if "faces" in rest:
        columns = [(label, zoomed(operation)) for label, operation in columns]
    cv2.setNumThreads(1)
    contact_sheet(photos, columns, path)
    print(f"{len(photos)} photos, {len(columns)} operations: {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
